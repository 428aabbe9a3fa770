"""Change sets made, described, executed and deleted."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator, Mapping
from typing import Any

from sandbox.aws.cloudformation.api.deployments import take_up_role, wanted_deployment
from sandbox.aws.cloudformation.api.lifecycle import (
    check_stack_name,
    check_updatable,
    credentials_for,
    is_change,
    is_repeated,
    start,
)
from sandbox.aws.cloudformation.api.lookup import find_stack, home_of, living_stack, page
from sandbox.aws.cloudformation.change_set import ChangeSet
from sandbox.aws.cloudformation.changes import PropertyChange, ResourceChange, planned_changes
from sandbox.aws.cloudformation.credentials import check_service_role
from sandbox.aws.cloudformation.drift import detected
from sandbox.aws.cloudformation.early_validation import validate
from sandbox.aws.cloudformation.events import Operation
from sandbox.aws.cloudformation.functions import text_of
from sandbox.aws.cloudformation.jobs import Job, Steps
from sandbox.aws.cloudformation.operations.creating import create
from sandbox.aws.cloudformation.operations.run import Run
from sandbox.aws.cloudformation.operations.updating import update
from sandbox.aws.cloudformation.parameters import shown_parameters
from sandbox.aws.cloudformation.resources.handler import ServiceCall
from sandbox.aws.cloudformation.stack import Stack
from sandbox.aws.errors import AwsError, validation_error
from sandbox.aws.state import Call

_NO_CHANGES = "The submitted information didn't contain changes. Submit different information to create a change set."


def create_change_set(call: Call) -> Mapping[str, Any]:
    """Make a change set; its stack, too, if it is to create one."""
    creates = call.parameters.get("ChangeSetType", "UPDATE") == "CREATE"
    _check_options(call, creates=creates)
    stack = _new_stack(call) if creates else living_stack(call)
    fresh = not stack.status
    try:
        present = stack.change_sets.get(call.parameters["ChangeSetName"])
        if present is not None:
            return _repeated(call, present)
        if not creates:
            check_updatable(stack)
        change_set = _made(call, stack)
    except AwsError:
        if fresh:
            call.state.stacks.remove(stack)
        raise
    stack.change_sets[change_set.name] = change_set
    stack.operations.append(change_set.operation)
    if fresh:
        stack.set_status(change_set.operation, call.now, "REVIEW_IN_PROGRESS", "User Initiated")
    service_call, pause = credentials_for(call, stack).service_call, call.state.stacks.step_seconds
    call.state.stacks.jobs.begin(call.now, lambda job: _preparation(job, change_set, service_call, pause))
    return {"Id": change_set.id, "StackId": stack.stack_id}


def describe_change_set(call: Call) -> Mapping[str, Any]:
    """Describe a change set with a page of its changes."""
    change_set = existing_change_set(call)
    shows_values = call.parameters.get("IncludePropertyValues", False)
    changes = [_shown_change(change, shows_values=shows_values) for change in change_set.changes]
    deployment = change_set.deployment
    return {
        **_summary(change_set),
        "Parameters": shown_parameters(deployment.template.parameters, deployment.parameters),
        "NotificationARNs": [],
        "RollbackConfiguration": {},
        "Capabilities": list(deployment.capabilities),
        "Tags": [{"Key": key, "Value": value} for key, value in deployment.tags.items()],
        **page(call, "Changes", changes),
        "OnStackFailure": change_set.on_stack_failure,
        "DeploymentMode": "REVERT_DRIFT" if change_set.reverts_drift else None,
    }


def list_change_sets(call: Call) -> Mapping[str, Any]:
    """Summarize a stack's change sets."""
    return page(call, "Summaries", [_summary(found) for found in living_stack(call).change_sets.values()])


def delete_change_set(call: Call) -> Mapping[str, Any]:
    """Delete a change set; one that is not there is no error."""
    try:
        change_set = existing_change_set(call)
    except AwsError as error:
        if error.code == "ChangeSetNotFound":
            return {}
        raise
    if change_set.execution_status == "EXECUTE_IN_PROGRESS":
        raise _unfit(change_set, "deleted", "execution status", change_set.execution_status)
    if change_set.status in {"CREATE_PENDING", "CREATE_IN_PROGRESS"}:
        raise _unfit(change_set, "deleted", "status", change_set.status)
    del change_set.stack.change_sets[change_set.name]
    return {}


def execute_change_set(call: Call) -> Mapping[str, Any]:
    """Do what a change set says; the stack's other change sets are deleted."""
    change_set = existing_change_set(call)
    stack = change_set.stack
    if is_repeated(call, stack):
        return {}
    if change_set.status != "CREATE_COMPLETE":
        raise _unfit(change_set, "executed", "status", change_set.status)
    if change_set.execution_status != "AVAILABLE":
        raise _unfit(change_set, "executed", "execution status", change_set.execution_status)
    creates = stack.status == "REVIEW_IN_PROGRESS"
    if not creates:
        check_updatable(stack)
    stack.role_arn = change_set.role_arn or stack.role_arn
    take_up_role(call, stack)
    _take_options(call, change_set)
    stack.change_sets = {change_set.name: change_set}
    stack.change_set_id = change_set.id
    change_set.execution_status = "EXECUTE_IN_PROGRESS"
    token = call.parameters.get("ClientRequestToken")
    operation = Operation("CREATE_STACK" if creates else "UPDATE_STACK", token)
    if creates:
        stack.deployment = change_set.deployment
    start(call, stack, operation, lambda run: _execution(run, change_set, creates=creates))
    return {}


def existing_change_set(call: Call) -> ChangeSet:
    """The change set that a call names: by ARN, or by name and stack.

    Raises:
        AwsError: `ChangeSetNotFound`, or `ValidationError` when a name comes without a stack, or the stack is none.
    """
    named, stack_name = call.parameters["ChangeSetName"], call.parameters.get("StackName")
    if named.startswith("arn:"):
        found = call.state.stacks.find_change_set(home_of(call), named)
    elif stack_name is None:
        raise validation_error("StackName must be specified if ChangeSetName is not specified as an ARN.")
    else:
        found = living_stack(call).change_sets.get(named)
    if found is None:
        raise AwsError("ChangeSetNotFound", f"ChangeSet [{named}] does not exist")
    return found


def _check_options(call: Call, *, creates: bool) -> None:
    if call.parameters.get("ChangeSetType") == "IMPORT":
        raise AwsError("NotModelled", "ChangeSetType IMPORT is not modelled by this sandbox")
    if call.parameters.get("OnStackFailure") == "DELETE" and not creates:
        raise validation_error("OnStackFailure DELETE is only valid when ChangeSetType is CREATE.")
    if creates and "DeploymentMode" in call.parameters:
        raise validation_error("DeploymentMode REVERT_DRIFT is only valid when ChangeSetType is UPDATE.")


def _new_stack(call: Call) -> Stack:
    name = call.parameters["StackName"]
    stack = find_stack(call, name)
    if stack is not None and stack.status == "REVIEW_IN_PROGRESS":
        return stack
    if stack is not None:
        raise validation_error(
            f"Stack [{name}] already exists and cannot be created again with the changeSet"
            f" [{call.parameters['ChangeSetName']}]."
        )
    check_stack_name(name)
    return call.state.stacks.add(home_of(call), name, call.now)


def _repeated(call: Call, present: ChangeSet) -> Mapping[str, Any]:
    token = call.parameters.get("ClientToken")
    if token is not None and present.given == call.parameters:
        return {"Id": present.id, "StackId": present.stack.stack_id}
    raise AwsError("AlreadyExistsException", f"ChangeSet {present.name} cannot be created: it exists already")


def _made(call: Call, stack: Stack) -> ChangeSet:
    name, change_set_id = call.parameters["ChangeSetName"], str(uuid.uuid4())
    arn = home_of(call).arn(f"changeSet/{name}/{change_set_id}")
    role = call.parameters.get("RoleARN")
    if role is not None:
        check_service_role(call.state, call.signer, role)
    return ChangeSet(
        id=arn,
        name=name,
        type=call.parameters.get("ChangeSetType", "UPDATE"),
        stack=stack,
        deployment=wanted_deployment(call, stack),
        created=call.now,
        operation=Operation("CREATE_CHANGESET", call.parameters.get("ClientToken"), arn),
        given=call.parameters,
        role_arn=role,
        description=call.parameters.get("Description"),
        on_stack_failure=call.parameters.get("OnStackFailure"),
        reverts_drift="DeploymentMode" in call.parameters,
        validates=not call.parameters.get("DisableValidation", False),
    )


def _preparation(job: Job, change_set: ChangeSet, call: ServiceCall, pause: float) -> Steps:
    """Work out what would change, look at what there is where that matters, and validate."""
    yield pause
    change_set.status = "CREATE_IN_PROGRESS"
    yield pause
    stack, deployment = change_set.stack, change_set.deployment
    if change_set.reverts_drift:
        change_set.actual = dict(_actual(change_set, job, call))
    change_set.changes = planned_changes(stack, deployment, change_set.actual)
    reason = None
    if not change_set.changes and (stack.deployment is not None and not is_change(stack, deployment)):
        reason = _NO_CHANGES
    elif change_set.validates:
        reason = validate(stack, deployment, call, (change_set.operation, job.time))
    change_set.reason = reason
    change_set.status = "FAILED" if reason else "CREATE_COMPLETE"
    change_set.execution_status = "UNAVAILABLE" if reason else "AVAILABLE"


def _actual(change_set: ChangeSet, job: Job, call: ServiceCall) -> Iterator[tuple[str, Mapping[str, Any] | None]]:
    """What each resource that has drifted is really like."""
    for name, resource in change_set.stack.resources.items():
        found = detected(resource, call, job.time)
        if found.status in {"DELETED", "MODIFIED"}:
            yield name, found.actual


def _execution(run: Run, change_set: ChangeSet, *, creates: bool) -> Steps:
    if creates:
        yield from create(run, validates=False)
    else:
        yield from update(run, change_set.deployment, actual=change_set.actual, validates=False)
    done = run.stack.status in {"CREATE_COMPLETE", "UPDATE_COMPLETE"}
    change_set.execution_status = "EXECUTE_COMPLETE" if done else "EXECUTE_FAILED"


def _take_options(call: Call, change_set: ChangeSet) -> None:
    stack, wanted = change_set.stack, change_set.on_stack_failure
    if wanted is not None and "DisableRollback" in call.parameters:
        raise validation_error("You cannot specify both OnStackFailure and DisableRollback.")
    stack.on_failure = wanted if change_set.type == "CREATE" else stack.on_failure
    stack.disable_rollback = call.parameters.get("DisableRollback", wanted == "DO_NOTHING")


def _unfit(change_set: ChangeSet, verb: str, what: str, status: str) -> AwsError:
    return AwsError(
        "InvalidChangeSetStatus",
        f"ChangeSet [{change_set.id}] cannot be {verb} in its current {what} of [{status}]",
    )


def _summary(change_set: ChangeSet) -> dict[str, Any]:
    return {
        "StackId": change_set.stack.stack_id,
        "StackName": change_set.stack.name,
        "ChangeSetId": change_set.id,
        "ChangeSetName": change_set.name,
        "ExecutionStatus": change_set.execution_status,
        "Status": change_set.status,
        "StatusReason": change_set.reason,
        "CreationTime": change_set.created,
        "Description": change_set.description,
    }


def _shown_change(change: ResourceChange, *, shows_values: bool) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "Action": change.action,
        "LogicalResourceId": change.logical_id,
        "PhysicalResourceId": change.physical_id,
        "ResourceType": change.type,
        "Replacement": change.replacement,
        "PolicyAction": _policy_action(change),
        "Scope": list(dict.fromkeys(map(_attribute, change.details))),
        "Details": [_shown_detail(detail, shows_values=shows_values) for detail in change.details],
    }
    if shows_values:
        shown["BeforeContext"] = _context(change.before) if change.action != "Add" else None
        shown["AfterContext"] = _context(change.after) if change.action != "Remove" else None
    return {"Type": "Resource", "ResourceChange": shown}


def _shown_detail(detail: PropertyChange, *, shows_values: bool) -> dict[str, Any]:
    attribute = _attribute(detail)
    kind = "Add" if detail.before is None else "Remove" if detail.after is None else "Modify"
    target: dict[str, Any] = {"Attribute": attribute, "RequiresRecreation": detail.recreation}
    if attribute == "Properties":
        target["Name"] = detail.name
    if shows_values:
        target["Path"] = f"/{attribute}/{detail.name}" if attribute == "Properties" else f"/{attribute}"
        target["BeforeValue"], target["AfterValue"] = _value(detail.before), _value(detail.after)
        target["AttributeChangeType"] = kind
    dynamic = detail.source in {"ResourceAttribute", "ResourceReference"}
    return {
        "Target": target,
        "Evaluation": "Dynamic" if dynamic else "Static",
        "ChangeSource": detail.source,
        "CausingEntity": detail.cause,
    }


def _attribute(detail: PropertyChange) -> str:
    if not detail.name:
        return "Metadata"
    return "Tags" if detail.name == "Tags" else "Properties"


def _policy_action(change: ResourceChange) -> str | None:
    if change.action == "Remove":
        return "Retain" if change.retained else "Delete"
    if change.replacement == "True":
        return "ReplaceAndRetain" if change.retained else "ReplaceAndDelete"
    return None


def _context(properties: Mapping[str, Any]) -> str:
    return json.dumps({"Properties": properties}, separators=(",", ":"))


def _value(value: Any) -> str | None:
    if value is None:
        return None
    return json.dumps(value, separators=(",", ":")) if isinstance(value, Mapping | list) else text_of(value)
