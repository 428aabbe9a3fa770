"""Up to thousands of connectors under one operator: its memory, and what one connector more costs."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median, quantiles
from typing import Any, Final

from rich.table import Table

from benchmarks.limits import NO_LIMIT
from benchmarks.report import Report, table
from benchmarks.stand import Stand, names, stand
from sandbox.surroundings import Surroundings

FEW, MANY, MOST = 10, 100, 1000
LARGEST: Final = 5000
IDLE_BOUND: Final = 130
MOST_BOUND: Final = 225
"""MiB."""

TRIES: Final = 5
BATCH: Final = 10
"""How many connectors more each try adds: one alone is lost in what the operator computes anyway."""

NOISE: Final = {"AWS calls": 0.1, "Kubernetes writes": 0.1, "operator CPU time in ms": 0.25}
"""What a median may be larger by chance, as a part of it, if the tries do not show more: a look here and there that
would have come anyway, another load of the machine."""

VALUES: Final[dict[str, Any]] = {**NO_LIMIT, "resyncSeconds": 86_400, "secretPollSeconds": 60}
"""Quiet but for what is measured: routine looks are a figure of their own."""

SETTLING: Final = 62.0
"""Seconds after which the operator has looked once more at what it changed, because IAM may show it late."""

_BASELINE_SECONDS: Final = 4.0
_PATIENCE: Final = 900.0
_LONG_PATIENCE: Final = 3600.0


@dataclass(frozen=True)
class Cost:
    """What each connector of a try cost until all were Ready and nothing happened any more.

    Attributes:
        calls: Calls to AWS.
        writes: Writes to Kubernetes.
        cpu: Seconds that the operator computed, without those that pass anyway.
        idle: Those that pass anyway, in a second.
    """

    calls: float
    writes: float
    cpu: float
    idle: float


def measure(around: Surroundings) -> Report:
    """Let the fleet grow; weigh the operator at each size, and one connector more at the first and the last."""
    report = Report()
    around.aws.roles_per_account = 2 * MOST
    with stand(around, **VALUES) as on:
        on.until_quiet(3.0)
        _weigh(report, on, 0, IDLE_BOUND)
        _grow(on, 0, FEW)
        few = _costs(on, FEW)
        _grow(on, FEW + TRIES * BATCH, MANY)
        on.until_quiet(3.0)
        _weigh(report, on, MANY)
        seconds = _grow(on, MANY, MOST)
        on.until_quiet(SETTLING, patience=4 * SETTLING)
        _weigh(report, on, MOST, MOST_BOUND)
        report.add("its largest so far", f"{on.peak_memory:.0f} MiB")
        report.add(f"connectors a second on the way from {MANY} to {MOST}", f"{(MOST - MANY) / seconds:.1f}")
        _compare(report, few, _costs(on, MOST))
    return report


def measure_largest(around: Surroundings) -> Report:
    """Weigh the operator with as many connectors as one process is ever likely to have; nothing of it is a bound."""
    report = Report()
    around.aws.roles_per_account = 2 * LARGEST
    with stand(around, **VALUES) as on:
        seconds = _grow(on, 0, LARGEST, _LONG_PATIENCE)
        on.until_quiet(SETTLING, patience=20 * SETTLING)
        _weigh(report, on, LARGEST)
        report.add("its largest so far", f"{on.peak_memory:.0f} MiB")
        report.add(f"connectors a second on the way to {LARGEST}", f"{LARGEST / seconds:.1f}")
        report.add(
            f"the operator's CPU with {LARGEST} connectors when nothing happens", f"{_idle_rate(on):.1%} of a core"
        )
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


def _grow(on: Stand, present: int, wanted: int, patience: float = _PATIENCE) -> float:
    """Add connectors, all at once; return the seconds until the last is Ready."""
    began = time.monotonic()
    on.apply(added := names("fleet", wanted - present, present))
    on.until_ready(added, patience, pause=0.5 + len(added) / 500)
    return time.monotonic() - began


def _costs(on: Stand, present: int) -> list[Cost]:
    return [_cost(on, names("fleet", BATCH, present + BATCH * number)) for number in range(TRIES)]


def _cost(on: Stand, added: Sequence[str]) -> Cost:
    idle = _idle_rate(on)
    before, computed, began = on.mark(), on.cpu_seconds, time.monotonic()
    on.apply_ready(added)
    computed = on.cpu_seconds - computed - idle * (time.monotonic() - began)
    return Cost(len(on.calls(before)) / BATCH, len(on.writes(before)) / BATCH, computed / BATCH, idle)


def _idle_rate(on: Stand) -> float:
    """CPU seconds a second."""
    computed, began = on.cpu_seconds, time.monotonic()
    time.sleep(_BASELINE_SECONDS)
    return (on.cpu_seconds - computed) / (time.monotonic() - began)


def _compare(report: Report, few: Sequence[Cost], most: Sequence[Cost]) -> None:
    for what, of_few, of_most in (
        ("AWS calls", [cost.calls for cost in few], [cost.calls for cost in most]),
        ("Kubernetes writes", [cost.writes for cost in few], [cost.writes for cost in most]),
        ("operator CPU time in ms", [cost.cpu * 1000 for cost in few], [cost.cpu * 1000 for cost in most]),
    ):
        before, after = median(of_few), median(of_most)
        noise = max(_spread(of_few), _spread(of_most), NOISE[what] * before)
        report.add(
            f"one connector more at {MOST}: {what}, median of {TRIES} tries with {BATCH} each",
            f"{after:.3g}",
            f"as at {FEW}: {before:.3g}, within noise: {noise:.2g}",
            holds=after <= before + noise,
        )
    idle = median(cost.idle for cost in most)
    report.add(f"the operator's CPU with {MOST} connectors when nothing happens", f"{idle:.1%} of a core")
    report.tables.append(_tries(few, most))


def _spread(values: Sequence[float]) -> float:
    """The interquartile range."""
    low, _, high = quantiles(values, n=4)
    return high - low


def _tries(few: Sequence[Cost], most: Sequence[Cost]) -> Table:
    rows = [
        (
            str(size),
            _told(one.calls for one in costs),
            _told(one.writes for one in costs),
            _told(one.cpu * 1000 for one in costs),
        )
        for size, costs in ((FEW, few), (MOST, most))
    ]
    title = f"One connector more, in each try the mean of {BATCH}"
    return table(title, ("connectors", "AWS calls", "Kubernetes writes", "CPU time, ms"), rows)


def _told(values: Iterable[float]) -> str:
    return " ".join(f"{value:.3g}" for value in values)
