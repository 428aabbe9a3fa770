"""Mode Organization: what may happen while CloudFormation is at work, in each status that a stack passes through."""

from __future__ import annotations

import pytest

from tests.sweeps.organization import OrganizationWorld
from tests.sweeps.organization_changes import STAGED, creation, deletion, life
from tests.sweeps.organization_sweeps import Operations, survives_each_status
from tests.sweeps.stages import OF_STACK_SETS, STATUSES, gone_on_after, of_its_own, staged, struck_after
from tests.sweeps.sweeping import finished, recorded, sweep_recordings
from tests.sweeps.tally import Record, Tally

pytestmark = pytest.mark.timeout(600)  # many points each

SESSION = 3600.0
"""Seconds for which a session in a management account is good."""


@pytest.mark.parametrize("name", [name for name in STATUSES if name not in OF_STACK_SETS])
def test_an_operation_survives_a_death_in_any_status_and_a_look_that_fails_then(
    organization: OrganizationWorld, name: str, record: Record
) -> None:
    survives_each_status(organization, name, record)


@pytest.mark.parametrize("name", ["creation", "update", "deletion"])
def test_an_operation_lives_through_a_look_that_fails_in_any_status(
    organization: OrganizationWorld, name: str, record: Record
) -> None:
    tally = Tally("stack statuses")
    sweep_recordings([organization], STAGED[name], (staged, of_its_own(name)), struck_after, tally)
    tally.record(record)


def test_nothing_is_left_of_a_connector_that_is_deleted_in_any_status_of_its_creation(
    organization: OrganizationWorld, record: Record
) -> None:
    tally = Tally("stack statuses")
    sweep_recordings([organization], life, (staged, list), gone_on_after, tally)
    tally.record(record)


@pytest.mark.parametrize("operations", [creation, deletion], ids=["creation", "deletion"])
def test_an_operation_whose_looks_each_need_a_session_of_their_own_comes_out_as_any(
    organization: OrganizationWorld, operations: Operations
) -> None:
    (usual,), (slow,) = operations(organization), operations(organization)
    recorded(usual)
    slow.begin()

    with organization.stack_steps(SESSION):
        assert finished(slow) is None

    assert len(organization.aws.calls.of(operation="AssumeRole", account=organization.account)) > 1
    assert slow.outcome() == usual.expected
