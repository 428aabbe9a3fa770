"""What `apono-operator bootstrap` prints is enough for the operator to work: roles, boundaries, values of the chart."""

from __future__ import annotations

import pytest
from botocore.exceptions import ClientError

from tests.aws.sessions import assume
from tests.scenarios.organization import OrganizationScenario
from tests.scenarios.scenario import Scenario


def test_a_connector_becomes_ready_with_what_the_stacks_made(shared_organization: OrganizationScenario) -> None:
    scenario = shared_organization
    connector = scenario.apply_ready("account", target={"mode": "Account"})

    role = Scenario.role(scenario, connector)

    assert role is not None
    assert role.boundary == f"{scenario.account.arn_prefix}policy/connector-boundary-ReadOnly"


def test_the_operators_role_is_the_stacks_and_open_to_nobody_but_the_operator(
    shared_organization: OrganizationScenario,
) -> None:
    scenario = shared_organization
    role_arn = scenario.installation.environment["AWS_ROLE_ARN"]
    resources = scenario.account.client("cloudformation").describe_stack_resources(
        StackName=f"connector-operator-{scenario.cluster.namespace}"
    )

    roles = [one for one in resources["StackResources"] if one["LogicalResourceId"] == "OperatorRole"]
    assert [one["PhysicalResourceId"] for one in roles] == [role_arn.rpartition("/")[2]]
    with pytest.raises(ClientError, match="AccessDenied"):
        assume(scenario.aws, scenario.account.credentials, role_arn)


def test_the_operator_is_told_the_roles_and_boundaries_of_the_management_account(
    shared_organization: OrganizationScenario,
) -> None:
    scenario = shared_organization
    stack = scenario.stack("connector-operator-management")
    assert stack is not None
    outputs = {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}

    entry = scenario.entry

    assert entry["accountId"] == scenario.management.account_id
    assert entry["roleArn"] == outputs["ManagementRoleArn"]
    assert entry["cloudFormationRoleArn"] == outputs["CloudFormationRoleArn"]
    assert entry["templateUrl"] in scenario.aws.templates
    assert entry["permissionsBoundaries"]["ReadOnly"] == outputs["ReadOnlyBoundaryArn"]
    assert (
        str(scenario.management.account_id) in scenario.installation.environment["APONO_OPERATOR_MANAGEMENT_ACCOUNTS"]
    )
