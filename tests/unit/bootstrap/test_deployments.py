"""The way through all three stacks, in the sandbox's AWS: administrator, operator, CloudFormation, connector."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pytest
from botocore.exceptions import ClientError

from sandbox.aws import Account, FrontDoor
from sandbox.aws.identity.callers import AccessKey
from tests.aws.identities import allowing, create_role, trusting
from tests.aws.sessions import assume, client_for, session_key
from tests.unit.bootstrap.printed import MANAGEMENT_PARAMETERS, OPERATOR_PARAMETERS, TEMPLATE_URL, TEMPLATES

EXTERNAL_ID = MANAGEMENT_PARAMETERS["ExternalId"]


@dataclass(frozen=True)
class World:
    """An organization of two accounts, both bootstrapped.

    Attributes:
        outputs: Of the bootstrap stack in the management account.
        operator: A session of the operator's role in the member account.
        connector: A session of a connector's role there.
    """

    aws: FrontDoor
    management: Account
    organization_id: str
    outputs: Mapping[str, str]
    operator: AccessKey
    connector: AccessKey
    connector_role: str

    def as_operator_in_management(self) -> AccessKey:
        """Assume the role that is the operator's there."""
        return session_key(assume(self.aws, self.operator, self.outputs["ManagementRoleArn"], ExternalId=EXTERNAL_ID))


def outputs_of(stacks: Any, name: str) -> dict[str, str]:
    (stack,) = stacks.describe_stacks(StackName=name)["Stacks"]
    assert stack["StackStatus"] == "CREATE_COMPLETE"
    return {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}


def as_list(parameters: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()]


def deploy(account: Account, name: str, command: str, parameters: Mapping[str, str]) -> dict[str, str]:
    stacks = account.client("cloudformation")
    stacks.create_stack(
        StackName=name,
        TemplateBody=TEMPLATES[command],
        Parameters=as_list(parameters),
        Capabilities=["CAPABILITY_NAMED_IAM"],
    )
    return outputs_of(stacks, name)


def session_of(aws: FrontDoor, account: Account, role: str) -> AccessKey:
    """Open a session of *role* for the account's administrator, whom it is made to trust."""
    name = role.rpartition("/")[2]
    trust = trusting({"AWS": account.account_id})
    account.client("iam").update_assume_role_policy(RoleName=name, PolicyDocument=trust)
    return session_key(assume(aws, account.credentials, role))


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    with FrontDoor() as aws:
        member, management = aws.create_account(), aws.create_account()
        organization = aws.create_organization(management)
        organization.join(member)
        aws.templates[TEMPLATE_URL] = TEMPLATES["template"]
        entering = {"ManagementRoleArns": f"{management.arn_prefix}role/connector-operator-management"}
        outputs = deploy(member, "connector-operator", "operator-account", {**OPERATOR_PARAMETERS, **entering})
        operators = outputs["OperatorRoleArn"]
        parameters = {
            **MANAGEMENT_PARAMETERS,
            "OperatorRoleArn": operators,
            "OrganizationId": organization.id,
            "TemplateUrl": TEMPLATE_URL,
        }
        outputs = deploy(management, "connector-operator-management", "management-account", parameters)
        own, may = trusting({"AWS": member.account_id}), allowing("sts:AssumeRole", "arn:aws:iam::*:role/apono-*")
        connectors = create_role(member.client("iam"), "apono-connector-a-b-0", own, may=may)
        yield World(
            aws,
            management,
            organization.id,
            outputs,
            session_of(aws, member, operators),
            session_of(aws, member, connectors),
            connectors,
        )


@pytest.fixture(scope="module")
def stack(world: World) -> Mapping[str, str]:
    """Make a connector's stack as the operator does, by a change set and the service role; return its outputs."""
    stacks = client_for(world.aws, world.as_operator_in_management(), "cloudformation")
    of = {"StackName": "apono-a-b", "ChangeSetName": "apono-0123"}
    stacks.create_change_set(
        **of,
        ChangeSetType="CREATE",
        TemplateURL=world.outputs["TemplateUrl"],
        RoleARN=world.outputs["CloudFormationRoleArn"],
        Capabilities=["CAPABILITY_NAMED_IAM"],
        Parameters=as_list(
            {
                "AponoConnectorId": "production",
                "ConnectorRoleArn": world.connector_role,
                "OrganizationId": world.organization_id,
                "OrganizationUnitId": "r-1a2b",
                "Permissions": "FullAccess",
                "PermissionsBoundaryArn": world.outputs["FullAccessBoundaryArn"],
            }
        ),
    )
    stacks.execute_change_set(**of)
    outputs = outputs_of(stacks, "apono-a-b")
    stacks.close()
    return outputs


def test_the_operator_makes_a_stack_whose_role_carries_the_boundary(world: World, stack: Mapping[str, str]) -> None:
    role = world.management.client("iam").get_role(RoleName="apono-management-production")["Role"]

    assert stack == {"ManagementAccountRoleArnOutput": role["Arn"]}
    assert role["PermissionsBoundary"]["PermissionsBoundaryArn"] == world.outputs["FullAccessBoundaryArn"]


def test_the_connector_and_nobody_else_becomes_that_role(world: World, stack: Mapping[str, str]) -> None:
    role = stack["ManagementAccountRoleArnOutput"]

    assert assume(world.aws, world.connector, role)
    for other in (world.operator, world.management.credentials, world.as_operator_in_management()):
        with pytest.raises(ClientError, match="AccessDenied"):
            assume(world.aws, other, role)


def test_the_operator_gets_in_by_its_external_id_alone(world: World) -> None:
    role = world.outputs["ManagementRoleArn"]

    assert assume(world.aws, world.operator, role, ExternalId=EXTERNAL_ID)
    for given in ({}, {"ExternalId": "fedcba9876543210"}):
        with pytest.raises(ClientError, match="AccessDenied"):
            assume(world.aws, world.operator, role, **given)


def test_nobody_else_gets_in_with_the_operators_external_id(world: World) -> None:
    for role in (world.outputs["ManagementRoleArn"], world.outputs["CloudFormationRoleArn"]):
        for other in (world.connector, world.management.credentials):
            with pytest.raises(ClientError, match="AccessDenied"):
                assume(world.aws, other, role, ExternalId=EXTERNAL_ID)
