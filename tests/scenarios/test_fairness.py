"""Who is served while AWS is slow, hangs or refuses: the limit of calls is shared fairly, and a stop stays quick."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from apono_operator.state.resources import Cluster, Owner
from sandbox.aws import Fault, Hang, access_denied
from sandbox.aws.faults import Effect
from tests.scenarios.conftest import NO_LIMITS, StartScenario
from tests.scenarios.scenario import CHILD, NAME, Scenario
from tests.waiting import until

SLACK = 10.0
"""Seconds that the cluster may take beside what the limit of AWS calls takes."""

LOOK = {"metadata": {"annotations": {"apono.io/reconcile-at": "now"}}}


def limits(per_second: float, burst: int) -> dict[str, Any]:
    return {**NO_LIMITS, "iam": {"perSecond": per_second, "burst": burst}}


def names(kind: str, count: int) -> list[str]:
    return [f"{kind}-{number}" for number in range(count)]


def role_name(scenario: Scenario, name: str) -> str:
    cluster = Cluster(scenario.issuer, scenario.account.account_id, scenario.account.partition)
    return cluster.role_name(Owner(scenario.cluster.namespace, name, "any"))


def iam_calls(scenario: Scenario, mark: int) -> list[str]:
    return scenario.operator_calls(mark).of(service="iam").operations


def roles_looked_at(scenario: Scenario, mark: int) -> set[str]:
    looks = scenario.operator_calls(mark).of(operation="GetRole")
    return {look.parameters["RoleName"] for look in looks}


def apply_all(scenario: Scenario, connectors: list[str]) -> None:
    for name in connectors:
        scenario.apply(name)


def all_ready(scenario: Scenario, connectors: list[str], seconds: float = 100.0) -> None:
    deadline = time.monotonic() + seconds
    for name in connectors:
        scenario.ready(name, seconds=max(deadline - time.monotonic(), 0.1))


@contextmanager
def suffering(scenario: Scenario, effect: Effect, operation: str, connectors: list[str]) -> Iterator[list[Fault]]:
    """Keep calls for the roles of some connectors suffering."""
    roles = [role_name(scenario, name) for name in connectors]
    faults = [Fault(effect, operation=operation, parameters={"RoleName": role}, times=None) for role in roles]
    with ExitStack() as stack:
        yield [stack.enter_context(scenario.aws.faults.during(fault)) for fault in faults]


def test_two_that_fail_for_ever_and_five_that_hang_slow_forty_others_by_their_calls_alone(start: StartScenario) -> None:
    rate, burst = 20, 20
    scenario = start(values={"awsRateLimits": limits(rate, burst)})
    scenario.create_token()
    hanging, failing, good = names("hanging", 5), names("failing", 2), names("good", 40)

    with (
        suffering(scenario, Hang(), "CreateRole", hanging) as hangs,
        suffering(scenario, access_denied(), "CreateRole", failing) as denials,
    ):
        apply_all(scenario, [*hanging, *failing])
        until("all of them are in trouble", lambda: all(fault.fired for fault in [*hangs, *denials]))
        mark = scenario.aws.calls.mark()
        began = time.monotonic()
        apply_all(scenario, good)
        all_ready(scenario, good)
        took = time.monotonic() - began
        calls = len(iam_calls(scenario, mark))

    assert took < calls / rate + SLACK
    assert calls < 10 * len(good)  # seven each: those in trouble do not make more of their own than that


def test_after_a_start_a_new_connector_goes_ahead_of_all_that_are_well(start: StartScenario) -> None:
    scenario = start()
    scenario.create_token()
    healthy = names("healthy", 40)
    apply_all(scenario, healthy)
    all_ready(scenario, healthy)
    scenario.operator.stop()

    mark = scenario.aws.calls.mark()
    with scenario.installation.start(APONO_OPERATOR_AWS_RATE_LIMITS=json.dumps(limits(2, 2))) as operator:
        scenario.operator = operator
        until("the healthy ones are being looked at", lambda: roles_looked_at(scenario, mark))
        scenario.apply()
        scenario.ready(seconds=20)
        looked_at = roles_looked_at(scenario, mark)

    assert len(looked_at) < len(healthy) / 4  # in the order of arrival it would be the last of all


def test_calls_keep_to_the_limit_of_the_whole_operator(start: StartScenario) -> None:
    rate, burst = 5, 10
    scenario = start(values={"awsRateLimits": limits(rate, burst)})
    scenario.create_token()
    mark = scenario.aws.calls.mark()

    apply_all(scenario, names("good", 10))
    all_ready(scenario, names("good", 10))

    times = sorted(call.time.timestamp() for call in scenario.operator_calls(mark).of(service="iam"))
    in_a_second = max(sum(0 <= later - moment < 1 for later in times) for moment in times)
    assert in_a_second <= burst + rate + 1  # one may have left late and one early


def test_a_child_is_mended_at_once_while_every_look_at_aws_hangs(start: StartScenario) -> None:
    scenario = start(values={"workers": 4})
    scenario.apply_ready()
    hanging = names("hanging", 6)

    with suffering(scenario, Hang(), "GetRole", hanging) as hangs:
        apply_all(scenario, hanging)
        until("three looks hang, all that four workers allow", lambda: sum(fault.fired for fault in hangs) == 3)
        scenario.cluster.patch("AponoConnector", NAME, LOOK)  # and so it stands in line itself
        before = scenario.cluster.get("Deployment", CHILD) or {}
        scenario.cluster.delete("Deployment", CHILD)

        def is_back() -> bool:
            child = scenario.cluster.get("Deployment", CHILD)
            return child is not None and child["metadata"]["uid"] != before["metadata"]["uid"]

        until("the Deployment is back", is_back, seconds=10)
        assert sum(fault.fired for fault in hangs) == 3


def test_a_stop_does_not_wait_for_calls_that_wait_for_the_limit(start: StartScenario) -> None:
    scenario = start(values={"awsRateLimits": limits(0.1, 1)})
    scenario.create_token()
    mark = scenario.aws.calls.mark()
    apply_all(scenario, names("waiting", 20))
    until("the only call was made", lambda: iam_calls(scenario, mark))

    began = time.monotonic()
    scenario.operator.stop()
    took = time.monotonic() - began

    assert took < 5
    assert scenario.operator.exit_status == 0
    assert len(iam_calls(scenario, mark)) <= 2
