"""What a deployment would change in a stack, told without changing it.

Source: "Update behaviors of stack resources", and `ResourceChange` in the CloudFormation API reference.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from sandbox.aws.cloudformation.evaluation import (
    dependency_waves,
    made_in,
    present_resources,
    properties_of,
    scope_of,
)
from sandbox.aws.cloudformation.functions import UNKNOWN, Scope, text_of
from sandbox.aws.cloudformation.references import references
from sandbox.aws.cloudformation.resources.handler import Made
from sandbox.aws.cloudformation.stack import Deployment, Stack, StackResource
from sandbox.aws.cloudformation.template import Resource

_ABSENT: Final = object()
Actual = Mapping[str, Mapping[str, Any] | None]
"""What resources really are like, by logical id; None for one that is gone."""


@dataclass(frozen=True, slots=True)
class PropertyChange:
    """One property that changes.

    Attributes:
        name: The property; empty for a change of metadata.
        before: Its value now, None if it has none.
        after: Its value then, None if it has none.
        recreation: `Never`, `Conditionally` or `Always`.
        source: `DirectModification`, `ParameterReference`, `ResourceReference` or `ResourceAttribute`.
        cause: The parameter or resource behind it; None for a direct modification.
    """

    name: str
    before: Any
    after: Any
    recreation: str
    source: str
    cause: str | None


@dataclass(frozen=True, slots=True)
class ResourceChange:
    """One resource that changes.

    Attributes:
        action: `Add`, `Modify` or `Remove`.
        logical_id: Its name in the template.
        type: Its type.
        physical_id: None for one to be added.
        details: For one to be modified.
        before: All its properties now.
        after: All its properties then.
        retained: Whether one to be removed, or replaced, is kept.
    """

    action: str
    logical_id: str
    type: str
    physical_id: str | None = None
    details: tuple[PropertyChange, ...] = ()
    before: Mapping[str, Any] = field(default_factory=dict)
    after: Mapping[str, Any] = field(default_factory=dict)
    retained: bool = False

    @property
    def replacement(self) -> str | None:
        """`True`, `False` or `Conditional` for one to be modified."""
        if self.action != "Modify":
            return None
        recreations = {detail.recreation for detail in self.details}
        if "Always" in recreations:
            return "True"
        return "Conditional" if "Conditionally" in recreations else "False"


def same(left: Any, right: Any) -> bool:
    """Whether two values are the same to CloudFormation, for which scalars are text."""
    if isinstance(left, Mapping) and isinstance(right, Mapping):
        return set(left) == set(right) and all(same(left[key], right[key]) for key in left)
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(same, left, right))
    if left is _ABSENT or right is _ABSENT or isinstance(left, Mapping | list) or isinstance(right, Mapping | list):
        return left is right
    return text_of(left) == text_of(right)


def changed_names(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """The properties that differ."""
    names = dict.fromkeys([*before, *after])
    return [name for name in names if not same(before.get(name, _ABSENT), after.get(name, _ABSENT))]


def planned_changes(stack: Stack, deployment: Deployment, actual: Actual | None = None) -> list[ResourceChange]:
    """What deploying would change.

    Args:
        stack: As it is.
        deployment: What it would be told to be.
        actual: What to compare with in place of what was last applied.
    """
    return list(_Plan(stack, deployment, actual or {}).changes())


class _Plan:
    def __init__(self, stack: Stack, deployment: Deployment, actual: Actual) -> None:
        self._stack, self._deployment, self._actual = stack, deployment, actual
        self._renewed: set[str] = set()
        self._scope = scope_of(stack, deployment, self._find)
        self._present = present_resources(deployment.template, self._scope)

    def changes(self) -> Iterator[ResourceChange]:
        for wave in dependency_waves(self._present):
            for name in wave:
                change = self._change(self._present[name])
                if change is not None:
                    yield change
        for name, resource in self._stack.resources.items():
            if name not in self._present and resource.made is not None:
                yield ResourceChange(
                    "Remove",
                    name,
                    resource.declaration.type,
                    resource.physical_id,
                    before=resource.properties,
                    retained=resource.declaration.deletion_policy == "Retain",
                )

    def _find(self, logical_id: str) -> Made | None:
        return None if logical_id in self._renewed else made_in(self._stack)(logical_id)

    def _change(self, declaration: Resource) -> ResourceChange | None:
        name = declaration.logical_id
        resource = self._stack.resources.get(name)
        after = properties_of(declaration, self._scope, self._deployment)
        if resource is None or resource.made is None or self._is_gone(name):
            self._renewed.add(name)
            return ResourceChange("Add", name, declaration.type, after=after)
        before = self._actual.get(name) or resource.half_applied or resource.properties
        details = tuple(self._details(declaration, resource, before, after))
        if not details:
            return None
        if any(detail.recreation != "Never" for detail in details):
            self._renewed.add(name)
        kept = declaration.update_replace_policy == "Retain"
        return ResourceChange("Modify", name, declaration.type, resource.physical_id, details, before, after, kept)

    def _is_gone(self, name: str) -> bool:
        return name in self._actual and self._actual[name] is None

    def _details(
        self, declaration: Resource, resource: StackResource, before: Mapping[str, Any], after: Mapping[str, Any]
    ) -> Iterator[PropertyChange]:
        create_only = declaration.handler.schema.create_only
        for name in changed_names(before, after):
            unknown = UNKNOWN in json.dumps(after.get(name))
            recreation = ("Conditionally" if unknown else "Always") if name in create_only else "Never"
            source, cause = self._cause(declaration, resource, name)
            yield PropertyChange(name, before.get(name), after.get(name), recreation, source, cause)
        metadata = self._scope.evaluate(declaration.metadata)
        if not same(resource.metadata, metadata) and (resource.metadata is not None or metadata is not None):
            yield PropertyChange("", resource.metadata, metadata, "Never", "DirectModification", None)

    def _cause(self, declaration: Resource, resource: StackResource, name: str) -> tuple[str, str | None]:
        new, old = declaration.properties.get(name), resource.declaration.properties.get(name)
        if new != old:
            return "DirectModification", None
        given = self._stack.deployment.parameters if self._stack.deployment else {}
        for reference in references(new):
            if reference.name in self._renewed:
                if reference.attribute is None:
                    return "ResourceReference", reference.name
                return "ResourceAttribute", f"{reference.name}.{reference.attribute}"
            if self._deployment.parameters.get(reference.name) != given.get(reference.name):
                return "ParameterReference", reference.name
        return "DirectModification", None


def scope_for(stack: Stack, deployment: Deployment) -> Scope:
    """The names that expressions can use, with what the stack holds at present."""
    return scope_of(stack, deployment, made_in(stack))
