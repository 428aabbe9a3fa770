"""Stack sets made, changed, described and deleted."""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping
from typing import Any, Final

from sandbox.aws.cloudformation.api.deployments import check_capabilities, wanted_tags, wanted_template
from sandbox.aws.cloudformation.api.lookup import existing_stack_set, home_of, page
from sandbox.aws.cloudformation.api.organizations_access import managed_organization, operating_organization
from sandbox.aws.cloudformation.api.stack_set_operations import begin, once, wanted_operation
from sandbox.aws.cloudformation.parameters import parameter_values, shown_parameters
from sandbox.aws.cloudformation.stack import Deployment
from sandbox.aws.cloudformation.stack_sets.instances import present_instances
from sandbox.aws.cloudformation.stack_sets.queue import check_idle
from sandbox.aws.cloudformation.stack_sets.stack_set import AutoDeployment, StackInstance, StackSet
from sandbox.aws.cloudformation.stack_sets.targets import unit_ids
from sandbox.aws.errors import AwsError, not_modelled, validation_error
from sandbox.aws.organizations.organization import Organization
from sandbox.aws.state import Call

_NAME: Final = "[a-zA-Z][-a-zA-Z0-9]{0,127}"
_LARGEST_TEMPLATE: Final = 51_200
_STACK_SET: Final = "AWS::CloudFormation::StackSet"


def create_stack_set(call: Call) -> Mapping[str, Any]:
    """Make a stack set, which has no instances at first."""
    name = call.parameters["StackSetName"]
    _check_name(name)
    if call.parameters.get("PermissionModel", "SELF_MANAGED") != "SERVICE_MANAGED":
        raise not_modelled("PermissionModel SELF_MANAGED")
    organization = operating_organization(call)
    present = call.state.stacks.find_stack_set(home_of(call), name)
    if present is not None:
        return _repeated(call, present)
    if "AutoDeployment" not in call.parameters:
        raise validation_error("AutoDeployment is required when PermissionModel is SERVICE_MANAGED")
    stack_set = StackSet(
        id=f"{name}:{uuid.uuid4()}",
        name=name,
        home=home_of(call),
        deployment=_wanted_deployment(call, None),
        given=call.parameters,
        description=call.parameters.get("Description"),
        automatic=_wanted_auto_deployment(call),
        manages_execution=call.parameters.get("ManagedExecution", {}).get("Active", False),
        noticed=len(organization.movements),
    )
    call.state.stacks.stack_sets.append(stack_set)
    return {"StackSetId": stack_set.id}


@once
def update_stack_set(call: Call, organization: Organization, stack_set: StackSet) -> Mapping[str, Any]:
    """Change a stack set, and update its instances, or some of them."""
    _check_update(call, stack_set)
    instances = _updated_instances(call, stack_set, organization)
    operation = wanted_operation(call, "UPDATE", [region for _, region in stack_set.instances])
    _take_over(call, stack_set, _wanted_deployment(call, stack_set.deployment))
    return begin(call, stack_set, operation, instances)


def delete_stack_set(call: Call) -> Mapping[str, Any]:
    """Delete a stack set that has no instances; one that is gone is no error."""
    managed_organization(call)
    stack_set = call.state.stacks.find_stack_set(home_of(call), call.parameters["StackSetName"])
    if stack_set is None or not stack_set.is_active:
        return {}
    check_idle(stack_set)
    if stack_set.instances:
        raise AwsError("StackSetNotEmptyException", "StackSet is not empty")
    stack_set.status = "DELETED"
    return {}


def describe_stack_set(call: Call) -> Mapping[str, Any]:
    """Describe a stack set, a deleted one too if it is named by its id."""
    stack_set = existing_stack_set(call)
    deployment = stack_set.deployment
    return {
        "StackSet": {
            **_summary(stack_set),
            "TemplateBody": deployment.template.text,
            "Parameters": shown_parameters(deployment.template.parameters, deployment.parameters),
            "Capabilities": list(deployment.capabilities),
            "Tags": [{"Key": key, "Value": value} for key, value in deployment.tags.items()],
            "StackSetARN": stack_set.arn,
            "StackSetDriftDetectionDetails": {"DriftStatus": "NOT_CHECKED"},
            "OrganizationalUnitIds": list(stack_set.targets),
            "Regions": list(dict.fromkeys(region for _, region in list(stack_set.instances))),
        }
    }


def list_stack_sets(call: Call) -> Mapping[str, Any]:
    """Summarize the stack sets of the account and region."""
    if call.parameters.get("CallAs", "SELF") != "SELF":
        raise not_modelled("CallAs DELEGATED_ADMIN")
    status, home = call.parameters.get("Status"), home_of(call)
    found = [one for one in call.state.stacks.stack_sets if one.home == home and status in {None, one.status}]
    return page(call, "Summaries", [{**_summary(one), "DriftStatus": "NOT_CHECKED"} for one in found])


def list_auto_deployment_targets(call: Call) -> Mapping[str, Any]:
    """The units and roots whose accounts a stack set follows, or would, with the regions."""
    targets = existing_stack_set(call).targets
    shown = [{"OrganizationalUnitId": unit_id, "Regions": regions} for unit_id, regions in targets.items()]
    return page(call, "Summaries", shown)


def _check_name(name: str) -> None:
    if not re.fullmatch(_NAME, name):
        raise validation_error(
            f"1 validation error detected: Value '{name}' at 'stackSetName' failed to satisfy constraint: Member must"
            f" satisfy regular expression pattern: {_NAME}"
        )


def _repeated(call: Call, present: StackSet) -> Mapping[str, Any]:
    token = call.parameters.get("ClientRequestToken")
    if token is not None and present.given == call.parameters:
        return {"StackSetId": present.id}
    raise AwsError("NameAlreadyExistsException", f"StackSet {present.name} already exists")


def _wanted_deployment(call: Call, previous: Deployment | None) -> Deployment:
    template = wanted_template(call, previous.template if previous else None)
    if len(template.text.encode()) > _LARGEST_TEMPLATE:
        raise not_modelled(f"a stack set's template of more than {_LARGEST_TEMPLATE} bytes")
    if any(resource.type == _STACK_SET for resource in template.resources.values()):
        raise validation_error(f"Nested {_STACK_SET} is not supported in {_STACK_SET}")
    capabilities = call.parameters.get("Capabilities", [])
    check_capabilities(template, capabilities)
    given = call.parameters.get("Parameters", [])
    return Deployment(
        template,
        parameter_values(template.parameters, given, previous.parameters if previous else {}),
        wanted_tags(call.parameters.get("Tags"), previous.tags if previous else {}),
        tuple(capabilities),
    )


def _updated_instances(call: Call, stack_set: StackSet, organization: Organization) -> list[StackInstance]:
    targets = call.parameters.get("DeploymentTargets")
    if targets is not None:
        unit_ids(targets, organization)
    found = present_instances(stack_set, organization, targets, call.parameters.get("Regions", []))
    return [instance for instance in found if instance.status != "INOPERABLE"]


def _take_over(call: Call, stack_set: StackSet, deployment: Deployment) -> None:
    """Let a stack set be what a call wants; its instances are outdated by that, if it is a change for them."""
    given = call.parameters
    if "AutoDeployment" in given:
        stack_set.automatic = _wanted_auto_deployment(call)
    if {"Parameters", "TemplateBody", "TemplateURL"} & set(given):
        for instance in stack_set.instances.values():
            instance.status = "INOPERABLE" if instance.status == "INOPERABLE" else "OUTDATED"
    stack_set.deployment = deployment
    stack_set.description = given.get("Description", stack_set.description)
    stack_set.manages_execution = given.get("ManagedExecution", {}).get("Active", stack_set.manages_execution)


def _wanted_auto_deployment(call: Call) -> AutoDeployment:
    given = call.parameters["AutoDeployment"]
    if given.get("DependsOn"):
        raise not_modelled("DependsOn of AutoDeployment")
    enabled, retains = given.get("Enabled", False), given.get("RetainStacksOnAccountRemoval", False)
    if retains and not enabled:
        raise validation_error("RetainStacksOnAccountRemoval can be specified only if automatic deployment is enabled")
    return AutoDeployment(enabled, retains)


def _check_update(call: Call, stack_set: StackSet) -> None:
    given = call.parameters
    targeted = {"DeploymentTargets", "Regions"} & set(given)
    if given.get("PermissionModel", "SERVICE_MANAGED") != "SERVICE_MANAGED":
        raise validation_error("The permission model of a stack set that has instances cannot be changed")
    if targeted and "AutoDeployment" in given:
        raise validation_error("AutoDeployment cannot be specified with DeploymentTargets or Regions")
    if len(targeted) == 1:
        raise validation_error("DeploymentTargets and Regions have to be specified together")
    if "ManagedExecution" in given:
        check_idle(stack_set)


def _summary(stack_set: StackSet) -> dict[str, Any]:
    automatic = stack_set.automatic
    return {
        "StackSetName": stack_set.name,
        "StackSetId": stack_set.id,
        "Description": stack_set.description,
        "Status": stack_set.status,
        "AutoDeployment": {"Enabled": automatic.enabled, "RetainStacksOnAccountRemoval": automatic.retains},
        "PermissionModel": "SERVICE_MANAGED",
        "ManagedExecution": {"Active": stack_set.manages_execution},
    }
