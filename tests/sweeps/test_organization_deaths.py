"""Mode Organization: the operator dies at each of its writes, and another takes over that remembers nothing."""

from __future__ import annotations

import pytest

from tests.sweeps.line import after_writes, around_writes
from tests.sweeps.organization import OrganizationWorld
from tests.sweeps.organization_changes import changes_asked_for, changes_by_hand, creation, life, retaining_deletion
from tests.sweeps.organization_sweeps import Operations, survives
from tests.sweeps.parts import by_turns
from tests.sweeps.tally import Record

pytestmark = pytest.mark.timeout(600)  # many points each


def test_a_creation_survives_a_death_before_and_after_any_write(
    organization: OrganizationWorld, record: Record
) -> None:
    survives(organization, creation, around_writes, record)


@pytest.mark.parametrize("operations", [changes_asked_for, changes_by_hand], ids=["asked for", "by hand"])
def test_a_change_survives_a_death_after_any_write(
    organization: OrganizationWorld, operations: Operations, record: Record
) -> None:
    survives(organization, operations, by_turns(after_writes, of=2), record)


def test_nothing_is_left_of_a_connector_that_is_deleted_after_a_death_after_any_write(
    organization: OrganizationWorld, record: Record
) -> None:
    survives(organization, life, after_writes, record)


def test_a_deletion_that_retains_survives_a_death_after_any_write(
    organization: OrganizationWorld, record: Record
) -> None:
    survives(organization, retaining_deletion, after_writes, record)
