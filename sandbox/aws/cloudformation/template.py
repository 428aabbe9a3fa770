"""A template: read, and held against its grammar before anything is made of it.

Source: "Template sections" in the CloudFormation user guide; the words are those of the service.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from graphlib import CycleError, TopologicalSorter
from typing import Any, Final

from sandbox.aws.cloudformation import parameters
from sandbox.aws.cloudformation.functions import check_condition
from sandbox.aws.cloudformation.references import Reference, condition_names, references
from sandbox.aws.cloudformation.resources.handler import ResourceHandler
from sandbox.aws.cloudformation.resources.registry import HANDLERS, is_of_aws
from sandbox.aws.cloudformation.template_text import parse
from sandbox.aws.errors import AwsError, not_modelled, validation_error

FORMAT_VERSION: Final = "2010-09-09"
PSEUDO_PARAMETERS: Final = {
    "AWS::AccountId",
    "AWS::NoValue",
    "AWS::NotificationARNs",
    "AWS::Partition",
    "AWS::Region",
    "AWS::StackId",
    "AWS::StackName",
    "AWS::URLSuffix",
}
_SECTIONS: Final = {
    "AWSTemplateFormatVersion",
    "Conditions",
    "Description",
    "Metadata",
    "Outputs",
    "Parameters",
    "Resources",
}
_UNMODELLED_SECTIONS: Final = {"Globals", "Hooks", "Mappings", "Rules", "Transform"}
_RESOURCE_KEYS: Final = {
    "Condition",
    "DeletionPolicy",
    "DependsOn",
    "Metadata",
    "Properties",
    "Type",
    "UpdateReplacePolicy",
}
_UNMODELLED_RESOURCE_KEYS: Final = {"CreationPolicy", "UpdatePolicy", "Version"}
_DELETION_POLICIES: Final = {"Delete", "Retain", "RetainExceptOnCreate"}
_MOST_RESOURCES: Final = 500
_MOST_OUTPUTS: Final = 200


@dataclass(frozen=True, slots=True)
class Resource:
    """A resource as the template declares it, its properties unevaluated."""

    logical_id: str
    type: str
    properties: Mapping[str, Any] = field(repr=False)
    depends_on: tuple[str, ...] = ()
    condition: str | None = None
    metadata: Any = None
    deletion_policy: str = "Delete"
    update_replace_policy: str = "Delete"

    @property
    def handler(self) -> ResourceHandler:
        """Its type's handler."""
        return HANDLERS[self.type]


@dataclass(frozen=True, slots=True)
class Output:
    """An output as the template declares it, its value unevaluated."""

    name: str
    value: Any
    description: str | None
    condition: str | None


@dataclass(frozen=True, slots=True)
class Template:
    """A template that has passed the checks.

    Attributes:
        text: As it was given.
        description: None if it has none.
        metadata: Likewise.
        parameters: By name.
        conditions: By name, unevaluated.
        resources: By logical id, in the template's order.
        outputs: By name.
    """

    text: str = field(repr=False)
    description: str | None
    metadata: Any
    parameters: Mapping[str, parameters.Declaration]
    conditions: Mapping[str, Any]
    resources: Mapping[str, Resource]
    outputs: Mapping[str, Output]

    def dependencies(self, logical_id: str) -> set[str]:
        """The resources that one needs: those it refers to, and those it says it depends on."""
        resource = self.resources[logical_id]
        named = {reference.name for reference in references(resource.properties)}
        return (named | set(resource.depends_on)) & set(self.resources)


@lru_cache(maxsize=64)
def read_template(text: str) -> Template:
    """Read a template; one that was read not long ago is not read again.

    Raises:
        AwsError: `ValidationError` in the words of AWS, or `NotModelled` naming what the sandbox lacks.
    """
    data = parse(text)
    _check_sections(data)
    template = Template(
        text=text,
        description=data.get("Description"),
        metadata=data.get("Metadata"),
        parameters=parameters.read_declarations(data.get("Parameters", {})),
        conditions=_conditions(data.get("Conditions", {})),
        resources=_resources(data.get("Resources")),
        outputs=_outputs(data.get("Outputs", {})),
    )
    _check_references(template)
    _check_cycles(template)
    return template


def _check_sections(data: Mapping[str, Any]) -> None:
    for section in data:
        if section in _UNMODELLED_SECTIONS:
            raise not_modelled(f"the section {section} of a template")
    unknown = sorted(map(str, set(data) - _SECTIONS))
    if unknown:
        raise validation_error(f"Invalid template property or properties [{', '.join(unknown)}]")
    version = data.get("AWSTemplateFormatVersion", FORMAT_VERSION)
    if version != FORMAT_VERSION:
        raise validation_error(
            f"Template format error: {version} is not a supported value for AWSTemplateFormatVersion."
        )
    if not isinstance(data.get("Description", ""), str):
        raise validation_error("Template format error: Description must be a string.")


def _conditions(section: Mapping[str, Any]) -> Mapping[str, Any]:
    graph = {name: check_condition(expression) for name, expression in section.items()}
    for named in graph.values():
        missing = named - set(section)
        if missing:
            raise _unresolved_condition(min(missing), "Conditions")
    _sorted(graph, "conditions")
    return section


def _resources(section: Any) -> dict[str, Resource]:
    if not isinstance(section, dict) or not section:
        raise _format_error("At least one Resources member must be defined.")
    if len(section) > _MOST_RESOURCES:
        raise _format_error(f"Number of resources, {len(section)}, is greater than maximum allowed, {_MOST_RESOURCES}")
    resources = {name: _resource(str(name), body) for name, body in section.items()}
    _check_types({resource.type for resource in resources.values()})
    for resource in resources.values():
        for name in resource.properties:
            if name in resource.handler.schema.unmodelled:
                raise not_modelled(f"the property {name} of {resource.type}")
    return resources


def _resource(name: str, body: Any) -> Resource:
    if not name.isalnum():
        raise _format_error(f"Resource name {name} is non alphanumeric.")
    if not isinstance(body, dict) or not isinstance(body.get("Type"), str):
        raise _format_error(f"[/Resources/{name}] Every Resources object must contain a Type member.")
    _check_resource_keys(body)
    depends = body.get("DependsOn", [])
    properties = body.get("Properties") or {}
    if not isinstance(properties, dict):
        raise _format_error(f"[/Resources/{name}/Properties] Properties must be an object.")
    return Resource(
        logical_id=name,
        type=body["Type"],
        properties=properties,
        depends_on=(depends,) if isinstance(depends, str) else tuple(depends),
        condition=body.get("Condition"),
        metadata=body.get("Metadata"),
        deletion_policy=_policy(name, body, "DeletionPolicy", _DELETION_POLICIES),
        update_replace_policy=_policy(name, body, "UpdateReplacePolicy", {"Delete", "Retain"}),
    )


def _check_resource_keys(body: Mapping[str, Any]) -> None:
    for key in body:
        if key in _UNMODELLED_RESOURCE_KEYS:
            raise not_modelled(f"the attribute {key} of a resource")
        if key not in _RESOURCE_KEYS:
            raise validation_error(f"Invalid template resource property '{key}'")


def _policy(name: str, body: Mapping[str, Any], key: str, known: set[str]) -> str:
    policy = body.get(key, "Delete")
    if policy == "Snapshot":
        raise validation_error(
            f"Template error: resource type {body['Type']} does not support deletion policy Snapshot"
        )
    if policy not in known:
        raise _format_error(f"Unrecognized {key} {policy} for resource {name}")
    return str(policy)


def _check_types(types: set[str]) -> None:
    unknown = sorted(types - set(HANDLERS))
    of_aws = [name for name in unknown if is_of_aws(name)]
    if of_aws:
        raise not_modelled(f"the resource type {of_aws[0]}")
    if unknown:
        raise _format_error(f"Unrecognized resource types: [{', '.join(unknown)}]")


def _outputs(section: Any) -> dict[str, Output]:
    if not isinstance(section, dict):
        raise _format_error("[/Outputs] must be an object")
    if len(section) > _MOST_OUTPUTS:
        raise _format_error(f"Number of outputs, {len(section)}, is greater than maximum allowed, {_MOST_OUTPUTS}")
    return {name: _output(str(name), body) for name, body in section.items()}


def _output(name: str, body: Any) -> Output:
    if not name.isalnum():
        raise _format_error(f"Output name {name} is non alphanumeric.")
    if not isinstance(body, dict) or "Value" not in body:
        raise _format_error(f"Output {name} is malformed. The Value property is required.")
    if "Export" in body:
        raise not_modelled("an Export of an output")
    unknown = set(body) - {"Condition", "Description", "Value"}
    if unknown:
        raise validation_error(f"Invalid template output property '{min(unknown)}'")
    return Output(name, body["Value"], body.get("Description"), body.get("Condition"))


def _check_references(template: Template) -> None:
    values = set(template.parameters) | PSEUDO_PARAMETERS
    _check_block("Conditions", template.conditions, values, {}, set())
    everything = {**dict.fromkeys(values), **template.resources}
    properties = {name: resource.properties for name, resource in template.resources.items()}
    _check_block("Resources", properties, set(everything), template.resources, set(template.conditions))
    outputs = {name: output.value for name, output in template.outputs.items()}
    _check_block("Outputs", outputs, set(everything), template.resources, set(template.conditions))
    for resource in template.resources.values():
        missing = [name for name in resource.depends_on if name not in template.resources]
        if missing:
            raise _unresolved(missing, "Resources")
        _check_condition_name(resource.condition, template, "Resources")
    for output in template.outputs.values():
        _check_condition_name(output.condition, template, "Outputs")


def _check_block(
    block: str, section: Any, names: set[str], resources: Mapping[str, Resource], conditions: set[str]
) -> None:
    found = list(references(section))
    missing = [reference.name for reference in found if reference.name not in names]
    if missing:
        raise _unresolved(missing, block)
    for reference in found:
        _check_attribute(reference, resources)
    if block == "Conditions":
        return
    for name in condition_names(section):
        if name not in conditions:
            raise _unresolved_condition(name, block)


def _check_attribute(reference: Reference, resources: Mapping[str, Resource]) -> None:
    if reference.attribute is None:
        return
    resource = resources.get(reference.name)
    if resource is None:
        raise validation_error(f"Template error: instance of Fn::GetAtt references undefined resource {reference.name}")
    if reference.attribute not in resource.handler.schema.attributes:
        raise validation_error(
            f"Template error: resource {reference.name} does not support attribute type {reference.attribute} in"
            " Fn::GetAtt"
        )


def _check_condition_name(name: str | None, template: Template, block: str) -> None:
    if name is not None and name not in template.conditions:
        raise _unresolved_condition(name, block)


def _check_cycles(template: Template) -> None:
    _sorted({name: template.dependencies(name) for name in template.resources}, "resources")


def _sorted(graph: Mapping[str, set[str]], what: str) -> None:
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        names = ", ".join(sorted(set(error.args[1])))
        raise validation_error(f"Circular dependency between {what}: [{names}]") from None


def _unresolved(names: list[str], block: str) -> AwsError:
    listed = ", ".join(dict.fromkeys(names))
    return _format_error(f"Unresolved resource dependencies [{listed}] in the {block} block of the template")


def _unresolved_condition(name: str, block: str) -> AwsError:
    return _format_error(f"Unresolved condition dependency {name} in the {block} block of the template")


def _format_error(message: str) -> AwsError:
    return validation_error(f"Template format error: {message}")
