"""Operations of stack sets begun, described and stopped."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping, Sequence
from functools import wraps
from typing import Any

from sandbox.aws.cloudformation.api.lookup import existing_stack_set, living_stack_set, page
from sandbox.aws.cloudformation.api.organizations_access import operating_organization
from sandbox.aws.cloudformation.stack_sets.preferences import Preferences
from sandbox.aws.cloudformation.stack_sets.queue import check_free, enqueue
from sandbox.aws.cloudformation.stack_sets.stack_set import Result, StackInstance, StackSet, StackSetOperation
from sandbox.aws.errors import AwsError
from sandbox.aws.organizations.organization import Organization
from sandbox.aws.state import Call


def wanted_operation(call: Call, action: str, regions: Sequence[str]) -> StackSetOperation:
    """The operation that a call asks for, about nothing as yet.

    Args:
        call: The call.
        action: `CREATE`, `UPDATE` or `DELETE`.
        regions: Those that it may be about.

    Raises:
        AwsError: `ValidationError` or `NotModelled` for preferences that do not fit.
    """
    return StackSetOperation(
        id=call.parameters.get("OperationId") or str(uuid.uuid4()),
        action=action,
        created=call.now,
        preferences=Preferences.read(call.parameters.get("OperationPreferences", {}), regions),
        targets=call.parameters.get("DeploymentTargets"),
        retains=call.parameters.get("RetainStacks", False),
        given=(call.operation, call.parameters),
    )


def begin(
    call: Call, stack_set: StackSet, operation: StackSetOperation, instances: Sequence[StackInstance]
) -> Mapping[str, Any]:
    """Begin an operation on some instances; the call's answer."""
    operation.include(instances)
    enqueue(call.state, operating_organization(call), stack_set, operation)
    return {"OperationId": operation.id}


def once(operate: Callable[[Call, Organization, StackSet], Mapping[str, Any]]) -> Callable[[Call], Mapping[str, Any]]:
    """Let *operate* begin an operation of a stack set: each id once, and none while another is under way.

    What it makes of it raises `AwsError`: what *operate* does, and `OperationIdAlreadyExistsException` when the id came
    with another call.
    """

    @wraps(operate)
    def operation(call: Call) -> Mapping[str, Any]:
        organization, stack_set = operating_organization(call), living_stack_set(call)
        repeated = _repeated(call, stack_set)
        if repeated is not None:
            return {"OperationId": repeated.id}
        check_free(stack_set)
        return operate(call, organization, stack_set)

    return operation


def describe_stack_set_operation(call: Call) -> Mapping[str, Any]:
    """Describe an operation."""
    stack_set = existing_stack_set(call)
    operation = _existing_operation(call, stack_set)
    return {
        "StackSetOperation": {
            **_summary(operation),
            "StackSetId": stack_set.id,
            "RetainStacks": operation.retains if operation.action == "DELETE" else None,
            "DeploymentTargets": operation.targets,
        }
    }


def list_stack_set_operations(call: Call) -> Mapping[str, Any]:
    """Summarize a stack set's operations, the newest first."""
    found = reversed(existing_stack_set(call).operations)
    return page(call, "Summaries", [_summary(operation) for operation in found])


def list_stack_set_operation_results(call: Call) -> Mapping[str, Any]:
    """What has become of each account and region in an operation."""
    operation = _existing_operation(call, existing_stack_set(call))
    wanted = {one["Values"] for one in call.parameters.get("Filters", [])}
    found = [result for result in operation.results.values() if not wanted or result.status in wanted]
    return page(call, "Summaries", [_shown_result(result) for result in found])


def stop_stack_set_operation(call: Call) -> Mapping[str, Any]:
    """Let an operation begin with no further account."""
    operation = _existing_operation(call, existing_stack_set(call))
    if operation.is_over:
        raise AwsError("InvalidOperationException", f"Operation {operation.id} is not in a state that can be stopped")
    operation.status = "STOPPING"
    return {}


def _repeated(call: Call, stack_set: StackSet) -> StackSetOperation | None:
    wanted = call.parameters.get("OperationId")
    known = next((operation for operation in stack_set.operations if operation.id == wanted), None)
    if known is not None and known.given != (call.operation, call.parameters):
        raise AwsError("OperationIdAlreadyExistsException", f"Operation with id {wanted} already exists")
    return known


def _existing_operation(call: Call, stack_set: StackSet) -> StackSetOperation:
    wanted = call.parameters["OperationId"]
    for operation in stack_set.operations:
        if operation.id == wanted:
            return operation
    raise AwsError("OperationNotFoundException", f"Operation {wanted} not found")


def _summary(operation: StackSetOperation) -> dict[str, Any]:
    return {
        "OperationId": operation.id,
        "Action": operation.action,
        "Status": operation.status,
        "CreationTimestamp": operation.created,
        "EndTimestamp": operation.ended,
        "OperationPreferences": operation.preferences.given,
        "StatusDetails": {"FailedStackInstancesCount": operation.failures},
    }


def _shown_result(result: Result) -> dict[str, Any]:
    return {
        "Account": result.instance.account_id,
        "Region": result.instance.region,
        "Status": result.status,
        "StatusReason": result.reason,
        "AccountGateResult": {"Status": "SKIPPED"},
        "OrganizationalUnitId": result.instance.unit_id,
    }
