"""What passes are counted as, and that the metrics are few and tell no names."""

from __future__ import annotations

import pytest
from prometheus_client import REGISTRY

from apono_operator.adapters.aws.errors import outcome_of
from apono_operator.telemetry import metrics

LABELS = {
    "apono_operator_aws_calls": {"service", "outcome"},
    "apono_operator_build": {"version"},
    "apono_operator_connectors": set(),
    "apono_operator_is_leader": set(),
    "apono_operator_pass_duration_seconds": {"kind"},
    "apono_operator_passes": {"kind", "result"},
    "apono_operator_passes_in_progress": set(),
    "apono_operator_queue_depth": set(),
}
OWN_TO_PROMETHEUS = {"le"}


def value(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(name, labels) or 0.0


def counts(kind: str) -> dict[str, float]:
    results = ("satisfied", "unsatisfied", "failed")
    return {result: value("apono_operator_passes_total", kind=kind, result=result) for result in results}


def test_the_metrics_are_these_and_their_labels_name_nobody() -> None:
    metrics.BUILD.info({"version": "1"})
    metrics.AWS_CALLS.labels("iam", "ok")
    metrics.counted("look", lambda: None, lambda _: True)

    seen: dict[str, set[str]] = {}
    for family in REGISTRY.collect():
        if family.name.startswith("apono_operator"):
            labels = {label for sample in family.samples for label in sample.labels}
            seen.setdefault(family.name, set()).update(labels - OWN_TO_PROMETHEUS)
    assert seen == LABELS


@pytest.mark.parametrize(("outcome", "result"), [(1, "satisfied"), (0, "unsatisfied")])
def test_a_pass_is_counted_by_what_came_out(outcome: int, result: str) -> None:
    before = counts("quick")

    assert metrics.counted("quick", lambda: outcome, bool) == outcome

    assert counts("quick") == {**before, result: before[result] + 1}


def test_a_pass_that_fails_is_counted_and_its_failure_comes_out() -> None:
    before = counts("deletion")

    def fail() -> None:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        metrics.counted("deletion", fail, lambda _: True)

    assert counts("deletion") == {**before, "failed": before["failed"] + 1}


def test_a_pass_is_in_progress_while_it_lasts_and_takes_the_time_it_takes() -> None:
    under_way = value("apono_operator_passes_in_progress")
    passes = value("apono_operator_pass_duration_seconds_count", kind="look")

    during = metrics.counted("look", lambda: value("apono_operator_passes_in_progress"), lambda _: True)

    assert during == under_way + 1
    assert value("apono_operator_passes_in_progress") == under_way
    assert value("apono_operator_pass_duration_seconds_count", kind="look") == passes + 1


@pytest.mark.parametrize(
    ("status", "code", "outcome"),
    [
        (200, None, "ok"),
        (400, "Throttling", "throttled"),
        (429, "Unheard", "throttled"),
        (403, "AccessDenied", "denied"),
        (403, "ExpiredToken", "denied"),
        (404, "NoSuchEntity", "refused"),
        (409, "EntityAlreadyExists", "refused"),
        (500, "ServiceFailure", "failed"),
        (503, "Unheard", "failed"),
    ],
)
def test_a_call_to_aws_is_counted_by_the_reaction_that_it_asks_for(status: int, code: str | None, outcome: str) -> None:
    answer = {"ResponseMetadata": {"HTTPStatusCode": status}, **({"Error": {"Code": code}} if code else {})}

    assert outcome_of(answer) == outcome


def test_a_call_to_aws_without_an_answer_is_counted_as_that() -> None:
    assert outcome_of(None) == "unanswered"
