"""The policies that are printed, held against AWS' own reference and by a security linter."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from cloudsplaining.scan.policy_document import PolicyDocument as LintedDocument
from policy_sentry.analysis.expand import expand
from policy_sentry.querying.actions import get_action_data

from sandbox.aws.policy.documents import as_list
from tests.unit.bootstrap.deployment import Document, deployed
from tests.unit.bootstrap.printed import PARAMETERS, TEMPLATES

ARN_FIELDS = 5


def printed_policies() -> Iterator[tuple[str, Document]]:
    for command in TEMPLATES:
        for logical_id, resource in deployed(TEMPLATES[command], PARAMETERS[command]).resources.items():
            if "PolicyDocument" in resource:
                yield f"{command}: {logical_id}", resource["PolicyDocument"]
            for policy in resource.get("Policies", ()):
                yield f"{command}: {logical_id} {policy['PolicyName']}", policy["PolicyDocument"]


POLICIES = dict(printed_policies())


# --- AWS' service authorization reference ---------------------------------------------------------------------------


def mistakes(document: Document) -> list[str]:
    """Return what in the statements that name actions has no effect, or another than it seems to have."""
    return [text for statement in document["Statement"] if "Action" in statement for text in _mistakes(statement)]


def _mistakes(statement: Mapping[str, Any]) -> Iterator[str]:
    resources = as_list(statement["Resource"])
    actions = [action for pattern in as_list(statement["Action"]) for action in _expanded(pattern)]
    rows = {action: _rows(action) for action in actions}
    yield from (f"{action}: no such action" for action in actions if not rows[action])
    for action in actions:
        if resources != ["*"] and not any(_fits(row, resource) for row in rows[action] for resource in resources):
            yield f"{action}: is not about any of {resources}"
        supported = {key for row in rows[action] for key in row["condition_keys"]}
        yield from (f"{action}: knows no {key}" for key in _needed_keys(statement) if _generic(key) not in supported)
    for resource in resources:
        if resource != "*" and not any(_fits(row, resource) for found in rows.values() for row in found):
            yield f"{resource}: none of the actions is about it"


def _expanded(pattern: str) -> list[str]:
    """Return the actions of a pattern; of one that has none, itself."""
    return (expand(pattern) or [pattern]) if "*" in pattern else [pattern]


def _rows(action: str) -> list[Mapping[str, Any]]:
    service, name = action.split(":")
    data = get_action_data(service, name)
    return list(data[service]) if data else []


def _fits(row: Mapping[str, Any], resource: str) -> bool:
    """Tell whether *resource* is of the kind that *row* is about."""
    kind = str(row["resource_arn_format"])
    if "*" in (kind, resource):
        return kind == resource
    theirs, ours = kind.split(":", ARN_FIELDS), resource.split(":", ARN_FIELDS)
    beginning = theirs[-1].partition("$")[0]
    return theirs[2] == ours[2] and ours[-1].startswith(beginning)


def _needed_keys(statement: Mapping[str, Any]) -> Iterator[str]:
    """Yield the keys without which the statement says nothing."""
    for operator, block in statement.get("Condition", {}).items():
        if not operator.endswith("IfExists"):
            yield from block


def _generic(key: str) -> str:
    prefix, slash, _ = key.partition("/")
    return f"{prefix}/${{TagKey}}" if slash else key


APONOS_OWN = {
    "arn:aws:iam::*:group/*: none of the actions is about it",
    "arn:aws:iam::*:policy/*: none of the actions is about it",
    "s3:ListAllMyBuckets: is not about any of ['arn:aws:s3:::*']",
}
"""Of Apono's list of rights: one entry for all IAM entities, and an action of which S3's own examples say it so."""


@pytest.mark.parametrize("name", [name for name in POLICIES if "MemberRole" not in name])
def test_a_policy_says_nothing_that_has_no_effect(name: str) -> None:
    assert mistakes(POLICIES[name]) == []


@pytest.mark.parametrize("name", [name for name in POLICIES if "MemberRole" in name])
def test_the_policy_of_a_member_role_says_nothing_without_effect_but_what_apono_says(name: str) -> None:
    assert set(mistakes(POLICIES[name])) <= APONOS_OWN


@pytest.mark.parametrize(
    ("statement", "mistake"),
    [
        ({"Action": "iam:MakeRole", "Resource": "*"}, "no such action"),
        ({"Action": "iam:GetRole", "Resource": "arn:aws:iam::123456789012:user/x"}, "is not about any"),
        ({"Action": ["iam:GetRole", "iam:ListRoles"], "Resource": "arn:aws:iam::*:role/x"}, "iam:ListRoles: is not"),
        (
            {"Action": "iam:GetRole", "Resource": ["arn:aws:iam::*:role/x", "arn:aws:iam::*:user/x"]},
            "user/x: none of the actions",
        ),
        (
            {
                "Action": "iam:TagRole",
                "Resource": "arn:aws:iam::*:role/x",
                "Condition": {"StringEquals": {"iam:PermissionsBoundary": "b"}},
            },
            "iam:TagRole: knows no iam:PermissionsBoundary",
        ),
    ],
)
def test_a_statement_without_the_effect_that_it_seems_to_have_is_noticed(statement: Document, mistake: str) -> None:
    assert any(mistake in found for found in mistakes({"Statement": [statement]}))


# --- cloudsplaining: what escalates privileges, exposes data or credentials, or changes anything everywhere ---------

_DENIED = "denied by NeverCredentialsOfOthers, by a pattern, which the linter does not read"
_NO_RESOURCES = "Apono's own list has them on every resource; IAM Identity Center knows no narrower one"
_WHAT_FOR = "what FullAccess is for"
_ADMINISTRATOR = "without --require-boundary, FullAccess is administrator of the account: docs/bootstrap.md"

_CLUSTERS = (
    "eks:AssociateAccessPolicy eks:CreateAccessEntry eks:DeleteAccessEntry eks:DisassociateAccessPolicy "
    "eks:TagResource eks:UntagResource"
)
_IN_EVERY_ACCOUNT_BOUNDARY = {
    _DENIED: "bedrock-agentcore:GetWorkloadAccessToken bedrock-agentcore:GetWorkloadAccessTokenForJWT "
    "bedrock-agentcore:GetWorkloadAccessTokenForUserId",
}
_FULL_ACCESS = {
    **_IN_EVERY_ACCOUNT_BOUNDARY,
    "FullAccess reads parameters: docs/security.md": "ssm:GetParameters ssm:GetParametersByPath",
    f"{_WHAT_FOR}, but for the clusters of NeverThisCluster": _CLUSTERS,
}
_GRANTED = {
    "what Apono is there to grant; an administrator narrows it": "dynamodb:BatchWriteItem dynamodb:DeleteItem "
    "dynamodb:PutItem dynamodb:UpdateItem rds-db:connect s3:DeleteObject s3:GetObject s3:PutObject"
}
_IDENTITY_CENTER = {
    _NO_RESOURCES: "identitystore:CreateGroup identitystore:CreateGroupMembership identitystore:CreateUser "
    "identitystore:DeleteGroup identitystore:DeleteGroupMembership identitystore:DeleteUser "
    "identitystore:UpdateGroup identitystore:UpdateUser sso:TagResource sso:UntagResource",
}
_MEMBERS = "member-template --highest-permissions=FullAccess"
EXPLAINED: Mapping[str, Mapping[str, str]] = {
    "operator-account: FullAccessBoundary": _FULL_ACCESS,
    "operator-account: ReadOnlyBoundary": _IN_EVERY_ACCOUNT_BOUNDARY,
    "operator-account: GrantedBoundary": _GRANTED,
    "operator-account --management-account: FullAccessBoundary": _FULL_ACCESS,
    "operator-account --management-account: ReadOnlyBoundary": _IN_EVERY_ACCOUNT_BOUNDARY,
    "operator-account --management-account: GrantedBoundary": _GRANTED,
    "member-template: ReadOnlyBoundary": _IN_EVERY_ACCOUNT_BOUNDARY,
    f"{_MEMBERS}: FullAccessBoundary": _FULL_ACCESS,
    f"{_MEMBERS}: GrantedBoundary": _GRANTED,
    f"{_MEMBERS}: MemberRole apono-connector": {
        f"{_WHAT_FOR}; its boundary keeps it from the account of the operator's cluster": _CLUSTERS
    },
    "operator-account --no-require-boundary: FullAccessBoundary": {
        **_FULL_ACCESS,
        _ADMINISTRATOR: "AttachRolePolicy AttachRolePolicyThenUpdateAssumeRolePolicy AttachUserPolicy "
        "AttachUserPolicyThenCreateAccessKey CreateAccessKey CreateAndRotateAccessKey CreateLoginProfile "
        "PutRolePolicy PutRolePolicyThenUpdateAssumeRolePolicy PutUserPolicy PutUserPolicyThenCreateAccessKey "
        "UpdateLoginProfile UpdateRolePolicyToAssumeIt iam:*",
    },
    "operator-account --no-require-boundary: ReadOnlyBoundary": _IN_EVERY_ACCOUNT_BOUNDARY,
    "management-account: FullAccessBoundary": _IDENTITY_CENTER,
    "management-account: CloudFormationRole member-accounts": {
        "of StackSets, apono-* alone; the linter takes type/resource/*, which has no tags, for all": (
            "cloudformation:TagResource"
        )
    },
    "management-account --template-body: FullAccessBoundary": _IDENTITY_CENTER,
    "template: ManagementRole apono-connector": _IDENTITY_CENTER,
}
"""By policy: a reason, and the findings that it explains; ``iam:*`` stands for all of IAM."""


def findings(document: Document) -> set[str]:
    """Return what cloudsplaining finds, by action or by way of escalation.

    A boundary leaves most services to the role's own policies, on purpose (docs/security.md, "What remains"): of these
    only the ways of escalation are kept.
    """
    linted = LintedDocument(document)
    actions = {
        *linted.allows_data_exfiltration_actions,
        *linted.credentials_exposure,
        *linted.permissions_management_without_constraints,
        *linted.write_actions_without_constraints,
        *linted.tagging_actions_without_constraints,
    }
    left_alone = {action for action in actions if _is_left_to_other_policies(document, action)}
    return {str(way["type"]) for way in linted.allows_privilege_escalation} | (actions - left_alone)


def _is_left_to_other_policies(document: Document, action: str) -> bool:
    named = [pattern for one in document["Statement"] if "NotAction" in one for pattern in as_list(one["NotAction"])]
    leaves = any(one["Effect"] == "Allow" and "NotAction" in one for one in document["Statement"])
    return leaves and f"{action.partition(':')[0]}:*" not in named


def is_explained(finding: str, explanations: Mapping[str, str]) -> bool:
    explained = {name for names in explanations.values() for name in names.split()}
    return finding in explained or (finding.startswith("iam:") and "iam:*" in explained)


@pytest.mark.parametrize("name", POLICIES)
def test_the_linter_finds_what_is_explained_and_nothing_else(name: str) -> None:
    found, explanations = findings(POLICIES[name]), EXPLAINED.get(name, {})
    expected = {one for names in explanations.values() for one in names.split()} - {"iam:*"}

    assert {one for one in found if not is_explained(one, explanations)} == set()
    assert expected - found == set()


def test_what_is_explained_is_there() -> None:
    assert EXPLAINED.keys() - POLICIES.keys() == set()


def test_the_linter_would_find_an_administrator() -> None:
    everything = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}

    assert {"CreateAccessKey", "AttachRolePolicy", "iam:PutRolePolicy"} <= findings(everything)
