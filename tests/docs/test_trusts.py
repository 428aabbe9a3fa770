"""The page of trusts shows every role of every template, and everybody whom its trust policy lets in."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from apono_operator.bootstrap import management_account, member_account, operator_account
from apono_operator.templates import management_account as stack
from docs import trusts

TEMPLATES: dict[str, dict[str, Any]] = {
    "the account of the cluster": operator_account.template(require_boundary=True, management_account=True),
    "the management account": management_account.template(template_body=False),
    "a connector's stack": stack.template(),
    "a member account": member_account.template(),
}
ROLES = {role.key: role for role in trusts.roles()}


def test_every_role_of_the_templates_and_the_connectors_own_are_shown() -> None:
    made = [
        one
        for template in TEMPLATES.values()
        for one in template["Resources"].values()
        if one["Type"] == "AWS::IAM::Role"
    ]

    assert len(ROLES) == len(made) + 1
    assert all(trusts.edges(role) for role in ROLES.values())


@pytest.mark.parametrize(
    ("role", "who"),
    [
        ("operator", {"the operator's ServiceAccount, by a token of the cluster"}),
        ("connector", {"the connector's ServiceAccount, by a token of the cluster"}),
        ("entrance", {"operator"}),
        ("service", {"cloudformation.amazonaws.com"}),
        ("stack", {"connector"}),
        ("member", {"connector", "stack"}),
    ],
)
def test_a_role_is_assumed_by_these_alone(role: str, who: set[str]) -> None:
    assert {edge.who for edge in trusts.edges(ROLES[role])} == who


def test_whoever_is_let_in_from_another_account_is_named_and_of_the_organization() -> None:
    for key in ("entrance", "stack", "member"):
        for edge in trusts.edges(ROLES[key]):
            assert "`aws:PrincipalArn`" in edge.condition
            assert "`aws:PrincipalOrgID`" in edge.condition


def test_a_trust_in_a_whole_account_would_be_noticed() -> None:
    open_to_all = {"Statement": [{"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}]}

    with pytest.raises(ValueError, match="without saying which role"):
        trusts.edges(replace(ROLES["stack"], trust=open_to_all))


def test_the_roles_without_a_boundary_are_the_administrators() -> None:
    assert {key for key, role in ROLES.items() if not role.boundary} == {"operator", "entrance", "service"}


def test_each_edge_is_drawn() -> None:
    figure = trusts.page().partition("```mermaid")[2].partition("```")[0]

    assert figure.count(" --> ") == sum(len(trusts.edges(role)) for role in ROLES.values()) == 7
