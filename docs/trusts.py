# ruff: noqa: INP001 -- a part of the program beside it; docs/ is no package
"""Who may assume which role: read off the trust policies that are deployed, and drawn."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from apono_operator.bootstrap import management_account, member_account, operator_account
from apono_operator.state.desired import trust_policy
from apono_operator.state.resources import Cluster, Owner
from apono_operator.templates import management_account as stack

_HERE, _MANAGEMENT, _MEMBER = "The account of the cluster", "The management account", "Each member account"
_OPERATOR, _CONNECTOR, _CONNECTORS_MANAGEMENT = "operator", "connector", "stack"


@dataclass(frozen=True)
class Role:
    """A role, and where its trust policy comes from.

    Attributes:
        key: What the figure calls it.
        title: What people call it.
        account: Where it is.
        boundary: Whether it carries a permissions boundary.
        trust: Its trust policy, as it is deployed.
        trusted: By parameter of its template, the role that is meant.
    """

    key: str
    title: str
    account: str
    boundary: bool
    trust: Mapping[str, Any]
    trusted: Mapping[str, str]


@dataclass(frozen=True)
class Edge:
    """Somebody who may assume a role, and under which condition."""

    who: str
    role: str
    condition: str


def roles() -> tuple[Role, ...]:
    """Return all roles that the operator and its administrator make."""
    connector = trust_policy(Cluster("ISSUER", "ACCOUNT", "aws"), Owner("NAMESPACE", "NAME", "UID")).document
    here, entering = operator_account.template(require_boundary=True), management_account.template(template_body=False)
    return (
        _role(here, "OperatorRole", _OPERATOR, "operator: connector-operator", _HERE, {}),
        Role(_CONNECTOR, "connector: apono-connector-*", _HERE, boundary=True, trust=connector, trusted={}),
        _role(
            entering,
            "ManagementRole",
            "entrance",
            "operator, away: connector-operator-management",
            _MANAGEMENT,
            {"OperatorRoleArn": _OPERATOR},
        ),
        _role(
            entering,
            "CloudFormationRole",
            "service",
            "CloudFormation: connector-operator-cloudformation",
            _MANAGEMENT,
            {},
        ),
        _role(
            stack.template(),
            "ManagementRole",
            _CONNECTORS_MANAGEMENT,
            "management role: apono-management-*",
            _MANAGEMENT,
            {"ConnectorRoleArn": _CONNECTOR},
        ),
        _role(
            member_account.template(),
            "MemberRole",
            "member",
            "member role: apono-member-*",
            _MEMBER,
            {"ConnectorRoleArn": _CONNECTOR, "ManagementRoleArn": _CONNECTORS_MANAGEMENT},
        ),
    )


def edges(role: Role) -> tuple[Edge, ...]:
    """Return who may assume *role*, each once.

    Raises:
        ValueError: a statement trusts somebody in a way that is not known here.
    """
    lets_in = (one for one in role.trust["Statement"] if _lets_assume(one))
    return tuple(dict.fromkeys(edge for one in lets_in for edge in _edges(role, one)))


def page() -> str:
    """Return the page: the figure, and the same as a table."""
    drawn = [edge for role in roles() for edge in edges(role)]
    titles = {role.key: role.title for role in roles()}
    rows = [
        f"| {role.title} | {role.account} | {titles.get(edge.who, edge.who)} | {edge.condition} "
        f"| {'yes' if role.boundary else 'no'} |"
        for role in roles()
        for edge in edges(role)
    ]
    head = ["| Role | In | Who may assume it | On condition of | Boundary |", "| --- | --- | --- | --- | --- |"]
    figure = ["```mermaid", "flowchart LR", *_figure(drawn), "```"]
    return "\n".join([_TITLE, *figure, "", *head, *(row.replace("-*", "-\\*") for row in rows), ""])


_TITLE = """# Who may assume which role

Read off the trust policies as they are deployed, so nobody else may. Where the cluster is in the management account
itself, there is no management role: the connector's role is it. What each role may do: [roles.md](../roles.md).
"""


def _role(
    template: Mapping[str, Any], logical_id: str, key: str, title: str, account: str, trusted: Mapping[str, str]
) -> Role:
    properties = template["Resources"][logical_id]["Properties"]
    trust = properties["AssumeRolePolicyDocument"]
    document = json.loads(trust["Fn::Sub"]) if "Fn::Sub" in trust else trust
    return Role(key, title, account, "PermissionsBoundary" in properties, document, trusted)


def _lets_assume(statement: Mapping[str, Any]) -> bool:
    actions = statement["Action"]
    listed = [actions] if isinstance(actions, str) else actions
    return any(action.startswith("sts:AssumeRole") for action in listed)


def _edges(role: Role, statement: Mapping[str, Any]) -> Iterator[Edge]:
    conditions = {key: value for block in statement.get("Condition", {}).values() for key, value in block.items()}
    named = conditions.pop("aws:PrincipalArn", [])
    words = ", ".join(f"`{_plain(key)}`" for key in sorted(conditions))
    match statement["Principal"]:
        case {"Federated": _}:
            yield Edge(f"{_owner_of(conditions)}, by a token of the cluster", role.key, words)
        case {"Service": service}:
            yield Edge(str(service), role.key, words)
        case {"AWS": _} if named:
            refs = named if isinstance(named, list) else [named]
            yield from (Edge(role.trusted[one["Ref"]], role.key, f"`aws:PrincipalArn`, {words}") for one in refs)
        case other:
            raise ValueError(f"{role.title} trusts {other} without saying which role")


def _owner_of(conditions: Mapping[str, Any]) -> str:
    (subjects,) = (value for key, value in conditions.items() if key.endswith(":sub"))
    subject = subjects if isinstance(subjects, str) else subjects[0]
    return "the operator's ServiceAccount" if "${" in subject else "the connector's ServiceAccount"


def _plain(key: str) -> str:
    """Return a key of a condition without the issuer, which is another in each cluster."""
    return f"<issuer>:{key.rsplit(':', 1)[1]}" if key.endswith((":sub", ":aud")) else key


def _figure(drawn: list[Edge]) -> Iterator[str]:
    for account in dict.fromkeys(role.account for role in roles()):
        yield f'  subgraph {account.split()[-1].lower()}_{account.split()[1].lower()}["{account}"]'
        yield from (f'    {role.key}["{role.title}"]' for role in roles() if role.account == account)
        yield "  end"
    outsiders = dict.fromkeys(edge.who for edge in drawn if edge.who not in {role.key for role in roles()})
    numbered = {who: f"who{number}" for number, who in enumerate(outsiders)}
    yield from (f'  {key}(["{who}"])' for who, key in numbered.items())
    yield from (f"  {numbered.get(edge.who, edge.who)} --> {edge.role}" for edge in drawn)
