"""The IAM documents that an administrator is given."""

from __future__ import annotations

import fnmatch
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from policy_sentry.querying.actions import get_actions_with_access_level

from sandbox.aws import Account, FrontDoor
from tests.docs.pages import DOCS, ROOT, code_in, page

IAM = DOCS / "iam"
AWS_ADAPTER = ROOT / "operator" / "apono_operator" / "adapters" / "aws"
CALL = re.compile(r'translated\("((?:iam|sts):\w+)"\)')
NEEDS_NO_PERMISSION = {"sts:GetCallerIdentity"}
ONLY_WITHOUT_BOUNDARIES = {"iam:DeleteRolePermissionsBoundary"}
README = page("README.md")


@pytest.fixture(scope="module")
def account() -> Iterator[Account]:
    with FrontDoor() as aws:
        yield aws.create_account()


def test_the_operators_policy_allows_the_calls_that_the_operator_makes_and_no_other() -> None:
    allowed = set(_actions(_document("operator-policy.json")))
    assert allowed == _calls() - NEEDS_NO_PERMISSION - ONLY_WITHOUT_BOUNDARIES


def test_the_security_page_explains_each_call_that_the_operator_makes() -> None:
    explained = {name for cell in page("docs/security.md").first_cells() for name in code_in(cell)}
    assert {name for name in explained if name.startswith(("iam:", "sts:"))} == _calls()


def test_the_operator_may_widen_no_role_that_lacks_a_boundary() -> None:
    widening = {"iam:CreateRole", "iam:PutRolePolicy", "iam:AttachRolePolicy", "iam:PutRolePermissionsBoundary"}
    statements = [one for one in _document("operator-policy.json")["Statement"] if widening & set(_listed(one))]
    assert {action for one in statements for action in _listed(one)} == widening
    assert all("iam:PermissionsBoundary" in one["Condition"]["StringEquals"] for one in statements)


@pytest.mark.parametrize("level", ["Write", "Permissions management", "Tagging"])
def test_the_boundary_for_read_only_denies_every_change_in_iam(level: str) -> None:
    denied = _denied("boundary-read-only.json")
    changing = get_actions_with_access_level("iam", level)
    assert changing
    assert [action for action in changing if not _matches(action, denied)] == []


def test_the_boundary_for_read_only_leaves_reading_in_iam() -> None:
    denied = _denied("boundary-read-only.json")
    assert [action for action in get_actions_with_access_level("iam", "List") if _matches(action, denied)] == []


@pytest.mark.parametrize("name", ["operator-policy.json", "boundary-read-only.json", "boundary-full-access.json"])
def test_iam_takes_the_policy(name: str, account: Account) -> None:
    document = (IAM / name).read_text(encoding="utf-8")
    made = account.client("iam").create_policy(PolicyName=name.removesuffix(".json"), PolicyDocument=document)
    assert made["Policy"]["Arn"].startswith(f"arn:aws:iam::{account.account_id}:policy/")


def test_iam_takes_the_operators_role_as_the_readme_makes_it(account: Account) -> None:
    iam = account.client("iam")
    iam.create_role(RoleName="eks-apono-operator", AssumeRolePolicyDocument=_text("operator-trust.json"))
    iam.put_role_policy(
        RoleName="eks-apono-operator", PolicyName="connectors", PolicyDocument=_text("operator-policy.json")
    )
    assert iam.list_role_policies(RoleName="eks-apono-operator")["PolicyNames"] == ["connectors"]


def test_the_trust_names_the_service_account_that_the_readme_installs() -> None:
    (statement,) = _document("operator-trust.json")["Statement"]
    subjects = [value for key, value in statement["Condition"]["StringEquals"].items() if key.endswith(":sub")]
    assert subjects == ["system:serviceaccount:apono:apono-operator"]


@pytest.mark.parametrize("path", sorted(IAM.iterdir()), ids=lambda path: path.name)
def test_the_readme_fills_every_account_and_issuer_of_a_document(path: Path) -> None:
    (block,) = (block for block in README.blocks("sh") if "sed " in block)
    replaced = re.findall(r"s\|([^|]+)\|\$\w+\|g", block)
    assert len(replaced) == 2
    text = path.read_text(encoding="utf-8")
    for example in replaced:
        text = text.replace(example, "filled")
    assert re.findall(r"\d{12}|oidc\.eks", text) == []


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


def _denied(name: str) -> list[str]:
    return [
        action
        for one in _document(name)["Statement"]
        if one["Effect"] == "Deny" and one["Resource"] == "*" and "Condition" not in one
        for action in _listed(one)
    ]


def _matches(action: str, patterns: list[str]) -> bool:
    return any(fnmatch.fnmatchcase(action.lower(), pattern.lower()) for pattern in patterns)


def _calls() -> set[str]:
    """Read the calls from the adapter's code, where each is named as IAM names it."""
    return {call for path in AWS_ADAPTER.glob("*.py") for call in CALL.findall(path.read_text(encoding="utf-8"))}
