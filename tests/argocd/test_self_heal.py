"""Argo CD keeps the connector, the operator its children: neither fights the other."""

from __future__ import annotations

from tests.argocd.conftest import Deploy
from tests.argocd.gitops import GitOps
from tests.argocd.writing import Writers
from tests.scenarios.scenario import CHILD, NAME, Scenario, manifest
from tests.waiting import until


def test_a_hand_edit_of_the_connector_is_undone_with_one_write(deploy: Deploy) -> None:
    scenario, app = deploy(manifest(deployment={"replicas": 1}))
    writers = Writers.from_now_on(app.argocd, app.namespace)

    scenario.cluster.patch("AponoConnector", NAME, {"spec": {"deployment": {"replicas": 3}}})
    until("it is as in Git", lambda: scenario.connector()["spec"]["deployment"]["replicas"] == 1, 30)
    app.until_healthy()
    scenario.ready()
    settled(app)

    assert writers.of_argocd() == {("patch", "aponoconnectors"): 1}
    assert writers.of_operator()[("patch", "deployments")] <= len(("there", "back"))


def test_a_hand_edit_of_a_child_is_undone_by_the_operator_alone(deploy: Deploy) -> None:
    scenario, app = deploy()
    writers = Writers.from_now_on(app.argocd, app.namespace)

    scenario.cluster.patch("Deployment", CHILD, {"spec": {"replicas": 3}})
    until("the operator put it right", lambda: replicas(scenario) == 1, 30)
    app.until_healthy()
    settled(app)

    assert writers.of_argocd() == {}
    assert writers.of_operator()[("patch", "deployments")] == 1


def test_a_child_that_is_deleted_comes_back_without_argo(deploy: Deploy) -> None:
    scenario, app = deploy()
    writers = Writers.from_now_on(app.argocd, app.namespace)

    scenario.cluster.delete("ServiceAccount", CHILD)
    until("it is back", lambda: scenario.cluster.get("ServiceAccount", CHILD), 30)
    app.until_healthy()

    assert writers.of_argocd() == {}


def settled(app: GitOps) -> None:
    """Let whoever wants to fight do so, for one of Argo CD's resyncs and more."""
    assert {sync for sync, _ in app.until_compared(2)} == {"Synced"}


def replicas(scenario: Scenario) -> int:
    deployment = scenario.cluster.get("Deployment", CHILD)
    assert deployment is not None
    return int(deployment["spec"]["replicas"])
