"""The operations of CloudFormation that are modelled, with the parameters they heed: all else is refused by name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from sandbox.aws.cloudformation.api import (
    change_sets,
    descriptions,
    drift,
    lifecycle,
    organizations_access,
    stack_instances,
    stack_set_operations,
    stack_sets,
    templates,
)
from sandbox.aws.cloudformation.api.deployments import DEPLOYMENT_PARAMETERS
from sandbox.aws.cloudformation.stack_sets.auto_deployment import follow_accounts
from sandbox.aws.state import Call, Handler, Operation


def _advancing(handler: Handler, *parameters: str) -> Operation:
    """An operation before which everything that is due is carried out.

    The state's lock is not held meanwhile, for steps call IAM. A call that is made in a step takes place when
    the step does.
    """

    def carry_out(call: Call) -> Mapping[str, Any]:
        stacks = call.state.stacks
        now = stacks.jobs.moment(call.now)
        with stacks.lock:
            follow_accounts(call.state, now)
        stacks.jobs.advance(now)
        with stacks.lock:
            return handler(replace(call, at=now))

    return Operation(carry_out, frozenset(parameters), locked=False)


_LIFECYCLE: Final = {
    "ContinueUpdateRollback": _advancing(
        lifecycle.continue_update_rollback,
        "ClientRequestToken",
        "ForceRollback",
        "ResourcesToSkip",
        "RoleARN",
        "StackName",
    ),
    "CreateStack": _advancing(
        lifecycle.create_stack,
        *DEPLOYMENT_PARAMETERS,
        "ClientRequestToken",
        "DisableRollback",
        "EnableTerminationProtection",
        "OnFailure",
    ),
    "DeleteStack": _advancing(
        lifecycle.delete_stack, "ClientRequestToken", "DeletionMode", "RetainResources", "RoleARN", "StackName"
    ),
    "RollbackStack": _advancing(lifecycle.rollback_stack, "ClientRequestToken", "RoleARN", "StackName"),
    "UpdateStack": _advancing(
        lifecycle.update_stack, *DEPLOYMENT_PARAMETERS, "ClientRequestToken", "DisableRollback", "UsePreviousTemplate"
    ),
    "UpdateTerminationProtection": _advancing(
        lifecycle.update_termination_protection, "EnableTerminationProtection", "StackName"
    ),
}

_DESCRIPTIONS: Final = {
    "DescribeEvents": _advancing(
        descriptions.describe_events, "ChangeSetName", "Filters", "NextToken", "OperationId", "StackName"
    ),
    "DescribeStackEvents": _advancing(descriptions.describe_stack_events, "NextToken", "StackName"),
    "DescribeStackResources": _advancing(
        descriptions.describe_stack_resources, "LogicalResourceId", "PhysicalResourceId", "StackName"
    ),
    "DescribeStacks": _advancing(descriptions.describe_stacks, "NextToken", "StackName"),
    "ListStackResources": _advancing(descriptions.list_stack_resources, "NextToken", "StackName"),
    "ListStacks": _advancing(descriptions.list_stacks, "NextToken", "StackStatusFilter"),
}

_TEMPLATES: Final = {
    "GetTemplate": _advancing(templates.get_template, "ChangeSetName", "StackName", "TemplateStage"),
    "GetTemplateSummary": _advancing(templates.get_template_summary, "StackName", "TemplateBody", "TemplateURL"),
    "ValidateTemplate": _advancing(templates.validate_template, "TemplateBody", "TemplateURL"),
}

_CHANGE_SETS: Final = {
    "CreateChangeSet": _advancing(
        change_sets.create_change_set,
        *DEPLOYMENT_PARAMETERS,
        "ChangeSetName",
        "ChangeSetType",
        "ClientToken",
        "DeploymentMode",
        "Description",
        "OnStackFailure",
        "UsePreviousTemplate",
    ),
    "DeleteChangeSet": _advancing(change_sets.delete_change_set, "ChangeSetName", "StackName"),
    "DescribeChangeSet": _advancing(
        change_sets.describe_change_set, "ChangeSetName", "IncludePropertyValues", "NextToken", "StackName"
    ),
    "ExecuteChangeSet": _advancing(
        change_sets.execute_change_set, "ChangeSetName", "ClientRequestToken", "DisableRollback", "StackName"
    ),
    "ListChangeSets": _advancing(change_sets.list_change_sets, "NextToken", "StackName"),
}

_DRIFT: Final = {
    "DescribeStackDriftDetectionStatus": _advancing(drift.describe_detection, "StackDriftDetectionId"),
    "DescribeStackResourceDrifts": _advancing(
        drift.describe_stack_resource_drifts, "MaxResults", "NextToken", "StackName", "StackResourceDriftStatusFilters"
    ),
    "DetectStackDrift": _advancing(drift.detect_stack_drift, "LogicalResourceIds", "StackName"),
}

_ORGANIZATIONS_ACCESS: Final = {
    "ActivateOrganizationsAccess": _advancing(organizations_access.activate_organizations_access),
    "DeactivateOrganizationsAccess": _advancing(organizations_access.deactivate_organizations_access),
    "DescribeOrganizationsAccess": _advancing(organizations_access.describe_organizations_access, "CallAs"),
}

_STACK_SET_PARAMETERS: Final = (
    "AutoDeployment",
    "CallAs",
    "Capabilities",
    "Description",
    "ManagedExecution",
    "Parameters",
    "PermissionModel",
    "StackSetName",
    "Tags",
    "TemplateBody",
    "TemplateURL",
)
_INSTANCE_PARAMETERS: Final = (
    "Accounts",
    "CallAs",
    "DeploymentTargets",
    "OperationId",
    "OperationPreferences",
    "Regions",
    "StackSetName",
)
_PAGES: Final = ("MaxResults", "NextToken")

_STACK_SETS: Final = {
    "CreateStackInstances": _advancing(
        stack_instances.create_stack_instances, *_INSTANCE_PARAMETERS, "ParameterOverrides"
    ),
    "CreateStackSet": _advancing(stack_sets.create_stack_set, *_STACK_SET_PARAMETERS, "ClientRequestToken"),
    "DeleteStackInstances": _advancing(stack_instances.delete_stack_instances, *_INSTANCE_PARAMETERS, "RetainStacks"),
    "DeleteStackSet": _advancing(stack_sets.delete_stack_set, "CallAs", "StackSetName"),
    "DescribeStackInstance": _advancing(
        stack_instances.describe_stack_instance,
        "CallAs",
        "StackInstanceAccount",
        "StackInstanceRegion",
        "StackSetName",
    ),
    "DescribeStackSet": _advancing(stack_sets.describe_stack_set, "CallAs", "StackSetName"),
    "DescribeStackSetOperation": _advancing(
        stack_set_operations.describe_stack_set_operation, "CallAs", "OperationId", "StackSetName"
    ),
    "ListStackInstances": _advancing(
        stack_instances.list_stack_instances,
        "CallAs",
        "Filters",
        "StackInstanceAccount",
        "StackInstanceRegion",
        "StackSetName",
        *_PAGES,
    ),
    "ListStackSetAutoDeploymentTargets": _advancing(
        stack_sets.list_auto_deployment_targets, "CallAs", "StackSetName", *_PAGES
    ),
    "ListStackSetOperationResults": _advancing(
        stack_set_operations.list_stack_set_operation_results,
        "CallAs",
        "Filters",
        "OperationId",
        "StackSetName",
        *_PAGES,
    ),
    "ListStackSetOperations": _advancing(
        stack_set_operations.list_stack_set_operations, "CallAs", "StackSetName", *_PAGES
    ),
    "ListStackSets": _advancing(stack_sets.list_stack_sets, "CallAs", "Status", *_PAGES),
    "StopStackSetOperation": _advancing(
        stack_set_operations.stop_stack_set_operation, "CallAs", "OperationId", "StackSetName"
    ),
    "UpdateStackInstances": _advancing(
        stack_instances.update_stack_instances, *_INSTANCE_PARAMETERS, "ParameterOverrides"
    ),
    "UpdateStackSet": _advancing(
        stack_sets.update_stack_set,
        *_STACK_SET_PARAMETERS,
        "DeploymentTargets",
        "OperationId",
        "OperationPreferences",
        "Regions",
        "UsePreviousTemplate",
    ),
}

OPERATIONS: Final[Mapping[str, Operation]] = {
    **_LIFECYCLE,
    **_DESCRIPTIONS,
    **_TEMPLATES,
    **_CHANGE_SETS,
    **_DRIFT,
    **_ORGANIZATIONS_ACCESS,
    **_STACK_SETS,
}
