"""The boundaries: what whoever controls a connector may try, and what Apono needs nevertheless."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

import pytest
from policy_sentry.analysis.expand import expand
from policy_sentry.querying.actions import get_actions_for_service, get_actions_with_access_level

from apono_operator.state.permissions import managed_policy_arns, permissions_document
from apono_operator.v1alpha1 import PermissionSet
from sandbox.aws import Account, FrontDoor
from sandbox.aws.policy.documents import as_list, size
from sandbox.aws.policy.statements import Request, allows
from tests.docs.installation import operator_role
from tests.docs.pages import DOCS

IAM = "arn:aws:iam::123456789012:"
EKS = "arn:aws:eks:eu-west-1:123456789012:"
POLICY_LIMIT = 6144
"""Characters of a managed policy, without white space (IAM User Guide, "IAM and AWS STS quotas")."""
LONGEST_CLUSTER_NAME = 100
"""Amazon EKS API Reference, "CreateCluster"."""

TEXT = (DOCS / "iam" / "boundary-full-access.json").read_text(encoding="utf-8")
BOUNDARY: dict[str, Any] = json.loads(TEXT)
READ_ONLY: dict[str, Any] = json.loads((DOCS / "iam" / "boundary-read-only.json").read_text(encoding="utf-8"))
GRANTED: dict[str, Any] = json.loads((DOCS / "iam" / "boundary-granted.json").read_text(encoding="utf-8"))

BOUND = {"iam:PermissionsBoundary": f"{IAM}policy/connector-boundary-Granted"}
BOUND_OTHERWISE = {"iam:PermissionsBoundary": f"{IAM}policy/connector-boundary-FullAccess"}
TAGGED = {"aws:ResourceTag/apono-connector-access": "true", "aws:ResourceTag/apono-connector-read": "true"}
IN_EVERY_FAVOUR = {**BOUND, **TAGGED}

OWN_ROLE = f"{IAM}role/apono-connector-apono-production-ce92824b26"
OPERATOR = f"{IAM}role/{operator_role('my-cluster')}"
OPERATOR_ELSEWHERE = f"{IAM}role/{operator_role('other')}"
ADMINISTRATION = (
    OWN_ROLE,
    OPERATOR,
    OPERATOR_ELSEWHERE,
    f"{IAM}role/administrators/break-glass",
    f"{IAM}user/administrators/alice",
    f"{IAM}policy/connector-boundary-FullAccess",
    f"{IAM}policy/connector-boundary-Granted",
    f"{IAM}policy/connector-boundary-ReadOnly",
)
CHANGING = ("Write", "Permissions management", "Tagging")

ESCAPES = {
    "widens its own role": Request("iam:PutRolePolicy", OWN_ROLE, IN_EVERY_FAVOUR),
    "attaches a policy to its own role": Request("iam:AttachRolePolicy", OWN_ROLE, BOUND_OTHERWISE),
    "lets anybody assume its own role": Request("iam:UpdateAssumeRolePolicy", OWN_ROLE),
    "takes the tags off its own role": Request("iam:UntagRole", OWN_ROLE),
    "takes its own boundary off": Request("iam:DeleteRolePermissionsBoundary", OWN_ROLE, BOUND_OTHERWISE),
    "changes its own boundary": Request("iam:PutRolePermissionsBoundary", OWN_ROLE, BOUND),
    "takes a connector role's name": Request("iam:CreateRole", f"{IAM}role/apono-connector-a-b-0123456789", BOUND),
    "takes it below a path": Request("iam:CreateRole", f"{IAM}role/apono/apono-connector-a-b-0123456789", BOUND),
    "becomes another connector": Request("sts:AssumeRole", f"{IAM}role/apono-connector-other-x-0123456789"),
    "becomes the operator": Request("sts:AssumeRole", OPERATOR),
    "becomes the operator of another cluster": Request("sts:AssumeRole", OPERATOR_ELSEWHERE),
    "opens the operator's role": Request("iam:UpdateAssumeRolePolicy", OPERATOR),
    "widens the operator": Request("iam:PutRolePolicy", OPERATOR, IN_EVERY_FAVOUR),
    "widens the operator of another cluster": Request("iam:PutRolePolicy", OPERATOR_ELSEWHERE, IN_EVERY_FAVOUR),
    "takes the name of an operator to come": Request("iam:CreateRole", f"{IAM}role/{operator_role('new')}", BOUND),
    "locks the operator out": Request("iam:DeleteRole", OPERATOR),
    "writes a new boundary version": Request("iam:CreatePolicyVersion", f"{IAM}policy/connector-boundary-FullAccess"),
    "goes back to an old version": Request("iam:SetDefaultPolicyVersion", f"{IAM}policy/connector-boundary-Granted"),
    "writes a version of any policy": Request("iam:CreatePolicyVersion", f"{IAM}policy/developers"),
    "makes a policy": Request("iam:CreatePolicy", f"{IAM}policy/apono/new"),
    "takes a role's boundary off": Request("iam:DeleteRolePermissionsBoundary", f"{IAM}role/apono/x", BOUND),
    "takes a user's boundary off": Request("iam:DeleteUserPermissionsBoundary", f"{IAM}user/apono/x", BOUND),
    "changes a user's boundary": Request("iam:PutUserPermissionsBoundary", f"{IAM}user/apono/x", BOUND_OTHERWISE),
    "locks people out by a boundary": Request("iam:PutUserPermissionsBoundary", f"{IAM}user/alice", BOUND),
    "makes a role without boundary": Request("iam:CreateRole", f"{IAM}role/apono/x"),
    "makes a user without boundary": Request("iam:CreateUser", f"{IAM}user/apono/x"),
    "makes a role with its own boundary": Request("iam:CreateRole", f"{IAM}role/apono/x", BOUND_OTHERWISE),
    "makes a user with its own boundary": Request("iam:CreateUser", f"{IAM}user/apono/x", BOUND_OTHERWISE),
    "makes a key for anybody": Request("iam:CreateAccessKey", f"{IAM}user/alice"),
    "gives anybody a password": Request("iam:CreateLoginProfile", f"{IAM}user/alice"),
    "changes anybody's password": Request("iam:UpdateLoginProfile", f"{IAM}user/alice"),
    "gives an unbound user a policy": Request("iam:PutUserPolicy", f"{IAM}user/alice"),
    "gives an unbound user of its path a policy": Request("iam:AttachUserPolicy", f"{IAM}user/apono/x"),
    "gives an unbound role a policy": Request("iam:AttachRolePolicy", f"{IAM}role/developers"),
    "opens somebody's role": Request("iam:UpdateAssumeRolePolicy", f"{IAM}role/developers", BOUND),
    "passes somebody's role": Request("iam:PassRole", f"{IAM}role/developers"),
    "puts a role onto servers": Request("iam:AddRoleToInstanceProfile", f"{IAM}instance-profile/servers"),
    "joins a group": Request("iam:AddUserToGroup", f"{IAM}group/administrators", BOUND),
    "gives a group a policy": Request("iam:PutGroupPolicy", f"{IAM}group/developers", BOUND),
    "makes an OIDC provider": Request("iam:CreateOpenIDConnectProvider", f"{IAM}oidc-provider/evil.example"),
    "makes a SAML provider": Request("iam:CreateSAMLProvider", f"{IAM}saml-provider/evil"),
    "replaces SAML metadata": Request("iam:UpdateSAMLProvider", f"{IAM}saml-provider/company"),
    "leaves the organization": Request("organizations:LeaveOrganization"),
    "detaches a service control policy": Request("organizations:DetachPolicy"),
    "assigns itself by Identity Center": Request("sso:CreateAccountAssignment"),
    "becomes a role of the account": Request("sts:AssumeRole", f"{IAM}role/developers"),
    "has its cluster let it in": Request("eks:CreateAccessEntry", f"{EKS}cluster/my-cluster"),
    "becomes its cluster's administrator": Request(
        "eks:AssociateAccessPolicy", f"{EKS}access-entry/my-cluster/role/123456789012/x/0a1b"
    ),
    "widens an entry of its cluster": Request(
        "eks:UpdateAccessEntry", f"{EKS}access-entry/my-cluster/user/123456789012/x/0a1b"
    ),
    "tags its cluster": Request("eks:TagResource", f"{EKS}cluster/my-cluster"),
    "gives a pod a role": Request("eks:CreatePodIdentityAssociation", f"{EKS}cluster/other"),
    "runs a command on servers": Request("ssm:SendCommand"),
    "opens a shell on servers": Request("ssm:StartSession"),
    "replaces a function's code": Request("lambda:UpdateFunctionCode", context=TAGGED),
    "changes a stack": Request("cloudformation:UpdateStack"),
    "opens a bucket": Request("s3:PutBucketPolicy"),
    "opens a key": Request("kms:PutKeyPolicy", context=TAGGED),
    "opens a secret": Request("secretsmanager:PutResourcePolicy", context=TAGGED),
    "reads a secret that is not tagged": Request("secretsmanager:GetSecretValue"),
    "reads a server's password": Request("ec2:GetPasswordData"),
    "reads any object": Request("s3:GetObject", "arn:aws:s3:::secrets/key"),
    "reads any function's code": Request("lambda:GetFunction"),
    "logs in to a database as somebody": Request(
        "rds-db:connect", "arn:aws:rds-db:eu-west-1:123456789012:dbuser:db-1/postgres"
    ),
}  # fmt: skip

WITHHELD = {
    "iam:DeleteRolePermissionsBoundary",
    "iam:DeleteUserPermissionsBoundary",
    "iam:PutRolePermissionsBoundary",
    "iam:PutUserPermissionsBoundary",
}
"""What FullAccess holds and the boundary gives to nobody."""


@pytest.fixture(scope="module")
def account() -> Iterator[Account]:
    with FrontDoor() as aws:
        yield aws.create_account()


def test_the_boundary_fits_into_a_managed_policy_however_long_the_names_are() -> None:
    text = TEXT.replace("arn:aws:", "arn:aws-us-gov:").replace("my-cluster", "c" * LONGEST_CLUSTER_NAME)
    assert size(text) <= POLICY_LIMIT


@pytest.mark.parametrize("what", ESCAPES)
def test_an_escape_is_denied(what: str) -> None:
    assert not allows(BOUNDARY, ESCAPES[what])
    assert not allows(READ_ONLY, ESCAPES[what])


@pytest.mark.parametrize("resource", ADMINISTRATION)
def test_no_change_in_iam_reaches_the_administration(resource: str) -> None:
    requests = [Request(action, resource, IN_EVERY_FAVOUR) for action in _changing("iam")]
    assert [str(request) for request in requests if allows(BOUNDARY, request)] == []


@pytest.mark.parametrize("resource", ["user/alice", "role/developers", "group/developers", "policy/developers"])
def test_no_change_in_iam_reaches_those_that_neither_carry_the_boundary_nor_the_path(resource: str) -> None:
    requests = [Request(action, f"{IAM}{resource}", TAGGED) for action in _changing("iam")]
    assert [str(request) for request in requests if allows(BOUNDARY, request)] == []


@pytest.mark.parametrize("action", get_actions_for_service("eks"))
def test_its_own_cluster_is_looked_at_only(action: str) -> None:
    resources = (f"{EKS}cluster/my-cluster", f"{EKS}access-entry/my-cluster/role/123456789012/x/0a1b")
    allowed = any(allows(BOUNDARY, Request(action, resource)) for resource in resources)
    assert allowed == action.startswith(("eks:AccessKubernetesApi", "eks:Describe", "eks:List"))


def test_where_a_change_gives_rights_only_named_actions_change_anything() -> None:
    """Beyond these, the services in which a change gives rights are read only."""
    changes = [action for service in _guarded_services() for action in _changing(service)]
    requests = (Request(action, f"{EKS}cluster/other", IN_EVERY_FAVOUR) for action in changes)
    allowed = {request.action for request in requests if allows(BOUNDARY, request)}
    assert allowed - _actions_of(PermissionSet.FULL_ACCESS) == set()


def test_read_only_changes_nothing_where_a_change_gives_rights_but_for_what_its_policies_name() -> None:
    changes = [action for service in _guarded_services() for action in _changing(service)]
    requests = (Request(action, f"{IAM}role/apono-x", IN_EVERY_FAVOUR) for action in changes)
    allowed = {request.action for request in requests if allows(READ_ONLY, request)}
    assert allowed <= _actions_of(PermissionSet.READ_ONLY)


def test_read_only_reads_no_parameter_and_no_secret_without_a_tag() -> None:
    for action in ("ssm:GetParameter", "ssm:GetParameters", "ssm:GetParametersByPath", "secretsmanager:GetSecretValue"):
        assert not allows(READ_ONLY, Request(action))


@pytest.mark.parametrize("arn", sorted(managed_policy_arns(PermissionSet.FULL_ACCESS, "aws")))
def test_the_boundaries_allow_what_a_managed_policy_of_the_sets_does(arn: str, account: Account) -> None:
    iam = account.client("iam")
    version = iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"]
    document: Any = iam.get_policy_version(PolicyArn=arn, VersionId=version)["PolicyVersion"]["Document"]
    patterns = [pattern for one in document["Statement"] for pattern in as_list(one["Action"])]
    actions = {action for pattern in patterns for action in expand(pattern)}
    assert len(actions) > 5
    for boundary in (BOUNDARY, READ_ONLY):
        assert sorted(action for action in actions if not allows(boundary, Request(action))) == []


@pytest.mark.parametrize(
    ("permission_set", "boundary", "withheld"),
    [(PermissionSet.FULL_ACCESS, BOUNDARY, WITHHELD), (PermissionSet.READ_ONLY, READ_ONLY, set())],
)
def test_a_boundary_withholds_nothing_of_its_set_but_changes_of_boundaries(
    permission_set: PermissionSet, boundary: dict[str, Any], withheld: set[str]
) -> None:
    requests = list(needs(permission_set))
    allowed = {request.action for request in requests if allows(boundary, request)}
    assert {request.action for request in requests} - allowed == withheld


@pytest.mark.parametrize(
    "service", ["iam", "sts", "organizations", "sso", "eks", "lambda", "ssm", "ec2", "cloudformation"]
)
def test_what_apono_grants_gives_no_rights_on(service: str) -> None:
    actions = get_actions_for_service(service)
    assert actions
    assert [action for action in actions if allows(GRANTED, Request(action, context=IN_EVERY_FAVOUR))] == []


def _changing(service: str) -> list[str]:
    return [action for level in CHANGING for action in get_actions_with_access_level(service, level)]


def _guarded_services() -> list[str]:
    (others,) = (one for one in BOUNDARY["Statement"] if one["Effect"] == "Allow" and "NotAction" in one)
    return [pattern.removesuffix(":*") for pattern in others["NotAction"]]


def _actions_of(permission_set: PermissionSet) -> set[str]:
    document = permissions_document(permission_set, "aws").document
    return {action for one in document["Statement"] for action in one["Action"]}


def needs(permission_set: PermissionSet) -> Iterator[Request]:
    """Each action of the set on resources that it is meant for, with the tags and the boundary that it wants."""
    for statement in permissions_document(permission_set, "aws").document["Statement"]:
        for action in statement["Action"]:
            yield from (Request(action, one, IN_EVERY_FAVOUR) for one in _meant(action, statement["Resource"]))


def _meant(action: str, patterns: Iterable[str]) -> list[str]:
    if action == "iam:CreateServiceLinkedRole":
        return [f"{IAM}role/aws-service-role/rds.amazonaws.com/AWSServiceRoleForRDS"]
    if action.startswith("iam:"):
        return [f"{IAM}{kind}/apono/x" for kind in ("instance-profile", "role", "user")]
    return [pattern.replace("*", "x") for pattern in patterns]
