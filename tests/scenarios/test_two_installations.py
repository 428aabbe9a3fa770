"""Two operators, as of two installations, that watch one namespace: one serves, the other says so and stays away."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from sandbox.operator_process import OperatorProcess
from tests.scenarios.cluster import Document
from tests.scenarios.scenario import CHILD, NAME, Scenario, condition_of
from tests.waiting import until

FIRST = "apono-operator"


def a_deployment(name: str, **variables: str) -> Document:
    """What Helm makes, and our processes stand in for."""
    labels = {"app": name}
    env = [{"name": variable, "value": value} for variable, value in variables.items()]
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name},
        "spec": {
            "replicas": 0,
            "selector": {"matchLabels": labels},
            "template": {
                "metadata": {"labels": labels},
                "spec": {"containers": [{"name": "operator", "image": "operator", "env": env}]},
            },
        },
    }


@pytest.fixture
def second(scenario: Scenario) -> Iterator[OperatorProcess]:
    """The operator of another installation, once the first has made the connector Ready."""
    scenario.cluster.create("Deployment", a_deployment(FIRST))
    scenario.apply_ready()
    with scenario.installation.start(APONO_OPERATOR_DEPLOYMENT_NAME="second") as operator:
        until("the second says so", lambda: condition_of(scenario.connector(), "Contested").get("status") == "True")
        yield operator


def test_a_connector_is_served_and_deleted_by_the_one_that_claimed_it(
    scenario: Scenario, second: OperatorProcess
) -> None:
    role = scenario.connector()["status"]["connectorRoleArn"].rpartition("/")[2]
    assert scenario.connector()["status"]["claimedBy"] == f"{scenario.cluster.namespace}/{FIRST}"

    scenario.apply(deployment={"replicas": 2})
    scenario.ready()
    scenario.cluster.delete("AponoConnector", NAME)

    scenario.gone("AponoConnector", NAME)
    assert scenario.role_named(role) is None
    assert "writing an object" not in second.log
    assert "removing the role" not in second.log
    assert second.exit_status is None


def test_the_other_takes_over_when_the_first_is_uninstalled(scenario: Scenario, second: OperatorProcess) -> None:
    pods = {pod["metadata"]["uid"] for pod in scenario.pods()}
    scenario.operator.stop()
    scenario.cluster.delete("Deployment", FIRST)

    until(
        "the second has claimed the connector",
        lambda: scenario.connector()["status"]["claimedBy"] == f"{scenario.cluster.namespace}/second",
        60.0,
    )
    scenario.cluster.delete("Deployment", CHILD)

    until("the Deployment is back", lambda: scenario.cluster.get("Deployment", CHILD))
    scenario.ready()
    assert pods
    assert "taking over a connector" in second.log
