"""Templates shown, summarized and validated."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from sandbox.aws.cloudformation.api.change_sets import existing_change_set
from sandbox.aws.cloudformation.api.deployments import required_capability, wanted_template
from sandbox.aws.cloudformation.api.lookup import existing_stack
from sandbox.aws.cloudformation.parameters import Declaration
from sandbox.aws.cloudformation.template import FORMAT_VERSION, Template
from sandbox.aws.errors import validation_error
from sandbox.aws.state import Call


def get_template(call: Call) -> Mapping[str, Any]:
    """The text of the template of a stack, living or deleted, or of a change set."""
    if "ChangeSetName" in call.parameters:
        template: Template | None = existing_change_set(call).deployment.template
    else:
        deployment = existing_stack(call).deployment
        template = deployment.template if deployment else None
    if template is None:
        raise validation_error(f"Stack with id {call.parameters['StackName']} does not have a template")
    return {"TemplateBody": template.text, "StagesAvailable": ["Original", "Processed"]}


def get_template_summary(call: Call) -> Mapping[str, Any]:
    """What a template takes and what it makes."""
    template = _template(call)
    resources = template.resources.values()
    by_type: dict[str, list[str]] = {}
    for resource in resources:
        by_type.setdefault(resource.type, []).append(resource.logical_id)
    return {
        "Parameters": [
            {
                **_shown(parameter),
                "ParameterType": parameter.type,
                "ParameterConstraints": {"AllowedValues": list(parameter.allowed_values)},
            }
            for parameter in template.parameters.values()
        ],
        **_told(template),
        "ResourceTypes": list(by_type),
        "Version": FORMAT_VERSION,
        "Metadata": json.dumps(template.metadata) if template.metadata is not None else None,
        "ResourceIdentifierSummaries": [
            {
                "ResourceType": name,
                "LogicalResourceIds": logical_ids,
                "ResourceIdentifiers": list(template.resources[logical_ids[0]].handler.schema.identifiers),
            }
            for name, logical_ids in by_type.items()
        ],
    }


def validate_template(call: Call) -> Mapping[str, Any]:
    """Check a template, as far as it can be checked without its parameters."""
    template = wanted_template(call)
    return {"Parameters": [_shown(parameter) for parameter in template.parameters.values()], **_told(template)}


def _template(call: Call) -> Template:
    if "StackName" not in call.parameters:
        return wanted_template(call)
    stack = existing_stack(call, "Stack with id {} does not exist")
    if stack.deployment is None:
        raise validation_error(f"Stack with id {stack.name} does not have a template")
    return stack.deployment.template


def _told(template: Template) -> dict[str, Any]:
    capability = required_capability(template)
    types = dict.fromkeys(
        resource.type for resource in template.resources.values() if resource.handler.schema.capability
    )
    reason = f"The following resource(s) require capabilities: [{', '.join(types)}]"
    return {
        "Description": template.description,
        "Capabilities": [capability] if capability else None,
        "CapabilitiesReason": reason if capability else None,
        "DeclaredTransforms": [],
    }


def _shown(parameter: Declaration) -> dict[str, Any]:
    return {
        "ParameterKey": parameter.name,
        "DefaultValue": parameter.default,
        "NoEcho": parameter.no_echo,
        "Description": parameter.description,
    }
