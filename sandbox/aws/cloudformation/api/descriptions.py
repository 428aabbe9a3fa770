"""Stacks, their resources and their events, described."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sandbox.aws.cloudformation.api.lookup import existing_stack, find_stack, home_of, page, page_backwards
from sandbox.aws.cloudformation.events import Event
from sandbox.aws.cloudformation.parameters import shown_parameters
from sandbox.aws.cloudformation.stack import Stack, StackResource
from sandbox.aws.errors import AwsError, validation_error
from sandbox.aws.state import Call


def describe_stacks(call: Call) -> Mapping[str, Any]:
    """Describe one stack, or all living ones."""
    if "StackName" in call.parameters:
        return {"Stacks": [_shown_stack(existing_stack(call))]}
    living = [stack for stack in call.state.stacks.of(home_of(call)) if not stack.is_deleted]
    return page(call, "Stacks", [_shown_stack(stack) for stack in living])


def list_stacks(call: Call) -> Mapping[str, Any]:
    """Summarize all stacks, deleted ones too."""
    wanted = call.parameters.get("StackStatusFilter")
    found = [stack for stack in call.state.stacks.of(home_of(call)) if not wanted or stack.status in wanted]
    return page(call, "StackSummaries", [_summary(stack) for stack in found])


def describe_stack_events(call: Call) -> Mapping[str, Any]:
    """The changes of status of a stack and its resources, the newest first."""
    stack = existing_stack(call, "Stack [{}] does not exist")
    events = [event.as_stack_event() for event in list(stack.events) if event.validation is None]
    return page_backwards(call, "StackEvents", events)


def describe_events(call: Call) -> Mapping[str, Any]:
    """The events of a stack, an operation or a change set, validations too, the newest first."""
    events = _events(call)
    if call.parameters.get("Filters", {}).get("FailedEvents"):
        events = [event for event in events if event.is_failure]
    return page_backwards(call, "OperationEvents", [event.as_operation_event() for event in events])


def describe_stack_resources(call: Call) -> Mapping[str, Any]:
    """The first hundred resources of a stack, which may be named by one of them."""
    named, physical = call.parameters.get("StackName"), call.parameters.get("PhysicalResourceId")
    if (named is None) == (physical is None):
        raise validation_error("You must specify either StackName or PhysicalResourceId, but not both")
    stack = existing_stack(call) if named is not None else _stack_of(call, str(physical))
    wanted = call.parameters.get("LogicalResourceId")
    found = [resource for name, resource in list(stack.resources.items()) if wanted in {None, name}]
    return {"StackResources": [_shown_resource(stack, resource) for resource in found[:100]]}


def list_stack_resources(call: Call) -> Mapping[str, Any]:
    """All resources of a stack."""
    stack = existing_stack(call)
    return page(call, "StackResourceSummaries", [_resource_summary(found) for found in list(stack.resources.values())])


def _events(call: Call) -> list[Event]:
    name, operation = call.parameters.get("StackName"), call.parameters.get("OperationId")
    change_set = call.parameters.get("ChangeSetName")
    if change_set is not None:
        return _events_of_change_set(call, change_set, name)
    if name is None and operation is None:
        raise _nothing_named()
    stacks = [existing_stack(call, "Stack [{}] does not exist")] if name else list(call.state.stacks.of(home_of(call)))
    events = [event for stack in stacks for event in list(stack.events)]
    return [event for event in events if operation in {None, event.operation.id}]


def _events_of_change_set(call: Call, change_set: str, stack_name: str | None) -> list[Event]:
    if not change_set.startswith("arn:") and stack_name is None:
        raise _nothing_named()
    stack = find_stack(call, stack_name) if stack_name else None
    found = stack.change_sets.get(change_set) if stack else call.state.stacks.find_change_set(home_of(call), change_set)
    if found is None:
        raise AwsError("ChangeSetNotFound", f"ChangeSet [{change_set}] does not exist")
    return [event for event in list(found.stack.events) if event.operation is found.operation]


def _nothing_named() -> AwsError:
    return validation_error("One of ChangeSetName, OperationId or StackName must be specified")


def _stack_of(call: Call, physical_id: str) -> Stack:
    for stack in call.state.stacks.of(home_of(call)):
        if any(resource.physical_id == physical_id for resource in list(stack.resources.values())):
            return stack
    raise validation_error(f"Stack for {physical_id} does not exist")


def _shown_stack(stack: Stack) -> dict[str, Any]:
    deployment = stack.deployment
    shown = {
        "StackId": stack.stack_id,
        "StackName": stack.name,
        "ChangeSetId": stack.change_set_id,
        "CreationTime": stack.created,
        "DeletionTime": stack.deleted,
        "LastUpdatedTime": stack.updated,
        "RollbackConfiguration": {},
        "StackStatus": stack.status,
        "StackStatusReason": stack.reason,
        "DisableRollback": stack.disable_rollback or stack.on_failure == "DO_NOTHING",
        "NotificationARNs": [],
        "RoleARN": stack.role_arn,
        "Tags": [],
        "EnableTerminationProtection": stack.termination_protection,
        "DriftInformation": _drift("StackDriftStatus", stack.drift),
        "DeletionMode": stack.deletion_mode,
        "DetailedStatus": stack.detailed_status,
        "LastOperations": _operations(stack),
    }
    if deployment is None:
        return shown
    return {
        **shown,
        "Description": deployment.template.description,
        "Parameters": shown_parameters(deployment.template.parameters, deployment.parameters),
        "Capabilities": list(deployment.capabilities),
        "Outputs": _outputs(stack),
        "Tags": [{"Key": key, "Value": value} for key, value in deployment.tags.items()],
    }


def _outputs(stack: Stack) -> list[dict[str, Any]]:
    declared = stack.told.template.outputs
    return [
        {
            "OutputKey": name,
            "OutputValue": value,
            "Description": declared[name].description if name in declared else None,
        }
        for name, value in stack.outputs.items()
    ]


def _summary(stack: Stack) -> dict[str, Any]:
    return {
        "StackId": stack.stack_id,
        "StackName": stack.name,
        "TemplateDescription": stack.deployment.template.description if stack.deployment else None,
        "CreationTime": stack.created,
        "LastUpdatedTime": stack.updated,
        "DeletionTime": stack.deleted,
        "StackStatus": stack.status,
        "StackStatusReason": stack.reason,
        "DriftInformation": _drift("StackDriftStatus", stack.drift),
        "LastOperations": _operations(stack),
    }


def _operations(stack: Stack) -> list[dict[str, str]]:
    latest = reversed(stack.operations[-2:])
    return [{"OperationType": operation.type, "OperationId": operation.id} for operation in latest]


def _shown_resource(stack: Stack, resource: StackResource) -> dict[str, Any]:
    summary = _resource_summary(resource)
    changed = summary.pop("LastUpdatedTimestamp")
    return {"StackName": stack.name, "StackId": stack.stack_id, "Timestamp": changed, **summary}


def _resource_summary(resource: StackResource) -> dict[str, Any]:
    return {
        "LogicalResourceId": resource.logical_id,
        "PhysicalResourceId": resource.physical_id or None,
        "ResourceType": resource.declaration.type,
        "LastUpdatedTimestamp": resource.time,
        "ResourceStatus": resource.status,
        "ResourceStatusReason": resource.reason,
        "DriftInformation": _drift("StackResourceDriftStatus", resource.drift),
    }


def _drift(member: str, found: tuple[str, datetime] | None) -> dict[str, Any]:
    if found is None:
        return {member: "NOT_CHECKED"}
    return {member: found[0], "LastCheckTimestamp": found[1]}
