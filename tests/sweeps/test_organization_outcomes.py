"""Mode Organization: what comes out undisturbed, which is what the sweeps compare with."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.scenarios.cluster import Document
from tests.sweeps.operations import Operation
from tests.sweeps.organization import OrganizationWorld
from tests.sweeps.organization_changes import STAGED, changes_by_hand, creation, deletion, retaining_deletion
from tests.sweeps.sweeping import recorded

ONCE = {"role": 1, "management role": 1, "stack changed": 1, "stack deleted": 0}


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


def test_a_creation_that_failed_is_made_anew_once(organization: OrganizationWorld) -> None:
    found = outcome(organization, STAGED["creation that fails"])

    assert found["creations"] == {**ONCE, "stack changed": 2, "stack deleted": 1}
    assert found["status names the stack"]


def test_a_stack_that_was_deleted_by_hand_is_made_anew_once(organization: OrganizationWorld) -> None:
    operation = next(one for one in changes_by_hand(organization) if one.name == "stack deleted")
    recorded(operation)

    assert operation.expected is not None
    assert operation.expected["creations"]["management role"] == 1
    assert operation.expected["status names the stack"]


@pytest.mark.parametrize("operations", [deletion, STAGED["deletion that fails"]], ids=["at once", "at the second try"])
def test_a_deletion_leaves_nothing_and_takes_the_connector_role_last(
    organization: OrganizationWorld, operations: Callable[[OrganizationWorld], list[Operation]]
) -> None:
    found = outcome(organization, operations)

    left = {name: found[name] for name in ("role", "stack", "management role", "status", "kept")}
    assert left == dict.fromkeys(left)
    assert not found["connector role went first"]


def test_a_deletion_that_retains_leaves_both_roles_and_the_stack(organization: OrganizationWorld) -> None:
    found = outcome(organization, retaining_deletion)

    assert found["status"] is None
    assert None not in (found["role"], found["management role"])
    assert found["stack"]["status"] == "CREATE_COMPLETE"
