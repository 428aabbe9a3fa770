"""The evaluator alone: layers of policies and what becomes of a request."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.aws.errors import AwsError
from sandbox.aws.policy.evaluation import Denial, Grant, OwnPolicy, PolicyType, PrincipalPolicies, denial
from sandbox.aws.policy.patterns import arn_like, like, resource_like
from sandbox.aws.policy.statements import Policy, Request, allows, policy_of

ROLE = "arn:aws:iam::123456789012:role/a"
GET = Request("iam:GetRole", ROLE)


def statement(effect: str = "Allow", action: Any = "iam:*", resource: Any = "*", **more: Any) -> dict[str, Any]:
    return {"Effect": effect, "Action": action, "Resource": resource, **more}


def policy(*statements: dict[str, Any]) -> Policy:
    return policy_of(json.dumps({"Version": "2012-10-17", "Statement": list(statements)}))


def document(*statements: dict[str, Any]) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": list(statements)}


ALLOWING, DENYING, SILENT = policy(statement()), policy(statement("Deny")), policy(statement(action="s3:*"))


# --- one policy -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("pattern", "matches"),
    [
        ("iam:GetRole", True),
        ("IAM:getrole", True),
        ("iam:Get*", True),
        ("iam:GetRol?", True),
        ("*", True),
        ("*:GetRole", True),
        ("i*", True),
        ("iam:GetRoles", False),
        ("iam:Ge", False),
        ("s3:*", False),
    ],
)
def test_an_action_is_matched_in_any_case_and_by_wildcards(pattern: str, *, matches: bool) -> None:
    assert allows(document(statement(action=pattern)), GET) == matches
    assert allows(document({"Effect": "Allow", "NotAction": pattern, "Resource": "*"}), GET) != matches


@pytest.mark.parametrize(
    ("pattern", "matches"),
    [
        (ROLE, True),
        ("arn:aws:iam::123456789012:role/*", True),
        ("arn:aws:iam::*:role/?", True),
        ("arn:*:iam::*:role*a", True),
        ("arn:aws:iam::1*", True),
        ("arn:aws:iam::123456789012:role/A", False),
        ("arn:aws:iam::123456789012:role/path/a", False),
        ("arn:aws:iam::12345678901?:user/a", False),
    ],
)
def test_a_resource_is_matched_case_by_case_and_by_wildcards(pattern: str, *, matches: bool) -> None:
    assert allows(document(statement(resource=pattern)), GET) == matches
    assert allows(document({"Effect": "Allow", "Action": "*", "NotResource": pattern}), GET) != matches


@pytest.mark.parametrize(
    ("pattern", "matches"),
    [("arn:aws:*", True), ("arn:aws:l*", True), ("arn:aws:*s:eu:1:group:x", True), ("arn:aws:l*p:x", False)],
)
def test_a_star_reaches_over_a_colon_only_at_the_end_of_a_segment(pattern: str, *, matches: bool) -> None:
    assert resource_like("arn:aws:logs:eu:1:group:x", pattern) == matches


def test_an_action_without_resources_is_allowed_on_all_of_them_alone() -> None:
    asked = Request("iam:ListRoles")
    assert allows(document(statement()), asked)
    assert not allows(document(statement(resource="arn:aws:iam::*:role/*")), asked)


def test_a_condition_decides_by_the_keys_of_the_request() -> None:
    bound = document(statement(Condition={"StringEquals": {"iam:PermissionsBoundary": "b"}}))
    assert allows(bound, Request("iam:CreateRole", ROLE, {"iam:permissionsboundary": "b"}))
    assert not allows(bound, Request("iam:CreateRole", ROLE, {"iam:PermissionsBoundary": "c"}))
    assert not allows(bound, Request("iam:CreateRole", ROLE))


@pytest.mark.parametrize("key", ["aws:MultiFactorAuthPresent", "s3:prefix"])
def test_a_condition_key_that_nobody_fills_in_is_refused_by_name(key: str) -> None:
    document_ = document(statement(Condition={"Null": {key: "true"}}))
    with pytest.raises(AwsError, match=f"condition key {key} is not modelled"):
        allows(document_, GET)
    assert not allows(document_, Request("s3:GetObject"))


def test_a_policy_variable_in_a_resource_is_refused_by_name() -> None:
    with pytest.raises(AwsError, match="a policy variable in a resource is not modelled"):
        allows(document(statement(resource="arn:aws:iam::*:role/${aws:username}")), GET)


# --- several policies -----------------------------------------------------------------------------------------------


def test_nothing_is_allowed_by_nobody() -> None:
    assert denial(GET, PrincipalPolicies([])) == Denial(PolicyType.IDENTITY)


def test_one_identity_policy_that_allows_is_enough() -> None:
    assert denial(GET, PrincipalPolicies([SILENT, ALLOWING])) is None


@pytest.mark.parametrize(
    ("policies", "by"),
    [
        (PrincipalPolicies([ALLOWING, DENYING]), PolicyType.IDENTITY),
        (PrincipalPolicies([ALLOWING], DENYING), PolicyType.BOUNDARY),
        (PrincipalPolicies([ALLOWING], ALLOWING, [ALLOWING, DENYING]), PolicyType.SESSION),
    ],
)
def test_a_denial_anywhere_outweighs_whatever_allows(policies: PrincipalPolicies, by: PolicyType) -> None:
    assert denial(GET, policies) == Denial(by, is_explicit=True)
    assert denial(GET, policies, OwnPolicy(Grant.SESSION)) == Denial(by, is_explicit=True)


@pytest.mark.parametrize(
    ("policies", "by"),
    [
        (PrincipalPolicies([SILENT], ALLOWING, [ALLOWING]), PolicyType.IDENTITY),
        (PrincipalPolicies([ALLOWING], SILENT, [ALLOWING]), PolicyType.BOUNDARY),
        (PrincipalPolicies([ALLOWING], ALLOWING, [SILENT]), PolicyType.SESSION),
    ],
)
def test_each_kind_of_policy_that_there_is_has_to_allow(policies: PrincipalPolicies, by: PolicyType) -> None:
    assert denial(GET, policies) == Denial(by)


def test_one_of_several_session_policies_is_enough() -> None:
    assert denial(GET, PrincipalPolicies([ALLOWING], None, [SILENT, ALLOWING])) is None


BOUND = PrincipalPolicies([SILENT], SILENT, [SILENT])


@pytest.mark.parametrize(
    ("grant", "policies", "by"),
    [
        (Grant.NOTHING, PrincipalPolicies([ALLOWING]), PolicyType.RESOURCE),
        (Grant.ACCOUNT, PrincipalPolicies([ALLOWING]), None),
        (Grant.ACCOUNT, PrincipalPolicies([SILENT]), PolicyType.IDENTITY),
        (Grant.PRINCIPAL, PrincipalPolicies([SILENT]), None),
        (Grant.PRINCIPAL, PrincipalPolicies([SILENT], SILENT), PolicyType.BOUNDARY),
        (Grant.PRINCIPAL, PrincipalPolicies([SILENT], ALLOWING, [SILENT]), PolicyType.SESSION),
        (Grant.SESSION, BOUND, None),
    ],
)
def test_within_an_account_a_resource_may_give_what_identity_policies_do_not(
    grant: Grant, policies: PrincipalPolicies, by: PolicyType | None
) -> None:
    assert denial(GET, policies, OwnPolicy(grant)) == (Denial(by) if by else None)


@pytest.mark.parametrize("grant", [Grant.ACCOUNT, Grant.PRINCIPAL, Grant.SESSION])
def test_between_accounts_both_sides_have_to_allow(grant: Grant) -> None:
    own = OwnPolicy(grant, is_of_another_account=True)
    assert denial(GET, PrincipalPolicies([ALLOWING]), own) is None
    assert denial(GET, PrincipalPolicies([SILENT]), own) == Denial(PolicyType.IDENTITY)
    assert denial(GET, PrincipalPolicies([ALLOWING], SILENT), own) == Denial(PolicyType.BOUNDARY)


def test_a_resource_that_denies_outweighs_whatever_allows() -> None:
    expected = Denial(PolicyType.RESOURCE, is_explicit=True)
    assert denial(GET, PrincipalPolicies([ALLOWING]), OwnPolicy(Grant.DENIED)) == expected


@pytest.mark.parametrize(
    ("found", "told"),
    [
        (Denial(PolicyType.IDENTITY), "because no identity-based policy allows the a:B action"),
        (Denial(PolicyType.BOUNDARY), "because no permissions boundary allows the a:B action"),
        (Denial(PolicyType.SESSION), "because no session policy allows the a:B action"),
        (Denial(PolicyType.IDENTITY, is_explicit=True), "with an explicit deny in an identity-based policy"),
        (Denial(PolicyType.BOUNDARY, is_explicit=True), "with an explicit deny in a permissions boundary"),
        (Denial(PolicyType.SESSION, is_explicit=True), "with an explicit deny in a session policy"),
    ],
)
def test_a_denial_is_told_in_the_words_of_aws(found: Denial, told: str) -> None:
    assert found.told("a:B") == told


# --- properties -----------------------------------------------------------------------------------------------------

names = st.text("ab", min_size=1, max_size=3)
patterns = st.text("ab*?", min_size=1, max_size=4)
action_patterns = st.builds("{}:{}".format, st.sampled_from(["s", "t", "*", "?"]), patterns) | st.just("*")
conditions = st.none() | st.builds(
    lambda operator, value: {operator: {"sts:ExternalId": value}},
    st.sampled_from(["StringEquals", "StringLike", "StringNotEquals", "StringEqualsIfExists"]),
    patterns,
)


@st.composite
def statements(draw: st.DrawFn) -> dict[str, Any]:
    made: dict[str, Any] = {"Effect": draw(st.sampled_from(["Allow", "Allow", "Deny"]))}
    made[draw(st.sampled_from(["Action", "Action", "NotAction"]))] = draw(st.lists(action_patterns, min_size=1))
    made[draw(st.sampled_from(["Resource", "Resource", "NotResource"]))] = draw(st.lists(patterns, min_size=1))
    condition = draw(conditions)
    return made if condition is None else {**made, "Condition": condition}


documents = st.lists(statements(), max_size=3)
requests = st.builds(
    Request,
    st.builds("{}:{}".format, st.sampled_from(["s", "t"]), names),
    names,
    st.just({}) | st.builds(lambda value: {"sts:ExternalId": value}, names),
)
layers = st.builds(
    PrincipalPolicies,
    st.lists(documents.map(lambda found: policy(*found)), max_size=2),
    st.none() | documents.map(lambda found: policy(*found)),
    st.lists(documents.map(lambda found: policy(*found)), max_size=2),
)
grants = st.none() | st.builds(OwnPolicy, st.sampled_from(Grant), st.booleans())


def globbed(have: str, want: str) -> bool:
    """Match a pattern character by character, which is slow and plain."""
    if not want:
        return not have
    if want[0] == "*":
        return globbed(have, want[1:]) or (bool(have) and globbed(have[1:], want))
    return bool(have) and want[0] in {"?", have[0]} and globbed(have[1:], want[1:])


@given(st.text("abA:\n", max_size=6), st.text("abA:*?[\n", max_size=6))
def test_a_pattern_matches_as_a_plain_reading_says(have: str, want: str) -> None:
    assert like(have, want) == globbed(have, want)


@given(st.lists(st.text("ab:", max_size=2), min_size=6, max_size=6), st.lists(patterns, min_size=6, max_size=6))
def test_an_arn_of_a_condition_is_matched_field_by_field(have: list[str], want: list[str]) -> None:
    fields = ":".join(have).split(":", 5)
    assert arn_like(":".join(have), ":".join(want)) == all(map(globbed, fields, want))


@given(documents, requests)
def test_a_document_says_what_a_plain_reading_says(found: list[dict[str, Any]], request: Request) -> None:
    effects = {one["Effect"] for one in found if plainly_matches(one, request)}
    assert policy(*found).effect(request) == ("Deny" if "Deny" in effects else "Allow" if effects else None)


def plainly_matches(one: dict[str, Any], request: Request) -> bool:
    acts = any(globbed(request.action, pattern) for pattern in one.get("Action") or one["NotAction"])
    reaches = any(globbed(request.resource, pattern) for pattern in one.get("Resource") or one["NotResource"])
    return acts == ("Action" in one) and reaches == ("Resource" in one) and plainly_holds(one, request)


def plainly_holds(one: dict[str, Any], request: Request) -> bool:
    if "Condition" not in one:
        return True
    ((operator, block),) = one["Condition"].items()
    (have,), want = request.context.get("sts:externalid", (None,)), block["sts:ExternalId"]
    if have is None:
        return operator in {"StringNotEquals", "StringEqualsIfExists"}
    if operator == "StringLike":
        return globbed(have, want)
    return bool((have == want) != (operator == "StringNotEquals"))


@given(requests, layers, grants)
def test_layers_decide_as_sets_of_effects_do(
    request: Request, policies: PrincipalPolicies, own: OwnPolicy | None
) -> None:
    says = {
        "identity": [one.effect(request) for one in policies.identity],
        "boundary": [policies.boundary.effect(request)] if policies.boundary else ["Allow"],
        "session": [one.effect(request) for one in policies.session] or ["Allow"],
    }
    crosses = own is None or own.is_of_another_account
    grant = Grant.ACCOUNT if own is None else own.grant
    spared = {"identity"} if grant is Grant.PRINCIPAL and not crosses else set()
    spared |= set(says) if grant is Grant.SESSION and not crosses else set()
    denied = grant is Grant.DENIED or any("Deny" in found for found in says.values())
    allowed = grant > Grant.NOTHING and all("Allow" in found for name, found in says.items() if name not in spared)
    assert (denial(request, policies, own) is None) == (allowed and not denied)


@given(requests, layers, grants, documents)
def test_a_further_limit_never_allows_what_was_denied(
    request: Request, policies: PrincipalPolicies, own: OwnPolicy | None, more: list[dict[str, Any]]
) -> None:
    limit = policy(*more)
    if denial(request, policies, own) is not None:
        bounded = PrincipalPolicies(policies.identity, policies.boundary or limit, policies.session or [limit])
        assert denial(request, bounded, own) is not None


@given(requests, documents, st.randoms())
def test_how_statements_are_ordered_and_spread_over_policies_does_not_matter(
    request: Request, found: list[dict[str, Any]], chance: Any
) -> None:
    shuffled = chance.sample(found, len(found))
    together = denial(request, PrincipalPolicies([policy(*found)]))
    assert denial(request, PrincipalPolicies([policy(one) for one in shuffled])) == together
