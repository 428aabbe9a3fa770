"""Resources made, changed and replaced, in waves of those that do not need each other."""

from __future__ import annotations

import copy
from collections.abc import Callable, Generator, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sandbox.aws.cloudformation.changes import Actual, changed_names, same
from sandbox.aws.cloudformation.evaluation import dependency_waves, present_resources, properties_of
from sandbox.aws.cloudformation.jobs import Steps
from sandbox.aws.cloudformation.operations.run import Run
from sandbox.aws.cloudformation.resources.handler import Made, Making, ResourceFailure
from sandbox.aws.cloudformation.stack import Leftover, StackResource
from sandbox.aws.cloudformation.template import Resource
from sandbox.aws.errors import AwsError

_REPLACING = "Requested update requires the creation of a new physical resource; hence creating one."
_INITIATED = "Resource creation Initiated"


@dataclass
class _Task:
    """What is to be done to one resource: `create`, `update` or `replace` it."""

    kind: str
    resource: StackResource
    declaration: Resource
    properties: Mapping[str, Any]
    metadata: Any
    before: Mapping[str, Any]

    @property
    def verb(self) -> str:
        return "CREATE" if self.kind == "create" else "UPDATE"


def provision(run: Run, actual: Actual | None = None) -> Generator[float, None, str | None]:
    """Make the stack's resources what its deployment says.

    Args:
        run: The operation.
        actual: What resources really are like, where that is to be heeded.

    Returns:
        Why it failed, or None.
    """
    template = run.stack.told.template
    for wave in dependency_waves(present_resources(template, run.scope)):
        found = (_task(run, template.resources[name], actual or {}) for name in wave)
        tasks = [task for task in found if task is not None]
        for task in tasks:
            _begin(run, task)
        if tasks:
            yield run.pause
            yield from _carry_out(run, tasks)
            yield max([run.pause, *(_stabilization(task) for task in tasks)])
            _complete(run, tasks)
        if any(_failed(task) for task in tasks):
            return failure_reason(task.resource for task in tasks)
    return None


def failure_reason(resources: Iterable[StackResource]) -> str:
    """How a stack says which of its resources have failed."""
    reasons = []
    listed = list(resources)
    for verb in ("create", "update", "delete"):
        names = [resource.logical_id for resource in listed if resource.status == f"{verb.upper()}_FAILED"]
        if names:
            reasons.append(f"The following resource(s) failed to {verb}: [{', '.join(names)}]. ")
    return "".join(reasons)


def _task(run: Run, declaration: Resource, actual: Actual) -> _Task | None:
    name, resource = declaration.logical_id, run.stack.resources.get(declaration.logical_id)
    try:
        properties = properties_of(declaration, run.scope, run.stack.told)
        metadata = run.scope.evaluate(declaration.metadata)
    except AwsError as error:  # an expression over what was only now made
        properties, metadata = {"": error.message}, None
    if resource is None or resource.made is None or (name in actual and actual[name] is None):
        resource = StackResource(declaration, "", run.time)
        run.stack.resources[name] = resource
        return _Task("create", resource, declaration, properties, metadata, {})
    before = actual.get(name) or resource.half_applied or resource.properties
    changed = changed_names(before, properties)
    resource.declaration = declaration
    if not changed and same(resource.metadata, metadata):
        return None
    replaces = not declaration.handler.schema.create_only.isdisjoint(changed)
    return _Task("replace" if replaces else "update", resource, declaration, properties, metadata, before)


def _begin(run: Run, task: _Task) -> None:
    reason = _REPLACING if task.kind == "replace" else None
    run.set_resource_status(task.resource, f"{task.verb}_IN_PROGRESS", reason, task.properties)


def _carry_out(run: Run, tasks: list[_Task]) -> Steps:
    """Do what is to be done to each; once one has failed, the rest is cancelled."""
    for task in tasks:
        if any(_failed(other) for other in tasks):
            noun = "creation" if task.kind == "create" else "update"
            run.set_resource_status(task.resource, f"{task.verb}_FAILED", f"Resource {noun} cancelled")
            continue
        try:
            _check_properties(task)
            yield from _apply(run, task)
        except ResourceFailure as failure:
            _fail(run, task, failure)


def _apply(run: Run, task: _Task) -> Steps:
    handler, place = task.declaration.handler, run.stack.place(task.declaration.logical_id)
    resource = task.resource
    if task.kind == "update" and resource.made is not None:
        resource.half_applied = task.properties
        making = handler.updating(run.call, resource.made, (task.before, task.properties), place)
        resource.made = yield from _waited_for(run, making, lambda _made: None)
        resource.half_applied = None
    else:
        _check_name(task)
        making = handler.creating(run.call, task.properties, place)
        made = yield from _waited_for(run, making, lambda made: _take_over(run, task, made))
        _take_over(run, task, made)
    resource.properties, resource.metadata = task.properties, task.metadata


def _waited_for(run: Run, making: Making, tell: Callable[[Made], None]) -> Generator[float, None, Made]:
    """See a resource being made through to its end, telling what there is of it so far."""
    while True:
        try:
            tell(next(making))
        except StopIteration as end:
            made: Made = end.value
            return made
        yield run.patience


def _take_over(run: Run, task: _Task, made: Made) -> None:
    """Make what a handler has made the stack's own, the first time it is told."""
    begun = task.resource.made is not None and task.resource.made.physical_id == made.physical_id
    if begun:
        task.resource.made = made
        return
    _renew(run, task, made)
    run.set_resource_status(task.resource, f"{task.verb}_IN_PROGRESS", _INITIATED)


def _renew(run: Run, task: _Task, made: Made) -> None:
    """Put a new physical resource in the place of the old one, which is left to be cleaned up."""
    resource = task.resource
    if resource.made is not None:
        kept = task.declaration.update_replace_policy == "Retain"
        run.stack.leftovers.append(Leftover(copy.copy(resource), kept))
    resource.made, resource.properties = made, task.properties


def _fail(run: Run, task: _Task, failure: ResourceFailure) -> None:
    if failure.physical_id is not None and failure.physical_id != task.resource.physical_id:
        _renew(run, task, Made(failure.physical_id, {}))
    run.set_resource_status(task.resource, f"{task.verb}_FAILED", failure.reason, task.properties)


def _check_properties(task: _Task) -> None:
    if task.kind == "update" and not task.declaration.handler.supports_updates:
        raise ResourceFailure(f"Update to resource type {task.declaration.type} is not supported.")
    if "" in task.properties:
        raise ResourceFailure(str(task.properties[""]))
    violations = list(task.declaration.handler.schema.violations(task.properties))
    if violations:
        listed = "\n".join(violation.handler_message for violation in violations)
        name = task.declaration.logical_id
        raise ResourceFailure(f"Properties validation failed for resource {name} with message:\n{listed}")


def _check_name(task: _Task) -> None:
    naming = task.declaration.handler.schema.name
    name = task.properties.get(naming) if naming else None
    if task.kind == "replace" and name is not None and name == task.before.get(naming or ""):
        raise ResourceFailure(
            "CloudFormation cannot update a stack when a custom-named resource requires replacing."
            f" Rename {name} and update the stack again."
        )


def _stabilization(task: _Task) -> float:
    if _failed(task) or task.kind == "update":
        return 0.0
    return task.declaration.handler.stabilization_seconds(task.properties)


def _complete(run: Run, tasks: list[_Task]) -> None:
    for task in tasks:
        if _failed(task):
            continue
        try:
            if task.kind != "update":
                task.declaration.handler.check_stable(task.properties)
        except ResourceFailure as failure:
            _fail(run, task, failure)
        else:
            run.set_resource_status(task.resource, f"{task.verb}_COMPLETE")


def _failed(task: _Task) -> bool:
    return task.resource.status.endswith("_FAILED")
