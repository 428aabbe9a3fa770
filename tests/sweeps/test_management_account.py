"""Mode ManagementAccount: deaths and faults at the operator's calls, and while CloudFormation is at work.

The stack has a StackSet here and no role. Of what the modes have in common, each takes a part of the points.
"""

from __future__ import annotations

import pytest

from tests.sweeps.disturbances import of_each
from tests.sweeps.line import after_aws_writes, around_writes
from tests.sweeps.organization import OrganizationWorld
from tests.sweeps.organization_changes import change_of_everything, changes_asked_for, creation, deletion, life
from tests.sweeps.organization_sweeps import lives_through, survives, survives_each_status
from tests.sweeps.parts import by_turns
from tests.sweeps.stages import OF_STACK_SETS
from tests.sweeps.sweeping import recorded
from tests.sweeps.tally import Record

pytestmark = pytest.mark.timeout(600)  # many points each


def test_a_creation_makes_one_role_here_and_one_in_each_member(management_account: OrganizationWorld) -> None:
    (operation,) = creation(management_account)
    recorded(operation)

    found = operation.expected or {}
    assert found["creations"] == {
        "role": 1,
        "management role": 0,
        "StackSet": 1,
        "member roles": 1,
        "stack changed": 1,
        "stack deleted": 0,
    }
    assert found["status names the role"]
    assert found["status names the stack"]
    assert found["status"]["conditions"]["Ready"][:2] == ["True", "ConnectorReady"]
    assert found["status"]["conditions"]["MemberAccountsReady"][:2] == ["True", "MemberRolesCurrent"]
    assert found["stack"]["status"] == "CREATE_COMPLETE"
    assert (found["in Workloads"], found["management role"]) == (None, None)
    assert "boundary-FullAccess" in found["in Others"]["boundary"]


def test_a_deletion_leaves_nothing_and_takes_the_connector_role_last(management_account: OrganizationWorld) -> None:
    (operation,) = deletion(management_account)
    recorded(operation)

    found = operation.expected or {}
    left = {name: found[name] for name in ("role", "stack", "StackSet", "in Workloads", "in Others", "status", "kept")}
    assert left == dict.fromkeys(left)
    assert not found["connector role went first"]


def test_a_creation_survives_a_death_before_and_after_any_write(
    management_account: OrganizationWorld, record: Record
) -> None:
    survives(management_account, creation, around_writes, record)


def test_a_change_survives_a_death_before_and_after_any_write(
    management_account: OrganizationWorld, record: Record
) -> None:
    survives(management_account, changes_asked_for, by_turns(around_writes, of=4), record)


def test_a_deletion_survives_a_death_before_and_after_any_write(
    management_account: OrganizationWorld, record: Record
) -> None:
    survives(management_account, deletion, around_writes, record)


def test_nothing_is_left_of_a_connector_that_is_deleted_after_a_death_after_any_write_to_aws(
    management_account: OrganizationWorld, record: Record
) -> None:
    survives(management_account, life, after_aws_writes, record)


def test_a_creation_lives_through_a_fault_at_any_call(management_account: OrganizationWorld, record: Record) -> None:
    lives_through(management_account, creation, of_each, record)


def test_a_change_of_everything_lives_through_a_fault_at_any_call(
    management_account: OrganizationWorld, record: Record
) -> None:
    lives_through(management_account, change_of_everything, by_turns(of_each, of=4, first=2), record)


def test_a_deletion_lives_through_a_fault_at_any_call(management_account: OrganizationWorld, record: Record) -> None:
    lives_through(management_account, deletion, of_each, record)


@pytest.mark.parametrize("name", [*OF_STACK_SETS, "deletion that fails"])
def test_an_operation_survives_a_death_in_any_status_and_a_look_that_fails_then(
    management_account: OrganizationWorld, name: str, record: Record
) -> None:
    survives_each_status(management_account, name, record)
