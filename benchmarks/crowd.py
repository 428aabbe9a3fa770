"""A hundred connectors at once, with the default limit on IAM calls and without any."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any, Final

from benchmarks.ceiling import ceiling
from benchmarks.limits import DEFAULT_IAM_RATE, NO_LIMIT
from benchmarks.report import Report
from benchmarks.stand import Stand, names, stand
from sandbox.aws import Calls
from sandbox.surroundings import Surroundings

CONNECTORS: Final = 100
SLACK: Final = 1.2
PATIENCE: Final = 400.0


@dataclass(frozen=True)
class Rush:
    """How it went, from the first apply until all are Ready.

    Attributes:
        seconds: How long it took.
        calls: The calls to IAM meanwhile.
        cpu: What the operator computed meanwhile, in seconds.
    """

    seconds: float
    calls: Calls
    cpu: float

    @property
    def rate(self) -> float:
        """IAM calls a second."""
        return len(self.calls) / self.seconds


def measure(around: Surroundings) -> Report:
    """Let the crowd come twice, each time to an operator of its own."""
    report = Report()
    limited, _ = _rush(around, {})
    least = len(limited.calls) / DEFAULT_IAM_RATE
    each = len(limited.calls) / CONNECTORS
    report.add(
        f"{CONNECTORS} connectors at once until all are Ready, with the default limit of {DEFAULT_IAM_RATE:.0f}/s",
        f"{limited.seconds:.0f} s = {limited.seconds / least:.2f} x ({len(limited.calls)} calls / limit)",
        f"<= {SLACK} x (calls / limit)",
        holds=limited.seconds <= SLACK * least,
    )
    report.add("IAM calls for each of them meanwhile, the look after IAM has settled included", f"{each:.1f}")
    free, most = _rush(around, NO_LIMIT)
    report.add("the same without a limit", f"{free.seconds:.1f} s, {free.rate:.0f} calls/s")
    report.add("the operator's CPU time meanwhile, for each of them", f"{free.cpu / CONNECTORS * 1000:.0f} ms")
    report.add("what the sandbox's AWS answers, the same calls without an operator", f"{most:.0f} calls/s")
    report.add("the operator's share of that", f"{free.rate / most:.0%}")
    return report


def _rush(around: Surroundings, values: dict[str, Any]) -> tuple[Rush, float]:
    """Let them come; return how it went and AWS' own ceiling right after."""
    with stand(around, **values) as on:
        on.apply_ready(["warm"])
        before, computed, began = on.mark(), on.cpu_seconds, time.monotonic()
        crowd = names("crowd", CONNECTORS)
        on.apply(crowd)
        on.until_ready(crowd, PATIENCE, pause=0.3)
        seconds, cpu = time.monotonic() - began, on.cpu_seconds - computed
        rush = Rush(seconds, on.calls(before).of(service="iam"), cpu)
        on.until_quiet(2.0, patience=PATIENCE)  # each is looked at once more when IAM has settled
        return rush, _ceiling(on, rush.calls) if values else 0.0


def _ceiling(on: Stand, calls: Calls) -> float:
    """What made the first role of the crowd, played again for as many others."""
    role = next(call.parameters["RoleName"] for call in calls if call.operation == "CreateRole")
    made = [call for call in calls.of(parameters={"RoleName": role}) if call.operation != "GetRolePolicy"]
    return ceiling(on.aws, on.account, made, CONNECTORS)
