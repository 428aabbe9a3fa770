"""Each status that a stack can have, reached for real, and what the operator makes of it.

`REACHED` tells which test is about which status; a test compares it with the statuses of the API.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import botocore.session
import pytest

from apono_operator.state.stack import MEANINGS, Meaning
from sandbox.aws import Fault, access_denied
from tests.scenarios.conftest import StartOrganization
from tests.scenarios.organization import OrganizationScenario
from tests.scenarios.scenario import CHILD, NAME, condition_of
from tests.waiting import PATIENCE, until

DENIED = "CloudFormation is not authorized to perform: "

REACHED: dict[str, str] = {
    "REVIEW_IN_PROGRESS": "test_a_stack_that_a_crash_left_empty_is_made",
    "CREATE_IN_PROGRESS": "test_a_stack_that_somebody_else_works_on_is_waited_for",
    "CREATE_COMPLETE": "test_a_stack_that_a_crash_left_empty_is_made",
    "CREATE_FAILED": "test_a_stack_that_was_never_made_is_made_anew",
    "ROLLBACK_IN_PROGRESS": "test_a_stack_that_was_never_made_is_made_anew",
    "ROLLBACK_COMPLETE": "test_a_creation_that_failed_waits_and_another_wish_does_not",
    "ROLLBACK_FAILED": "test_a_stack_that_was_never_made_is_made_anew",
    "UPDATE_IN_PROGRESS": "test_a_stack_that_somebody_else_works_on_is_waited_for",
    "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS": "test_a_stack_that_somebody_else_works_on_is_waited_for",
    "UPDATE_COMPLETE": "test_an_update_that_failed_is_told_with_its_reason_and_tried_again_when_it_is_asked_for",
    "UPDATE_FAILED": "test_an_update_of_others_that_failed_and_was_not_undone_is_changed_back",
    "UPDATE_ROLLBACK_IN_PROGRESS": "test_a_rollback_that_failed_is_told_and_goes_on_when_it_is_asked_for",
    "UPDATE_ROLLBACK_COMPLETE": (
        "test_an_update_that_failed_is_told_with_its_reason_and_tried_again_when_it_is_asked_for"
    ),
    "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS": (
        "test_a_rollback_that_failed_is_told_and_goes_on_when_it_is_asked_for"
    ),
    "UPDATE_ROLLBACK_FAILED": "test_a_rollback_that_failed_is_told_and_goes_on_when_it_is_asked_for",
    "DELETE_IN_PROGRESS": "test_a_deletion_that_failed_stays_told_until_it_succeeds",
    "DELETE_COMPLETE": "test_a_deletion_that_failed_stays_told_until_it_succeeds",
    "DELETE_FAILED": "test_a_deletion_that_failed_stays_told_until_it_succeeds",
}
NOT_REACHED = {status for status in MEANINGS if status.startswith("IMPORT_")}
"""The operator imports nothing, and the sandbox models no import; tests of the plan alone cover them."""


def test_each_status_of_a_stack_has_a_test_here() -> None:
    model: Any = botocore.session.get_session().get_service_model("cloudformation")
    tests = {name for name in vars(sys.modules[__name__]) if name.startswith("test_")}

    assert REACHED.keys() | NOT_REACHED == set(model.shape_for("StackStatus").enum) == MEANINGS.keys()
    assert set(REACHED.values()) <= tests


def message_of(scenario: OrganizationScenario) -> str:
    return scenario.message("ManagementStackReady")


@contextmanager
def denied(scenario: OrganizationScenario, *operations: str, times: int | None = None) -> Iterator[None]:
    """CloudFormation is denied calls to IAM in the management account, each so many times."""
    with ExitStack() as faults:
        for one in operations:
            effect = access_denied(f"{DENIED}iam:{one}")
            fault = Fault(effect, operation=one, account=scenario.management, times=times)
            faults.enter_context(scenario.aws.faults.during(fault))
        yield


def statuses(scenario: OrganizationScenario, stack_id: str) -> list[str]:
    """All statuses that a stack has had, the first one first."""
    events = scenario.stacks.describe_stack_events(StackName=stack_id)["StackEvents"]
    return [one["ResourceStatus"] for one in reversed(events) if one["PhysicalResourceId"] == stack_id]


# --- never made ---------------------------------------------------------------------------------------------------


def test_a_stack_that_a_crash_left_empty_is_made(start_organization: StartOrganization) -> None:
    scenario = start_organization()
    fault = Fault(access_denied(), operation="ExecuteChangeSet", account=scenario.management, times=None)
    with scenario.aws.faults.during(fault):
        scenario.create_token()
        scenario.apply()
        stack_id = scenario.stack_is("REVIEW_IN_PROGRESS", seconds=PATIENCE)["StackId"]
        scenario.operator.kill()

    with scenario.installation.start() as operator:
        scenario.operator = operator
        connector = scenario.ready(seconds=PATIENCE)
    assert connector["status"]["managementStackId"] == stack_id
    assert statuses(scenario, stack_id) == ["REVIEW_IN_PROGRESS", "CREATE_IN_PROGRESS", "CREATE_COMPLETE"]


def test_a_creation_that_failed_waits_and_another_wish_does_not(organization: OrganizationScenario) -> None:
    with denied(organization, "CreateRole"):
        organization.create_token()
        organization.apply(permissions="ReadOnly")
        organization.condition("ManagementStackReady", "False", "StackFailed", seconds=PATIENCE)
        failed = organization.stack_id()
        message = message_of(organization)
        organization.stack_is("ROLLBACK_COMPLETE", failed)

    assert "ManagementRole" in message
    assert f"{DENIED}iam:CreateRole" in message
    organization.apply(permissions="FullAccess")
    connector = organization.ready(seconds=PATIENCE)
    assert connector["status"]["managementStackId"] != failed
    organization.stack_is("DELETE_COMPLETE", failed)


@pytest.mark.parametrize("ending", ["ROLLBACK_FAILED", "CREATE_FAILED"])
def test_a_stack_that_was_never_made_is_made_anew(organization: OrganizationScenario, ending: str) -> None:
    denials: tuple[str, ...] = ("PutRolePolicy", "DeleteRolePolicy", "DeleteRole")
    if ending == "CREATE_FAILED":
        organization.aws.hooks.before(without_rollback, operation="ExecuteChangeSet", account=organization.management)
        denials = ("PutRolePolicy",)
    with denied(organization, *denials):
        organization.create_token()
        organization.apply()
        organization.condition("ManagementStackReady", "False", "StackFailed", seconds=PATIENCE)
        failed = organization.stack_is(ending)["StackId"]
    organization.aws.hooks.clear()

    organization.look_again()

    connector = organization.ready(seconds=PATIENCE)
    assert connector["status"]["managementStackId"] != failed
    assert ("ROLLBACK_IN_PROGRESS" in statuses(organization, failed)) == (ending == "ROLLBACK_FAILED")


def without_rollback(call: Any) -> None:
    """As if others had switched the rollback off."""
    call.parameters["DisableRollback"] = True


# --- busy ---------------------------------------------------------------------------------------------------------


def test_a_stack_that_somebody_else_works_on_is_waited_for(organization: OrganizationScenario) -> None:
    name = organization.apply_ready()["status"]["managementStackId"].split("/")[1]
    organization.aws.stack_step_seconds = 2
    change_parameter(organization, name, "Permissions", "FullAccess")
    mark = organization.aws.calls.mark()

    organization.look_again()

    message = organization.stack_says(name, "UPDATE_")
    assert "IN_PROGRESS" in message
    assert "CreateChangeSet" not in organization.management_calls(mark).operations
    organization.aws.stack_step_seconds = 0
    organization.ready(seconds=PATIENCE)
    seen = organization.stack(name)
    assert seen is not None
    assert {"ParameterKey": "Permissions", "ParameterValue": "ReadOnly"} in seen["Parameters"]
    assert "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS" in statuses(organization, seen["StackId"])


def change_parameter(scenario: OrganizationScenario, name: str, parameter: str, value: str, **more: Any) -> None:
    """Change a parameter of a stack, as its administrator by hand."""
    stack = scenario.stack(name)
    assert stack is not None
    kept = [one["ParameterKey"] for one in stack["Parameters"] if one["ParameterKey"] != parameter]
    scenario.stacks.update_stack(
        StackName=name,
        UsePreviousTemplate=True,
        Capabilities=["CAPABILITY_NAMED_IAM"],
        Parameters=[
            *({"ParameterKey": key, "UsePreviousValue": True} for key in kept),
            {"ParameterKey": parameter, "ParameterValue": value},
        ],
        **more,
    )


# --- updates that fail --------------------------------------------------------------------------------------------


def test_an_update_that_failed_is_told_with_its_reason_and_tried_again_when_it_is_asked_for(
    organization: OrganizationScenario,
) -> None:
    first = organization.apply_ready(permissions="ReadOnly")
    with denied(organization, "PutRolePermissionsBoundary", times=1):
        organization.apply(permissions="FullAccess")
        organization.condition("ManagementStackReady", "False", "StackFailed", seconds=PATIENCE)
        organization.stack_says("ManagementRole", "iam:PutRolePermissionsBoundary")

    organization.stack_is("UPDATE_ROLLBACK_COMPLETE")
    role = organization.management_role(first)
    assert role is not None
    assert role.boundary == organization.entry["permissionsBoundaries"]["ReadOnly"]
    organization.look_again()
    second = organization.ready(seconds=PATIENCE)
    assert second["status"]["managementStackStatus"] == "UPDATE_COMPLETE"
    assert second["status"]["managementStackId"] == first["status"]["managementStackId"]


def test_an_update_of_others_that_failed_and_was_not_undone_is_changed_back(organization: OrganizationScenario) -> None:
    connector = organization.apply_ready()
    name = connector["status"]["managementStackId"].split("/")[1]
    with denied(organization, "PutRolePolicy"):
        change_parameter(organization, name, "Permissions", "FullAccess", DisableRollback=True)
        organization.stack_is("UPDATE_FAILED", name)

    organization.look_again()

    organization.stack_is("UPDATE_COMPLETE", name, seconds=PATIENCE)
    organization.ready(seconds=PATIENCE)


def test_a_rollback_that_failed_is_told_and_goes_on_when_it_is_asked_for(organization: OrganizationScenario) -> None:
    organization.apply_ready(permissions="ReadOnly")
    with denied(organization, "PutRolePolicy"):
        organization.apply(permissions="FullAccess")
        organization.condition("ManagementStackReady", "False", "StackFailed", seconds=PATIENCE)
        organization.stack_says("UPDATE_ROLLBACK_FAILED", "iam:PutRolePolicy")

    organization.look_again()

    connector = organization.ready(seconds=PATIENCE)
    assert connector["status"]["managementStackStatus"] == "UPDATE_COMPLETE"
    passed = statuses(organization, connector["status"]["managementStackId"])
    rollback = ["UPDATE_ROLLBACK_IN_PROGRESS", "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS"]
    assert [one for one in passed if one in {*rollback, "UPDATE_ROLLBACK_COMPLETE"}][-3:] == [
        *rollback,
        "UPDATE_ROLLBACK_COMPLETE",
    ]


# --- deletions that fail ------------------------------------------------------------------------------------------


def test_a_deletion_that_failed_stays_told_until_it_succeeds(organization: OrganizationScenario) -> None:
    connector = organization.apply_ready()
    stack_id = connector["status"]["managementStackId"]
    told: list[str] = []
    with denied(organization, "DeleteRole"):
        organization.cluster.delete("AponoConnector", NAME)
        connector = organization.condition("DeletionBlocked", "True", "StackFailed", seconds=PATIENCE)
        assert "ManagementRole" in condition_of(connector, "DeletionBlocked")["message"]
        organization.stack_is("DELETE_FAILED", stack_id)
        organization.stacks.delete_stack(StackName=stack_id)
        organization.aws.stack_step_seconds = 2
        organization.stack_is("DELETE_FAILED", stack_id)
    organization.stacks.delete_stack(StackName=stack_id)
    organization.stack_is("DELETE_IN_PROGRESS", stack_id)

    def is_gone() -> bool:
        seen = organization.cluster.get("AponoConnector", NAME)
        told.append(condition_of(seen, "DeletionBlocked").get("status", "missing") if seen else "gone")
        return seen is None

    until("the connector is gone", is_gone, 60)
    assert set(told[:-1]) == {"True"}
    organization.stack_is("DELETE_COMPLETE", stack_id)
    assert organization.connector_roles() == []


# --- change sets that fail ----------------------------------------------------------------------------------------


def test_what_early_validation_objects_to_is_told_and_another_wish_is_tried_at_once(
    organization: OrganizationScenario,
) -> None:
    taken = "apono-management-taken"
    organization.management.client("iam").create_role(
        RoleName=taken, AssumeRolePolicyDocument=trust_of_nobody(organization)
    )
    hook: Callable[[Any], None] = naming(taken)
    organization.aws.hooks.before(hook, operation="CreateChangeSet", account=organization.management)
    organization.create_token()
    organization.apply(permissions="ReadOnly")

    organization.condition("ManagementStackReady", "False", "StackFailed", seconds=PATIENCE)

    assert taken in message_of(organization)
    assert "already exists" in message_of(organization)
    organization.stack_is("REVIEW_IN_PROGRESS")
    organization.aws.hooks.clear()
    organization.apply(permissions="FullAccess")
    organization.ready(seconds=PATIENCE)


def trust_of_nobody(scenario: OrganizationScenario) -> str:
    principal = {"AWS": f"{scenario.management.arn_prefix}root"}
    statement = {"Effect": "Deny", "Principal": principal, "Action": "sts:AssumeRole"}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def naming(name: str) -> Callable[[Any], None]:
    """A hook that has a change set name the management role otherwise."""

    def hook(call: Any) -> None:
        for one in call.parameters["Parameters"]:
            if one["ParameterKey"] == "ManagementRoleName":
                one["ParameterValue"] = name

    return hook


def test_a_change_that_turns_out_to_be_none_is_taken_for_done(organization: OrganizationScenario) -> None:
    connector = organization.apply_ready()
    name = connector["status"]["managementStackId"].split("/")[1]
    before = organization.management_role(connector)
    change_parameter(organization, name, "Permissions", "FullAccess")
    change_parameter(organization, name, "Permissions", "ReadOnly")
    mark = organization.aws.calls.mark()

    organization.look_again()

    until("it was looked at", lambda: "DeleteChangeSet" in organization.management_calls(mark).operations, 40)
    organization.ready(seconds=PATIENCE)
    assert "ExecuteChangeSet" not in organization.management_calls(mark).operations
    assert organization.management_role(connector) == before
    assert organization.cluster.get("Deployment", CHILD) is not None


def test_every_meaning_but_that_of_the_future_is_reached() -> None:
    assert {MEANINGS[status] for status in REACHED} == set(Meaning) - {Meaning.UNKNOWN}
