"""An operation of a stack set, as the handler of the resource begins it and waits for it."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Any, Final

from sandbox.aws.cloudformation.resources.handler import Made, Making, ResourceFailure, ServiceCall, handler_message
from sandbox.aws.errors import AwsError

_LONGEST: Final = 850


def operated(call: ServiceCall, made: Made, operation: str, **parameters: Any) -> Making:
    """Carry out an operation of a stack set from beginning to end, after whatever is under way.

    Raises:
        AwsError: It was refused.
        ResourceFailure: It did not succeed.
    """
    given = {"StackSetName": made.physical_id, "OperationId": str(uuid.uuid4()), **parameters}
    while not _begun(call, operation, given):
        yield made
    while not _succeeded(call, given["StackSetName"], given["OperationId"]):
        yield made
    return made


def _begun(call: ServiceCall, operation: str, given: dict[str, Any]) -> bool:
    try:
        call("cloudformation", operation, **given)
    except AwsError as error:
        if error.code == "OperationInProgressException":
            return False
        raise
    return True


def _succeeded(call: ServiceCall, stack_set_id: str, operation_id: str) -> bool:
    found = call("cloudformation", "DescribeStackSetOperation", StackSetName=stack_set_id, OperationId=operation_id)[
        "StackSetOperation"
    ]
    if found["Status"] in {"QUEUED", "RUNNING"}:
        return False
    if found["Status"] == "SUCCEEDED":
        return True
    reasons = "".join(f" [{reason}]" for reason in dict.fromkeys(_reasons(call, stack_set_id, operation_id)))
    message = f"Stack set operation [{operation_id}] was unexpectedly stopped or failed. status reason(s):{reasons}"
    if len(message) > _LONGEST:
        message = f"{message[:_LONGEST]}... Use list-stack-set-operation-results for more information."
    raise ResourceFailure(handler_message(message, "NotStabilized"), stack_set_id)


def _reasons(call: ServiceCall, stack_set_id: str, operation_id: str) -> Iterator[str]:
    given = {"StackSetName": stack_set_id, "OperationId": operation_id, "MaxResults": 100}
    while True:
        page = call("cloudformation", "ListStackSetOperationResults", **given)
        for result in page["Summaries"]:
            if result["Status"] == "FAILED":
                yield str(result["StatusReason"])
        if page["NextToken"] is None:
            return
        given["NextToken"] = page["NextToken"]
