"""A stack updated, and the way back when that fails."""

from __future__ import annotations

import copy
from collections.abc import Collection, Generator

from sandbox.aws.cloudformation.changes import Actual, same
from sandbox.aws.cloudformation.early_validation import validate
from sandbox.aws.cloudformation.evaluation import dependency_waves, present_resources
from sandbox.aws.cloudformation.jobs import Steps
from sandbox.aws.cloudformation.operations.creating import set_outputs
from sandbox.aws.cloudformation.operations.deleting import clean_up
from sandbox.aws.cloudformation.operations.provisioning import failure_reason, provision
from sandbox.aws.cloudformation.operations.run import Run
from sandbox.aws.cloudformation.resources.handler import ResourceFailure
from sandbox.aws.cloudformation.stack import Deployment, Leftover, RollbackPoint, StackResource

_ORPHANED = "One or more resources could not be deleted."


def update(run: Run, deployment: Deployment, *, actual: Actual | None = None, validates: bool = True) -> Steps:
    """Make a stack what a new deployment says.

    Args:
        run: The operation.
        deployment: What the stack is to be.
        actual: What resources really are like, where that is to be heeded.
        validates: Whether early validation comes first.
    """
    stack = run.stack
    stack.remember_rollback_point()
    stack.deployment, stack.updated = deployment, run.time
    run.set_status("UPDATE_IN_PROGRESS", "User Initiated")
    yield run.pause
    if validates and (reason := validate(stack, deployment, run.call, (run.operation, run.time))):
        yield from _after_failure(run, reason, "VALIDATION_FAILED")
        return
    reason = yield from provision(run, actual)
    if reason is None:
        reason = set_outputs(run)
    if reason is not None:
        yield from _after_failure(run, reason)
        return
    _leave_removed(run)
    run.set_status("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS")
    yield run.pause
    cleaned = yield from clean_up(run)
    stack.rollback_point = None
    run.set_status("UPDATE_COMPLETE", None if cleaned else f"Update successful. {_ORPHANED}")


def roll_back_update(run: Run, reason: str, *, skipped: Collection[str] = (), detail: str | None = None) -> Steps:
    """Make a stack again what it was before its update began.

    Args:
        run: The operation.
        reason: Why, in words.
        skipped: Resources to leave as they are, and to take for what they were.
        detail: The stack's detailed status.
    """
    stack, point = run.stack, _point(run)
    stack.deployment = point.deployment
    run.set_status("UPDATE_ROLLBACK_IN_PROGRESS", reason, detail)
    yield run.pause
    for wave in dependency_waves({name: resource.declaration for name, resource in point.resources.items()}):
        for name in wave:
            yield from _restore(run, stack.resources[name], point.resources[name], skip=name in skipped)
    failed = [resource for resource in stack.resources.values() if resource.status == "UPDATE_FAILED"]
    if failed:
        run.set_status("UPDATE_ROLLBACK_FAILED", failure_reason(failed))
        return
    _leave_added(run, point)
    run.set_status("UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS")
    yield run.pause
    cleaned = yield from clean_up(run)
    stack.outputs, stack.rollback_point = point.outputs, None
    run.set_status("UPDATE_ROLLBACK_COMPLETE", None if cleaned else f"Rollback successful. {_ORPHANED}")


def _after_failure(run: Run, reason: str, detail: str | None = None) -> Steps:
    if run.stack.disable_rollback:
        run.set_status("UPDATE_FAILED", reason, detail)
    else:
        yield from roll_back_update(run, reason, detail=detail)


def _point(run: Run) -> RollbackPoint:
    point = run.stack.rollback_point
    if point is None:
        raise LookupError(f"{run.stack.name} has nothing to go back to")
    return point


def _leave_removed(run: Run) -> None:
    """Leave what the new deployment has no more to be cleaned up, dependants last in the list."""
    stack = run.stack
    present = present_resources(stack.told.template, run.scope)
    declarations = {name: resource.declaration for name, resource in stack.resources.items()}
    for wave in dependency_waves(declarations):
        for name in wave:
            if name not in present:
                kept = declarations[name].deletion_policy in {"Retain", "RetainExceptOnCreate"}
                stack.leftovers.append(Leftover(stack.resources.pop(name), kept))


def _leave_added(run: Run, point: RollbackPoint) -> None:
    """Leave what the failed update has added to be cleaned up, dependants last in the list."""
    stack = run.stack
    declarations = {name: resource.declaration for name, resource in stack.resources.items()}
    for wave in dependency_waves(declarations):
        for name in wave:
            if name not in point.resources:
                kept = declarations[name].deletion_policy == "Retain"
                stack.leftovers.append(Leftover(stack.resources.pop(name), kept))


def _restore(run: Run, now: StackResource, was: StackResource, *, skip: bool) -> Steps:
    if _untouched(now, was):
        run.stack.resources[now.logical_id] = _restored(now, was, now.status)
        return
    if not skip:
        run.set_resource_status(now, "UPDATE_IN_PROGRESS", properties=was.properties)
        yield run.pause
    back = _restored(now, was, now.status)
    if skip:
        back.drift = ("NOT_CHECKED", run.time)
    elif now.made != was.made:
        _swap_back(run, now, was)
    elif was.made is not None and not (yield from _changed_back(run, now, was)):
        return
    run.stack.resources[now.logical_id] = back
    run.set_resource_status(back, "UPDATE_COMPLETE")


def _untouched(now: StackResource, was: StackResource) -> bool:
    same_form = same(now.properties, was.properties) and now.half_applied is None
    return now.made == was.made and same_form and not now.status.endswith("_FAILED")


def _restored(now: StackResource, was: StackResource, status: str) -> StackResource:
    back = copy.copy(was)
    back.status, back.reason, back.time = status, now.reason, now.time
    return back


def _swap_back(run: Run, now: StackResource, was: StackResource) -> None:
    """Take the old physical resource into use again, and leave the new one to be cleaned up."""
    stack = run.stack
    stack.leftovers = [leftover for leftover in stack.leftovers if leftover.resource.physical_id != was.physical_id]
    stack.leftovers.append(Leftover(copy.copy(now), kept=False))


def _changed_back(run: Run, now: StackResource, was: StackResource) -> Generator[float, None, bool]:
    handler, place = was.declaration.handler, run.stack.place(was.logical_id)
    if was.made is None or not handler.supports_updates:
        return True
    try:
        change = (now.half_applied or now.properties, was.properties)
        for _ in handler.updating(run.call, was.made, change, place):
            yield run.patience
    except ResourceFailure as failure:
        run.set_resource_status(now, "UPDATE_FAILED", failure.reason, was.properties)
        now.half_applied = now.half_applied or now.properties
        return False
    return True
