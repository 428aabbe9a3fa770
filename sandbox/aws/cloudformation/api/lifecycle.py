"""Stacks created, updated, rolled back and deleted."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from sandbox.aws.cloudformation.api.deployments import take_up_role, wanted_deployment
from sandbox.aws.cloudformation.api.lookup import existing_stack, find_stack, home_of, living_stack
from sandbox.aws.cloudformation.changes import planned_changes
from sandbox.aws.cloudformation.credentials import Credentials
from sandbox.aws.cloudformation.events import Operation
from sandbox.aws.cloudformation.jobs import Steps
from sandbox.aws.cloudformation.operations.creating import create, roll_back_creation
from sandbox.aws.cloudformation.operations.deleting import delete
from sandbox.aws.cloudformation.operations.run import Run
from sandbox.aws.cloudformation.operations.updating import roll_back_update, update
from sandbox.aws.cloudformation.stack import Deployment, Stack
from sandbox.aws.errors import AwsError, validation_error
from sandbox.aws.state import Call

_NAME: Final = "[a-zA-Z][-a-zA-Z0-9]*"
_LONGEST_NAME: Final = 128
_UPDATABLE: Final = {"CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_FAILED", "UPDATE_ROLLBACK_COMPLETE"}
_UNDELETABLE: Final = {
    "ROLLBACK_IN_PROGRESS",
    "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS",
    "UPDATE_IN_PROGRESS",
    "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS",
    "UPDATE_ROLLBACK_IN_PROGRESS",
}


def create_stack(call: Call) -> Mapping[str, Any]:
    """Make a stack."""
    name = call.parameters["StackName"]
    check_stack_name(name)
    present = find_stack(call, name)
    if present is not None:
        if is_repeated(call, present):
            return {"StackId": present.stack_id, "OperationId": present.operations[0].id}
        raise AwsError("AlreadyExistsException", f"Stack [{name}] already exists")
    stack = call.state.stacks.add(home_of(call), name, call.now)
    try:
        stack.deployment = wanted_deployment(call, stack)
        take_up_role(call, stack)
        _take_options(call, stack)
    except AwsError:
        call.state.stacks.remove(stack)
        raise
    validates = not call.parameters.get("DisableValidation", False)
    return start(call, stack, Operation("CREATE_STACK", _token(call)), lambda run: create(run, validates=validates))


def update_stack(call: Call) -> Mapping[str, Any]:
    """Update a stack."""
    stack = living_stack(call)
    if is_repeated(call, stack):
        return {"StackId": stack.stack_id, "OperationId": stack.operations[-1].id}
    check_updatable(stack)
    deployment = wanted_deployment(call, stack)
    if not is_change(stack, deployment):
        raise validation_error("No updates are to be performed.")
    take_up_role(call, stack)
    stack.disable_rollback = call.parameters.get("DisableRollback", False)
    for change_set in stack.change_sets.values():
        change_set.execution_status = "OBSOLETE"
    validates = not call.parameters.get("DisableValidation", False)
    operation = Operation("UPDATE_STACK", _token(call))
    return start(call, stack, operation, lambda run: update(run, deployment, validates=validates))


def delete_stack(call: Call) -> Mapping[str, Any]:
    """Delete a stack; one that is not there, or is being deleted, is no error."""
    name = call.parameters["StackName"]
    stack = find_stack(call, name)
    if stack is None or stack.status in {"DELETE_COMPLETE", "DELETE_IN_PROGRESS"} or is_repeated(call, stack):
        return {}
    if stack.termination_protection:
        raise validation_error(f"Stack [{name}] cannot be deleted while TerminationProtection is enabled")
    if stack.status in _UNDELETABLE:
        raise validation_error(f"Stack [{stack.stack_id}] cannot be deleted while in status {stack.status}")
    retained = _retained(call, stack)
    take_up_role(call, stack)
    mode = call.parameters.get("DeletionMode", "STANDARD")
    force = mode == "FORCE_DELETE_STACK" and stack.status == "DELETE_FAILED"
    stack.deletion_mode = call.parameters.get("DeletionMode")
    operation = Operation("DELETE_STACK", _token(call))
    start(call, stack, operation, lambda run: delete(run, retained=retained, force=force))
    return {}


def rollback_stack(call: Call) -> Mapping[str, Any]:
    """Take a stack that has stopped at a failure back to its last stable state."""
    stack = living_stack(call)
    if is_repeated(call, stack):
        return {"StackId": stack.stack_id, "OperationId": stack.operations[-1].id}
    ways: dict[str, Callable[[Run], Steps]] = {
        "CREATE_FAILED": lambda run: roll_back_creation(run, "User Initiated"),
        "UPDATE_FAILED": lambda run: roll_back_update(run, "User Initiated"),
    }
    if stack.status not in ways:
        raise validation_error(f"Stack:{stack.stack_id} is in {stack.status} state and can not be rolled back.")
    take_up_role(call, stack)
    return start(call, stack, Operation("ROLLBACK", _token(call)), ways[stack.status])


def continue_update_rollback(call: Call) -> Mapping[str, Any]:
    """Go on with a rollback that has failed."""
    stack = living_stack(call)
    if is_repeated(call, stack):
        return {}
    skipped, force = call.parameters.get("ResourcesToSkip", []), call.parameters.get("ForceRollback", False)
    if skipped and force:
        raise validation_error("ForceRollback and ResourcesToSkip cannot be specified together.")
    if stack.status != "UPDATE_ROLLBACK_FAILED":
        raise validation_error(f"Stack:{stack.stack_id} is in {stack.status} state and can not continue rolling back.")
    failed = [name for name, resource in stack.resources.items() if resource.status == "UPDATE_FAILED"]
    if set(skipped) - set(failed):
        raise validation_error("One or more of the given resources to skip are not in the UPDATE_FAILED state")
    take_up_role(call, stack)
    operation = Operation("CONTINUE_ROLLBACK", _token(call))
    given_up = failed if force else skipped
    start(call, stack, operation, lambda run: roll_back_update(run, "User Initiated", skipped=given_up))
    return {}


def update_termination_protection(call: Call) -> Mapping[str, Any]:
    """Protect a stack from being deleted, or no more."""
    stack = existing_stack(call, "Stack [{}] does not exist")
    stack.termination_protection = call.parameters["EnableTerminationProtection"]
    return {"StackId": stack.stack_id}


def start(call: Call, stack: Stack, operation: Operation, series: Callable[[Run], Steps]) -> Mapping[str, Any]:
    """Begin an operation on a stack, in place of what has been going on.

    Returns:
        The members that tell of it.
    """
    if stack.job is not None:
        stack.job.cancel()
    stack.operations.append(operation)
    stack.detailed_status = None
    if operation.token is not None:
        stack.tokens[operation.token] = (call.operation, call.parameters)
    credentials = credentials_for(call, stack)
    stack.job = call.state.stacks.jobs.begin(
        call.now, lambda job: series(Run(call.state, stack, operation, credentials, job))
    )
    return {"StackId": stack.stack_id, "OperationId": operation.id}


def credentials_for(call: Call, stack: Stack, *, heeds_role: bool = True) -> Credentials:
    """In whose name a call's consequences act.

    Raises:
        AwsError: `InvalidClientTokenId` when a reset has done away with the caller's key meanwhile.
    """
    key = call.state.keys.find(call.access_key_id)
    if key is None:
        raise AwsError("InvalidClientTokenId", "The security token included in the request is invalid.")
    return Credentials(call.state, stack, key, heeds_role=heeds_role)


def is_repeated(call: Call, stack: Stack) -> bool:
    """Whether a stack has seen a call before, by its token.

    Raises:
        AwsError: `TokenAlreadyExistsException` when the token came with another call.
    """
    token = _token(call)
    if token is None or token not in stack.tokens:
        return False
    if stack.tokens[token] != (call.operation, call.parameters):
        raise AwsError("TokenAlreadyExistsException", f"ClientRequestToken [{token}] has already been used")
    return True


def check_stack_name(name: str) -> None:
    """Hold the name of a new stack against its pattern.

    Raises:
        AwsError: `ValidationError`.
    """
    constraint = None
    if not re.fullmatch(_NAME, name):
        constraint = f"satisfy regular expression pattern: {_NAME}"
    elif len(name) > _LONGEST_NAME:
        constraint = f"have length less than or equal to {_LONGEST_NAME}"
    if constraint is not None:
        raise validation_error(
            f"1 validation error detected: Value '{name}' at 'stackName' failed to satisfy constraint: Member must"
            f" {constraint}"
        )


def check_updatable(stack: Stack) -> None:
    """One operation at a time, and only from states that allow it.

    Raises:
        AwsError: `ValidationError`.
    """
    if stack.status == "CREATE_FAILED" and stack.on_failure == "DO_NOTHING":
        raise validation_error(
            "This stack cannot be updated from [CREATE_FAILED] state because it contains [on-failure: DO_NOTHING]."
            " Please use disable-rollback option instead during stack creation."
        )
    halted = stack.status == "CREATE_FAILED" and stack.disable_rollback
    if stack.status not in _UPDATABLE and not halted:
        raise validation_error(f"Stack:{stack.stack_id} is in {stack.status} state and can not be updated.")


def is_change(stack: Stack, deployment: Deployment) -> bool:
    """Whether deploying would change a resource, or the stack's tags; or would go on where a failure has halted it."""
    halted = stack.status in {"CREATE_FAILED", "UPDATE_FAILED"}
    return halted or bool(planned_changes(stack, deployment)) or deployment.tags != stack.told.tags


def _token(call: Call) -> str | None:
    token: str | None = call.parameters.get("ClientRequestToken")
    return token


def _take_options(call: Call, stack: Stack) -> None:
    stack.on_failure = call.parameters.get("OnFailure")
    if stack.on_failure is not None and "DisableRollback" in call.parameters:
        raise validation_error("You can specify either OnFailure or DisableRollback, but not both.")
    stack.disable_rollback = call.parameters.get("DisableRollback", False)
    stack.termination_protection = call.parameters.get("EnableTerminationProtection", False)


def _retained(call: Call, stack: Stack) -> list[str]:
    names: list[str] = call.parameters.get("RetainResources", [])
    if names and stack.status != "DELETE_FAILED":
        raise validation_error(
            f"Stack [{stack.stack_id}] is in {stack.status} state: RetainResources is for the DELETE_FAILED state."
        )
    for name in names:
        resource = stack.resources.get(name)
        if resource is None or resource.status == "DELETE_COMPLETE":
            raise validation_error(
                "The specified resources to retain must be in a valid state. Do not specify resources that are in the"
                " DELETE_COMPLETE state."
            )
    return names
