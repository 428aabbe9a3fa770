"""The metrics. Labels have few values, and none holds a name, an ARN or a secret.

Source: Prometheus documentation, "Metric and label naming"; Kubernetes instrumentation guide.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from prometheus_client import Counter, Gauge, Histogram, Info

T = TypeVar("T")

_NAMESPACE = "apono_operator"

BUILD = Info("build", "The operator's version.", namespace=_NAMESPACE)
IS_LEADER = Gauge("is_leader", "1 if this process acts, 0 if it waits for the Lease.", namespace=_NAMESPACE)
CONNECTORS = Gauge("connectors", "Connectors that this process knows of.", namespace=_NAMESPACE)
QUEUE_DEPTH = Gauge("queue_depth", "Connectors that wait for a look at AWS.", namespace=_NAMESPACE)
PASSES_IN_PROGRESS = Gauge("passes_in_progress", "Passes that are under way.", namespace=_NAMESPACE)
PASSES = Counter(
    "passes",
    "Passes by kind (look: AWS included; quick: the cluster alone; deletion) and result (satisfied, unsatisfied: they "
    "found something to wait for, failed).",
    ["kind", "result"],
    namespace=_NAMESPACE,
)
PASS_SECONDS = Histogram(
    "pass_duration_seconds",
    "Seconds that passes took, by kind.",
    ["kind"],
    namespace=_NAMESPACE,
    buckets=(0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300),
)
AWS_CALLS = Counter(
    "aws_calls",
    "Attempts of calls to AWS, by service and outcome (ok, throttled, denied, refused, as for what is not there, "
    "failed, unanswered).",
    ["service", "outcome"],
    namespace=_NAMESPACE,
)


def counted(kind: str, work: Callable[[], T], is_satisfied: Callable[[T], bool]) -> T:
    """Do *work*, a pass of that *kind*, and count it by its result; its exceptions come out here."""
    began, result = time.monotonic(), "failed"
    PASSES_IN_PROGRESS.inc()
    try:
        outcome = work()
        result = "satisfied" if is_satisfied(outcome) else "unsatisfied"
    finally:
        PASSES_IN_PROGRESS.dec()
        PASSES.labels(kind, result).inc()
        PASS_SECONDS.labels(kind).observe(time.monotonic() - began)
    return outcome
