"""Mode Organization: what a look with nothing to do costs, a hundred connectors at once, and many member accounts."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping
from typing import Any, Final

from benchmarks.report import Report, table
from benchmarks.stand import Stand, names, stand
from benchmarks.steady import RESYNC_SECONDS, looks_of
from benchmarks.waiting import until
from sandbox.aws import Calls
from sandbox.bootstrap import ManagedOrganization
from sandbox.surroundings import Surroundings

CONNECTORS: Final = 100
MEMBERS: Final = 200
SLACK: Final = 1.2
PATIENCE: Final = 600.0
LIMITS: Final[Mapping[str, float]] = {"iam": 5.0, "cloudformation": 10.0}
"""Calls a second: to IAM as many as the chart's default; to CloudFormation five times as many, to come to an end."""


def measure(around: Surroundings) -> Report:
    """Measure all three, each with an organization of its own."""
    report = Report()
    _resync(around, report)
    _crowd(around, report)
    _members(around, report)
    return report


def _resync(around: Surroundings, report: Report, connectors: int = 3) -> None:
    """Look on while connectors with which all is well are looked at again."""
    managed = around.create_organization_of(around.aws.create_account())
    with stand(around, managed, resyncSeconds=RESYNC_SECONDS, stackPollSeconds=1) as on:
        on.apply_ready(names("steady", connectors), target=_target(managed))
        on.until_quiet(2.0)
        before = on.mark()
        until("each role is looked at twice", lambda: len(_looks(on, before)) >= 2 * connectors, 120)
        looks = [look for look in _looks(on, before) if "GetRole" in look]
        there, writes = on.management_calls(before, managed), on.writes(before)
    most = max(map(len, looks))
    each = len(there) / len(looks)
    report.add("IAM reads in a steady resync, the most of any connector", str(most), "<= 2", holds=most <= 2)
    report.add(
        "calls in the management account in the same, for each look",
        f"{each:.2f} ({_told(there)})",
        "<= 1",
        holds=each <= 1,
    )
    report.add("Kubernetes writes in the same", str(len(writes)), "0", holds=not writes)


def _looks(on: Stand, since: Any) -> list[list[str]]:
    return looks_of(on.calls(since).of(service="iam"))


def _crowd(around: Surroundings, report: Report) -> None:
    """Let a hundred come at once, into one management account, with the default limits of calls."""
    managed = around.create_organization_of(around.aws.create_account())
    limits = {service: {"perSecond": rate, "burst": 10} for service, rate in LIMITS.items()}
    with stand(around, managed, awsRateLimits=limits) as on:
        crowd, before, began = names("crowd", CONNECTORS), on.mark(), time.monotonic()
        on.apply(crowd, target=_target(managed))
        on.until_ready(crowd, PATIENCE, pause=1.0)
        seconds = time.monotonic() - began
        calls = Calls([*on.calls(before), *on.management_calls(before, managed)])
    services = Counter(call.service for call in calls)
    least = {service: services[service] / limit for service, limit in LIMITS.items()}
    slowest = max(least, key=lambda service: least[service])
    report.add(
        f"{CONNECTORS} connectors on one management account until all are Ready, with limits",
        f"{seconds:.0f} s = {seconds / least[slowest]:.2f} x ({services[slowest]} calls of {slowest} / limit)",
        f"<= {SLACK} x",
        holds=seconds <= SLACK * least[slowest],
    )
    rows = [(name, f"{number / CONNECTORS:.1f}") for name, number in Counter(map(_name, calls)).most_common()]
    report.tables.append(table("Calls for each of them until all are Ready", ("call", "each"), rows))


def _members(around: Surroundings, report: Report) -> None:
    """Let one connector manage many accounts."""
    managed = around.create_organization_of(around.aws.create_account())
    for _ in range(MEMBERS - 1):
        managed.organization.join(around.aws.create_account(), managed.unit)
    with stand(around, managed, stackPollSeconds=1) as on:
        before, began = on.mark(), time.monotonic()
        on.apply(["many"], target=_target(managed))
        until("all accounts have their role", lambda: _current(on) == MEMBERS, PATIENCE)
        seconds = time.monotonic() - began
        looks = on.management_calls(before, managed).of(operation="ListStackInstances")
    report.add(f"one connector with {MEMBERS} member accounts, until all have the role", f"{seconds:.1f} s")
    pages = MEMBERS / 100
    report.add(
        "calls to count them, all looks together",
        str(len(looks)),
        f"a page of 100 each: {pages:.0f} a look",
        holds=True,
    )


def _current(on: Stand) -> int:
    members = on.cluster.connectors()["many"].get("status", {}).get("memberAccounts") or {}
    return int(members.get("current", 0))


def _target(managed: ManagedOrganization) -> dict[str, str]:
    ids = {"organizationId": managed.organization.id, "organizationUnitId": managed.unit.id}
    return {"mode": "Organization", **ids}


def _name(call: Any) -> str:
    return f"{call.service}:{call.operation}"


def _told(calls: Calls) -> str:
    return ", ".join(f"{number} {name}" for name, number in Counter(call.operation for call in calls).most_common())
