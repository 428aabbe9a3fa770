"""AWS denies everything for half a minute, as when somebody takes a policy from the operator's role."""

from __future__ import annotations

import threading
import time
from collections import Counter
from typing import Final

from benchmarks.cluster import is_ready
from benchmarks.report import Report
from benchmarks.stand import Mark, Stand, names, stand
from benchmarks.waiting import until
from sandbox.aws import Fault, access_denied
from sandbox.surroundings import Surroundings

DENIED_SECONDS: Final = 30.0
BOUND: Final = 30.0
WRITES_BOUND: Final = 2
EACH: Final = 4
"""How many connectors of each kind: when each tries again is partly chance."""

_TOLD: Final = ("aponoconnectors/status", "events")


def measure(around: Surroundings) -> Report:
    """Deny IAM to connectors that are new, and to others whose manifest changes."""
    report = Report()
    new, changed = names("new", EACH), names("changed", EACH)
    with stand(around) as on:
        on.apply_ready(changed)
        before = on.mark()
        fault = Fault(access_denied(), service="iam", account=on.account, times=None)
        with on.aws.faults.during(fault):
            on.apply(new)
            on.apply(changed, permissions="FullAccess")
            threading.Event().wait(DENIED_SECONDS)
            writes = _told(on, before)
        ready = _ready_times(on, [*new, *changed], time.monotonic())
    for kind, connectors in (("new", new), ("changed", changed)):
        slowest = max(ready[name] for name in connectors)
        most = max(writes[name] for name in connectors)
        report.add(
            f"from the end of {DENIED_SECONDS:.0f} s of AccessDenied until Ready, the slowest of {EACH} {kind} ones",
            f"{slowest:.1f} s",
            f"<= {BOUND:.0f} s",
            holds=slowest <= BOUND,
        )
        report.add(
            f"writes of status and Events in these, the most of any {kind} one",
            str(most),
            f"<= {WRITES_BOUND}",
            holds=0 < most <= WRITES_BOUND,
        )
    report.add("calls that AWS denied meanwhile, for each connector", f"{fault.fired / (2 * EACH):.1f}")
    return report


def _ready_times(on: Stand, connectors: list[str], began: float) -> dict[str, float]:
    """The seconds until each connector is Ready."""
    ready: dict[str, float] = {}

    def look() -> bool:
        found = on.cluster.connectors()
        for name in connectors:
            if name not in ready and is_ready(found[name]):
                ready[name] = time.monotonic() - began
        return len(ready) == len(connectors)

    until("all are Ready again", look, 4 * BOUND)
    return ready


def _told(on: Stand, since: Mark) -> Counter[str]:
    """How often each connector's status was written or an Event about it posted, by its name."""
    return Counter(write.name.partition(".")[0] for write in on.writes(since) if write.resource in _TOLD)
