"""Up to a thousand connectors under one operator: its memory, and what one connector more costs."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median, quantiles
from typing import Any, Final

from rich.table import Table

from benchmarks.limits import NO_LIMIT
from benchmarks.report import Report, table
from benchmarks.stand import Stand, names, stand
from sandbox.surroundings import Surroundings

FEW, MANY, MOST = 10, 100, 1000
IDLE_BOUND: Final = 130
MOST_BOUND: Final = 225
"""MiB."""

TRIES: Final = 9
NOISE: Final = 0.25
"""What a median of CPU seconds may differ by chance, as a part of it, if the tries do not show more."""

VALUES: Final[dict[str, Any]] = {**NO_LIMIT, "resyncSeconds": 86_400, "secretPollSeconds": 60}
"""Quiet but for what is measured: routine looks are a figure of their own."""

SETTLING: Final = 62.0
"""Seconds after which the operator has looked once more at what it changed, because IAM may show it late."""

_BASELINE_SECONDS: Final = 5.0
_BATCH: Final = 50


@dataclass(frozen=True)
class Cost:
    """What one connector cost until it was Ready and nothing happened any more."""

    calls: int
    writes: int
    cpu: float


def measure(around: Surroundings) -> Report:
    """Let the fleet grow; weigh the operator at each size, and one connector more at the first and the last."""
    report = Report()
    around.aws.roles_per_account = 2 * MOST
    with stand(around, **VALUES) as on:
        on.until_quiet(3.0)
        _weigh(report, on, 0, IDLE_BOUND)
        _grow(on, 0, FEW)
        few = _costs(on, FEW)
        _grow(on, FEW + TRIES, MANY)
        on.until_quiet(3.0)
        _weigh(report, on, MANY)
        seconds = _grow(on, MANY, MOST)
        on.until_quiet(SETTLING, patience=4 * SETTLING)
        _weigh(report, on, MOST, MOST_BOUND)
        report.add("its largest so far", f"{on.peak_memory:.0f} MiB")
        report.add(f"connectors a second on the way from {MANY} to {MOST}", f"{(MOST - MANY) / seconds:.1f}")
        _compare(report, few, _costs(on, MOST))
    return report


def _weigh(report: Report, on: Stand, connectors: int, bound: int | None = None) -> None:
    memory = on.memory
    name = (
        f"the operator's memory (RSS) with {connectors} connectors"
        if connectors
        else "the operator's memory (RSS), idle"
    )
    if bound is None:
        report.add(name, f"{memory:.0f} MiB")
    else:
        report.add(name, f"{memory:.0f} MiB", f"<= {bound} MiB", holds=memory <= bound)


def _grow(on: Stand, present: int, wanted: int) -> float:
    """Add connectors, some at a time, as the nodes that play their pods would else fall behind; return the seconds."""
    began = time.monotonic()
    for first in range(present, wanted, _BATCH):
        on.apply(batch := names("fleet", min(_BATCH, wanted - first), first))
        on.until_ready(batch, 300.0, pause=0.5)
    return time.monotonic() - began


def _costs(on: Stand, present: int) -> list[Cost]:
    return [_cost(on, name) for name in names("fleet", TRIES, present)]


def _cost(on: Stand, name: str) -> Cost:
    """The cost of one connector more, without the CPU time that passes anyway."""
    on.until_quiet()
    idle = _idle_rate(on)
    before, computed, began = on.mark(), on.cpu_seconds, time.monotonic()
    on.apply_ready([name])
    anyway = idle * (time.monotonic() - began)
    return Cost(len(on.calls(before)), len(on.writes(before)), on.cpu_seconds - computed - anyway)


def _idle_rate(on: Stand) -> float:
    """CPU seconds a second."""
    computed, began = on.cpu_seconds, time.monotonic()
    time.sleep(_BASELINE_SECONDS)
    return (on.cpu_seconds - computed) / (time.monotonic() - began)


def _compare(report: Report, few: Sequence[Cost], most: Sequence[Cost]) -> None:
    for what, of_few, of_most in (
        ("AWS calls", [cost.calls for cost in few], [cost.calls for cost in most]),
        ("Kubernetes writes", [cost.writes for cost in few], [cost.writes for cost in most]),
    ):
        before, after = median(of_few), median(of_most)
        _judge(report, what, f"{after:g}", f"{before:g}", holds=after <= before)
    times = [cost.cpu for cost in few], [cost.cpu for cost in most]
    before, after = map(median, times)
    allowed = before + max(*map(_spread, times), NOISE * before)
    _judge(report, "operator CPU time", f"{after * 1000:.0f} ms", f"{before * 1000:.0f} ms", holds=after <= allowed)
    report.tables.append(_tries(few, most))


def _judge(report: Report, what: str, measured: str, before: str, *, holds: bool) -> None:
    name = f"one connector more at {MOST}: {what}, median of {TRIES}"
    report.add(name, measured, f"as at {FEW}: {before}, within noise", holds=holds)


def _spread(values: Sequence[float]) -> float:
    """The interquartile range."""
    low, _, high = quantiles(values, n=4)
    return high - low


def _tries(few: Sequence[Cost], most: Sequence[Cost]) -> Table:
    rows = [
        (str(size), " ".join(str(one.calls) for one in costs), " ".join(str(one.writes) for one in costs), _cpu(costs))
        for size, costs in ((FEW, few), (MOST, most))
    ]
    return table("One connector more, each try", ("connectors", "AWS calls", "Kubernetes writes", "CPU time, ms"), rows)


def _cpu(costs: Sequence[Cost]) -> str:
    return " ".join(f"{one.cpu * 1000:.0f}" for one in costs)
