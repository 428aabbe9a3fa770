"""Condition types and reasons are what people and scripts match on: a closed, documented set."""

from __future__ import annotations

import inspect
import re
from typing import Any

import pytest

from apono_operator.v1alpha1 import Condition, ConditionStatus, ConditionType, Reason

CAMEL_CASE = re.compile(r"[A-Z]+[a-z]+([A-Z]+[a-z]+)*[A-Z]*")
NAMES: tuple[Reason | ConditionType, ...] = (*Reason, *ConditionType)

by_name = pytest.mark.parametrize("name", NAMES, ids=lambda name: f"{type(name).__name__}-{name}")
by_reason = pytest.mark.parametrize("reason", Reason)


@by_name
def test_a_name_is_in_camel_case(name: Reason | ConditionType) -> None:
    assert CAMEL_CASE.fullmatch(name)


@by_name
def test_a_name_is_its_members_name(name: Reason | ConditionType) -> None:
    assert name.lower() == name.name.replace("_", "").lower()


@by_name
def test_a_name_is_explained_in_sentences(name: Reason | ConditionType) -> None:
    assert re.fullmatch(r"\S.*\.", name.explanation)


@by_reason
def test_a_reason_has_a_remedy(reason: Reason) -> None:
    assert re.fullmatch(r"\S.*\.", reason.remedy)


@pytest.mark.parametrize("names", [Reason, ConditionType], ids=lambda names: names.__name__)
def test_no_name_has_two_meanings(names: type[Reason | ConditionType]) -> None:
    """An enum silently makes an alias of a member that repeats a value."""
    source = inspect.getsource(names)
    members = re.findall(r"^    ([A-Z_]+) = ", source, flags=re.MULTILINE)
    assert members == [member.name for member in names]


@by_reason
def test_a_reason_fits_into_a_condition(reason: Reason) -> None:
    assert written(ConditionType.READY, reason)["reason"] == reason.value


@pytest.mark.parametrize("condition_type", ConditionType)
def test_a_type_fits_into_a_condition(condition_type: ConditionType) -> None:
    assert written(condition_type, Reason.WAITING) == {
        "type": condition_type.value,
        "status": "True",
        "reason": "Waiting",
        "message": Reason.WAITING.explanation,
        "lastTransitionTime": "2026-01-01T00:00:00Z",
    }


def written(condition_type: ConditionType, reason: Reason) -> dict[str, Any]:
    """Return a condition as the operator writes it."""
    return Condition(
        type=condition_type,
        status=ConditionStatus.TRUE,
        reason=reason,
        message=reason.explanation,
        last_transition_time="2026-01-01T00:00:00Z",
    ).model_dump(mode="json", by_alias=True, exclude_none=True)
