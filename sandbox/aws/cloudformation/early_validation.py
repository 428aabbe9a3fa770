"""What can be told to be wrong before anything is made.

Source: "Validate stack deployments" in the CloudFormation user guide, and the AWS DevOps blog, "Ship infrastructure
faster with CloudFormation and CDK pre-deployment validation on every stack operation".
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime
from typing import Final

from sandbox.aws.cloudformation.changes import ResourceChange, planned_changes
from sandbox.aws.cloudformation.events import Operation, Validation
from sandbox.aws.cloudformation.functions import UNKNOWN
from sandbox.aws.cloudformation.resources.handler import ServiceCall, already_exists
from sandbox.aws.cloudformation.resources.registry import HANDLERS
from sandbox.aws.cloudformation.stack import Deployment, Stack
from sandbox.aws.errors import AwsError

_CHECKS: Final = {
    "PROPERTY_VALIDATION": "AWS::EarlyValidation::PropertyValidation",
    "NAME_CONFLICT_VALIDATION": "AWS::EarlyValidation::ResourceExistenceCheck",
}


def validate(
    stack: Stack, deployment: Deployment, call: ServiceCall, occasion: tuple[Operation, datetime]
) -> str | None:
    """Look for what is bound to fail, and record it as events of the occasion.

    Returns:
        Why the operation cannot go on, or None.
    """
    failed: dict[str, None] = {}
    for change in planned_changes(stack, deployment):
        if change.action == "Remove":
            continue
        for validation in _findings(change, call):
            whose = (change.logical_id, change.physical_id, change.type)
            stack.record(*occasion, whose, "", properties=change.after, validation=validation)
            if validation.mode == "FAIL":
                failed[_CHECKS[validation.name]] = None
    if not failed:
        return None
    return (
        f"The following hook(s)/validation failed: [{', '.join(failed)}]. To troubleshoot Early Validation errors,"
        " use the DescribeEvents API for detailed failure information."
    )


def _findings(change: ResourceChange, call: ServiceCall) -> Iterator[Validation]:
    handler, path = HANDLERS[change.type], f"/Resources/{change.logical_id}"
    known = {name: value for name, value in change.after.items() if UNKNOWN not in json.dumps(value)}
    schema = handler.schema
    for violation in schema.violations(change.after):
        if violation.property is not None and violation.property not in known:
            continue
        yield Validation("PROPERTY_VALIDATION", "FAILED", "FAIL", violation.message, path + violation.path)
    name = known.get(schema.name or "")
    if name is None or not _takes_name(change):
        return
    where = f"{path}/Properties/{schema.name}"
    try:
        taken = handler.exists(call, known)
    except AwsError as error:
        reason = f"The validation could not be carried out: {error.message}"
        yield Validation("NAME_CONFLICT_VALIDATION", "SKIPPED", "WARN", reason, where)
        return
    if taken:
        reason = already_exists(change.type, str(name))
        yield Validation("NAME_CONFLICT_VALIDATION", "FAILED", "FAIL", reason, where)


def _takes_name(change: ResourceChange) -> bool:
    """Whether a new physical resource takes on the name: one that keeps its name is no conflict with itself."""
    naming = HANDLERS[change.type].schema.name
    return change.action == "Add" or any(detail.name == naming for detail in change.details)
