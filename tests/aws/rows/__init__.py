"""The conformance table, in parts. No row has been confirmed on a real account as yet."""

from __future__ import annotations

from tests.aws.rows import (
    cloudformation_change_sets,
    cloudformation_deletion,
    cloudformation_drift,
    cloudformation_executions,
    cloudformation_failures,
    cloudformation_functions,
    cloudformation_iam,
    cloudformation_parameters,
    cloudformation_stacks,
    cloudformation_templates,
    cloudformation_updates,
    instance_profiles,
    organizations,
    policies,
    providers,
    roles,
    stack_sets,
    sts,
    trust_policies,
)

ROWS = (
    *roles.ROWS,
    *instance_profiles.ROWS,
    *trust_policies.ROWS,
    *policies.ROWS,
    *providers.ROWS,
    *sts.ROWS,
    *cloudformation_templates.ROWS,
    *cloudformation_functions.ROWS,
    *cloudformation_iam.ROWS,
    *cloudformation_parameters.ROWS,
    *cloudformation_stacks.ROWS,
    *cloudformation_executions.ROWS,
    *cloudformation_failures.ROWS,
    *cloudformation_updates.ROWS,
    *cloudformation_deletion.ROWS,
    *cloudformation_change_sets.ROWS,
    *cloudformation_drift.ROWS,
    *organizations.ROWS,
    *stack_sets.ROWS,
)
