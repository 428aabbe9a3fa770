"""From `kubectl apply` until role, ServiceAccount and Deployment exist, step by step."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from statistics import median
from typing import Final

from rich.table import Table

from benchmarks.report import Report, table
from benchmarks.stand import Mark, Stand, names, stand
from sandbox.surroundings import Surroundings

TRIES: Final = 9
BOUND: Final = 1.5
"""Seconds."""

_TARGETS: Final = {
    "role exists": "CreateRole",
    "role has everything on it": "AttachRolePolicy",
    "ServiceAccount exists": "patch serviceaccounts",
    "Deployment exists": "patch deployments",
}
_LAST: Final = _TARGETS["Deployment exists"]


@dataclass(frozen=True)
class Step:
    """One call or write.

    Attributes:
        what: Operation, or verb and resource; numbered if it comes more than once.
        ended: When it was answered, in seconds from the apply.
        served: How long AWS or the API server took, in seconds.
    """

    what: str
    ended: float
    served: float


def measure(around: Surroundings) -> Report:
    """Apply one connector after the other, each when the one before is Ready."""
    with stand(around) as on:
        on.apply_ready(["warm"])
        tries = [_steps(on, name) for name in names("prompt", TRIES)]
    report = Report()
    for what, step in _TARGETS.items():
        times = [_end_of(steps, step) for steps in tries]
        _judge(report, f"from apply until the {what}, median of {TRIES}", times)
    report.add(
        "the slowest of them until the Deployment exists", f"{max(_end_of(steps, _LAST) for steps in tries):.2f} s"
    )
    report.tables.append(_split(tries))
    return report


def _steps(on: Stand, name: str) -> list[Step]:
    before, began = on.mark(), datetime.now(UTC)
    on.apply_ready([name])
    return list(_numbered(sorted(_events(on, before, began), key=lambda step: step.ended)))


def _events(on: Stand, since: Mark, began: datetime) -> Iterator[Step]:
    for call in on.calls(since):
        ended = call.time + timedelta(seconds=call.duration) - began
        yield Step(call.operation, ended.total_seconds(), call.duration)
    for write in on.writes(since):
        served = (write.answered - write.came_in).total_seconds()
        yield Step(f"{write.verb} {write.resource}", (write.answered - began).total_seconds(), served)


def _numbered(steps: Sequence[Step]) -> Iterator[Step]:
    seen: dict[str, int] = {}
    for step in steps:
        number = seen[step.what] = seen.get(step.what, 0) + 1
        yield Step(step.what if number == 1 else f"{step.what} ({number})", step.ended, step.served)


def _end_of(steps: Sequence[Step], what: str) -> float:
    """When the last step of that name ended, numbered ones included."""
    return max(step.ended for step in steps if step.what.partition(" (")[0] == what)


def _judge(report: Report, name: str, times: Sequence[float]) -> None:
    report.add(name, f"{median(times):.2f} s", f"< {BOUND} s", holds=median(times) < BOUND)


def _split(tries: Sequence[Sequence[Step]]) -> Table:
    """The steps up to the last target, those that every try has, in the order of their medians."""
    of_what: dict[str, list[tuple[Step, float]]] = {}
    for steps in tries:
        for step, before in zip(steps, [0.0, *(one.ended for one in steps)], strict=False):
            of_what.setdefault(step.what, []).append((step, step.ended - before))
    common = [pairs for pairs in of_what.values() if len(pairs) == len(tries)]
    rows = sorted((_row(pairs) for pairs in common), key=lambda row: float(row[1]))
    until = next(index for index, row in enumerate(rows) if row[0] == _LAST)
    title = "Step by step, medians in ms (a write of the connector itself is the finalizer or the status)"
    return table(
        title, ("step", "ended after apply", "since the step before", "of that in AWS or API server"), rows[: until + 1]
    )


def _row(pairs: Sequence[tuple[Step, float]]) -> tuple[str, str, str, str]:
    ended = median(step.ended for step, _ in pairs)
    since = median(gap for _, gap in pairs)
    served = median(step.served for step, _ in pairs)
    return pairs[0][0].what, f"{ended * 1000:.1f}", f"{since * 1000:.1f}", f"{served * 1000:.1f}"
