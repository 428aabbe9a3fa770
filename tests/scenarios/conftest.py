"""Each scenario has a namespace, an account and an operator process of its own, so that all run side by side."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from typing import Any

import pytest

from sandbox.aws import Account, FrontDoor
from sandbox.aws.account import Partition
from sandbox.controlplane import ControlPlane
from sandbox.installation import Installation
from sandbox.surroundings import Surroundings, surroundings
from tests.scenarios.cluster import Cluster
from tests.scenarios.organization import OrganizationScenario
from tests.scenarios.scenario import TOKEN, Scenario

StartScenario = Callable[..., Scenario]
StartOrganization = Callable[..., OrganizationScenario]
NO_LIMIT = {"perSecond": 10_000, "burst": 10_000}
NO_LIMITS = dict.fromkeys(("cloudformation", "iam", "organizations", "sso-admin", "sts"), NO_LIMIT)
"""For scenarios in which the limit of AWS calls is not the subject."""


@pytest.fixture(scope="session")
def around(control_plane: ControlPlane) -> Iterator[Surroundings]:
    with surroundings(control_plane) as around:
        yield around


@pytest.fixture
def start(around: Surroundings) -> Iterator[StartScenario]:
    """Start a scenario, with chart values (or a function from its namespace to them) and variables of its own."""
    yield from starting(around)


@pytest.fixture
def start_organization(around: Surroundings) -> Iterator[StartOrganization]:
    """Start a scenario in an organization of its own, both accounts of which are bootstrapped by stacks.

    Takes a partition, whether the cluster is in the management account itself, the administrator's own template (or
    that the operator sends its own), chart values, what is else in the chart's entry of the management account (or a
    function from the namespace to it), and variables. Steps of stacks take no time at first; a test that sets
    `aws.stack_step_seconds` need not set it back.
    """
    yield from _starting_organizations(around)


@pytest.fixture
def organization(start_organization: StartOrganization) -> OrganizationScenario:
    """A scenario in an organization of its own, whose unit is granted to the scenario's namespace."""
    return start_organization()


@pytest.fixture(scope="module")
def shared_organization(around: Surroundings) -> Iterator[OrganizationScenario]:
    """A scenario in an organization, for tests of one module that only look at what a manifest becomes."""
    starting = _starting_organizations(around)
    yield next(starting)()
    next(starting, None)


@pytest.fixture(scope="module")
def shared_scenario(around: Surroundings) -> Iterator[Scenario]:
    """A scenario for tests of one module that only look at what a manifest becomes."""
    scenarios = starting(around)
    yield next(scenarios)()
    next(scenarios, None)


@pytest.fixture
def scenario(start: StartScenario) -> Scenario:
    """A scenario with the chart's defaults."""
    return start()


def starting(around: Surroundings) -> Iterator[StartScenario]:
    """Yield what starts scenarios, and then end them."""
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
            namespace = new_namespace()
            chart = _chart_values(namespace, values)
            installed = Installation.install(around.control_plane, around.aws, account, namespace, chart)
            installation = replace(installed, preloaded=True)
            operator = stack.enter_context(installation.start(**environment))
            scenario = Scenario(*_seen(around, installation), operator, _issuer(around))
            started.append(scenario)
            return scenario

        yield start
        for scenario in started:
            _tells_no_secret(scenario)


def _starting_organizations(around: Surroundings) -> Iterator[StartOrganization]:
    with ExitStack() as stack:
        started: list[OrganizationScenario] = []

        def start(
            *,
            partition: Partition = "aws",
            template: str | None = None,
            template_body: bool = False,
            values: Callable[[str], dict[str, Any]] | dict[str, Any] | None = None,
            management_account: Callable[[str], dict[str, Any]] | dict[str, Any] | None = None,
            in_management_account: bool = False,
            **environment: str,
        ) -> OrganizationScenario:
            account = around.create_account(partition)
            made = (around.create_organization_of if in_management_account else around.create_organization)(account)
            managed = replace(made, template=template, template_body=template_body)
            namespace = new_namespace()
            installed = Installation.install_for_organization(
                around.control_plane,
                around.aws,
                account,
                managed,
                namespace,
                _chart_values(namespace, values),
                {"namespaces": [namespace], **_own(namespace, management_account)},
            )
            installation = replace(installed, preloaded=True)
            operator = stack.enter_context(installation.start(**environment))
            scenario = OrganizationScenario(*_seen(around, installation), operator, _issuer(around), managed)
            started.append(scenario)
            return scenario

        yield start
        around.aws.stack_step_seconds = 0
        for scenario in started:
            _tells_no_secret(scenario, str(scenario.entry["externalId"]))


def new_namespace() -> str:
    return f"scenario-{secrets.token_hex(4)}"


def _own(namespace: str, given: Callable[[str], dict[str, Any]] | dict[str, Any] | None) -> dict[str, Any]:
    return given(namespace) if callable(given) else given or {}


def _chart_values(namespace: str, values: Callable[[str], dict[str, Any]] | dict[str, Any] | None) -> dict[str, Any]:
    usual = {"watchNamespaces": [namespace], "secretPollSeconds": 1, "stackPollSeconds": 1, "awsRateLimits": NO_LIMITS}
    return {**usual, **_own(namespace, values)}


def _seen(around: Surroundings, installation: Installation) -> tuple[Cluster, FrontDoor, Account, Installation]:
    cluster = Cluster(around.control_plane.kubeconfig, installation.namespace)
    return cluster, around.aws, installation.account, installation


def _issuer(around: Surroundings) -> str:
    return around.control_plane.issuer.removeprefix("https://")


def _tells_no_secret(scenario: Scenario, *others: str) -> None:
    """Whatever a scenario was about: no log, Event or status may hold the token or a credential, nor *others*."""
    events = [event["message"] for event in scenario.cluster.list("Event")]
    connectors = scenario.cluster.list("AponoConnector")
    told = "\n".join([scenario.operator.log, *events, *(str(one.get("status")) for one in connectors)])
    assert TOKEN not in told
    assert re.findall(r"\bASIA[A-Z0-9]{16}\b", told) == []
    assert [other for other in others if other in told] == []
