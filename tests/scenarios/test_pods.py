"""The pods: what keeps them from running, and pods that run without the role."""

from __future__ import annotations

import pytest

from tests.scenarios.scenario import CHILD, NAME, Scenario, condition_of
from tests.waiting import until

REGISTRY = "registry.apono.io/apono-connector"


def test_an_image_that_cannot_be_pulled_is_told_with_the_token_as_the_likely_cause(scenario: Scenario) -> None:
    scenario.create_token()
    scenario.apply(deployment={"image": f"{REGISTRY}:pull-error"})

    connector = scenario.condition("DeploymentAvailable", "False", "ImagePullFailed")

    message = condition_of(connector, "DeploymentAvailable")["message"]
    assert "ImagePull" in message
    assert "The connector token is the password of Apono's registry" in message
    assert condition_of(connector, "ConnectorRoleReady")["status"] == "True"


def test_a_container_that_keeps_ending_is_told_with_where_to_read_its_log(scenario: Scenario) -> None:
    scenario.create_token()
    scenario.apply(deployment={"image": f"{REGISTRY}:crash-loop"})

    connector = scenario.condition("DeploymentAvailable", "False", "CrashLooping")

    assert f"kubectl logs -n {scenario.cluster.namespace}" in condition_of(connector, "DeploymentAvailable")["message"]


def test_pods_that_never_become_ready_are_a_rollout_in_progress(scenario: Scenario) -> None:
    scenario.create_token()
    scenario.apply(deployment={"image": f"{REGISTRY}:never-ready"})

    connector = scenario.condition("DeploymentAvailable", "False", "RolloutInProgress")

    assert condition_of(connector, "Reconciling")["status"] == "True"
    assert condition_of(connector, "Ready")["reason"] == "RolloutInProgress"


@pytest.mark.parametrize("tag", ["pull-error", "crash-loop"])
def test_a_mended_image_makes_the_connector_ready(scenario: Scenario, tag: str) -> None:
    scenario.create_token()
    scenario.apply(deployment={"image": f"{REGISTRY}:{tag}"})
    scenario.condition("DeploymentAvailable", "False")

    scenario.apply(deployment={"image": f"{REGISTRY}:v1.7.8"})

    scenario.ready()


def test_a_pod_security_level_that_forbids_the_pods_is_told(scenario: Scenario) -> None:
    label = {"metadata": {"labels": {"pod-security.kubernetes.io/enforce": "restricted"}}}
    scenario.cluster.patch("Namespace", scenario.cluster.namespace, label)
    scenario.create_token()
    scenario.apply(deployment={"securityContext": {"runAsNonRoot": False, "runAsUser": 0}})

    connector = scenario.condition("DeploymentAvailable", "False", "PodsNotCreated", seconds=30)

    assert 'violates PodSecurity "restricted' in condition_of(connector, "DeploymentAvailable")["message"]


def test_the_pods_pass_the_restricted_pod_security_level(scenario: Scenario) -> None:
    label = {"metadata": {"labels": {"pod-security.kubernetes.io/enforce": "restricted"}}}
    scenario.cluster.patch("Namespace", scenario.cluster.namespace, label)

    scenario.apply_ready()


def test_pods_that_run_without_the_role_are_started_anew(scenario: Scenario) -> None:
    webhook, namespace = scenario.installation.control_plane.webhook, scenario.cluster.namespace
    with webhook.paused(namespace):
        scenario.create_token()
        scenario.apply()
        scenario.condition("DeploymentAvailable", "False", "RoleNotInjected")

    connector = scenario.ready(seconds=60)

    (pod,) = until("one pod runs", lambda: [scenario.pods()] if len(scenario.pods()) == 1 else None)[0:1][0]
    env = {variable["name"]: variable.get("value") for variable in pod["spec"]["containers"][0]["env"]}
    assert env["AWS_ROLE_ARN"] == connector["status"]["connectorRoleArn"]
    deployment = scenario.cluster.get("Deployment", CHILD)
    assert deployment is not None
    template = deployment["spec"]["template"]["metadata"]["annotations"]
    assert int(template["apono.io/role-injection-restarts"]) >= 1
    assert scenario.connector(NAME)["metadata"]["uid"] == connector["metadata"]["uid"]
