"""Mode ManagementAccount: the cluster is in the management account itself."""

from __future__ import annotations

import pytest
from botocore.exceptions import ClientError

from tests.aws.sessions import assume
from tests.scenarios.conftest import StartOrganization
from tests.scenarios.scenario import NAME, condition_of
from tests.waiting import PATIENCE


def test_one_manifest_makes_a_role_here_and_one_in_each_member(start_organization: StartOrganization) -> None:
    scenario = start_organization(in_management_account=True)
    member = scenario.aws.create_account()
    scenario.organization.join(member, scenario.managed.unit)

    status = scenario.apply_ready()["status"]
    scenario.members_are("MemberRolesCurrent", current=1)

    assert status["managementAccountRoleArn"] == status["connectorRoleArn"]
    role = scenario.role()
    assert role is not None
    assert "sso:ListPermissionSets" in str(role.inline)
    assert "ec2:DescribeInstances" in str(role.inline)
    assert assume(scenario.aws, scenario.as_connector(), scenario.member_role_arn(member))
    with pytest.raises(ClientError, match="AccessDenied"):
        assume(scenario.aws, scenario.aws.create_account().credentials, scenario.member_role_arn(member))

    scenario.cluster.delete("AponoConnector", NAME)
    scenario.gone("AponoConnector", NAME, seconds=PATIENCE)

    assert scenario.member_roles(member) == []
    assert scenario.connector_roles() == []
    assert scenario.connector_stacks() == {}


def test_in_a_member_account_the_condition_says_where_the_management_account_is(
    start_organization: StartOrganization,
) -> None:
    scenario = start_organization()
    scenario.create_token()
    scenario.apply(target=scenario.target(mode="ManagementAccount"))

    connector = scenario.condition("OrganizationReady", "False", "ManagementAccountMismatch")

    assert scenario.management.account_id in condition_of(connector, "OrganizationReady")["message"]
    assert scenario.connector_roles() == []
