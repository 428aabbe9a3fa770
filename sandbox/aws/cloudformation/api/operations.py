"""The operations of CloudFormation that are modelled, with the parameters they heed: all else is refused by name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from sandbox.aws.cloudformation.api import (
    change_sets,
    descriptions,
    drift,
    lifecycle,
    organizations_access,
    templates,
)
from sandbox.aws.cloudformation.api.deployments import DEPLOYMENT_PARAMETERS
from sandbox.aws.state import Call, Handler, Operation


def _advancing(handler: Handler, *parameters: str) -> Operation:
    """An operation before which everything that is due is carried out.

    The state's lock is not held meanwhile, for steps call IAM.
    """

    def carry_out(call: Call) -> Mapping[str, Any]:
        stacks = call.state.stacks
        stacks.jobs.advance(call.now)
        with stacks.lock:
            return handler(call)

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

OPERATIONS: Final[Mapping[str, Operation]] = {
    **_LIFECYCLE,
    **_DESCRIPTIONS,
    **_TEMPLATES,
    **_CHANGE_SETS,
    **_DRIFT,
    **_ORGANIZATIONS_ACCESS,
}
