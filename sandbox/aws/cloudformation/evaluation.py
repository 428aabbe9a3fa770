"""What a deployment comes to in a stack: conditions decided, properties evaluated, in the order of dependencies."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from graphlib import TopologicalSorter
from typing import Any, Final

from sandbox.aws.cloudformation.functions import UNKNOWN, Scope, text_of
from sandbox.aws.cloudformation.references import Reference, references
from sandbox.aws.cloudformation.resources.handler import Made
from sandbox.aws.cloudformation.stack import Deployment, Stack
from sandbox.aws.cloudformation.template import Resource, Template
from sandbox.aws.errors import validation_error

_URL_SUFFIXES: Final = {"aws-cn": "amazonaws.com.cn"}

FindMade = Callable[[str], Made | None]
"""Finds the physical resource of a logical id; None while there is none."""


def made_in(stack: Stack) -> FindMade:
    """Finds what a stack holds at present."""

    def find(logical_id: str) -> Made | None:
        resource = stack.resources.get(logical_id)
        return resource.made if resource else None

    return find


def scope_of(stack: Stack, deployment: Deployment, find: FindMade) -> Scope:
    """The names that a deployment's expressions can use in a stack."""
    declared = deployment.template.parameters
    values = {name: declared[name].typed(text) for name, text in deployment.parameters.items()}

    def resource(reference: Reference) -> str:
        made = find(reference.name)
        if made is None:
            return UNKNOWN
        if reference.attribute is None:
            return made.physical_id
        return made.attributes.get(reference.attribute, UNKNOWN)

    return Scope({**values, **_pseudo_parameters(stack)}, deployment.template.conditions, resource)


def present_resources(template: Template, scope: Scope) -> dict[str, Resource]:
    """The resources whose conditions hold."""
    return {name: resource for name, resource in template.resources.items() if scope.holds(resource.condition)}


def properties_of(resource: Resource, scope: Scope, deployment: Deployment) -> dict[str, Any]:
    """A resource's properties, evaluated; a type that can be tagged takes on the stack's tags."""
    properties: dict[str, Any] = scope.evaluate(resource.properties)
    if deployment.tags and "Tags" in resource.handler.schema.properties:
        own = {str(tag["Key"]): str(tag["Value"]) for tag in properties.get("Tags", [])}
        tags = {**deployment.tags, **own}
        properties["Tags"] = [{"Key": key, "Value": value} for key, value in tags.items()]
    return properties


def outputs_of(scope: Scope, deployment: Deployment) -> dict[str, str]:
    """A stack's outputs."""
    outputs = {}
    for output in deployment.template.outputs.values():
        if scope.holds(output.condition):
            outputs[output.name] = text_of(scope.evaluate(output.value))
    return outputs


def check_evaluates(stack: Stack, deployment: Deployment) -> None:
    """Evaluate everything once, before anything is made of it.

    Raises:
        AwsError: `ValidationError` for what cannot be evaluated, or for references to resources whose
            conditions do not hold.
    """
    scope = scope_of(stack, deployment, lambda _: None)
    present = present_resources(deployment.template, scope)
    for resource in present.values():
        scope.evaluate(resource.metadata)
        _check_present(resource.properties, scope, deployment.template, present, "Resources")
        properties_of(resource, scope, deployment)
    for output in deployment.template.outputs.values():
        if scope.holds(output.condition):
            _check_present(output.value, scope, deployment.template, present, "Outputs")
            scope.evaluate(output.value)


def dependency_waves(resources: Mapping[str, Resource]) -> Iterator[list[str]]:
    """Logical ids in waves: each needs only those of earlier waves. Within a wave, in the given order."""
    order = {name: number for number, name in enumerate(resources)}
    sorter = TopologicalSorter({name: _needs(resource) & set(resources) for name, resource in resources.items()})
    sorter.prepare()
    while sorter.is_active():
        ready: Sequence[str] = sorter.get_ready()
        yield sorted(ready, key=order.__getitem__)
        sorter.done(*ready)


def _needs(resource: Resource) -> set[str]:
    return {reference.name for reference in references(resource.properties)} | set(resource.depends_on)


def _check_present(value: Any, scope: Scope, template: Template, present: Mapping[str, Resource], block: str) -> None:
    for reference in references(_chosen(value, scope)):
        if reference.name in template.resources and reference.name not in present:
            raise validation_error(
                f"Template format error: Unresolved resource dependencies [{reference.name}] in the {block} block"
                " of the template"
            )


def _chosen(value: Any, scope: Scope) -> Any:
    """A value with every `Fn::If` replaced by the branch that is taken."""
    if isinstance(value, dict) and set(value) == {"Fn::If"}:
        name, then, otherwise = value["Fn::If"]
        return _chosen(then if scope.holds(name) else otherwise, scope)
    if isinstance(value, dict):
        return {key: _chosen(member, scope) for key, member in value.items()}
    return [_chosen(item, scope) for item in value] if isinstance(value, list) else value


def _pseudo_parameters(stack: Stack) -> dict[str, Any]:
    return {
        "AWS::AccountId": stack.account_id,
        "AWS::NotificationARNs": [],
        "AWS::Partition": stack.partition,
        "AWS::Region": stack.region,
        "AWS::StackId": stack.stack_id,
        "AWS::StackName": stack.name,
        "AWS::URLSuffix": _URL_SUFFIXES.get(stack.partition, "amazonaws.com"),
    }
