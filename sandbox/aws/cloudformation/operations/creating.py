"""A stack created, and what follows when that fails."""

from __future__ import annotations

from sandbox.aws.cloudformation.early_validation import validate
from sandbox.aws.cloudformation.evaluation import outputs_of
from sandbox.aws.cloudformation.jobs import Steps
from sandbox.aws.cloudformation.operations.deleting import delete, delete_resources
from sandbox.aws.cloudformation.operations.provisioning import failure_reason, provision
from sandbox.aws.cloudformation.operations.run import Run
from sandbox.aws.errors import AwsError


def create(run: Run, *, validates: bool = True) -> Steps:
    """Create a stack from its deployment.

    Args:
        run: The operation.
        validates: Whether early validation comes first. What a stack whose early validation fails ends as is
            not documented; here, as what it ends as when its first resource fails, and with the detailed
            status that is documented.
    """
    run.set_status("CREATE_IN_PROGRESS", "User Initiated")
    yield run.pause
    if validates and (reason := validate(run.stack, run.stack.told, run.call, (run.operation, run.time))):
        yield from _after_failure(run, reason, "VALIDATION_FAILED")
        return
    reason = yield from provision(run)
    if reason is None:
        reason = set_outputs(run)
    if reason is not None:
        yield from _after_failure(run, reason)
        return
    run.set_status("CREATE_COMPLETE")


def set_outputs(run: Run) -> str | None:
    """Evaluate a stack's outputs; why that failed, or None."""
    try:
        run.stack.outputs = outputs_of(run.scope, run.stack.told)
    except AwsError as error:
        return error.message
    return None


def roll_back_creation(run: Run, reason: str, detail: str | None = None) -> Steps:
    """Delete what a creation that failed has made."""
    run.set_status("ROLLBACK_IN_PROGRESS", reason, detail)
    yield run.pause
    resources = run.stack.resources
    kept = [name for name, resource in resources.items() if resource.declaration.deletion_policy == "Retain"]
    yield from delete_resources(run, kept)
    failed = [resource for resource in resources.values() if resource.status == "DELETE_FAILED"]
    if failed:
        run.set_status("ROLLBACK_FAILED", failure_reason(failed))
    else:
        run.set_status("ROLLBACK_COMPLETE")


def _after_failure(run: Run, reason: str, detail: str | None = None) -> Steps:
    if run.stack.disable_rollback or run.stack.on_failure == "DO_NOTHING":
        run.set_status("CREATE_FAILED", reason, detail)
    elif run.stack.on_failure == "DELETE":
        yield from delete(run, reason=f"{reason.rstrip()} Delete requested by user.")
    else:
        yield from roll_back_creation(run, f"{reason.rstrip()} Rollback requested by user.", detail)
