"""The IAM documents that an administrator is given."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any

import pytest
from policy_sentry.querying.actions import get_actions_with_access_level

from apono_operator.bootstrap import management_account, member_account, operator_account
from apono_operator.bootstrap.documents import Right
from apono_operator.bootstrap.rights import (
    OPERATOR_RIGHTS,
    ORGANIZATION_RIGHTS,
    WITHOUT_BOUNDARIES,
    WITHOUT_PERMISSION,
    management_rights,
)
from apono_operator.templates import management_account as stack
from sandbox.aws import Account, FrontDoor
from sandbox.aws.policy.statements import Request, allows
from tests.docs.installation import commands, operator_role
from tests.docs.pages import DOCS, ROOT, code_in, page

IAM = DOCS / "iam"
AWS_ADAPTER = ROOT / "operator" / "apono_operator" / "adapters" / "aws"
CALL = re.compile(r'translated\("([a-z-]+:\w+)"|"((?:iam|sts|cloudformation|organizations|sso):[A-Z]\w+)"')
DOCUMENTS = sorted(path.relative_to(IAM).as_posix() for path in IAM.rglob("*.json"))
CHANGES_OF_ROLES = (
    "iam:AttachRolePolicy",
    "iam:DeleteRole",
    "iam:DeleteRolePolicy",
    "iam:DetachRolePolicy",
    "iam:PutRolePermissionsBoundary",
    "iam:PutRolePolicy",
    "iam:TagRole",
    "iam:UntagRole",
    "iam:UpdateAssumeRolePolicy",
    "iam:UpdateRole",
)
IAM_ARN = "arn:aws:iam::123456789012:"
CONNECTOR_ROLE = f"{IAM_ARN}role/apono-connector-a-b-0123456789"
BOUNDARY = f"{IAM_ARN}policy/connector-boundary-ReadOnly"
ISSUER = "oidc.eks.eu-west-1.amazonaws.com/id/EXAMPLE"


@pytest.fixture(scope="module")
def account() -> Iterator[Account]:
    with FrontDoor() as aws:
        yield aws.create_account()


def test_the_operators_policy_allows_the_calls_that_the_operator_makes_in_its_account_and_no_other() -> None:
    allowed = set(_actions(_document("operator-policy.json")))
    elsewhere = _planned(ORGANIZATION_RIGHTS) | _planned(management_rights(template_body=False))
    assert allowed <= _calls()
    assert _calls() - allowed <= elsewhere | set(WITHOUT_PERMISSION) | set(WITHOUT_BOUNDARIES)


def test_every_call_of_an_adapter_stands_in_the_table_of_rights() -> None:
    assert _calls() - PLANNED == set()


def test_of_a_service_that_an_adapter_calls_the_table_holds_no_call_that_none_makes() -> None:
    called = _calls()
    services = {call.partition(":")[0] for call in called}
    planned = {call for call in PLANNED if call.partition(":")[0] in services}
    assert planned - called == set()


def test_no_call_without_a_right_is_granted() -> None:
    granted = {action for name in DOCUMENTS if "operator-policy" in name for action in _actions(_document(name))}
    assert granted & {*WITHOUT_PERMISSION, *WITHOUT_BOUNDARIES} == set()


def test_the_page_of_permissions_explains_each_call_that_the_operator_makes() -> None:
    explained = {name for cell in page("docs/reference/permissions.md").first_cells() for name in code_in(cell)}
    assert _calls() - explained == set()


def test_the_operator_may_widen_no_role_that_lacks_a_boundary() -> None:
    widening = {"iam:CreateRole", "iam:PutRolePolicy", "iam:AttachRolePolicy", "iam:PutRolePermissionsBoundary"}
    statements = [one for one in _document("operator-policy.json")["Statement"] if widening & set(_listed(one))]
    assert {action for one in statements for action in _listed(one)} == widening
    assert all("iam:PermissionsBoundary" in one["Condition"]["StringEquals"] for one in statements)


@pytest.mark.parametrize("level", ["Write", "Permissions management", "Tagging"])
def test_the_boundary_for_read_only_allows_no_change_in_iam(level: str) -> None:
    boundary = _document("boundary-read-only.json")
    changing = get_actions_with_access_level("iam", level)
    assert changing
    assert [action for action in changing if allows(boundary, Request(action, f"{IAM_ARN}role/apono-x"))] == []


@pytest.mark.parametrize("call", CHANGES_OF_ROLES)
def test_the_operator_does_not_reach_roles_of_another_cluster(call: str) -> None:
    policy = _document("operator-policy.json")
    known = {"iam:PolicyARN": "arn:aws:iam::aws:policy/SecurityAudit", "iam:PermissionsBoundary": BOUNDARY}
    own, other = ({**known, "aws:ResourceTag/apono.io/cluster": issuer} for issuer in (ISSUER, "oidc.example/other"))
    assert allows(policy, Request(call, CONNECTOR_ROLE, own))
    assert not allows(policy, Request(call, CONNECTOR_ROLE, other))


def test_the_operator_makes_roles_in_the_name_of_its_own_cluster_alone() -> None:
    policy = _document("operator-policy.json")
    for call in ("iam:CreateRole", "iam:TagRole"):
        own, other = (
            {"iam:PermissionsBoundary": BOUNDARY, "aws:RequestTag/apono.io/cluster": issuer}
            for issuer in (ISSUER, "oidc.example/other")
        )
        assert allows(policy, Request(call, CONNECTOR_ROLE, own))
        assert not allows(policy, Request(call, CONNECTOR_ROLE, other))


@pytest.mark.parametrize("name", [name for name in DOCUMENTS if "trust" not in name])
def test_iam_takes_the_policy(name: str, account: Account) -> None:
    policy_name = name.removesuffix(".json").replace("/", "-")
    made = account.client("iam").create_policy(PolicyName=policy_name, PolicyDocument=_text(name))
    assert made["Policy"]["Arn"].startswith(f"arn:aws:iam::{account.account_id}:policy/")


def test_iam_takes_the_operators_role_as_the_readme_makes_it(account: Account) -> None:
    iam = account.client("iam")
    role = operator_role("my-cluster")
    iam.create_role(RoleName=role, AssumeRolePolicyDocument=_text("operator-trust.json"))
    iam.put_role_policy(RoleName=role, PolicyName="connectors", PolicyDocument=_text("operator-policy.json"))
    assert iam.list_role_policies(RoleName=role)["PolicyNames"] == ["connectors"]


def test_two_clusters_of_an_account_have_operators_of_two_names_that_no_connector_may_assume(account: Account) -> None:
    iam = account.client("iam")
    names = [operator_role(cluster) for cluster in ("one", "two")]
    for name in names:
        iam.create_role(RoleName=name, AssumeRolePolicyDocument=_text("operator-trust.json"))
    assert set(names) <= {role["RoleName"] for role in iam.list_roles()["Roles"]}
    for boundary in map(_document, ("boundary-full-access.json", "boundary-read-only.json")):
        requests = [Request("sts:AssumeRole", f"{IAM_ARN}role/{name}") for name in names]
        assert not any(allows(boundary, request) for request in requests)


def test_the_trust_names_the_service_account_that_the_readme_installs() -> None:
    (statement,) = _document("operator-trust.json")["Statement"]
    subjects = [value for key, value in statement["Condition"]["StringEquals"].items() if key.endswith(":sub")]
    assert subjects == ["system:serviceaccount:apono:apono-operator"]


@pytest.mark.parametrize("name", [path.name for path in sorted(IAM.glob("*.json")) if "organization" not in path.name])
def test_the_readme_fills_every_account_and_issuer_of_a_document(name: str) -> None:
    replaced = re.findall(r"s\|([^|]+)\|\$\w+\|g", commands())
    assert len(replaced) == 3
    text = _text(name)
    for example in replaced:
        text = text.replace(example, "filled")
    assert re.findall(r"\d{12}|oidc\.eks|my-cluster", text) == []


@pytest.mark.parametrize(
    ("heading", "template"),
    [
        ("The account of the cluster", operator_account.template(require_boundary=True)),
        ("The management account", management_account.template(template_body=False)),
        ("The stack of a connector", stack.template()),
        ("The template of member accounts", member_account.template()),
    ],
)
def test_the_page_of_bootstrap_explains_each_parameter(heading: str, template: dict[str, Any]) -> None:
    (section,) = (part for part in page("docs/bootstrap.md").text.split("\n## ") if part.startswith(heading))
    explained = {
        name for row in re.findall(r"^\| (`.*?`) \|", section, re.MULTILINE) for name in re.findall(r"`(\w+)`", row)
    }
    assert explained == template["Parameters"].keys()


def _text(name: str) -> str:
    return (IAM / name).read_text(encoding="utf-8")


def _document(name: str) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(_text(name))
    return document


def _listed(statement: dict[str, Any]) -> list[str]:
    actions = statement["Action"]
    return [actions] if isinstance(actions, str) else actions


def _actions(document: dict[str, Any]) -> Iterator[str]:
    for statement in document["Statement"]:
        yield from _listed(statement)


def _calls() -> set[str]:
    """Read the calls from the adapter's code, where each is named as IAM names it."""
    found = (CALL.findall(path.read_text(encoding="utf-8")) for path in AWS_ADAPTER.glob("*.py"))
    return {translated or listed for calls in found for translated, listed in calls}


def _planned(table: Iterable[Right]) -> set[str]:
    return {action for right in table for action in right.calls}


PLANNED = (
    _planned(OPERATOR_RIGHTS)
    | _planned(ORGANIZATION_RIGHTS)
    | _planned(management_rights(template_body=False))
    | {*WITHOUT_PERMISSION, *WITHOUT_BOUNDARIES}
)
