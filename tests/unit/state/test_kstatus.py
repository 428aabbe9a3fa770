"""Flux, kpt and Helm wait for what kstatus says, `kubectl wait` for Ready: of every connector they say the same."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from apono_operator.state.conditions import aspects_of, conditions, deletion_conditions
from apono_operator.state.finding import Findings
from apono_operator.v1alpha1 import ConditionType, Mode
from tests.builders import NOW
from tests.condition_sets import BESIDE, FAILING, FINE, GENERATION, PASSING, deleted, document, living
from tests.unit.state.kstatus import CURRENT, FAILED, IN_PROGRESS, TERMINATING, Result, compute

ASPECTS = aspects_of(Mode.ACCOUNT)
ALL_FINE: Findings = dict.fromkeys(ASPECTS, FINE)
PODS = ConditionType.DEPLOYMENT_AVAILABLE


def told(findings: Findings) -> dict[str, Any]:
    """The connector after a first pass with *findings*, as asked in all else."""
    return document(conditions({**ALL_FINE, **findings}, (), GENERATION, NOW))


def going(what: str) -> dict[str, Any]:
    """A connector that is being deleted and was Ready before."""
    before = conditions(ALL_FINE, (), GENERATION - 1, NOW)
    listed = deletion_conditions(FAILING[what], before, GENERATION, NOW)
    return document(listed, deletionTimestamp="2026-03-14T09:26:53Z")


def as_created() -> dict[str, Any]:
    """A connector that no operator has seen, as the definition's default has it."""
    fresh = document(())
    return {**fresh, "status": {"observedGeneration": -1}}


ROWS: Mapping[str, tuple[dict[str, Any], str]] = {
    "nobody has looked yet": (as_created(), IN_PROGRESS),
    "all is as asked": (told({}), CURRENT),
    "it was edited since": (document(conditions(ALL_FINE, (), 2, NOW), observed=2), IN_PROGRESS),
    "pods are coming": (told({PODS: FAILING["at work"]}), IN_PROGRESS),
    "AWS does not answer, and never has": (told({PODS: FAILING["out of reach"]}), IN_PROGRESS),
    "AWS does not answer any more": (told({PODS: PASSING["in doubt"]}), CURRENT),
    "a right is missing": (told({PODS: FAILING["refused"]}), FAILED),
    "others changed the role, and that is only to be told": (told(BESIDE["drift"]), CURRENT),
    "others deleted the role, and that is only to be told": (told({PODS: FAILING["missing and only told"]}), FAILED),
    "suspended, and as asked": (told(BESIDE["a suspension"]), CURRENT),
    "suspended, and not as asked": (told({PODS: FAILING["pending"], **BESIDE["a suspension"]}), FAILED),
    "suspended before anything was made": (told({PODS: FAILING["missing while suspended"]}), FAILED),
    "a member account fails": (told(BESIDE["what is only told"]), CURRENT),
    "it is being deleted": (going("at work"), TERMINATING),
    "its deletion is blocked": (going("refused"), TERMINATING),
}


@pytest.mark.parametrize(("connector", "status"), ROWS.values(), ids=ROWS)
def test_kstatus_says_what_people_see(connector: dict[str, Any], status: str) -> None:
    assert compute(connector).status == status


def test_kstatus_and_ready_agree_on_every_connector_and_say_the_same_of_what_is_amiss() -> None:
    disagreeing = {what: compute(one) for what, one in living() if compute(one) != _expected(one)}

    assert disagreeing == {}


def test_every_connector_that_is_being_deleted_is_terminating() -> None:
    assert {compute(one).status for _, one in deleted()} == {TERMINATING}


def test_a_connector_is_never_both_at_work_and_stalled() -> None:
    both = {"Reconciling", "Stalled"}

    assert [what for what, one in (*living(), *deleted()) if both <= _types(one)] == []


def test_every_status_of_kstatus_is_reached() -> None:
    assert {compute(one).status for _, one in living()} == {CURRENT, IN_PROGRESS, FAILED}


def _expected(connector: Mapping[str, Any]) -> Result:
    """What follows from Ready, and from whether time or somebody has to pass by until it is True."""
    listed = {one["type"]: one for one in connector["status"]["conditions"]}
    ready = listed["Ready"]
    if ready["status"] == "True":
        return Result(CURRENT, "Resource is Ready")
    return Result(IN_PROGRESS if "Reconciling" in listed else FAILED, ready["message"])


def _types(connector: Mapping[str, Any]) -> set[str]:
    return {one["type"] for one in connector["status"]["conditions"]}
