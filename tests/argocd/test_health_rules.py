"""The health that Argo CD shows, judged by its own engine: in the form that it takes contributions in, and complete."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from apono_operator.state.conditions import INFORMATIVE
from sandbox.argocd import Health, assess
from tests.argocd.settings import CUSTOMIZATION, HEALTH, KEY
from tests.condition_sets import Document, deleted, document, living

SETTINGS = {KEY: HEALTH}
CONTRIBUTED: list[dict[str, Any]] = yaml.safe_load((CUSTOMIZATION / "health_test.yaml").read_text(encoding="utf-8"))[
    "tests"
]
BY_SUSPENSION = frozenset({"Suspended", "RoleMissing", "ObjectMissing"})
"""Reasons of what a suspension leaves undone."""


@pytest.fixture(scope="module")
def contributed() -> list[Health]:
    files = [CUSTOMIZATION / one["inputPath"] for one in CONTRIBUTED]
    return assess(SETTINGS, [yaml.safe_load(file.read_text(encoding="utf-8")) for file in files])


def test_the_contributed_tests_hold(contributed: list[Health]) -> None:
    assert contributed == [_written(one["healthStatus"]) for one in CONTRIBUTED]


def test_every_contributed_connector_has_a_test() -> None:
    there = {str(file.relative_to(CUSTOMIZATION)) for file in (CUSTOMIZATION / "testdata").iterdir()}

    assert there == {one["inputPath"] for one in CONTRIBUTED}


def test_every_set_of_conditions_that_the_operator_can_write_has_the_health_that_people_expect() -> None:
    sets = dict(_distinct())
    seen = dict(zip(sets, assess(SETTINGS, list(sets.values())), strict=True))

    assert {what: health for what, health in seen.items() if not _fits(sets[what], health)} == {}
    assert {health.status for health in seen.values()} == {"Healthy", "Progressing", "Degraded", "Suspended"}


def test_a_connector_of_which_nobody_has_told_anything_is_progressing() -> None:
    bare = document(())
    del bare["status"]

    assert [health.status for health in assess(SETTINGS, [bare])] == ["Progressing"]


def test_without_the_customization_a_connector_has_no_health() -> None:
    assert assess({}, [document(())]) == [Health("", "")]


def _written(health: dict[str, str]) -> Health:
    """What Argo CD shows of the script's answer: of an object that is being deleted, it takes another message."""
    return Health(health["status"], health.get("deletionMessage") or health["message"])


def _distinct() -> Iterator[tuple[str, Document]]:
    """Give one connector for each set of what can make a difference to people: types, and why Ready is as it is."""
    seen: set[object] = set()
    for what, connector in (*living(), *deleted()):
        listed = {one["type"]: one for one in connector["status"]["conditions"]}
        ready = listed.pop("Ready")
        passing = {kind for kind, one in listed.items() if _exists_only_while_true(kind)}
        members = listed.get("MemberAccountsReady", {}).get("reason")
        mark = (
            ready["status"],
            ready["reason"],
            frozenset(passing),
            members,
            "deletionTimestamp" in connector["metadata"],
        )
        if mark not in seen:
            seen.add(mark)
            yield what, connector


def _exists_only_while_true(kind: str) -> bool:
    return kind in {"Reconciling", "Stalled", "Unconfirmed", "Drifted", "Suspended", "DeletionBlocked"}


def _fits(connector: Document, health: Health) -> bool:
    """Tell whether people get what they expect: the status, and a message with the Reason that matters."""
    listed = {one["type"]: one for one in connector["status"]["conditions"]}
    status, kind = _expected(connector, listed)
    told = listed[kind]
    words = (told["message"],) if status == "Healthy" else (told["reason"], told["message"])
    beside = [
        listed[one]["message"] for one in ("Drifted", "Unconfirmed", *INFORMATIVE) if _is_worth_knowing(listed, one)
    ]
    complete = status not in {"Healthy", "Suspended"} or all(words in health.message for words in beside)
    return health.status == status and all(word in health.message for word in words) and complete


def _is_worth_knowing(listed: dict[str, Any], kind: str) -> bool:
    if kind not in listed:
        return False
    return kind not in INFORMATIVE or (listed[kind]["status"] != "True" and listed[kind]["reason"] != "Waiting")


def _expected(connector: Document, listed: dict[str, Any]) -> tuple[str, str]:
    """Return the status, and the condition that says why."""
    if "deletionTimestamp" in connector["metadata"]:
        return ("Degraded", "DeletionBlocked") if "DeletionBlocked" in listed else ("Progressing", "Ready")
    ready = listed["Ready"]
    if "Suspended" in listed and (ready["status"] == "True" or ready["reason"] in BY_SUSPENSION):
        return "Suspended", "Suspended"
    if ready["status"] == "True":
        return "Healthy", "Ready"
    return ("Degraded" if "Stalled" in listed else "Progressing"), "Ready"
