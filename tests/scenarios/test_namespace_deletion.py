"""A namespace is deleted with connectors in it: it goes, and nothing of them is left in AWS.

Kubernetes deletes what is in a namespace in an order of its own, the operator's rights there among the first.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from sandbox.aws import Fault, access_denied
from sandbox.controlplane import ControlPlane
from sandbox.installation import Installation
from sandbox.surroundings import Surroundings, surroundings
from tests.scenarios.cluster import Cluster
from tests.scenarios.conftest import StartScenario
from tests.scenarios.scenario import NAME, TOKEN_SECRET, Scenario
from tests.waiting import until

KOPF_GIVES_UP = 90.0
"""Seconds within which kopf, left to itself, would have given up, and ended, what it may not watch."""


def team_of(own: str) -> str:
    return f"{own}-team"


def two_namespaces(own: str) -> dict[str, Any]:
    """Chart values: the operator's own namespace, and one that will be deleted."""
    both = [own, team_of(own)]
    return {"watchNamespaces": both, "grants": [{"namespaces": both}]}


@pytest.fixture
def scenario(start: StartScenario) -> Scenario:
    return start(values=two_namespaces)


@pytest.fixture
def team(scenario: Scenario) -> Scenario:
    """The same operator, seen from the namespace that will be deleted."""
    return in_team(scenario)


def in_team(scenario: Scenario) -> Scenario:
    plane = scenario.installation.control_plane
    return replace(scenario, cluster=Cluster(plane.kubeconfig, team_of(scenario.cluster.namespace)))


def delete_namespace(scenario: Scenario) -> None:
    plane = scenario.installation.control_plane
    plane.kubectl("delete", "namespace", scenario.cluster.namespace, "--wait=false")


def namespace_gone(scenario: Scenario) -> None:
    plane, name = scenario.installation.control_plane, scenario.cluster.namespace

    def is_gone() -> bool:
        return not plane.kubectl("get", "namespace", name, "--ignore-not-found").strip()

    until(f"namespace {name} is gone", is_gone, 90, lambda: scenario.operator.log[-4000:])


def rights_are_gone(scenario: Scenario) -> bool:
    plane, namespace = scenario.installation.control_plane, scenario.cluster.namespace
    return not plane.kubectl("get", "rolebindings", f"--namespace={namespace}", "--output=name").strip()


def denied(scenario: Scenario) -> Fault:
    return Fault(access_denied(), operation="DeleteRole", account=scenario.account, times=None)


def test_a_namespace_goes_with_its_connectors_and_their_roles(scenario: Scenario, team: Scenario) -> None:
    team.apply_ready()
    team.apply("second", tokenSecretRef={"name": TOKEN_SECRET})
    team.ready("second")
    team.apply("never-ready", tokenSecretRef={"name": "missing"})

    delete_namespace(team)
    namespace_gone(team)

    assert team.connector_roles() == []
    scenario.apply_ready()


def test_a_namespace_goes_though_the_operators_rights_in_it_went_first(scenario: Scenario, team: Scenario) -> None:
    team.apply_ready()
    scenario.apply_ready()
    with scenario.aws.faults.during(denied(scenario)):
        delete_namespace(team)
        until("the deletion hangs without the operator's rights", lambda: rights_are_gone(team) and blocked(team))

    namespace_gone(team)
    assert len(scenario.connector_roles()) == 1


def test_rights_taken_before_the_namespace_is_deleted_do_not_keep_it(team: Scenario) -> None:
    team.apply_ready()
    plane, namespace = team.installation.control_plane, team.cluster.namespace
    plane.kubectl("delete", "rolebindings", f"--namespace={namespace}", "--all")

    delete_namespace(team)
    namespace_gone(team)

    assert team.connector_roles() == []


def test_an_operator_that_starts_without_rights_in_a_terminating_namespace_serves_all_the_same(
    scenario: Scenario, team: Scenario
) -> None:
    team.apply_ready()
    with scenario.aws.faults.during(denied(scenario)):
        delete_namespace(team)
        until("the deletion hangs without the operator's rights", lambda: rights_are_gone(team) and blocked(team))
        scenario.operator.stop()

        with scenario.installation.start() as operator:
            scenario.operator = team.operator = operator
            until(
                "kopf goes on to try what it may not watch",
                lambda: "Request attempt #9 failed" in operator.log,
                KOPF_GIVES_UP,
            )
            connector = scenario.apply_ready()
            assert operator.exit_status is None

    with scenario.installation.start() as operator:
        team.operator = operator
        namespace_gone(team)
        assert scenario.connector_roles() == [connector["status"]["connectorRoleArn"].rpartition("/")[2]]


def test_an_operator_starts_though_a_namespace_that_it_watches_does_not_exist(
    scenario: Scenario, team: Scenario
) -> None:
    scenario.operator.stop()
    delete_namespace(team)
    namespace_gone(team)

    with scenario.installation.start() as operator:
        scenario.operator = operator
        scenario.apply_ready()


def blocked(scenario: Scenario) -> bool:
    conditions = scenario.connector()["status"].get("conditions", ())
    return any(one["type"] == "DeletionBlocked" and one["reason"] == "AccessDenied" for one in conditions)


# --- an operator for the whole cluster, which needs one of its own ----------------------------------------------------


@pytest.fixture
def cluster_wide() -> Iterator[Scenario]:
    with ControlPlane.start() as plane, surroundings(plane) as around:
        yield from _served(around)


def _served(around: Surroundings) -> Iterator[Scenario]:
    own = f"scenario-{secrets.token_hex(4)}"
    account = around.create_account()
    values = {"grants": [{"namespaces": [own, team_of(own)]}], "secretPollSeconds": 1}
    installation = Installation.install(around.control_plane, around.aws, account, own, values)
    with installation.start() as operator:
        cluster = Cluster(around.control_plane.kubeconfig, own)
        issuer = around.control_plane.issuer.removeprefix("https://")
        yield Scenario(cluster, around.aws, account, installation, operator, issuer)


def test_a_namespace_of_a_cluster_that_is_watched_as_a_whole_goes_as_well(cluster_wide: Scenario) -> None:
    team = in_team(cluster_wide)
    team.apply_ready()
    fault = denied(team)
    with team.aws.faults.during(fault):
        delete_namespace(team)
        until("the deletion hangs without the operator's rights", lambda: rights_are_gone(team) and blocked(team))

    namespace_gone(team)
    assert team.connector_roles() == []
    cluster_wide.apply_ready(NAME)
