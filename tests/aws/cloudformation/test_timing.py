from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest
from botocore.exceptions import ClientError

from sandbox.aws import FrontDoor
from tests.aws.cloudformation.driving import Driven
from tests.aws.cloudformation.templates import HANDLE, NAMED, failing_role, own_role, template

if TYPE_CHECKING:
    from sandbox.aws import Account, ManualClock

TWO = template({"A": HANDLE, "B": {**HANDLE, "DependsOn": "A"}})


def test_a_creation_goes_step_by_step(driven: Driven) -> None:
    driven.create(TWO)
    assert driven.resources() == {}
    driven.clock.advance(10)
    assert driven.resources() == {"A": "CREATE_IN_PROGRESS"}
    driven.clock.advance(20)
    assert driven.resources() == {"A": "CREATE_COMPLETE", "B": "CREATE_IN_PROGRESS"}
    driven.clock.advance(20)
    assert driven.resources() == {"A": "CREATE_COMPLETE", "B": "CREATE_COMPLETE"}
    assert driven.status() == "CREATE_COMPLETE"


def test_nothing_happens_while_the_clock_stands_still(driven: Driven) -> None:
    driven.create(TWO)
    assert [driven.status() for _ in range(20)] == ["CREATE_IN_PROGRESS"] * 20


def test_steps_that_are_due_at_once_are_dated_by_when_they_were_due(driven: Driven) -> None:
    driven.create(template())
    driven.finish()
    events = driven.cfn.describe_stack_events(StackName="stack")["StackEvents"]
    first = events[-1]["Timestamp"]
    assert [(event["Timestamp"] - first).total_seconds() for event in reversed(events)] == [0, 10, 20, 30, 30]


def test_every_status_of_a_creation_that_fails_is_seen(driven: Driven) -> None:
    stack = driven.create(template({"Good": HANDLE, "Bad": {**failing_role(), "DependsOn": "Good"}}))
    assert driven.statuses(stack) == ["CREATE_IN_PROGRESS", "ROLLBACK_IN_PROGRESS", "ROLLBACK_COMPLETE"]


def test_every_status_of_a_rollback_that_fails_is_seen(driven: Driven, account: Account) -> None:
    stack = driven.create(template({"Good": own_role("good"), "Bad": {**failing_role(), "DependsOn": "Good"}}))
    driven.clock.advance(30)
    driven.status()
    account.client("iam").attach_role_policy(RoleName="good", PolicyArn="arn:aws:iam::aws:policy/ReadOnlyAccess")
    assert driven.statuses(stack) == ["CREATE_IN_PROGRESS", "ROLLBACK_IN_PROGRESS", "ROLLBACK_FAILED"]
    assert driven.stack()["StackStatusReason"] == "The following resource(s) failed to delete: [Good]. "


def test_every_status_of_an_update_is_seen(driven: Driven) -> None:
    stack = driven.create(template({"Role": own_role("a")}))
    driven.finish()
    driven.update(template({"Role": own_role("b")}))
    assert driven.statuses(stack) == [
        "UPDATE_IN_PROGRESS",
        "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS",
        "UPDATE_COMPLETE",
    ]


def test_every_status_of_an_update_that_fails_is_seen(driven: Driven) -> None:
    stack = driven.create(template())
    driven.finish()
    driven.update(template({"Handle": HANDLE, "Added": HANDLE, "Bad": {**failing_role(), "DependsOn": "Added"}}))
    assert driven.statuses(stack) == [
        "UPDATE_IN_PROGRESS",
        "UPDATE_ROLLBACK_IN_PROGRESS",
        "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS",
        "UPDATE_ROLLBACK_COMPLETE",
    ]
    assert driven.resources() == {"Handle": "CREATE_COMPLETE"}


def test_every_status_of_a_deletion_is_seen(driven: Driven) -> None:
    stack = driven.create(template({"Role": own_role("a")}))
    driven.finish()
    driven.cfn.delete_stack(StackName="stack")
    assert driven.statuses(stack) == ["DELETE_IN_PROGRESS", "DELETE_COMPLETE"]
    assert driven.resources(stack) == {"Role": "DELETE_COMPLETE"}


def test_every_status_of_a_deletion_that_fails_is_seen(driven: Driven, account: Account) -> None:
    stack = driven.create(template({"Role": own_role("a")}))
    driven.finish()
    account.client("iam").attach_role_policy(RoleName="a", PolicyArn="arn:aws:iam::aws:policy/ReadOnlyAccess")
    driven.cfn.delete_stack(StackName="stack")
    assert driven.statuses(stack) == ["DELETE_IN_PROGRESS", "DELETE_FAILED"]
    assert driven.resources() == {"Role": "DELETE_FAILED"}


def test_the_outputs_are_there_while_an_update_cleans_up(driven: Driven) -> None:
    def shows(name: str) -> str:
        return template({"Role": own_role(name)}, Outputs={"Name": {"Value": {"Ref": "Role"}}})

    driven.create(shows("a"))
    driven.finish()
    driven.update(shows("b"))
    while driven.status() != "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS":
        driven.clock.advance(10)
    assert driven.stack()["Outputs"][0]["OutputValue"] == "b"


@pytest.mark.parametrize(
    ("elapsed", "status"),
    [(0, "UPDATE_IN_PROGRESS"), (30, "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS")],
)
def test_a_stack_is_updated_by_one_operation_at_a_time(driven: Driven, elapsed: float, status: str) -> None:
    driven.create(template({"Role": own_role("a")}))
    driven.finish()
    driven.update(template({"Role": own_role("b")}))
    driven.clock.advance(elapsed)
    for refused in (driven.update, lambda body: driven.cfn.create_change_set(**change_set(body))):
        with pytest.raises(ClientError, match=f"is in {status} state and can not be updated"):
            refused(template({"Role": own_role("c")}))


def test_a_stack_that_is_being_updated_cannot_be_deleted(driven: Driven) -> None:
    driven.create(template())
    driven.finish()
    driven.update(TWO)
    with pytest.raises(ClientError, match="cannot be deleted while in status UPDATE_IN_PROGRESS"):
        driven.cfn.delete_stack(StackName="stack")


def test_a_stack_that_is_being_made_can_be_deleted(driven: Driven, account: Account) -> None:
    stack = driven.create(template({"Role": own_role("a"), "Later": {**HANDLE, "DependsOn": "Role"}}))
    driven.clock.advance(20)
    assert driven.resources() == {"Role": "CREATE_IN_PROGRESS"}
    driven.cfn.delete_stack(StackName="stack")
    assert driven.statuses(stack) == ["DELETE_IN_PROGRESS", "DELETE_COMPLETE"]
    assert account.client("iam").list_roles()["Roles"] == []


def test_deleting_a_stack_that_is_being_deleted_changes_nothing(driven: Driven) -> None:
    stack = driven.create(template())
    driven.finish()
    driven.cfn.delete_stack(StackName="stack")
    driven.cfn.delete_stack(StackName="stack")
    driven.finish(stack)
    assert [status for _, status, _ in driven.events(stack)].count("DELETE_IN_PROGRESS") == 2  # stack and resource


def test_a_wait_condition_fails_when_its_time_is_over(driven: Driven) -> None:
    waiting = {"Type": "AWS::CloudFormation::WaitCondition", "Properties": {"Timeout": "300"}}
    driven.create(template({"Wait": waiting}))
    driven.clock.advance(300)
    assert driven.resources() == {"Wait": "CREATE_IN_PROGRESS"}
    driven.finish()
    assert (
        "Wait",
        "CREATE_FAILED",
        "WaitCondition timed out. Received 0 conditions when expecting 1",
    ) in driven.events()


def test_resources_that_do_not_need_each_other_are_made_side_by_side(driven: Driven) -> None:
    driven.create(template({"A": HANDLE, "B": HANDLE, "C": {**HANDLE, "DependsOn": ["A", "B"]}}))
    driven.clock.advance(20)
    assert driven.resources() == {"A": "CREATE_IN_PROGRESS", "B": "CREATE_IN_PROGRESS"}


def test_when_one_resource_fails_those_beside_it_are_cancelled(driven: Driven) -> None:
    driven.create(template({"Bad": failing_role(), "Beside": HANDLE}))
    driven.finish()
    assert ("Beside", "CREATE_FAILED", "Resource creation cancelled") in driven.events()
    reasons = [
        reason for name, status, reason in driven.events() if (name, status) == ("stack", "ROLLBACK_IN_PROGRESS")
    ]
    assert reasons == ["The following resource(s) failed to create: [Bad, Beside]. Rollback requested by user."]


def test_a_change_set_is_pending_and_then_worked_out(driven: Driven) -> None:
    driven.create(template())
    driven.finish()
    made = driven.cfn.create_change_set(**change_set(TWO))["Id"]
    seen = []
    for _ in range(3):
        found = driven.cfn.describe_change_set(ChangeSetName=made)
        seen.append((found["Status"], found["ExecutionStatus"]))
        driven.clock.advance(10)
    assert seen == [
        ("CREATE_PENDING", "UNAVAILABLE"),
        ("CREATE_IN_PROGRESS", "UNAVAILABLE"),
        ("CREATE_COMPLETE", "AVAILABLE"),
    ]


@pytest.mark.parametrize("operation", ["execute_change_set", "delete_change_set"])
def test_a_change_set_that_is_being_worked_out_is_left_alone(driven: Driven, operation: str) -> None:
    driven.create(template())
    driven.finish()
    made = driven.cfn.create_change_set(**change_set(TWO))["Id"]
    with pytest.raises(ClientError, match=r"in its current status of \[CREATE_PENDING\]"):
        getattr(driven.cfn, operation)(ChangeSetName=made)


def test_a_change_set_that_is_being_executed_says_so(driven: Driven) -> None:
    driven.create(template())
    driven.finish()
    made = driven.cfn.create_change_set(**change_set(TWO))["Id"]
    driven.finish()
    driven.cfn.execute_change_set(ChangeSetName=made)
    assert driven.cfn.describe_change_set(ChangeSetName=made)["ExecutionStatus"] == "EXECUTE_IN_PROGRESS"
    assert driven.finish()["StackStatus"] == "UPDATE_COMPLETE"
    assert driven.cfn.describe_change_set(ChangeSetName=made)["ExecutionStatus"] == "EXECUTE_COMPLETE"


def test_a_change_set_whose_execution_fails_says_so(driven: Driven) -> None:
    driven.create(template())
    driven.finish()
    made = driven.cfn.create_change_set(**change_set(template({"Bad": failing_role()})))["Id"]
    driven.finish()
    driven.cfn.execute_change_set(ChangeSetName=made)
    assert driven.finish()["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    assert driven.cfn.describe_change_set(ChangeSetName=made)["ExecutionStatus"] == "EXECUTE_FAILED"


def test_a_detection_of_drift_takes_its_time(driven: Driven) -> None:
    driven.create(template({"Role": own_role("a")}))
    driven.finish()
    wanted = driven.cfn.detect_stack_drift(StackName="stack")
    wanted.pop("ResponseMetadata")
    found = driven.cfn.describe_stack_drift_detection_status(**wanted)
    assert (found["DetectionStatus"], found.get("StackDriftStatus")) == ("DETECTION_IN_PROGRESS", None)
    driven.finish()
    found = driven.cfn.describe_stack_drift_detection_status(**wanted)
    assert (found["DetectionStatus"], found["StackDriftStatus"]) == ("DETECTION_COMPLETE", "IN_SYNC")


def test_without_steps_of_their_own_length_operations_are_over_at_the_next_call(
    account: Account, clock: ManualClock
) -> None:
    driven = Driven(account.client("cloudformation"), clock)
    driven.create(TWO)
    assert driven.status() == "CREATE_COMPLETE"


def test_with_the_clock_of_the_machine_operations_go_on_by_themselves() -> None:
    with FrontDoor() as aws:
        aws.stack_step_seconds = 0.05
        cfn = aws.create_account().client("cloudformation")
        cfn.create_stack(StackName="stack", TemplateBody=TWO)
        seen = set()
        deadline = time.monotonic() + 20
        while "CREATE_COMPLETE" not in seen and time.monotonic() < deadline:
            seen.add(cfn.describe_stacks(StackName="stack")["Stacks"][0]["StackStatus"])
    assert seen == {"CREATE_IN_PROGRESS", "CREATE_COMPLETE"}


def change_set(body: str) -> dict[str, object]:
    return {"StackName": "stack", "ChangeSetName": "changes", "TemplateBody": body, "Capabilities": NAMED}
