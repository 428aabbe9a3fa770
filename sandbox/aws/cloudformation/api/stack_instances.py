"""The instances of stack sets made, updated, described and deleted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sandbox.aws.cloudformation.api.lookup import existing_stack_set, page
from sandbox.aws.cloudformation.api.stack_set_operations import begin, once, wanted_operation
from sandbox.aws.cloudformation.parameters import given_values, shown_parameters
from sandbox.aws.cloudformation.stack_sets.instances import present_instances, wanted_instances
from sandbox.aws.cloudformation.stack_sets.stack_set import StackInstance, StackSet
from sandbox.aws.cloudformation.stack_sets.targets import unit_ids
from sandbox.aws.errors import AwsError, validation_error
from sandbox.aws.organizations.organization import Organization
from sandbox.aws.state import Call


@once
def create_stack_instances(call: Call, organization: Organization, stack_set: StackSet) -> Mapping[str, Any]:
    """Make a stack in each target account, and remember the targets for accounts to come."""
    targets, regions = _targets(call), _regions(call)
    named = unit_ids(targets, organization)
    _check_overrides(call, stack_set)
    operation = wanted_operation(call, "CREATE", regions)
    instances = wanted_instances(stack_set, organization, targets, regions)
    _override(call, instances)
    stack_set.target(named, regions)
    return begin(call, stack_set, operation, instances)


@once
def update_stack_instances(call: Call, organization: Organization, stack_set: StackSet) -> Mapping[str, Any]:
    """Override parameters in each target account, and update its stack."""
    targets, regions = _targets(call), _regions(call)
    unit_ids(targets, organization)
    _check_overrides(call, stack_set)
    operation = wanted_operation(call, "UPDATE", regions)
    instances = present_instances(stack_set, organization, targets, regions)
    if not instances:
        raise AwsError("StackInstanceNotFoundException", f"No stack instances of StackSet {stack_set.name} found")
    _override(call, instances)
    return begin(call, stack_set, operation, instances)


@once
def delete_stack_instances(call: Call, organization: Organization, stack_set: StackSet) -> Mapping[str, Any]:
    """Delete the stack in each target account, or leave it where it is, and forget the targets."""
    targets, regions = _targets(call), _regions(call)
    named = unit_ids(targets, organization)
    operation = wanted_operation(call, "DELETE", regions)
    instances = present_instances(stack_set, organization, targets, regions)
    if targets.get("AccountFilterType", "NONE") == "NONE":
        stack_set.untarget(named, regions)
    return begin(call, stack_set, operation, instances)


def describe_stack_instance(call: Call) -> Mapping[str, Any]:
    """Describe the instance of an account and region."""
    stack_set = existing_stack_set(call)
    key = (call.parameters["StackInstanceAccount"], call.parameters["StackInstanceRegion"])
    instance = stack_set.instances.get(key)
    if instance is None:
        raise AwsError(
            "StackInstanceNotFoundException",
            f"Stack instance not found for StackSet {stack_set.name}, account {key[0]}, region {key[1]}",
        )
    declared = stack_set.deployment.template.parameters
    overrides = shown_parameters(declared, instance.overrides)
    return {"StackInstance": {**_summary(stack_set, instance), "ParameterOverrides": overrides}}


def list_stack_instances(call: Call) -> Mapping[str, Any]:
    """Summarize a stack set's instances."""
    stack_set = existing_stack_set(call)
    found = [_summary(stack_set, one) for one in list(stack_set.instances.values()) if _is_wanted(call, one)]
    return page(call, "Summaries", found)


def _targets(call: Call) -> Mapping[str, Any]:
    if "Accounts" in call.parameters or "DeploymentTargets" not in call.parameters:
        raise validation_error(
            "StackSets with SERVICE_MANAGED permission model can only have OrganizationalUnit as target"
        )
    targets: Mapping[str, Any] = call.parameters["DeploymentTargets"]
    return targets


def _regions(call: Call) -> Sequence[str]:
    regions: Sequence[str] = call.parameters["Regions"]
    if not regions:
        raise validation_error("At least one region has to be specified")
    return list(dict.fromkeys(regions))


def _check_overrides(call: Call, stack_set: StackSet) -> None:
    declared = stack_set.deployment.template.parameters
    given = call.parameters.get("ParameterOverrides", [])
    named = given_values(given, stack_set.deployment.parameters)
    unknown = [name for name in named if name not in declared]
    if unknown:
        raise validation_error(f"Parameters: [{', '.join(unknown)}] do not exist in the template")


def _override(call: Call, instances: Sequence[StackInstance]) -> None:
    """What is not given at all stays as it is; what a list does not hold goes back to the stack set's value."""
    given = call.parameters.get("ParameterOverrides")
    if given is None:
        return
    for instance in instances:
        known = instance.overrides
        meant = [one for one in given if not one.get("UsePreviousValue") or one["ParameterKey"] in known]
        instance.overrides = given_values(meant, known)


def _is_wanted(call: Call, instance: StackInstance) -> bool:
    told = {
        "DETAILED_STATUS": instance.detailed_status,
        "LAST_OPERATION_ID": instance.last_operation_id,
        "DRIFT_STATUS": "NOT_CHECKED",
    }
    named = (call.parameters.get("StackInstanceAccount"), call.parameters.get("StackInstanceRegion"))
    fits = all(want in {None, have} for want, have in zip(named, instance.key, strict=True))
    return fits and all(told[one["Name"]] == one["Values"] for one in call.parameters.get("Filters", []))


def _summary(stack_set: StackSet, instance: StackInstance) -> dict[str, Any]:
    return {
        "StackSetId": stack_set.id,
        "Region": instance.region,
        "Account": instance.account_id,
        "StackId": instance.stack.stack_id if instance.stack else None,
        "Status": instance.status,
        "StatusReason": instance.reason,
        "StackInstanceStatus": {"DetailedStatus": instance.detailed_status},
        "OrganizationalUnitId": instance.unit_id,
        "DriftStatus": "NOT_CHECKED",
        "LastOperationId": instance.last_operation_id,
    }
