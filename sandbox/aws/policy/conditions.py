"""The condition block of a policy statement, evaluated against the keys of a request.

Source: "IAM JSON policy elements: Condition operators" in the IAM user guide.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from sandbox.aws.errors import not_modelled
from sandbox.aws.policy.patterns import arn_like, like

Context = Mapping[str, Sequence[str]]
"""Condition keys in lower case, each with its values; a key that is absent from the request is left out."""

_Test = Callable[[str, str], bool]


def _equals(have: str, want: str) -> bool:
    return have == want


def _equals_ignoring_case(have: str, want: str) -> bool:
    return have.lower() == want.lower()


_TESTS: Final[Mapping[str, _Test]] = {
    "StringEquals": _equals,
    "StringEqualsIgnoreCase": _equals_ignoring_case,
    "StringLike": like,
    "ArnEquals": arn_like,
    "ArnLike": arn_like,
    "Bool": _equals_ignoring_case,
}
_NEGATIONS: Final = {
    "StringNotEquals": "StringEquals",
    "StringNotEqualsIgnoreCase": "StringEqualsIgnoreCase",
    "StringNotLike": "StringLike",
    "ArnNotEquals": "ArnEquals",
    "ArnNotLike": "ArnLike",
}
# Part of the language, so they may be stored; evaluating them is refused by name.
_UNEVALUATED: Final = {
    f"{kind}{comparison}"
    for kind in ("Numeric", "Date")
    for comparison in (
        "Equals",
        "NotEquals",
        "LessThan",
        "LessThanEquals",
        "GreaterThan",
        "GreaterThanEquals",
    )
} | {"BinaryEquals", "IpAddress", "NotIpAddress"}
_OPERATOR: Final = re.compile(r"(?:(?P<set>ForAnyValue|ForAllValues):)?(?P<name>[A-Za-z]+?)(?P<if_exists>IfExists)?")


def is_operator(text: str) -> bool:
    """Whether the language has this condition operator, with its prefix and suffix."""
    match = _OPERATOR.fullmatch(text)
    return match is not None and match["name"] in {*_TESTS, *_NEGATIONS, *_UNEVALUATED, "Null"}


def holds(condition: Mapping[str, Mapping[str, Any]], context: Context) -> bool:
    """Whether every operator of a condition block holds for every key it names.

    Args:
        condition: The block, as stored.
        context: The keys of the request.

    Raises:
        AwsError: `NotModelled` for an operator that is stored but not evaluated, or a policy variable.
    """
    return all(
        _operator_holds(operator, key, _texts(wanted), context)
        for operator, block in condition.items()
        for key, wanted in block.items()
    )


def _operator_holds(operator: str, key: str, wanted: Sequence[str], context: Context) -> bool:
    match = _OPERATOR.fullmatch(operator)
    if match is None:
        raise not_modelled(f"condition operator {operator}")
    have = context.get(key.lower())
    if match["name"] == "Null":
        return any((have is None) == (want.lower() == "true") for want in wanted)
    if have is None:
        return match["if_exists"] is not None or match["name"] in _NEGATIONS or match["set"] == "ForAllValues"
    return _values_hold(match["name"], match["set"], have, wanted)


def _values_hold(name: str, quantifier: str | None, have: Sequence[str], wanted: Sequence[str]) -> bool:
    negated = name in _NEGATIONS
    test = _TESTS.get(_NEGATIONS.get(name, name))
    if test is None:
        raise not_modelled(f"evaluation of condition operator {name}")
    matched = [any(test(value, want) for want in wanted) != negated for value in have]
    if quantifier == "ForAllValues" or (negated and quantifier is None):
        return all(matched)
    return any(matched)


def _texts(wanted: Any) -> list[str]:
    values = wanted if isinstance(wanted, list) else [wanted]
    texts = [str(value).lower() if isinstance(value, bool) else str(value) for value in values]
    if any("${" in text for text in texts):
        raise not_modelled("a policy variable in a condition")
    return texts
