"""The template of the roles in member accounts: what the role may do, who may assume it, and what it never reaches."""

from __future__ import annotations

import json

import pytest

from apono_operator.bootstrap import member_account
from apono_operator.state.iam_policy import PolicyDocument
from apono_operator.state.permissions import INLINE_POLICY_NAME, managed_policy_arns, permissions_document
from apono_operator.v1alpha1 import PermissionSet
from sandbox.aws.errors import AwsError
from sandbox.aws.policy.documents import size
from sandbox.aws.policy.statements import Request, allows
from tests.docs.test_boundaries import POLICY_LIMIT
from tests.unit.bootstrap.deployment import ACCOUNT, Deployment, Document, deployed, lets_in
from tests.unit.bootstrap.printed import CONNECTOR_ROLE, MEMBER_PARAMETERS, ORGANIZATION

TEXT = member_account.text()
ROLE_NAME = MEMBER_PARAMETERS["MemberRoleName"]
MANAGEMENT_ROLE = MEMBER_PARAMETERS["ManagementRoleArn"]
CONNECTORS_ACCOUNT, MANAGEMENT_ACCOUNT = "111122223333", "999988887777"
IAM = f"arn:aws:iam::{ACCOUNT}:"
HERE = CONNECTOR_ROLE.replace(CONNECTORS_ACCOUNT, ACCOUNT)
"""The connector's role, if its cluster were in the very account that the template is deployed in."""

GRANTED = {"iam:PermissionsBoundary": f"{IAM}policy/connector-boundary-Granted-{ROLE_NAME}"}


def stack(permissions: PermissionSet = PermissionSet.FULL_ACCESS, **parameters: str) -> Deployment:
    return deployed(TEXT, {**MEMBER_PARAMETERS, "Permissions": permissions, **parameters})


def boundary(permissions: PermissionSet = PermissionSet.FULL_ACCESS, **parameters: str) -> Document:
    return stack(permissions, **parameters).managed_policy(f"{permissions}Boundary")


TRUST = stack().trust("MemberRole")


@pytest.mark.parametrize("partition", ["aws", "aws-us-gov"])
@pytest.mark.parametrize("permissions", PermissionSet)
def test_the_role_holds_what_a_connector_role_of_mode_account_does(permissions: PermissionSet, partition: str) -> None:
    made = deployed(TEXT, {**MEMBER_PARAMETERS, "Permissions": permissions}, partition=partition)

    document = PolicyDocument.of(made.policy("MemberRole", INLINE_POLICY_NAME))
    assert document == permissions_document(permissions, partition)
    assert frozenset(made.resources["MemberRole"]["ManagedPolicyArns"]) == managed_policy_arns(permissions, partition)
    assert len(made.resources["MemberRole"]["Policies"]) == 1


@pytest.mark.parametrize(
    ("permissions", "made"),
    [
        (PermissionSet.FULL_ACCESS, {"FullAccessBoundary", "GrantedBoundary", "MemberRole"}),
        (PermissionSet.READ_ONLY, {"ReadOnlyBoundary", "MemberRole"}),
    ],
)
def test_the_role_carries_the_boundary_of_its_set_which_is_made_beside_it(
    permissions: PermissionSet, made: set[str]
) -> None:
    resources = stack(permissions).resources

    assert resources.keys() == made
    assert resources["MemberRole"]["PermissionsBoundary"] == (
        f"{IAM}policy/connector-boundary-{permissions}-{ROLE_NAME}"
    )


def test_the_role_has_no_path_and_a_name_that_connectors_may_assume() -> None:
    role = stack().resources["MemberRole"]

    assert "Path" not in role
    assert role["RoleName"] == ROLE_NAME


@pytest.mark.parametrize("permissions", PermissionSet)
def test_a_boundary_is_short_enough_with_the_longest_name_in_the_account_of_the_connector(
    permissions: PermissionSet,
) -> None:
    longest = {"MemberRoleName": f"apono-member-{'a' * 51}", "ConnectorRoleArn": HERE}

    assert size(json.dumps(boundary(permissions, **longest))) <= POLICY_LIMIT


@pytest.mark.parametrize(
    ("account", "role"), [(CONNECTORS_ACCOUNT, CONNECTOR_ROLE), (MANAGEMENT_ACCOUNT, MANAGEMENT_ROLE)]
)
@pytest.mark.parametrize("action", ["sts:AssumeRole", "sts:TagSession"])
def test_the_connector_role_and_the_management_role_are_let_in(action: str, account: str, role: str) -> None:
    context = {"aws:PrincipalArn": role, "aws:PrincipalOrgID": ORGANIZATION}

    assert lets_in(TRUST, action, account, context)


@pytest.mark.parametrize(
    ("who", "account", "context"),
    [
        ("another role of the connector's account", CONNECTORS_ACCOUNT, {"aws:PrincipalArn": f"{CONNECTOR_ROLE}0"}),
        ("another role of the management account", MANAGEMENT_ACCOUNT, {"aws:PrincipalArn": f"{MANAGEMENT_ROLE}0"}),
        ("a role of the member account itself", ACCOUNT, {"aws:PrincipalArn": HERE}),
        ("a role of a third account", "444455556666", {"aws:PrincipalArn": CONNECTOR_ROLE}),
        ("the connector in another organization", CONNECTORS_ACCOUNT, {"aws:PrincipalOrgID": "o-0000000000"}),
    ],
)
@pytest.mark.parametrize("action", ["sts:AssumeRole", "sts:TagSession", "sts:AssumeRoleWithWebIdentity"])
def test_nobody_else_is_let_in(action: str, who: str, account: str, context: dict[str, str]) -> None:
    whole = {"aws:PrincipalArn": CONNECTOR_ROLE, "aws:PrincipalOrgID": ORGANIZATION, **context}

    assert not lets_in(TRUST, action, account, whole), who


# --- where nobody may have more than ReadOnly ------------------------------------------------------------------------

READING_TEXT = member_account.text(highest=PermissionSet.READ_ONLY)


def test_where_connectors_only_read_the_template_refuses_full_access_whoever_asks() -> None:
    with pytest.raises(AwsError, match="Parameter 'Permissions'"):
        deployed(READING_TEXT, MEMBER_PARAMETERS)


def test_where_connectors_only_read_nothing_of_full_access_is_in_the_template() -> None:
    resources = [READING_TEXT.partition("\nResources:")[2], TEXT.partition("\nResources:")[2]]

    assert ["FullAccess" in one for one in resources] == [False, True]
    assert ["iam:CreateRole" in one for one in resources] == [False, True]


def test_a_connector_that_reads_has_the_same_role_from_either_template() -> None:
    reading = {**MEMBER_PARAMETERS, "Permissions": "ReadOnly"}

    assert deployed(READING_TEXT, reading) == deployed(TEXT, reading)


# --- the boundaries --------------------------------------------------------------------------------------------------

GUARDED = {
    "its own role": Request("iam:PutRolePolicy", f"{IAM}role/{ROLE_NAME}"),
    "its own trust": Request("iam:UpdateAssumeRolePolicy", f"{IAM}role/{ROLE_NAME}"),
    "its own boundary": Request("iam:CreatePolicyVersion", f"{IAM}policy/connector-boundary-FullAccess-{ROLE_NAME}"),
    "the boundary of what it grants": Request(
        "iam:CreatePolicyVersion", f"{IAM}policy/connector-boundary-Granted-{ROLE_NAME}"
    ),
    "an operator's role": Request("iam:DeleteRole", f"{IAM}role/connector-operator"),
    "the administrator's role": Request("iam:PutRolePolicy", f"{IAM}role/OrganizationAccountAccessRole"),
    "the role of StackSets": Request("iam:UpdateAssumeRolePolicy", f"{IAM}role/stacksets-exec-0123"),
    "a role without the boundary": Request("iam:CreateRole", f"{IAM}role/apono/granted"),
    "stacks": Request("cloudformation:CreateStack"),
}


@pytest.mark.parametrize("what", GUARDED)
def test_the_boundary_of_full_access_keeps_it_from(what: str) -> None:
    assert not allows(boundary(), GUARDED[what])


@pytest.mark.parametrize(
    "request_",
    [
        Request("iam:CreateRole", f"{IAM}role/apono/granted", GRANTED),
        Request("iam:PutRolePolicy", f"{IAM}role/anything", GRANTED),
        Request("eks:CreateAccessEntry", f"arn:aws:eks:eu-west-1:{ACCOUNT}:cluster/theirs"),
        Request("ec2:DescribeInstances"),
    ],
    ids=str,
)
def test_the_boundary_of_full_access_lets_it_grant(request_: Request) -> None:
    assert allows(boundary(), request_)


@pytest.mark.parametrize("action", ["eks:CreateAccessEntry", "eks:AssociateAccessPolicy", "eks:DeleteAccessEntry"])
def test_in_the_account_of_its_own_cluster_it_changes_no_access_to_clusters(action: str) -> None:
    request = Request(action, f"arn:aws:eks:eu-west-1:{ACCOUNT}:cluster/the-operators")

    assert not allows(boundary(ConnectorRoleArn=HERE), request)


@pytest.mark.parametrize("action", ["iam:CreateRole", "iam:PutRolePolicy", "iam:CreateUser", "eks:CreateAccessEntry"])
def test_the_boundary_of_read_only_lets_it_grant_nothing(action: str) -> None:
    assert not allows(boundary(PermissionSet.READ_ONLY), Request(action, "*", GRANTED))


@pytest.mark.parametrize(
    ("parameter", "value"),
    [
        ("ManagementRoleArn", "arn:aws:iam::111122223333:root"),
        ("ManagementRoleArn", "arn:aws:iam::111122223333:role/*"),
        ("MemberRoleName", "apono-connector-a"),
        ("MemberRoleName", "path/apono-member-a"),
        ("MemberRoleName", f"apono-member-{'a' * 52}"),
        ("MemberRoleName", ""),
    ],
)
def test_a_value_out_of_bounds_is_refused_before_anything_is_made(parameter: str, value: str) -> None:
    with pytest.raises(AwsError, match=f"Parameter '{parameter}'"):
        deployed(TEXT, {**MEMBER_PARAMETERS, parameter: value})
