"""Mode Organization: each call of the operator fails once, in the member or management account or in the cluster.

Among what befalls them is that the session in the management account is over before its time.
"""

from __future__ import annotations

import pytest

from tests.sweeps.disturbances import of_aws, of_aws_writes
from tests.sweeps.faults import restarted_after
from tests.sweeps.organization import OrganizationWorld
from tests.sweeps.organization_changes import (
    change_of_everything,
    changes_asked_for,
    changes_by_hand,
    creation,
    deletion,
    retaining_deletion,
)
from tests.sweeps.organization_sweeps import lives_through
from tests.sweeps.parts import by_turns, part
from tests.sweeps.sweeping import sweep
from tests.sweeps.tally import Record, Tally

pytestmark = pytest.mark.timeout(600)  # many points each


@pytest.mark.parametrize("number", [0, 1])
def test_a_creation_lives_through_a_fault_at_any_call(
    organization: OrganizationWorld, number: int, record: Record
) -> None:
    lives_through(organization, creation, part(of_aws, number, of=2), record)


def test_a_change_of_everything_lives_through_a_fault_at_any_call(
    organization: OrganizationWorld, record: Record
) -> None:
    lives_through(organization, change_of_everything, by_turns(of_aws, of=4), record)


def test_a_change_asked_for_lives_through_a_fault_at_any_write_to_aws(
    organization: OrganizationWorld, record: Record
) -> None:
    lives_through(organization, changes_asked_for, by_turns(of_aws_writes, of=2), record)


def test_a_change_by_hand_lives_through_a_fault_at_any_write_to_aws(
    organization: OrganizationWorld, record: Record
) -> None:
    lives_through(organization, changes_by_hand, by_turns(of_aws_writes, of=2, first=1), record)


def test_a_change_by_hand_lives_through_a_fault_at_any_other_write_to_aws_and_a_restart(
    organization: OrganizationWorld, record: Record
) -> None:
    tally = Tally("Organization faults")
    sweep([organization], changes_by_hand, by_turns(of_aws_writes, of=2), restarted_after, tally)
    tally.record(record)


def test_a_deletion_lives_through_a_fault_at_any_call(organization: OrganizationWorld, record: Record) -> None:
    lives_through(organization, deletion, of_aws, record)


def test_a_deletion_that_retains_lives_through_a_fault_at_any_call(
    organization: OrganizationWorld, record: Record
) -> None:
    lives_through(organization, retaining_deletion, of_aws, record)
