"""Stacks are seen as CloudFormation has them, and change as was planned; nothing is waited for."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from apono_operator.adapters.aws.cloudformation import CloudFormation
from apono_operator.adapters.aws.errors import NoSuchStackError
from apono_operator.adapters.errors import AdapterError, ConflictError, RejectedError, TransientError
from apono_operator.state.stack import (
    ChangeSet,
    ChangeSetMeaning,
    ContinueRollback,
    DeleteStack,
    DiscardChangeSet,
    ExecuteChangeSet,
    MakeChangeSet,
    Meaning,
    ObservedStack,
    ResourceChange,
    Stack,
    Template,
)
from apono_operator.state.stack_plan import (
    History,
    Ownership,
    StackStep,
    Tell,
    plan_stack,
)
from apono_operator.v1alpha1 import Reason
from sandbox.aws import Fault, FrontDoor, LostResponse, ManualClock, access_denied
from tests.adapters.aws.connection import Connection, connect
from tests.adapters.aws.management import Management, changed, management_for, role_template
from tests.aws.cloudformation.templates import HANDLE, failing_role, own_role, template
from tests.builders import a_cluster, an_owner

CREATE, UPDATE = MakeChangeSet("CREATE"), MakeChangeSet("UPDATE")
URL = "https://templates.s3.amazonaws.com/management-account.yaml"
OBJECT = "arn:aws:s3:::templates/management-account.yaml"


@pytest.fixture
def management(connection: Connection, monkeypatch: pytest.MonkeyPatch) -> Management:
    """A management account where what one call begins is over at the next call."""
    return management_for(connection, monkeypatch)


@pytest.fixture
def stacks(management: Management) -> CloudFormation:
    return management.access.stacks


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch, clock: ManualClock) -> Iterator[Management]:
    """A management account where each step takes a second of the clock."""
    with FrontDoor(clock) as aws:
        management = management_for(connect(aws, aws.create_account()), monkeypatch)
        aws.stack_step_seconds = 1
        yield management


def present(stacks: CloudFormation, name_or_id: str) -> ObservedStack:
    found = stacks.observe(name_or_id)
    assert found is not None
    return found


def made(stacks: CloudFormation, desired: Stack, make: MakeChangeSet = CREATE) -> ChangeSet:
    """The change set that brings about what is desired."""
    stacks.apply(make, desired)
    found = stacks.change_set(desired.name, desired.change_set_name)
    assert found is not None
    return found


def carried_out(stacks: CloudFormation, desired: Stack, make: MakeChangeSet = CREATE) -> ObservedStack:
    """The stack after its change set was executed."""
    stacks.apply(ExecuteChangeSet(made(stacks, desired, make).change_set_id), desired)
    return present(stacks, desired.name)


# --- looking ------------------------------------------------------------------------------------------------------


def test_a_stack_that_there_is_not_is_none(stacks: CloudFormation, management: Management) -> None:
    assert stacks.observe(management.stack().name) is None


def test_a_stack_is_seen_with_all_that_the_plan_asks_about(stacks: CloudFormation, management: Management) -> None:
    body = json.loads(role_template(management.role_name))
    body["Parameters"] = {"A": {"Type": "String"}, "B": {"Type": "String", "Default": "b"}}
    desired = management.stack(json.dumps(body), parameters={"A": "a"})

    seen = carried_out(stacks, desired)

    assert seen.name == desired.name
    assert seen.stack_id.startswith(
        f"arn:aws:cloudformation:{desired.region}:{desired.account_id}:stack/{desired.name}/"
    )
    assert (seen.status, seen.meaning) == ("CREATE_COMPLETE", Meaning.HEALTHY)
    assert seen.parameters == {"A": "a", "B": "b"}
    assert seen.outputs == {
        "ManagementAccountRoleArnOutput": f"{management.account.arn_prefix}role/{management.role_name}"
    }
    assert seen.tags == desired.tags
    assert seen.service_role_arn == desired.service_role_arn
    assert seen.termination_protected is False
    assert f"changeSet/{desired.change_set_name}/" in seen.change_set_id
    assert seen.updated


def test_protection_against_termination_is_seen(stacks: CloudFormation, management: Management) -> None:
    seen = carried_out(stacks, management.stack())
    management.cloudformation.update_termination_protection(StackName=seen.name, EnableTerminationProtection=True)

    assert present(stacks, seen.name).termination_protected is True


def test_an_update_is_told_from_the_creation_before_it(slow: Management, clock: ManualClock) -> None:
    stacks = slow.access.stacks
    slow.connection.aws.stack_step_seconds = 0
    body = role_template(slow.role_name)
    before = carried_out(stacks, slow.stack(body))
    clock.advance(60)

    after = carried_out(stacks, slow.stack(changed(body, Description="other")), UPDATE)

    assert after.stack_id == before.stack_id
    assert after.updated > before.updated


def test_by_its_id_a_stack_is_told_from_a_successor_of_its_name(stacks: CloudFormation, management: Management) -> None:
    first = carried_out(stacks, management.stack())
    stacks.delete(DeleteStack(first.stack_id))
    second = carried_out(stacks, management.stack())

    assert present(stacks, first.stack_id).meaning is Meaning.GONE
    assert present(stacks, second.name).stack_id == second.stack_id != first.stack_id


def test_by_its_name_a_deleted_stack_is_seen_no_more(stacks: CloudFormation, management: Management) -> None:
    seen = carried_out(stacks, management.stack())
    stacks.delete(DeleteStack(seen.stack_id))

    assert stacks.observe(seen.name) is None
    assert present(stacks, seen.stack_id).status == "DELETE_COMPLETE"


def test_an_id_that_nobody_knows_any_more_is_none(stacks: CloudFormation, management: Management) -> None:
    seen = carried_out(stacks, management.stack())

    assert stacks.observe(f"{seen.stack_id}0") is None


def test_a_change_set_that_there_is_not_is_none(stacks: CloudFormation, management: Management) -> None:
    desired = management.stack()
    assert stacks.change_set(desired.name, "apono-a") is None

    carried_out(stacks, desired)
    assert stacks.change_set(desired.name, "apono-a") is None


def test_a_change_set_tells_what_it_would_do(stacks: CloudFormation, management: Management) -> None:
    found = made(stacks, management.stack())

    assert found.meaning is ChangeSetMeaning.READY
    assert found.changes == (ResourceChange("Add", "Role", "AWS::IAM::Role"),)
    assert found.tags == {"apono.io/name": "test"}


def test_a_change_set_tells_that_a_role_would_be_lost(stacks: CloudFormation, management: Management) -> None:
    body = role_template(management.role_name)
    carried_out(stacks, management.stack(body))

    renamed = made(stacks, management.stack(changed(body, RoleName=f"{management.role_name}-b")), UPDATE)

    assert [(change.action, change.replacement, change.loses_role) for change in renamed.changes] == [
        ("Modify", "True", True)
    ]


def test_all_pages_of_changes_are_read(stacks: CloudFormation, management: Management) -> None:
    body = template({f"Handle{number}": HANDLE for number in range(150)})

    found = made(stacks, management.stack(body))

    assert len({change.logical_id for change in found.changes}) == 150


def test_a_change_set_is_seen_while_it_is_being_made(slow: Management) -> None:
    assert made(slow.access.stacks, slow.stack()).meaning is ChangeSetMeaning.BEING_MADE


def test_what_would_change_nothing_is_told_by_the_change_set(stacks: CloudFormation, management: Management) -> None:
    body = role_template(management.role_name)
    carried_out(stacks, management.stack(body))

    assert made(stacks, management.stack(body), UPDATE).meaning is ChangeSetMeaning.UNCHANGED


# --- why it failed ------------------------------------------------------------------------------------------------


def failing(management: Management) -> Stack:
    """A stack of a good role, and one behind it that cannot be made."""
    bad = {**failing_role(), "DependsOn": "Role"}
    return management.stack(template({"Role": own_role(management.role_name), "Bad": bad}))


def test_the_first_failure_names_the_resource_and_its_reason(stacks: CloudFormation, management: Management) -> None:
    seen = carried_out(stacks, failing(management))

    assert seen.meaning is Meaning.NEVER_MADE
    assert stacks.first_failure(seen.stack_id).startswith("Bad: ")
    assert "Invalid principal in policy" in stacks.first_failure(seen.stack_id)


def test_a_failure_before_the_last_operation_is_told_no_more(stacks: CloudFormation, management: Management) -> None:
    body = role_template(management.role_name)
    carried_out(stacks, management.stack(body))
    failed = carried_out(stacks, failing(management), UPDATE)
    assert failed.status == "UPDATE_ROLLBACK_COMPLETE"
    assert stacks.first_failure(failed.stack_id).startswith("Bad: ")

    mended = carried_out(stacks, management.stack(changed(body, Description="other")), UPDATE)

    assert mended.status == "UPDATE_COMPLETE"
    assert stacks.first_failure(mended.stack_id) == ""


def test_where_nothing_failed_no_failure_is_told(stacks: CloudFormation, management: Management) -> None:
    assert stacks.first_failure(carried_out(stacks, management.stack()).stack_id) == ""


def test_what_early_validation_objects_to_is_told(stacks: CloudFormation, management: Management) -> None:
    management.account.client("iam").create_role(
        RoleName=management.role_name,
        AssumeRolePolicyDocument=json.dumps(own_role()["Properties"]["AssumeRolePolicyDocument"]).replace(
            json.dumps({"Fn::Sub": "arn:${AWS::Partition}:iam::${AWS::AccountId}:root"}),
            json.dumps(f"{management.account.arn_prefix}root"),
        ),
    )

    found = made(stacks, management.stack())

    assert found.meaning is ChangeSetMeaning.USELESS
    assert stacks.validation_failure(found.change_set_id).startswith("Role: ")
    assert "already exists" in stacks.validation_failure(found.change_set_id)


def test_a_change_set_without_objections_has_none(stacks: CloudFormation, management: Management) -> None:
    assert stacks.validation_failure(made(stacks, management.stack()).change_set_id) == ""


# --- changing -----------------------------------------------------------------------------------------------------


def test_a_change_set_is_asked_for_with_all_that_is_desired(stacks: CloudFormation, management: Management) -> None:
    desired = management.stack(tags={"b": "2", "a": "1"})

    stacks.apply(CREATE, desired)

    (call,) = management.calls().of(operation="CreateChangeSet")
    assert call.parameters == {
        "StackName": desired.name,
        "ChangeSetName": desired.change_set_name,
        "ChangeSetType": "CREATE",
        "ClientToken": desired.change_set_name,
        "TemplateBody": desired.template.body,
        "Parameters": [],
        "Capabilities": ["CAPABILITY_NAMED_IAM"],
        "RoleARN": desired.service_role_arn,
        "Tags": [{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "2"}],
    }


def test_a_template_may_be_read_from_a_url(management: Management) -> None:
    management.connection.aws.templates[URL] = role_template(management.role_name)
    reading = management.with_entrance(template_object=OBJECT)

    seen = carried_out(reading.access.stacks, management.stack(template=Template("t1", url=URL)))

    assert seen.status == "CREATE_COMPLETE"


def test_nothing_is_waited_for(slow: Management, clock: ManualClock) -> None:
    stacks, desired = slow.access.stacks, slow.stack()
    stacks.apply(CREATE, desired)
    clock.advance(60)
    found = stacks.change_set(desired.name, desired.change_set_name)
    assert found is not None

    stacks.apply(ExecuteChangeSet(found.change_set_id), desired)

    assert present(stacks, desired.name).meaning is Meaning.BUSY
    clock.advance(60)
    assert present(stacks, desired.name).meaning is Meaning.HEALTHY
    stacks.delete(DeleteStack(present(stacks, desired.name).stack_id))
    assert present(stacks, desired.name).meaning is Meaning.DELETING


def test_a_change_set_that_is_there_already_is_as_good(stacks: CloudFormation, management: Management) -> None:
    desired = management.stack()
    first = made(stacks, desired)

    assert made(stacks, desired) == first


def test_a_change_set_whose_answer_was_lost_is_made_once(stacks: CloudFormation, management: Management) -> None:
    desired = management.stack()
    fault = Fault(LostResponse(), account=management.account, operation="CreateChangeSet")
    with management.connection.aws.faults.during(fault), pytest.raises(TransientError):
        stacks.apply(CREATE, desired)

    made(stacks, desired)

    assert len(management.cloudformation.list_change_sets(StackName=desired.name)["Summaries"]) == 1


def test_an_execution_whose_answer_was_lost_is_begun_once(slow: Management) -> None:
    stacks, desired = slow.access.stacks, slow.stack()
    slow.connection.aws.stack_step_seconds = 0
    found = made(stacks, desired)
    slow.connection.aws.stack_step_seconds = 1
    step = ExecuteChangeSet(found.change_set_id)
    fault = Fault(LostResponse(), account=slow.account, operation="ExecuteChangeSet")
    with slow.connection.aws.faults.during(fault), pytest.raises(TransientError):
        stacks.apply(step, desired)

    stacks.apply(step, desired)

    events = slow.cloudformation.describe_stack_events(StackName=desired.name)["StackEvents"]
    assert [event["ResourceStatus"] for event in events].count("CREATE_IN_PROGRESS") == 1


def test_what_cannot_be_executed_any_more_has_to_be_looked_at_again(
    stacks: CloudFormation, management: Management
) -> None:
    body = role_template(management.role_name)
    carried_out(stacks, management.stack(body))
    other = management.stack(changed(body, Description="other"))
    found = made(stacks, other, UPDATE)
    management.cloudformation.update_stack(
        StackName=other.name, TemplateBody=changed(body, Description="theirs"), Capabilities=list(other.capabilities)
    )

    with pytest.raises(ConflictError) as failure:
        stacks.apply(ExecuteChangeSet(found.change_set_id), other)

    assert failure.value.reason is Reason.STACK_IN_PROGRESS


def test_a_change_set_is_discarded_as_often_as_one_likes(stacks: CloudFormation, management: Management) -> None:
    desired = management.stack()
    step = DiscardChangeSet(made(stacks, desired).change_set_id)

    stacks.apply(step, desired)
    stacks.apply(step, desired)

    assert stacks.change_set(desired.name, desired.change_set_name) is None


def test_a_change_set_can_be_made_again_after_it_was_discarded(stacks: CloudFormation, management: Management) -> None:
    desired = management.stack()
    stacks.apply(DiscardChangeSet(made(stacks, desired).change_set_id), desired)

    assert made(stacks, desired).meaning is ChangeSetMeaning.READY


def test_a_stack_is_deleted_as_often_as_one_likes(stacks: CloudFormation, management: Management) -> None:
    seen = carried_out(stacks, management.stack())

    for _ in range(2):
        stacks.apply(DeleteStack(seen.stack_id), management.stack())

    assert present(stacks, seen.stack_id).meaning is Meaning.GONE


def test_a_deletion_that_failed_is_tried_anew(stacks: CloudFormation, management: Management) -> None:
    seen = carried_out(stacks, management.stack())
    iam = management.account.client("iam")
    policy = {"RoleName": management.role_name, "PolicyArn": "arn:aws:iam::aws:policy/ReadOnlyAccess"}
    iam.attach_role_policy(**policy)
    stacks.delete(DeleteStack(seen.stack_id))
    assert present(stacks, seen.stack_id).meaning is Meaning.DELETION_STUCK
    assert stacks.first_failure(seen.stack_id).startswith("Role: ")
    iam.detach_role_policy(**policy)

    stacks.delete(DeleteStack(seen.stack_id))

    assert present(stacks, seen.stack_id).meaning is Meaning.GONE


def test_a_rollback_that_failed_is_continued(stacks: CloudFormation, management: Management) -> None:
    body = role_template(management.role_name)
    carried_out(stacks, management.stack(body))
    fault = Fault(access_denied(), account=management.account, operation="UpdateRole", times=None)
    with management.connection.aws.faults.during(fault):
        failed = carried_out(stacks, management.stack(changed(body, Description="other")), UPDATE)
    assert failed.meaning is Meaning.ROLLBACK_STUCK

    stacks.apply(ContinueRollback(failed.stack_id), management.stack())

    assert present(stacks, failed.name).meaning is Meaning.ROLLED_BACK


# --- what others change in what a stack has made ------------------------------------------------------------------


def test_an_update_tells_and_undoes_what_others_changed_in_a_role(
    stacks: CloudFormation, management: Management
) -> None:
    desired = management.stack(role_template(management.role_name, Description="ours"))
    carried_out(stacks, desired)
    stacks.apply(DiscardChangeSet(made(stacks, desired, UPDATE).change_set_id), desired)
    iam = management.account.client("iam")
    iam.update_role(RoleName=management.role_name, Description="theirs", MaxSessionDuration=3600)

    found = made(stacks, desired, UPDATE)
    stacks.apply(ExecuteChangeSet(found.change_set_id), desired)

    assert found.changes == (ResourceChange("Modify", "Role", "AWS::IAM::Role", properties=("Description",)),)
    assert present(stacks, desired.name).status == "UPDATE_COMPLETE"
    assert iam.get_role(RoleName=management.role_name)["Role"]["Description"] == "ours"


def test_an_update_makes_a_role_again_that_others_deleted(stacks: CloudFormation, management: Management) -> None:
    desired = management.stack(role_template(management.role_name))
    carried_out(stacks, desired)
    stacks.apply(DiscardChangeSet(made(stacks, desired, UPDATE).change_set_id), desired)
    iam = management.account.client("iam")
    iam.delete_role(RoleName=management.role_name)

    found = made(stacks, desired, UPDATE)
    stacks.apply(ExecuteChangeSet(found.change_set_id), desired)

    assert found.changes == (ResourceChange("Add", "Role", "AWS::IAM::Role"),)
    assert present(stacks, desired.name).status == "UPDATE_COMPLETE"
    assert iam.get_role(RoleName=management.role_name)["Role"]["RoleName"] == management.role_name


# --- the plan, carried out ----------------------------------------------------------------------------------------


def step(stacks: CloudFormation, desired: Stack, ownership: Ownership, history: History) -> StackStep:
    """Take the next step towards what is desired; return it."""
    observed = stacks.observe(desired.name)
    change_set = stacks.change_set(desired.name, desired.change_set_name)
    planned = plan_stack(desired, observed, change_set, history, ownership)
    if not isinstance(planned, Tell):
        stacks.apply(planned, desired)
    return planned


def steps(stacks: CloudFormation, desired: Stack, **history: Any) -> list[StackStep]:
    """Take steps until there is nothing left to do."""
    taken: list[StackStep] = []
    ownership = Ownership(a_cluster(), an_owner())
    while not taken or not isinstance(taken[-1], Tell):
        taken.append(step(stacks, desired, ownership, History(**history)))
        assert len(taken) < 10
    return taken


def owned(management: Management, body: str | None = None) -> Stack:
    return management.stack(body, tags=a_cluster().ownership_tags(an_owner()))


def ending(taken: list[StackStep]) -> Reason:
    assert isinstance(taken[-1], Tell)
    return taken[-1].finding.reason


def test_planned_steps_lead_to_the_stack_that_is_desired(stacks: CloudFormation, management: Management) -> None:
    body = role_template(management.role_name)

    creation = steps(stacks, owned(management, body))
    update = steps(stacks, owned(management, changed(body, Description="other")))

    for make, taken in ((CREATE, creation), (UPDATE, update)):
        assert [type(one) for one in taken] == [MakeChangeSet, ExecuteChangeSet, Tell]
        assert taken[0] == make
        assert ending(taken) is Reason.STACK_IN_SYNC


def test_planned_steps_undo_what_others_changed_in_the_stack(stacks: CloudFormation, management: Management) -> None:
    body = json.loads(role_template(management.role_name, Description={"Ref": "A"}))
    body["Parameters"] = {"A": {"Type": "String"}}
    desired = replace(owned(management, json.dumps(body)), parameters={"A": "ours"})
    steps(stacks, desired)
    management.cloudformation.update_stack(
        StackName=desired.name,
        UsePreviousTemplate=True,
        Parameters=[{"ParameterKey": "A", "ParameterValue": "theirs"}],
        Capabilities=["CAPABILITY_NAMED_IAM"],
    )

    taken = steps(stacks, desired)

    assert [type(one) for one in taken] == [DiscardChangeSet, MakeChangeSet, ExecuteChangeSet, Tell]
    assert ending(taken) is Reason.STACK_IN_SYNC
    role = management.account.client("iam").get_role(RoleName=management.role_name)["Role"]
    assert role["Description"] == "ours"


def test_planned_steps_make_a_stack_anew_whose_creation_failed(stacks: CloudFormation, management: Management) -> None:
    desired = owned(management, failing(management).template.body)
    assert ending(steps(stacks, desired)) is Reason.STACK_FAILED

    taken = steps(stacks, owned(management), may_retry=True)

    assert [type(one) for one in taken] == [DeleteStack, MakeChangeSet, ExecuteChangeSet, Tell]
    assert ending(taken) is Reason.STACK_IN_SYNC


def test_planned_steps_leave_a_stack_of_others_alone(stacks: CloudFormation, management: Management) -> None:
    carried_out(stacks, management.stack())

    assert ending(steps(stacks, owned(management))) is Reason.NAME_CONFLICT


def test_planned_steps_do_not_lose_the_role(stacks: CloudFormation, management: Management) -> None:
    body = role_template(management.role_name)
    steps(stacks, owned(management, body))

    taken = steps(stacks, owned(management, changed(body, RoleName=f"{management.role_name}-b")))

    assert ending(taken) is Reason.ROLE_WOULD_BE_REPLACED


# --- what is in the way -------------------------------------------------------------------------------------------


def refused(stacks: CloudFormation, step: Any, desired: Stack) -> AdapterError:
    with pytest.raises(AdapterError) as failure:
        stacks.apply(step, desired)
    return failure.value


def test_a_stack_that_is_being_changed_is_looked_at_again(slow: Management) -> None:
    stacks, body = slow.access.stacks, role_template(slow.role_name)
    slow.connection.aws.stack_step_seconds = 0
    carried_out(stacks, slow.stack(body))
    slow.connection.aws.stack_step_seconds = 1
    slow.cloudformation.update_stack(
        StackName=slow.entrance.stack_name,
        TemplateBody=changed(body, Description="theirs"),
        Capabilities=["CAPABILITY_NAMED_IAM"],
    )

    failure = refused(stacks, UPDATE, slow.stack(changed(body, Description="ours")))

    assert isinstance(failure, ConflictError)
    assert failure.reason is Reason.STACK_IN_PROGRESS
    assert "is in UPDATE_IN_PROGRESS state and can not be updated" in failure.message
    stack_id = present(stacks, slow.entrance.stack_name).stack_id
    assert isinstance(refused(stacks, DeleteStack(stack_id), slow.stack()), ConflictError)
    assert isinstance(refused(stacks, ContinueRollback(stack_id), slow.stack()), ConflictError)


def test_a_stack_that_is_gone_or_there_against_expectation_is_looked_at_again(
    stacks: CloudFormation, management: Management
) -> None:
    desired = management.stack()
    assert isinstance(refused(stacks, UPDATE, desired), NoSuchStackError)

    carried_out(stacks, desired)

    assert isinstance(refused(stacks, CREATE, replace(desired, tags={"other": "1"})), ConflictError)


def test_a_stack_that_was_protected_meanwhile_is_looked_at_again(
    stacks: CloudFormation, management: Management
) -> None:
    seen = carried_out(stacks, management.stack())
    management.cloudformation.update_termination_protection(StackName=seen.name, EnableTerminationProtection=True)

    assert isinstance(refused(stacks, DeleteStack(seen.stack_id), management.stack()), ConflictError)


WRONG: dict[str, dict[str, Any]] = {
    "capabilities that are not acknowledged": {"capabilities": ()},
    "a template that is none": {"template": Template("t1", body="{}")},
    "a template that is not at its URL": {"template": Template("t1", url=f"{URL}.missing")},
    "a parameter that the template does not have": {"parameters": {"Unknown": "a"}},
}


@pytest.mark.parametrize("changes", WRONG.values(), ids=WRONG)
def test_what_is_wrong_is_told_and_not_tried_for_ever(
    stacks: CloudFormation, management: Management, changes: dict[str, Any]
) -> None:
    failure = refused(stacks, CREATE, management.stack(**changes))

    assert isinstance(failure, RejectedError)
    assert failure.reason is Reason.REJECTED
    assert failure.message.startswith("cloudformation:CreateChangeSet: ")


def test_a_service_role_of_another_account_is_told(management: Management) -> None:
    other = "arn:aws:iam::111122223333:role/service"
    stacks = management.with_entrance(service_role_arn=other).access.stacks

    failure = refused(stacks, CREATE, management.stack(service_role_arn=other))

    assert isinstance(failure, RejectedError)
    assert failure.message.startswith("cloudformation:CreateChangeSet: ")


LOOKS: dict[str, tuple[str, Any]] = {
    "a stack": ("DescribeStacks", lambda stacks: stacks.observe("apono-a")),
    "a change set": ("DescribeChangeSet", lambda stacks: stacks.change_set("apono-a", "a")),
    "events": ("DescribeStackEvents", lambda stacks: stacks.first_failure("apono-a")),
    "validations": ("DescribeEvents", lambda stacks: stacks.validation_failure("arn:aws:cloudformation:a")),
    "a template": ("GetTemplateSummary", lambda stacks: stacks.template_summary(Template("t1", body="{}"))),
    "trusted access": ("DescribeOrganizationsAccess", lambda stacks: stacks.stack_sets_access()),
}


@pytest.mark.parametrize(("operation", "look"), LOOKS.values(), ids=LOOKS)
def test_a_look_that_is_denied_names_the_action(
    stacks: CloudFormation, management: Management, operation: str, look: Any
) -> None:
    fault = Fault(access_denied(), account=management.account, operation=operation)
    with management.connection.aws.faults.during(fault), pytest.raises(AdapterError) as failure:
        look(stacks)

    assert failure.value.reason is Reason.ACCESS_DENIED
    assert failure.value.message.startswith(f"cloudformation:{operation}: AccessDenied: ")


# --- templates and the organization -------------------------------------------------------------------------------


def test_a_template_is_summed_up(stacks: CloudFormation, management: Management) -> None:
    parameters = {"Needed": {"Type": "String"}, "Optional": {"Type": "String", "Default": ""}}
    resources = {"Role": own_role(management.role_name), "Other": own_role(), "Handle": HANDLE}

    summary = stacks.template_summary(Template("t1", body=template(resources, Parameters=parameters)))

    assert summary.parameters == {"Needed": True, "Optional": False}
    assert summary.capabilities == ("CAPABILITY_NAMED_IAM",)
    assert sorted(summary.resource_types) == ["AWS::CloudFormation::WaitConditionHandle", "AWS::IAM::Role"]
    assert summary.transforms == ()


def test_a_template_at_a_url_is_summed_up(management: Management) -> None:
    management.connection.aws.templates[URL] = template()
    reading = management.with_entrance(template_object=OBJECT)

    assert reading.access.stacks.template_summary(Template("t1", url=URL)).capabilities == ()


def test_trusted_access_of_stack_sets_is_read(stacks: CloudFormation, management: Management) -> None:
    management.connection.aws.create_organization(management.account)
    assert stacks.stack_sets_access().startswith("DISABLED")

    management.cloudformation.activate_organizations_access()

    assert stacks.stack_sets_access() == "ENABLED"


def test_outside_an_organization_there_is_no_trusted_access_to_read(stacks: CloudFormation) -> None:
    with pytest.raises(RejectedError, match="You must be the management account"):
        stacks.stack_sets_access()
