"""Whatever template a stack is made of, and in whatever partition: it is made, serves, and goes again."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from sandbox.aws import Account
from tests.aws.sessions import assume
from tests.scenarios.conftest import StartOrganization
from tests.scenarios.organization import OrganizationScenario
from tests.scenarios.scenario import NAME, condition_of
from tests.waiting import PATIENCE, until

FOREIGN = """\
AWSTemplateFormatVersion: "2010-09-09"
Description: What an administrator wrote
Parameters:
  AponoConnectorId: {Type: String}
  ConnectorRoleArn: {Type: String}
  OrganizationalUnitId: {Type: String}
  PermissionsBoundaryArn: {Type: String}
  CostCenter: {Type: String, Default: security}
Resources:
  Role:
    Type: AWS::IAM::Role
    Properties:
      RoleName: !Sub apono-of-${AponoConnectorId}
      PermissionsBoundary: !Ref PermissionsBoundaryArn
      AssumeRolePolicyDocument:
        Version: "2012-10-17"
        Statement:
          - {Effect: Allow, Principal: {AWS: !Ref ConnectorRoleArn}, Action: "sts:AssumeRole"}
      Tags:
        - {Key: unit, Value: !Ref OrganizationalUnitId}
        - {Key: cost-center, Value: !Ref CostCenter}
Outputs:
  ManagementAccountRoleArnOutput: {Value: !GetAtt Role.Arn}
"""


def takes_itself_away(scenario: OrganizationScenario) -> None:
    scenario.cluster.delete("AponoConnector", NAME)
    scenario.gone("AponoConnector", NAME, seconds=PATIENCE)
    assert scenario.connector_stacks() == {}
    assert scenario.management_roles() == []
    assert scenario.connector_roles() == []


def test_in_govcloud_an_organization_is_served_as_elsewhere(start_organization: StartOrganization) -> None:
    scenario = start_organization(partition="aws-us-gov")

    connector = scenario.apply_ready(permissions="FullAccess")

    status = connector["status"]
    arns = [status[name] for name in ("connectorRoleArn", "managementAccountRoleArn", "managementStackId")]
    assert {arn.split(":")[1] for arn in arns} == {"aws-us-gov"}
    role = scenario.management_role(connector)
    assert role is not None
    assert ":aws:" not in json.dumps([role.document, role.inline], default=str)
    connectors = scenario.aws.client("sts", scenario.account.region, scenario.as_connector())
    assert connectors.assume_role(RoleArn=status["managementAccountRoleArn"], RoleSessionName="session")
    takes_itself_away(scenario)


def test_a_template_that_the_operator_sends_does_as_well(start_organization: StartOrganization) -> None:
    scenario = start_organization(template_body=True)

    connector = scenario.apply_ready(permissions="ReadOnly")

    assert assume(scenario.aws, scenario.as_connector(), connector["status"]["managementAccountRoleArn"])
    scenario.apply_ready(permissions="FullAccess")
    sent = scenario.aws.calls.of(operation="CreateChangeSet", account=scenario.management)
    assert {("TemplateBody" in call.parameters, "TemplateURL" in call.parameters) for call in sent} == {(True, False)}
    takes_itself_away(scenario)


def test_an_administrators_own_template_is_used_as_it_is_written(start_organization: StartOrganization) -> None:
    scenario = start_organization(template=FOREIGN)

    connector = scenario.apply_ready()

    role = scenario.management_role(connector)
    assert role is not None
    assert role.document["RoleName"] == f"apono-of-{NAME}"
    assert role.tags["unit"] == scenario.unit
    assert role.tags["cost-center"] == "security"
    assert assume(scenario.aws, scenario.as_connector(), connector["status"]["managementAccountRoleArn"])
    takes_itself_away(scenario)


def test_a_trust_that_names_a_role_that_is_no_more_is_told_and_saved_again(
    start_organization: StartOrganization,
) -> None:
    scenario = start_organization(template=FOREIGN)
    connector = scenario.apply_ready(driftPolicy="Report")
    role_arn = connector["status"]["managementAccountRoleArn"]
    old = connector["status"]["connectorRoleId"]
    make_anew(scenario.account, connector["status"]["connectorRoleArn"].rpartition("/")[2])

    scenario.look_again("first")

    scenario.condition("ManagementStackReady", "False", "TrustBroken", seconds=PATIENCE)
    connector = scenario.condition("Stalled", "True", "TrustBroken", seconds=PATIENCE)
    message = condition_of(connector, "ManagementStackReady")["message"]
    new = connector["status"]["connectorRoleId"]
    assert new != old
    assert (old in message, new in message) == (True, True)
    with pytest.raises(ClientError, match="AccessDenied"):
        assume(scenario.aws, scenario.as_connector(), role_arn)

    scenario.apply(driftPolicy="Correct")
    scenario.look_again("second")

    scenario.ready(seconds=PATIENCE)
    assert assume(scenario.aws, scenario.as_connector(), role_arn)
    until("an Event tells of it", lambda: scenario.events("DriftCorrected"))


def make_anew(account: Account, name: str) -> None:
    """Delete a role and make another that is as it was, as somebody does who moves things by hand."""
    iam: Any = account.client("iam")
    was = iam.get_role(RoleName=name)["Role"]
    policies = {
        one: iam.get_role_policy(RoleName=name, PolicyName=one)
        for one in iam.list_role_policies(RoleName=name)["PolicyNames"]
    }
    for policy in policies:
        iam.delete_role_policy(RoleName=name, PolicyName=policy)
    iam.delete_role(RoleName=name)
    iam.create_role(
        RoleName=name,
        AssumeRolePolicyDocument=json.dumps(was["AssumeRolePolicyDocument"]),
        Description=was["Description"],
        MaxSessionDuration=was["MaxSessionDuration"],
        PermissionsBoundary=was["PermissionsBoundary"]["PermissionsBoundaryArn"],
        Tags=was["Tags"],
    )
    for policy, shown in policies.items():
        iam.put_role_policy(RoleName=name, PolicyName=policy, PolicyDocument=json.dumps(shown["PolicyDocument"]))
