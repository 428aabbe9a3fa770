"""Stacks deleted, and resources that are left behind cleaned up."""

from __future__ import annotations

from collections.abc import Collection, Generator

from sandbox.aws.cloudformation.evaluation import dependency_waves
from sandbox.aws.cloudformation.jobs import Steps
from sandbox.aws.cloudformation.operations.provisioning import failure_reason
from sandbox.aws.cloudformation.operations.run import Run
from sandbox.aws.cloudformation.resources.handler import ResourceFailure
from sandbox.aws.cloudformation.stack import Leftover, StackResource

_KEEPING = {"Retain", "RetainExceptOnCreate"}


def delete(run: Run, *, retained: Collection[str] = (), force: bool = False, reason: str = "User Initiated") -> Steps:
    """Delete a stack with all it holds.

    Args:
        run: The operation.
        retained: Resources to leave where they are.
        force: Delete the stack even if some resources stay behind.
        reason: Why, in words.
    """
    stack = run.stack
    run.set_status("DELETE_IN_PROGRESS", reason)
    yield run.pause
    kept = {name for name, resource in stack.resources.items() if resource.declaration.deletion_policy in _KEEPING}
    yield from delete_resources(run, kept | set(retained), force=force)
    yield from clean_up(run)
    failed = [resource for resource in stack.resources.values() if resource.status == "DELETE_FAILED"]
    if failed:
        run.set_status("DELETE_FAILED", failure_reason(failed))
        return
    stack.deleted = run.time
    stack.change_sets.clear()
    stack.rollback_point = None
    run.set_status("DELETE_COMPLETE")


def delete_resources(run: Run, kept: Collection[str], *, force: bool = False) -> Steps:
    """Delete a stack's resources, those that others need last; a failure does not stop the rest."""
    resources = run.stack.resources
    declarations = {name: resource.declaration for name, resource in resources.items()}
    for wave in reversed(list(dependency_waves(declarations))):
        doomed = []
        for resource in (resources[name] for name in reversed(wave)):
            if resource.status in {"DELETE_COMPLETE", "DELETE_SKIPPED"}:
                continue
            if resource.made is None:
                run.set_resource_status(resource, "DELETE_COMPLETE")
            elif resource.logical_id in kept:
                run.set_resource_status(resource, "DELETE_SKIPPED")
            else:
                run.set_resource_status(resource, "DELETE_IN_PROGRESS")
                doomed.append(resource)
        if doomed:
            yield run.pause
        for resource in doomed:
            yield from _delete_resource(run, resource, force=force)


def clean_up(run: Run) -> Generator[float, None, bool]:
    """Delete what an update, or its rollback, has left behind, the last one first.

    Returns:
        Whether all of it could be deleted; what could not is nobody's any more.
    """
    leftovers, run.stack.leftovers = list(reversed(run.stack.leftovers)), []
    for leftover in leftovers:
        yield from _clean_up_one(run, leftover)
    return all(leftover.resource.status != "DELETE_FAILED" for leftover in leftovers)


def _clean_up_one(run: Run, leftover: Leftover) -> Steps:
    resource = leftover.resource
    if resource.made is None:
        return
    if leftover.kept:
        run.set_resource_status(resource, "DELETE_SKIPPED")
        return
    run.set_resource_status(resource, "DELETE_IN_PROGRESS")
    yield run.pause
    yield from _delete_resource(run, resource, force=False)


def _delete_resource(run: Run, resource: StackResource, *, force: bool) -> Steps:
    if resource.made is None:
        return
    try:
        handler = resource.declaration.handler
        for _ in handler.deleting(run.call, resource.made.physical_id, resource.properties):
            yield run.patience
    except ResourceFailure as failure:
        run.set_resource_status(resource, "DELETE_FAILED", failure.reason)
        if force:
            run.set_resource_status(resource, "DELETE_SKIPPED")
        return
    run.set_resource_status(resource, "DELETE_COMPLETE")
