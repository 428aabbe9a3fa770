"""What others change in what a stack has made is told, and put right where that is wanted; a refused manifest's role
gets its boundary.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.aws.sessions import assume
from tests.scenarios.organization import OrganizationScenario
from tests.scenarios.scenario import Role, condition_of
from tests.waiting import PATIENCE, until

WIDE = json.dumps(
    {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "organizations:*", "Resource": "*"}]}
)


def trust_others(scenario: OrganizationScenario, name: str) -> None:
    principal = {"AWS": f"{scenario.management.arn_prefix}root"}
    statement = {"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    scenario.management.client("iam").update_assume_role_policy(RoleName=name, PolicyDocument=document)


def widen(scenario: OrganizationScenario, name: str) -> None:
    scenario.management.client("iam").put_role_policy(RoleName=name, PolicyName="apono-connector", PolicyDocument=WIDE)


def loosen(scenario: OrganizationScenario, name: str) -> None:
    boundary = scenario.entry["permissionsBoundaries"]["FullAccess"]
    scenario.management.client("iam").put_role_permissions_boundary(RoleName=name, PermissionsBoundary=boundary)


def comparable(role: Role | None) -> tuple[Any, ...]:
    assert role is not None
    return role.document["AssumeRolePolicyDocument"], role.inline, role.boundary


@pytest.mark.parametrize("change", [trust_others, widen, loosen])
def test_a_management_role_that_is_changed_by_hand_comes_back_and_an_event_says_so(
    organization: OrganizationScenario, change: Callable[[OrganizationScenario, str], None]
) -> None:
    connector = organization.apply_ready(permissions="ReadOnly")
    before = comparable(organization.management_role(connector))
    change(organization, connector["status"]["managementAccountRoleArn"].rpartition("/")[2])
    assert comparable(organization.management_role(connector)) != before

    organization.look_again()

    until("the role is as before", lambda: comparable(organization.management_role(connector)) == before, 40)
    organization.ready(seconds=PATIENCE)
    told = until("an Event tells of it", lambda: organization.events("DriftCorrected"), 20)
    assert "ManagementRole is another" in told[0]["message"]


def test_a_management_role_that_is_deleted_by_hand_is_made_again(organization: OrganizationScenario) -> None:
    connector = organization.apply_ready()
    role_arn = connector["status"]["managementAccountRoleArn"]
    iam = organization.management.client("iam")
    iam.delete_role_policy(RoleName=role_arn.rpartition("/")[2], PolicyName="apono-connector")
    iam.delete_role(RoleName=role_arn.rpartition("/")[2])

    organization.look_again()

    until("there is a role", lambda: organization.management_role(connector) is not None, 40)
    organization.ready(seconds=PATIENCE)
    assert assume(organization.aws, organization.as_connector(), role_arn)


def test_under_report_a_changed_management_role_is_told_and_left(organization: OrganizationScenario) -> None:
    connector = organization.apply_ready(driftPolicy="Report")
    widen(organization, connector["status"]["managementAccountRoleArn"].rpartition("/")[2])
    changed = comparable(organization.management_role(connector))

    organization.look_again()

    connector = organization.condition("Drifted", "True", "Drifted", seconds=PATIENCE)
    assert "ManagementRole is another (Policies)" in condition_of(connector, "Drifted")["message"]
    organization.condition("ManagementStackReady", "True", "StackDiffers", seconds=PATIENCE)
    organization.ready()
    assert comparable(organization.management_role(connector)) == changed


def test_a_template_that_others_changed_in_place_comes_back(organization: OrganizationScenario) -> None:
    connector = organization.apply_ready()
    before = comparable(organization.management_role(connector))
    stack = organization.stack()
    assert stack is not None
    body = organization.stacks.get_template(StackName=stack["StackName"])["TemplateBody"]
    organization.stacks.update_stack(
        StackName=stack["StackName"],
        TemplateBody=body.replace("sts:TagSession", "sts:SetSourceIdentity"),
        Parameters=[{"ParameterKey": one["ParameterKey"], "UsePreviousValue": True} for one in stack["Parameters"]],
        Capabilities=["CAPABILITY_NAMED_IAM"],
    )
    organization.stack_is("UPDATE_COMPLETE")
    assert comparable(organization.management_role(connector)) != before

    organization.look_again()

    until("the role is as before", lambda: comparable(organization.management_role(connector)) == before, 40)
    organization.ready(seconds=PATIENCE)


def test_a_refused_manifest_keeps_no_management_role_from_its_boundary(organization: OrganizationScenario) -> None:
    connector = organization.apply_ready(permissions="ReadOnly")
    status = connector["status"]
    name = status["managementStackId"].split("/")[1]
    stricter = organization.management.client("iam").create_policy(PolicyName="stricter", PolicyDocument=WIDE)
    arn = stricter["Policy"]["Arn"]
    allow_boundary(organization, arn)
    organization.operator.stop()
    installation = organization.installation
    entry = {**organization.entry, "permissionsBoundaries": {"ReadOnly": arn}}
    settings = {"APONO_OPERATOR_MANAGEMENT_ACCOUNTS": json.dumps([entry])}

    with installation.start(**settings) as operator:
        organization.operator = operator
        organization.apply(permissions="ReadOnly", deployment={"image": "registry.example.com/not-granted:1"})
        organization.condition("Accepted", "False", seconds=PATIENCE)

        def boundary() -> str | None:
            role = organization.management_role(connector)
            return role.boundary if role else None

        until("the role has the stricter boundary", lambda: boundary() == arn, 60)
        organization.stack_is("UPDATE_COMPLETE", name)
        assert organization.connector()["status"]["managementStackId"] == status["managementStackId"]


def allow_boundary(scenario: OrganizationScenario, arn: str) -> None:
    """Let CloudFormation's role give roles this boundary as well, as the administrator does who makes another one."""
    name = scenario.entry["cloudFormationRoleArn"].rpartition("/")[2]
    iam: Any = scenario.management.client("iam")
    document = iam.get_role_policy(RoleName=name, PolicyName="roles")["PolicyDocument"]
    for statement in document["Statement"]:
        if "Condition" in statement:
            statement["Condition"]["StringEquals"]["iam:PermissionsBoundary"].append(arn)
    iam.put_role_policy(RoleName=name, PolicyName="roles", PolicyDocument=json.dumps(document))
