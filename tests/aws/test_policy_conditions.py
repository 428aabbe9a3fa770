from __future__ import annotations

from typing import Any

import pytest

from sandbox.aws import AwsError
from sandbox.aws.policy.conditions import holds, is_operator
from sandbox.aws.policy.patterns import like

ARN = "arn:aws:iam::123456789012:role/apono/operator"
CONTEXT = {
    "aws:principalarn": [ARN],
    "sts:externalid": ["secret"],
    "aws:tagkeys": ["team", "owner"],
    "aws:securetransport": ["true"],
}


@pytest.mark.parametrize(
    ("operator", "key", "wanted", "expected"),
    [
        ("StringEquals", "sts:ExternalId", "secret", True),
        ("StringEquals", "STS:EXTERNALID", "secret", True),
        ("StringEquals", "sts:ExternalId", "Secret", False),
        ("StringEquals", "sts:ExternalId", ["other", "secret"], True),
        ("StringEquals", "sts:ExternalId", "s*", False),
        ("StringEqualsIgnoreCase", "sts:ExternalId", "SECRET", True),
        ("StringNotEquals", "sts:ExternalId", "other", True),
        ("StringNotEquals", "sts:ExternalId", ["other", "secret"], False),
        ("StringLike", "sts:ExternalId", "sec?e*", True),
        ("StringNotLike", "sts:ExternalId", "sec*", False),
        ("ArnEquals", "aws:PrincipalArn", ARN, True),
        ("ArnLike", "aws:PrincipalArn", "arn:aws:iam::*:role/apono/*", True),
        ("ArnLike", "aws:PrincipalArn", "arn:aws:iam:*:role/apono/*", False),
        ("ArnLike", "aws:PrincipalArn", "arn:aws:iam::*:role/*", True),
        ("ArnNotLike", "aws:PrincipalArn", "arn:aws:iam::*:user/*", True),
        ("Bool", "aws:SecureTransport", "true", True),
        ("Bool", "aws:SecureTransport", True, True),
        ("Bool", "aws:SecureTransport", False, False),
        ("Null", "sts:ExternalId", "false", True),
        ("Null", "sts:ExternalId", "true", False),
        ("Null", "aws:PrincipalOrgID", "true", True),
        ("StringEquals", "aws:PrincipalOrgID", "o-1", False),
        ("StringNotEquals", "aws:PrincipalOrgID", "o-1", True),
        ("StringEqualsIfExists", "aws:PrincipalOrgID", "o-1", True),
        ("StringEqualsIfExists", "sts:ExternalId", "other", False),
        ("ForAnyValue:StringEquals", "aws:TagKeys", "team", True),
        ("ForAnyValue:StringEquals", "aws:TagKeys", "cost", False),
        ("ForAllValues:StringEquals", "aws:TagKeys", ["team", "owner", "cost"], True),
        ("ForAllValues:StringEquals", "aws:TagKeys", ["team"], False),
        ("ForAllValues:StringEquals", "aws:PrincipalOrgID", ["o-1"], True),
        ("ForAnyValue:StringEquals", "aws:PrincipalOrgID", ["o-1"], False),
    ],
)
def test_an_operator_holds_as_documented(operator: str, key: str, wanted: Any, *, expected: bool) -> None:
    assert holds({operator: {key: wanted}}, CONTEXT) is expected


def test_all_keys_and_operators_have_to_hold() -> None:
    right = {"sts:ExternalId": "secret", "aws:PrincipalArn": ARN}
    assert holds({"StringEquals": right}, CONTEXT)
    assert not holds({"StringEquals": {**right, "sts:ExternalId": "wrong"}}, CONTEXT)
    assert not holds({"StringEquals": right, "Null": {"sts:ExternalId": "true"}}, CONTEXT)


def test_an_empty_condition_holds() -> None:
    assert holds({}, CONTEXT)


def test_an_operator_that_is_not_evaluated_is_refused_by_name() -> None:
    with pytest.raises(AwsError, match="NumericEquals"):
        holds({"NumericEquals": {"sts:ExternalId": "1"}}, CONTEXT)


def test_a_policy_variable_is_refused_by_name() -> None:
    with pytest.raises(AwsError, match="policy variable"):
        holds({"StringEquals": {"sts:ExternalId": "${aws:username}"}}, CONTEXT)


@pytest.mark.parametrize(
    ("operator", "known"),
    [
        ("StringEquals", True),
        ("ForAnyValue:StringLikeIfExists", True),
        ("DateLessThan", True),
        ("StringEqual", False),
        ("ForSomeValues:StringEquals", False),
    ],
)
def test_operators_are_told_from_other_words(operator: str, *, known: bool) -> None:
    assert is_operator(operator) is known


def test_brackets_in_a_pattern_mean_themselves() -> None:
    assert like("a[b]c", "a[b]*")
    assert not like("abc", "a[b]c")
