"""Mode Organization: what comes out undisturbed, which is what the sweeps compare with."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.scenarios.cluster import Document
from tests.sweeps.operations import Operation
from tests.sweeps.organization import OrganizationWorld
from tests.sweeps.organization_changes import (
    STAGED,
    changes_asked_for,
    changes_by_hand,
    creation,
    deletion,
    retaining_deletion,
)
from tests.sweeps.sweeping import recorded

ONCE = {
    "role": 1,
    "management role": 1,
    "StackSet": 1,
    "member roles": 1,
    "stack changed": 1,
    "stack deleted": 0,
}


def outcome(organization: OrganizationWorld, operations: Callable[[OrganizationWorld], list[Operation]]) -> Document:
    operation = operations(organization)[0]
    recorded(operation)
    return operation.expected or {}


def test_a_creation_makes_everything_once_and_tells_of_it(organization: OrganizationWorld) -> None:
    found = outcome(organization, creation)

    assert found["creations"] == ONCE
    assert found["status names the role"]
    assert found["status names the stack"]
    assert found["status"]["conditions"]["Ready"][:2] == ["True", "ConnectorReady"]
    assert found["change sets left over"] == []
    assert found["stack"]["status"] == "CREATE_COMPLETE"
    assert found["stack"]["parameters"]["Permissions"] == "FullAccess"
    assert found["management role"]["boundary"] == found["stack"]["parameters"]["PermissionsBoundaryArn"]
    assert [state[1:] for state in found["StackSet"]["instances"].values()] == [["CURRENT", "SUCCEEDED"]]
    assert found["status"]["conditions"]["MemberAccountsReady"][:2] == ["True", "MemberRolesCurrent"]
    assert found["in Workloads"] is None
    assert "boundary-FullAccess" in found["in Others"]["boundary"]


def test_a_creation_that_failed_is_made_anew_once(organization: OrganizationWorld) -> None:
    found = outcome(organization, STAGED["creation that fails"])

    assert found["creations"] == {**ONCE, "stack changed": 2, "stack deleted": 1}
    assert found["status names the stack"]


def test_a_stack_that_was_deleted_by_hand_is_made_anew_once(organization: OrganizationWorld) -> None:
    operation = next(one for one in changes_by_hand(organization) if one.name == "stack deleted")
    recorded(operation)

    assert operation.expected is not None
    assert operation.expected["creations"]["management role"] == operation.expected["creations"]["member roles"] == 1
    assert operation.expected["status names the stack"]


def test_another_unit_moves_the_role_from_one_account_to_the_other(organization: OrganizationWorld) -> None:
    operation = next(one for one in changes_asked_for(organization) if one.name == "unit")
    before = organization.seen(operation.subject.owner, 0)
    recorded(operation)

    assert operation.expected is not None
    assert [before[unit] is None for unit in ("in Workloads", "in Others")] == [False, True]
    assert [operation.expected[unit] is None for unit in ("in Workloads", "in Others")] == [True, False]
    assert operation.expected["creations"]["StackSet"] == 0


def test_without_a_template_for_members_their_roles_go(organization: OrganizationWorld) -> None:
    operation = next(one for one in changes_asked_for(organization) if one.name == "no member accounts")
    recorded(operation)

    assert operation.expected is not None
    assert operation.expected["management role"]
    assert [operation.expected[name] for name in ("StackSet", "in Workloads", "in Others")] == [None, None, None]


@pytest.mark.parametrize("operations", [deletion, STAGED["deletion that fails"]], ids=["at once", "at the second try"])
def test_a_deletion_leaves_nothing_and_takes_the_connector_role_last(
    organization: OrganizationWorld, operations: Callable[[OrganizationWorld], list[Operation]]
) -> None:
    found = outcome(organization, operations)

    things = ("role", "stack", "management role", "StackSet", "in Workloads", "in Others", "status", "kept")
    left = {name: found[name] for name in things}
    assert left == dict.fromkeys(left)
    assert not found["connector role went first"]


def test_a_deletion_that_retains_leaves_all_roles_and_the_stack(organization: OrganizationWorld) -> None:
    found = outcome(organization, retaining_deletion)

    assert found["status"] is None
    assert None not in (found["role"], found["management role"], found["StackSet"], found["in Workloads"])
    assert found["stack"]["status"] == "CREATE_COMPLETE"
