"""The stack of a connector in the management account."""

from __future__ import annotations

import pytest
import yaml

from apono_operator.state.iam_policy import PolicyDocument
from apono_operator.state.permissions import INLINE_POLICY_NAME, management_permissions_document
from apono_operator.templates import management_account
from apono_operator.v1alpha1 import PermissionSet
from sandbox.aws.errors import AwsError
from tests.unit.bootstrap.deployment import ACCOUNT, Deployment, Document, deployed, lets_in
from tests.unit.bootstrap.printed import (
    CONNECTOR_ROLE,
    MEMBER_PARAMETERS,
    MEMBER_TEMPLATE_URL,
    ORGANIZATION,
    STACK_PARAMETERS,
    TEMPLATES,
)

TEXT = management_account.text()
TRUST = deployed(TEXT, STACK_PARAMETERS).trust("ManagementRole")
THE_CONNECTOR = {"aws:PrincipalArn": CONNECTOR_ROLE, "aws:PrincipalOrgID": ORGANIZATION}
OUTPUT = "ManagementAccountRoleArnOutput"


@pytest.mark.parametrize("partition", ["aws", "aws-us-gov"])
@pytest.mark.parametrize("permission_set", PermissionSet)
def test_the_role_holds_the_permission_set_and_nothing_else(permission_set: PermissionSet, partition: str) -> None:
    stack = deployed(TEXT, {**STACK_PARAMETERS, "Permissions": permission_set}, partition=partition)
    role = stack.resources["ManagementRole"]

    assert stack.resources.keys() == {"ManagementRole"}
    assert len(role["Policies"]) == 1
    assert "ManagedPolicyArns" not in role
    document = PolicyDocument.of(stack.policy("ManagementRole", INLINE_POLICY_NAME))
    assert document == management_permissions_document(permission_set, partition)


def test_the_role_carries_the_boundary_that_is_given() -> None:
    role = deployed(TEXT, STACK_PARAMETERS).resources["ManagementRole"]

    assert role["PermissionsBoundary"] == STACK_PARAMETERS["PermissionsBoundaryArn"]


def test_the_role_has_no_path_and_a_name_that_connectors_may_assume() -> None:
    stack = deployed(TEXT, STACK_PARAMETERS)

    assert "Path" not in stack.resources["ManagementRole"]
    assert stack.outputs == {OUTPUT: "arn:aws:iam::123456789012:role/apono-management-prod-eks"}


def test_the_roles_name_is_the_one_that_is_given() -> None:
    stack = deployed(TEXT, {**STACK_PARAMETERS, "ManagementRoleName": "apono-management-a-b-0123456789"})

    assert stack.outputs[OUTPUT] == "arn:aws:iam::123456789012:role/apono-management-a-b-0123456789"


def test_tags_tell_the_connector_and_the_unit() -> None:
    tags = deployed(TEXT, STACK_PARAMETERS).resources["ManagementRole"]["Tags"]

    assert {tag["Key"]: tag["Value"] for tag in tags} == {
        "apono.io/connector-id": "prod-eks",
        "apono.io/organization-unit": "r-1a2b",
    }


@pytest.mark.parametrize("action", ["sts:AssumeRole", "sts:TagSession"])
def test_the_connectors_role_is_let_in(action: str) -> None:
    assert lets_in(TRUST, action, "111122223333", THE_CONNECTOR)


@pytest.mark.parametrize("action", ["sts:AssumeRole", "sts:TagSession", "sts:AssumeRoleWithWebIdentity"])
@pytest.mark.parametrize(
    ("who", "account", "context"),
    [
        ("another role of its account", "111122223333", {**THE_CONNECTOR, "aws:PrincipalArn": f"{CONNECTOR_ROLE}0"}),
        ("a role of another organization", "111122223333", {**THE_CONNECTOR, "aws:PrincipalOrgID": "o-0000000000"}),
        ("a role of no organization", "111122223333", {"aws:PrincipalArn": CONNECTOR_ROLE}),
        ("a role of another account", "444455556666", THE_CONNECTOR),
    ],
)
def test_nobody_else_is_let_in(action: str, who: str, account: str, context: dict[str, str]) -> None:
    assert not lets_in(TRUST, action, account, context), who


# --- the StackSet of roles in member accounts ------------------------------------------------------------------------


def with_members(**parameters: str) -> Deployment:
    return deployed(TEXT, {**STACK_PARAMETERS, "MemberTemplateUrl": MEMBER_TEMPLATE_URL, **parameters})


def stack_set(**parameters: str) -> Document:
    return with_members(**parameters).resources["MemberRoles"]


def handed_on(**parameters: str) -> dict[str, str]:
    return {one["ParameterKey"]: one["ParameterValue"] for one in stack_set(**parameters)["Parameters"]}


def test_without_a_template_of_members_there_is_no_stack_set() -> None:
    assert deployed(TEXT, STACK_PARAMETERS).resources.keys() == {"ManagementRole"}
    assert with_members().resources.keys() == {"ManagementRole", "MemberRoles"}
    assert with_members().outputs["MemberStackSetNameOutput"] == stack_set()["StackSetName"]


def test_a_stack_set_has_its_stacks_name_and_the_template_that_is_given() -> None:
    assert stack_set()["StackSetName"] == "apono-a"
    assert stack_set()["TemplateURL"] == MEMBER_TEMPLATE_URL
    assert "TemplateBody" not in stack_set()
    assert stack_set()["Capabilities"] == ["CAPABILITY_NAMED_IAM"]


def test_a_stack_set_serves_each_account_of_the_unit_as_accounts_come_and_go() -> None:
    assert stack_set()["PermissionModel"] == "SERVICE_MANAGED"
    assert stack_set()["AutoDeployment"] == {"Enabled": True, "RetainStacksOnAccountRemoval": False}
    assert stack_set(OrganizationUnitId="ou-1a2b-12345678")["StackInstancesGroup"] == [
        {"DeploymentTargets": {"OrganizationalUnitIds": ["ou-1a2b-12345678"]}, "Regions": ["eu-west-1"]}
    ]


def test_an_account_that_fails_keeps_no_other_from_its_role() -> None:
    assert stack_set()["OperationPreferences"] == {
        "FailureTolerancePercentage": 100,
        "MaxConcurrentPercentage": 100,
        "RegionConcurrencyType": "PARALLEL",
    }
    assert stack_set()["ManagedExecution"] == {"Active": True}


def test_a_stack_set_hands_on_who_may_assume_the_roles_and_what_they_may_do() -> None:
    assert handed_on(Permissions="ReadOnly", MemberRoleName="apono-member-a-b-0123456789") == {
        **{name: STACK_PARAMETERS[name] for name in ("AponoConnectorId", "ConnectorRoleArn", "OrganizationId")},
        "Permissions": "ReadOnly",
        "ManagementRoleArn": f"arn:aws:iam::{ACCOUNT}:role/apono-management-prod-eks",
        "MemberRoleName": "apono-member-a-b-0123456789",
    }


def test_roles_in_member_accounts_are_named_for_the_connector_if_nobody_names_them() -> None:
    assert handed_on()["MemberRoleName"] == "apono-member-prod-eks"


@pytest.mark.parametrize("permissions", PermissionSet)
def test_what_is_handed_on_is_what_the_template_of_members_asks_for(permissions: PermissionSet) -> None:
    given = handed_on(Permissions=permissions)

    assert given.keys() == MEMBER_PARAMETERS.keys()
    made = deployed(TEMPLATES["member-template --highest-permissions=FullAccess"], given)
    assert made.resources["MemberRole"]["RoleName"] == given["MemberRoleName"]


# --- a connector whose cluster is in the management account ----------------------------------------------------------

FROM_HERE = {"ConnectorRoleArn": CONNECTOR_ROLE.replace("111122223333", ACCOUNT)}


def test_a_connector_of_the_management_account_needs_no_other_role_there_than_its_own() -> None:
    made = with_members(**FROM_HERE)

    assert made.resources.keys() == {"MemberRoles"}
    assert made.outputs[OUTPUT] == FROM_HERE["ConnectorRoleArn"]


def test_roles_in_member_accounts_trust_a_connector_of_the_management_account_alone() -> None:
    given = handed_on(**FROM_HERE)

    assert given["ManagementRoleArn"] == given["ConnectorRoleArn"] == FROM_HERE["ConnectorRoleArn"]


ACCEPTED = [
    ("AponoConnectorId", "a"),
    ("AponoConnectorId", "Prod_eks.1"),
    ("ConnectorRoleArn", "arn:aws-us-gov:iam::111122223333:role/apono-connector-a"),
    ("OrganizationUnitId", "ou-1a2b-12345678"),
    ("Permissions", "ReadOnly"),
    ("PermissionsBoundaryArn", "arn:aws:iam::123456789012:policy/team/boundary"),
    ("ManagementRoleName", ""),
    ("ManagementRoleName", f"apono-{'a' * 58}"),
    ("MemberTemplateUrl", ""),
    ("MemberTemplateUrl", MEMBER_TEMPLATE_URL),
    ("MemberRoleName", ""),
    ("MemberRoleName", f"apono-member-{'a' * 51}"),
]
REFUSED = [
    ("AponoConnectorId", ""),
    ("AponoConnectorId", "a" * 254),
    ("AponoConnectorId", "-a"),
    ("AponoConnectorId", "a${AWS::AccountId}"),
    ("ConnectorRoleArn", "arn:aws:iam::111122223333:role/*"),
    ("ConnectorRoleArn", "arn:aws:iam::111122223333:role/path/apono-connector-a"),
    ("ConnectorRoleArn", "arn:aws:iam::111122223333:root"),
    ("ConnectorRoleArn", "arn:aws:iam::111122223333:user/apono"),
    ("ConnectorRoleArn", "arn:aws:sts::111122223333:assumed-role/apono-connector-a/x"),
    ("OrganizationId", "o-*"),
    ("OrganizationId", "k012345a67"),
    ("OrganizationUnitId", "r-1a2b-garbage"),
    ("OrganizationUnitId", "ou-1a2b"),
    ("Permissions", "Everything"),
    ("PermissionsBoundaryArn", "arn:aws:iam::aws:policy/AdministratorAccess"),
    ("PermissionsBoundaryArn", ""),
    ("ManagementRoleName", "management"),
    ("ManagementRoleName", "path/apono-management"),
    ("ManagementRoleName", "apono-connector-a"),
    ("ManagementRoleName", f"apono-{'a' * 59}"),
    ("MemberTemplateUrl", "http://templates.s3.amazonaws.com/a.yaml"),
    ("MemberTemplateUrl", "https://templates.s3.amazonaws.com/*"),
    ("MemberRoleName", "apono-management-a"),
    ("MemberRoleName", "path/apono-member-a"),
    ("MemberRoleName", f"apono-member-{'a' * 52}"),
]


@pytest.mark.parametrize(("parameter", "value"), ACCEPTED)
def test_a_value_within_bounds_is_taken(parameter: str, value: str) -> None:
    assert deployed(TEXT, {**STACK_PARAMETERS, parameter: value}).outputs[OUTPUT]


@pytest.mark.parametrize(("parameter", "value"), REFUSED)
def test_a_value_out_of_bounds_is_refused_before_anything_is_made(parameter: str, value: str) -> None:
    with pytest.raises(AwsError, match=f"Parameter '{parameter}'"):
        deployed(TEXT, {**STACK_PARAMETERS, parameter: value})


@pytest.mark.parametrize("parameter", STACK_PARAMETERS)
def test_a_parameter_has_to_be_given_unless_it_has_a_default(parameter: str) -> None:
    without = {name: value for name, value in STACK_PARAMETERS.items() if name != parameter}

    with pytest.raises(AwsError, match="must have values"):
        deployed(TEXT, without)


def test_the_parameters_are_those_that_apono_asks_for_and_five_of_ours() -> None:
    asked = {"AponoConnectorId", "ConnectorRoleArn", "OrganizationId", "OrganizationUnitId"}
    ours = {"Permissions", "PermissionsBoundaryArn", "ManagementRoleName", "MemberTemplateUrl", "MemberRoleName"}

    assert yaml.safe_load(TEXT)["Parameters"].keys() == asked | ours
