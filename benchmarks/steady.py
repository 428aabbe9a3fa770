"""What the operator costs while there is nothing to do: a resync, and a restart."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Sequence
from typing import Final

from benchmarks.report import Report, table
from benchmarks.stand import Mark, Stand, names, stand
from benchmarks.waiting import until
from sandbox.aws import Calls
from sandbox.controlplane import Write
from sandbox.surroundings import Surroundings

RESYNC_SECONDS: Final = 10
"""The shortest that may be set; the default of 600 costs the same each time."""

CALLS_BOUND: Final = 2


def measure_resync(around: Surroundings, *, connectors: int = 3, resyncs: int = 2) -> Report:
    """Look on while connectors with which all is well are looked at again."""
    report = Report()
    with stand(around, resyncSeconds=RESYNC_SECONDS) as on:
        on.apply_ready(names("steady", connectors))
        before = on.mark()
        until("each role is looked at again", lambda: _looks(on, before, connectors, resyncs), 60 * resyncs)
        on.until_quiet()
        calls, writes = on.calls(before), on.writes(before)
    looks = looks_of(calls)
    most = len(_longest(looks))
    others = [call.operation for call in calls if "RoleName" not in call.parameters]
    report.add(
        "AWS calls in a steady resync, the most of any connector",
        f"{most} ({', '.join(_longest(looks))}); {len(looks)} looks, {len(others)} other calls",
        f"<= {CALLS_BOUND}",
        holds=0 < most <= CALLS_BOUND and not others,
    )
    _judge_writes(report, "Kubernetes writes in a steady resync", writes, len(looks), "looks")
    return report


def measure_restart(around: Surroundings, *, connectors: int = 10) -> Report:
    """Restart the operator beside connectors with which all is well."""
    report = Report()
    with stand(around) as on:
        on.apply_ready(names("settled", connectors))
        before, began = on.mark(), time.monotonic()
        on.restart()
        until("each role is looked at", lambda: _looks(on, before, connectors, 1), 60)
        seconds = time.monotonic() - began
        on.until_quiet(2.0)
        calls, writes = on.calls(before), on.writes(before)
    looks = looks_of(calls)
    shared = [call.operation for call in calls if "RoleName" not in call.parameters]
    _judge_writes(report, "Kubernetes writes of a restart with nothing to do", writes, connectors, "connectors")
    report.add("AWS calls of a restart, for each connector", f"{sum(map(len, looks)) / connectors:.1f}")
    report.add("AWS calls of a restart, once for the operator", f"{len(shared)} ({', '.join(shared)})")
    report.add(f"from the stop until {connectors} connectors were looked at", f"{seconds:.1f} s")
    report.tables.append(table("A look after a restart", ("call",), [(operation,) for operation in _longest(looks)]))
    return report


def _longest(looks: Sequence[list[str]]) -> list[str]:
    longest = max(map(len, looks), default=0)
    return next((look for look in looks if len(look) == longest), [])


def looks_of(calls: Calls) -> list[list[str]]:
    """The operations of each look at a role; a look begins with `GetRole`."""
    of_role: dict[str, list[list[str]]] = defaultdict(list)
    for call in calls:
        role = call.parameters.get("RoleName")
        if role is None:
            continue
        if call.operation == "GetRole" or not of_role[role]:
            of_role[role].append([])
        of_role[role][-1].append(call.operation)
    return [look for looks in of_role.values() for look in looks]


def _looks(on: Stand, since: Mark, connectors: int, times: int) -> bool:
    """Whether each connector's role has been looked at so many times."""
    seen: dict[str, int] = defaultdict(int)
    for call in on.calls(since).of(operation="GetRole"):
        seen[call.parameters["RoleName"]] += 1
    return sum(number >= times for number in seen.values()) >= connectors


def _judge_writes(report: Report, name: str, writes: Sequence[Write], number: int, of_what: str) -> None:
    told = "; ".join(sorted({f"{write.verb} {write.resource}" for write in writes}))
    measured = f"{len(writes)} in {number} {of_what}" + (f" ({told})" if told else "")
    report.add(name, measured, "0", holds=not writes)
