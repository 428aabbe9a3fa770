"""The stack of the account of a cluster: who the operator is, what it may, and how far its connectors reach."""

from __future__ import annotations

import json
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from apono_operator.bootstrap import management_boundaries, operator_account
from apono_operator.state.iam_policy import PolicyDocument
from apono_operator.state.permissions import managed_policy_arns
from apono_operator.templates.management_account import ROLE_NAME_PREFIX
from apono_operator.v1alpha1 import PermissionSet
from sandbox.aws.errors import AwsError
from sandbox.aws.policy.documents import as_list, size
from sandbox.aws.policy.statements import Request, allows
from tests.docs.test_boundaries import BOUND, BOUND_OTHERWISE, ESCAPES, IN_EVERY_FAVOUR, POLICY_LIMIT
from tests.unit.bootstrap.deployment import ACCOUNT, Deployment, deployed
from tests.unit.bootstrap.printed import ISSUER, MANAGEMENT_ROLE, OPERATOR_PARAMETERS

IAM_DOCUMENTS = Path(__file__).parents[3] / "docs" / "iam"
IAM = f"arn:aws:iam::{ACCOUNT}:"
STRICT = operator_account.text(require_boundary=True)
INSIDE = operator_account.text(require_boundary=True, management_account=True)
LOOSE = operator_account.text(require_boundary=False)
CLUSTERS_ROOM = 60
"""Characters that the names of all clusters may have, as the parameter says."""


def stack(**parameters: str) -> Deployment:
    return deployed(STRICT, {**OPERATOR_PARAMETERS, **parameters})


def example(name: str) -> PolicyDocument:
    return PolicyDocument.of(json.loads((IAM_DOCUMENTS / name).read_text(encoding="utf-8")))


# --- the operator's role -------------------------------------------------------------------------------------------


def test_the_operator_has_the_policy_and_the_trust_that_the_documents_show() -> None:
    made = stack()

    assert PolicyDocument.of(made.policy("OperatorRole", "connectors")) == example("operator-policy.json")
    assert PolicyDocument.of(made.trust("OperatorRole")) == example("operator-trust.json")
    assert len(made.resources["OperatorRole"]["Policies"]) == 1


def test_the_trust_names_exactly_one_service_account_of_one_issuer_and_aws_as_the_audience() -> None:
    (statement,) = stack(OperatorNamespace="team", OperatorServiceAccount="op").trust("OperatorRole")["Statement"]

    assert statement["Principal"] == {"Federated": f"{IAM}oidc-provider/{ISSUER}"}
    assert statement["Condition"] == {
        "StringEquals": {f"{ISSUER}:sub": "system:serviceaccount:team:op", f"{ISSUER}:aud": "sts.amazonaws.com"}
    }


def test_without_management_accounts_the_operator_assumes_no_role() -> None:
    policy = stack().policy("OperatorRole", "connectors")

    assert not allows(policy, Request("sts:AssumeRole", MANAGEMENT_ROLE))


def test_with_management_accounts_the_operator_assumes_their_roles_and_no_other() -> None:
    other = "arn:aws:iam::444455556666:role/connector-operator-management"
    policy = stack(ManagementRoleArns=f"{MANAGEMENT_ROLE},{other}").policy("OperatorRole", "management-accounts")

    for action, role in product(("sts:AssumeRole", "sts:TagSession"), (MANAGEMENT_ROLE, other)):
        assert allows(policy, Request(action, role))
        assert not allows(policy, Request(action, f"{role}-2"))
        assert not allows(policy, Request(action, f"{IAM}role/apono-k8s-access"))


@pytest.mark.parametrize(
    "name", ["apono-operator", "operator", "connector-operators", f"connector-operator-{'a' * 46}"]
)
def test_a_name_that_the_boundaries_do_not_guard_is_refused(name: str) -> None:
    with pytest.raises(AwsError, match="OperatorRoleName"):
        stack(OperatorRoleName=name)


@pytest.mark.parametrize(
    ("parameter", "value"),
    [
        ("OidcIssuer", f"https://{ISSUER}"),
        ("OidcIssuer", 'issuer.example/a":"'),
        ("OperatorNamespace", "*"),
        ("OperatorServiceAccount", "apono-*"),
        ("ClusterNames", "one,*"),
        ("ManagementRoleArns", "*"),
        ("ManagementRoleArns", f"{MANAGEMENT_ROLE},*"),
        ("ManagementRoleArns", "arn:aws:iam::999988887777:role/connector-operator-*"),
        ("MakeBoundaries", "no"),
        ("AllowedManagedPolicyArns", "*"),
        ("AllowedManagedPolicyArns", "arn:aws:iam::*:policy/x"),
        ("AllowedManagedPolicyArns", "arn:aws:iam::aws:policy/ReadOnlyAccess,arn:aws:iam::aws:role/x"),
    ],
)
def test_a_value_that_would_widen_a_policy_or_fits_nowhere_is_refused(parameter: str, value: str) -> None:
    with pytest.raises(AwsError, match=parameter):
        stack(**{parameter: value})


# --- the boundaries ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("logical_id", "name"),
    [
        ("FullAccessBoundary", "boundary-full-access.json"),
        ("ReadOnlyBoundary", "boundary-read-only.json"),
        ("GrantedBoundary", "boundary-granted.json"),
    ],
)
def test_the_boundaries_are_those_that_the_documents_show_and_tests_walk_through(logical_id: str, name: str) -> None:
    assert PolicyDocument.of(stack().managed_policy(logical_id)) == example(name)


@pytest.mark.parametrize("permission_set", PermissionSet)
def test_a_connector_may_become_the_role_of_its_stack_in_the_management_account(permission_set: PermissionSet) -> None:
    boundary = stack().managed_policy(f"{permission_set}Boundary")
    role = f"arn:aws:iam::999988887777:role/{ROLE_NAME_PREFIX}a"

    for action in ("sts:AssumeRole", "sts:TagSession"):
        assert allows(boundary, Request(action, role))
        assert not allows(boundary, Request(action, MANAGEMENT_ROLE))


def test_the_outputs_are_what_the_chart_asks_for() -> None:
    assert stack().outputs == {
        "OperatorRoleArn": f"{IAM}role/connector-operator",
        "FullAccessBoundaryArn": f"{IAM}policy/connector-boundary-FullAccess",
        "ReadOnlyBoundaryArn": f"{IAM}policy/connector-boundary-ReadOnly",
    }


def test_the_operators_policy_asks_for_the_boundaries_that_the_stack_makes() -> None:
    made = stack()
    role = f"{IAM}role/apono-connector-a-b-0123456789"
    request = {"aws:RequestTag/apono.io/cluster": ISSUER}
    for one in PermissionSet:
        carried = {**request, "iam:PermissionsBoundary": made.outputs[f"{one}BoundaryArn"]}
        assert allows(made.policy("OperatorRole", "connectors"), Request("iam:CreateRole", role, carried))
    assert not allows(made.policy("OperatorRole", "connectors"), Request("iam:CreateRole", role, request))


def test_a_second_cluster_of_an_account_uses_the_boundaries_that_are_there() -> None:
    second = stack(MakeBoundaries="false", OperatorRoleName="connector-operator-second")

    assert second.resources.keys() == {"OperatorRole"}
    assert second.outputs == {**stack().outputs, "OperatorRoleArn": f"{IAM}role/connector-operator-second"}


def test_no_cluster_that_is_named_lets_a_connector_change_who_gets_in() -> None:
    boundary = stack(ClusterNames="one,prod-*").managed_policy("FullAccessBoundary")

    for cluster, allowed in {"one": False, "prod-eu": False, "two": True}.items():
        arns = (
            f"arn:aws:eks:eu-west-1:{ACCOUNT}:{kind}" for kind in (f"cluster/{cluster}", f"access-entry/{cluster}/x")
        )
        assert {allows(boundary, Request("eks:CreateAccessEntry", arn)) for arn in arns} == {allowed}


@pytest.mark.parametrize("text", [STRICT, LOOSE, INSIDE], ids=["bound", "unbound", "management account"])
@pytest.mark.parametrize("names", ["c" * CLUSTERS_ROOM, "c" * 20 + "," + "c" * 20 + "," + "c" * 20])
def test_the_boundary_fits_into_a_policy_with_as_many_clusters_as_are_promised(names: str, text: str) -> None:
    made = deployed(text, {**OPERATOR_PARAMETERS, "ClusterNames": names}, partition="aws-us-gov")

    assert size(json.dumps(made.managed_policy("FullAccessBoundary"))) <= POLICY_LIMIT


# --- with --management-account: the cluster is in the management account of an organization ---------------------------

IDENTITY_CENTER = [
    Request("sso:CreateAccountAssignment", "arn:aws:sso:::instance/ssoins-1"),
    Request("sso:PutInlinePolicyToPermissionSet", "arn:aws:sso:::permissionSet/ssoins-1/ps-1"),
    Request("identitystore:CreateGroupMembership"),
    Request("iam:UpdateSAMLProvider", f"{IAM}saml-provider/AWSSSO_0123_DO_NOT_DELETE"),
]


@pytest.mark.parametrize("request_", IDENTITY_CENTER, ids=str)
def test_connectors_use_identity_center_in_the_management_account_alone(request_: Request) -> None:
    inside, elsewhere = (
        deployed(text, OPERATOR_PARAMETERS).managed_policy("FullAccessBoundary") for text in (INSIDE, STRICT)
    )

    assert allows(inside, request_)
    assert not allows(elsewhere, request_)


@pytest.mark.parametrize("permission_set", PermissionSet)
def test_in_the_management_account_a_connector_may_what_the_management_role_may_elsewhere(
    permission_set: PermissionSet,
) -> None:
    inside = deployed(INSIDE, OPERATOR_PARAMETERS).managed_policy(f"{permission_set}Boundary")
    elsewhere = management_boundaries.of(permission_set)
    requests = [
        Request(action, resource.replace("{partition}", "aws").replace("*", "x"))
        for statement in elsewhere["Statement"]
        for action in as_list(statement["Action"])
        for resource in as_list(statement["Resource"])
    ]

    assert len(requests) > 20
    assert [str(one) for one in requests if not allows(inside, one)] == []


def test_in_the_management_account_other_providers_stay_as_they_are() -> None:
    boundary = deployed(INSIDE, OPERATOR_PARAMETERS).managed_policy("FullAccessBoundary")

    assert not allows(boundary, Request("iam:UpdateSAMLProvider", f"{IAM}saml-provider/company"))


@pytest.mark.parametrize("what", ESCAPES)
def test_in_the_management_account_no_other_escape_is_open(what: str) -> None:
    boundary = deployed(INSIDE, OPERATOR_PARAMETERS).managed_policy("FullAccessBoundary")
    identity_center = ESCAPES[what].action.startswith(("sso:", "sso-directory:", "identitystore:"))

    assert allows(boundary, ESCAPES[what]) == identity_center


@pytest.mark.parametrize("name", ["ReadOnlyBoundary", "GrantedBoundary", "OperatorRole"])
def test_in_the_management_account_nothing_else_is_another(name: str) -> None:
    inside, elsewhere = (deployed(text, OPERATOR_PARAMETERS).resources[name] for text in (INSIDE, STRICT))

    assert inside == elsewhere


# --- without --require-boundary: what FullAccess is then, and what the boundary holds nevertheless -------------------

NEEDS_BOUND_IDENTITIES = {
    "gives an unbound role a policy",
    "gives an unbound user a policy",
    "gives an unbound user of its path a policy",
    "gives anybody a password",
    "changes anybody's password",
    "makes a key for anybody",
    "makes a role with its own boundary",
    "makes a role without boundary",
    "makes a user with its own boundary",
    "makes a user without boundary",
    "changes a user's boundary",
    "locks people out by a boundary",
    "opens somebody's role",
    "passes somebody's role",
    "puts a role onto servers",
    "takes a role's boundary off",
    "takes a user's boundary off",
}
"""The escapes that --require-boundary stops: by them, FullAccess is administrator of the account."""


@pytest.mark.parametrize("what", ESCAPES)
def test_without_the_required_boundary_these_and_no_other_escapes_are_open(what: str) -> None:
    boundary = deployed(LOOSE, OPERATOR_PARAMETERS).managed_policy("FullAccessBoundary")

    assert allows(boundary, ESCAPES[what]) == (what in NEEDS_BOUND_IDENTITIES)


def test_without_the_required_boundary_nothing_is_made_that_only_it_needs() -> None:
    loose, strict = (deployed(text, OPERATOR_PARAMETERS).resources.keys() for text in (LOOSE, STRICT))

    assert strict - loose == {"GrantedBoundary"}


def test_who_prints_it_without_the_required_boundary_is_told_what_that_means() -> None:
    assert "IS ADMINISTRATOR OF THE ACCOUNT" in LOOSE.partition("AWSTemplateFormatVersion")[0]
    assert "ADMINISTRATOR" not in STRICT


# --- every boundary ------------------------------------------------------------------------------------------------

TELLTALES = [
    Request("iam:CreatePolicyVersion", f"{IAM}policy/connector-boundary-FullAccess", IN_EVERY_FAVOUR),
    Request("iam:PutRolePolicy", f"{IAM}role/connector-operator", IN_EVERY_FAVOUR),
    Request("iam:DeleteRolePermissionsBoundary", f"{IAM}role/apono-connector-a-b-0123456789", BOUND_OTHERWISE),
    Request("iam:UpdateAssumeRolePolicy", f"{IAM}role/connector-operator-management", BOUND),
    Request("sts:AssumeRole", f"{IAM}role/connector-operator"),
    Request("organizations:LeaveOrganization"),
    Request("lambda:UpdateFunctionCode"),
]
BARE: dict[str, Any] = {"Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}


def lets_through(boundary: dict[str, Any]) -> list[Request]:
    return [request for request in TELLTALES if allows(boundary, request)]


@pytest.mark.parametrize("text", [STRICT, LOOSE], ids=["bound", "unbound"])
def test_no_boundary_lets_the_administration_be_changed(text: str) -> None:
    made = deployed(text, OPERATOR_PARAMETERS)
    boundaries = [name for name in made.resources if name.endswith("Boundary")]

    assert len(boundaries) >= 2
    assert [lets_through(made.managed_policy(name)) for name in boundaries] == [[]] * len(boundaries)


def test_a_boundary_that_allows_everything_would_be_noticed() -> None:
    assert lets_through(BARE) == TELLTALES


# --- managed policies -----------------------------------------------------------------------------------------------

ALLOWED = ["arn:aws:iam::123456789012:policy/team/*", "arn:aws:iam::aws:policy/ReadOnlyAccess"]


def attachable(**parameters: str) -> set[str]:
    statements = stack(**parameters).policy("OperatorRole", "connectors")["Statement"]
    (statement,) = (one for one in statements if one["Action"] == "iam:AttachRolePolicy")
    return set(statement["Condition"]["ArnEquals"]["iam:PolicyARN"])


def test_the_operator_attaches_the_policies_of_permission_sets_alone() -> None:
    known = {arn for one in PermissionSet for arn in managed_policy_arns(one, "aws")}

    assert attachable() == known


def test_the_operator_attaches_what_the_administrator_allows_as_well() -> None:
    assert attachable(AllowedManagedPolicyArns=",".join(ALLOWED)) == attachable() | set(ALLOWED)
