"""Each scenario has a namespace, an account and an operator process of its own, so that all run side by side."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from sandbox.aws.account import Partition
from sandbox.controlplane import ControlPlane
from sandbox.installation import Installation
from sandbox.surroundings import Surroundings, surroundings
from tests.scenarios.cluster import Cluster
from tests.scenarios.scenario import TOKEN, Scenario

StartScenario = Callable[..., Scenario]
NO_LIMIT = {"perSecond": 10_000, "burst": 10_000}
NO_LIMITS = {"iam": NO_LIMIT, "sts": NO_LIMIT}
"""For scenarios in which the limit of AWS calls is not the subject."""


@pytest.fixture(scope="session")
def around(control_plane: ControlPlane) -> Iterator[Surroundings]:
    with surroundings(control_plane) as around:
        yield around


@pytest.fixture
def start(around: Surroundings) -> Iterator[StartScenario]:
    """Start a scenario, with chart values (or a function from its namespace to them) and variables of its own."""
    yield from _starting(around)


@pytest.fixture(scope="module")
def shared_scenario(around: Surroundings) -> Iterator[Scenario]:
    """A scenario for tests of one module that only look at what a manifest becomes."""
    starting = _starting(around)
    yield next(starting)()
    next(starting, None)


@pytest.fixture
def scenario(start: StartScenario) -> Scenario:
    """A scenario with the chart's defaults."""
    return start()


def _starting(around: Surroundings) -> Iterator[StartScenario]:
    with ExitStack() as stack:
        started: list[Scenario] = []

        def start(
            *,
            partition: Partition = "aws",
            account_id: str | None = None,
            with_provider: bool = True,
            values: Callable[[str], dict[str, Any]] | dict[str, Any] | None = None,
            **environment: str,
        ) -> Scenario:
            account = around.create_account(partition, account_id, with_provider=with_provider)
            namespace = f"scenario-{secrets.token_hex(4)}"
            own = values(namespace) if callable(values) else values or {}
            chart = {"watchNamespaces": [namespace], "secretPollSeconds": 1, "awsRateLimits": NO_LIMITS, **own}
            installation = Installation.install(around.control_plane, around.aws, account, namespace, chart)
            operator = stack.enter_context(installation.start(**environment))
            cluster = Cluster(around.control_plane.kubeconfig, namespace)
            issuer = around.control_plane.issuer.removeprefix("https://")
            scenario = Scenario(cluster, around.aws, account, installation, operator, issuer)
            started.append(scenario)
            return scenario

        yield start
        for scenario in started:
            _tells_no_secret(scenario)


def _tells_no_secret(scenario: Scenario) -> None:
    """Whatever a scenario was about: no log, Event or status may hold the token or a credential."""
    events = [event["message"] for event in scenario.cluster.list("Event")]
    connectors = scenario.cluster.list("AponoConnector")
    told = "\n".join([scenario.operator.log, *events, *(str(one.get("status")) for one in connectors)])
    assert TOKEN not in told
    assert "ASIA" not in told
