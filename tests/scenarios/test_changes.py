"""A manifest that changes, and what changes with it."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime
from typing import Any

import pytest

from apono_operator.state.permissions import permissions_document
from apono_operator.v1alpha1 import PermissionSet
from tests.scenarios.cluster import Document
from tests.scenarios.conftest import StartScenario
from tests.scenarios.scenario import CHILD, NAME, Role, Scenario
from tests.waiting import until

VIEW_ONLY = "arn:aws:iam::aws:policy/job-function/ViewOnlyAccess"
SSM = "arn:aws:iam::aws:policy/AmazonSSMManagedInstanceCore"


@pytest.fixture
def generous(start: StartScenario) -> Scenario:
    """A scenario whose administrator allows some extras."""
    return start(
        values={
            "allowedManagedPolicyArns": [VIEW_ONLY, SSM],
            "allowedRoleTagKeys": ["team", "stage"],
            "allowedEnvNames": ["ACME_*"],
            "allowedPodLabelKeys": ["team"],
            "allowedPodAnnotationKeys": ["note"],
        }
    )


def role_of(scenario: Scenario) -> Role:
    role = scenario.role()
    assert role is not None
    return role


def deployment_of(scenario: Scenario) -> Document:
    deployment = scenario.cluster.get("Deployment", CHILD)
    assert deployment is not None
    return deployment


def container_of(scenario: Scenario) -> Document:
    container: Document = deployment_of(scenario)["spec"]["template"]["spec"]["containers"][0]
    return container


def test_another_permission_set_changes_document_and_boundary_of_the_same_role(scenario: Scenario) -> None:
    before = scenario.apply_ready(permissions="FullAccess")["status"]["connectorRoleId"]

    scenario.apply(permissions="ReadOnly")
    after = scenario.ready()["status"]["connectorRoleId"]

    role = role_of(scenario)
    assert after == before
    assert role.inline["apono-connector"] == permissions_document(PermissionSet.READ_ONLY, "aws").document
    assert role.boundary == scenario.installation.boundaries["ReadOnly"]


def test_a_narrowed_boundary_is_set_before_anything_else_changes(scenario: Scenario) -> None:
    scenario.apply_ready(permissions="ReadOnly")
    mark = scenario.aws.calls.mark()

    scenario.apply(permissions="FullAccess")
    scenario.ready()

    assert scenario.role_writes(mark) == ["PutRolePermissionsBoundary", "PutRolePolicy"]


def test_allowed_managed_policies_are_attached_and_detached_with_the_manifest(generous: Scenario) -> None:
    generous.apply_ready(role={"managedPolicyArns": [VIEW_ONLY, SSM]})
    assert {VIEW_ONLY, SSM} <= role_of(generous).attached

    generous.apply(role={"managedPolicyArns": [SSM]})
    generous.ready()

    assert SSM in role_of(generous).attached
    assert VIEW_ONLY not in role_of(generous).attached


def test_allowed_tags_come_change_and_go_with_the_manifest(generous: Scenario) -> None:
    generous.apply_ready(role={"tags": {"team": "red", "stage": "test"}})
    assert {("team", "red"), ("stage", "test")} <= set(role_of(generous).tags.items())

    generous.apply(role={"tags": {"team": "blue"}})
    generous.ready()

    assert role_of(generous).tags["team"] == "blue"
    assert "stage" not in role_of(generous).tags


def test_foreign_policies_and_tags_on_our_role_stay(generous: Scenario) -> None:
    name = generous.apply_ready()["status"]["connectorRoleArn"].rpartition("/")[2]
    iam = generous.account.client("iam")
    iam.attach_role_policy(RoleName=name, PolicyArn="arn:aws:iam::aws:policy/AWSDenyAll")
    iam.tag_role(RoleName=name, Tags=[{"Key": "cost-center", "Value": "7"}])

    generous.apply(role={"tags": {"team": "blue"}})
    generous.ready()

    assert "arn:aws:iam::aws:policy/AWSDenyAll" in role_of(generous).attached
    assert role_of(generous).tags["cost-center"] == "7"


@pytest.mark.parametrize(
    ("deployment", "path", "expected"),
    [
        ({"replicas": 2}, ("replicas",), 2),
        (
            {"image": "registry.apono.io/apono-connector:v1.7.6"},
            ("template", "spec", "containers", 0, "image"),
            "registry.apono.io/apono-connector:v1.7.6",
        ),
        (
            {"nodeSelector": {"kubernetes.io/os": "linux"}},
            ("template", "spec", "nodeSelector"),
            {"kubernetes.io/os": "linux"},
        ),
        (
            {"tolerations": [{"key": "dedicated", "operator": "Exists", "effect": "NoSchedule"}]},
            ("template", "spec", "tolerations"),
            [{"key": "dedicated", "operator": "Exists", "effect": "NoSchedule"}],
        ),
        ({"imagePullPolicy": "Always"}, ("template", "spec", "containers", 0, "imagePullPolicy"), "Always"),
        (
            {"resources": {"limits": {"memory": "3Gi"}}},
            ("template", "spec", "containers", 0, "resources"),
            {"limits": {"memory": "3Gi"}},
        ),
        (
            {"securityContext": {"runAsUser": 1000, "readOnlyRootFilesystem": True}},
            ("template", "spec", "containers", 0, "securityContext", "readOnlyRootFilesystem"),
            True,
        ),
        ({"automountServiceAccountToken": True}, ("template", "spec", "automountServiceAccountToken"), True),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) and value else None,
)
def test_each_option_of_the_deployment_arrives(
    shared_scenario: Scenario, deployment: Document, path: tuple[str | int, ...], expected: Any
) -> None:
    name = f"option-{secrets.token_hex(4)}"
    shared_scenario.apply_ready(name, deployment=deployment)

    found: Any = (shared_scenario.cluster.get("Deployment", f"apono-connector-{name}") or {})["spec"]
    for part in path:
        found = found[part]
    assert found == expected


def test_allowed_variables_labels_and_annotations_arrive(generous: Scenario) -> None:
    variable = {"name": "ACME_LEVEL", "value": "3"}

    generous.apply_ready(deployment={"env": [variable], "podLabels": {"team": "red"}, "podAnnotations": {"note": "x"}})

    metadata = deployment_of(generous)["spec"]["template"]["metadata"]
    assert variable in container_of(generous)["env"]
    assert metadata["labels"]["team"] == "red"
    assert metadata["annotations"]["note"] == "x"


def test_an_environment_variable_comes_and_goes_with_the_manifest(scenario: Scenario) -> None:
    scenario.apply_ready(deployment={"env": [{"name": "HTTPS_PROXY", "value": "http://proxy:3128"}]})
    assert {"name": "HTTPS_PROXY", "value": "http://proxy:3128"} in container_of(scenario)["env"]

    scenario.apply(deployment={})
    scenario.ready()

    assert "HTTPS_PROXY" not in {variable["name"] for variable in container_of(scenario)["env"]}


def test_naming_pull_secrets_later_empties_ours(scenario: Scenario) -> None:
    scenario.apply_ready()

    scenario.apply(deployment={"imagePullSecrets": [{"name": "mirror"}]})
    scenario.ready()

    secret = scenario.cluster.get("Secret", CHILD)
    assert secret is not None
    assert secret["data"][".dockerconfigjson"] == "eyJhdXRocyI6e319"  # {"auths":{}}


def test_a_spec_corrected_during_back_off_is_picked_up_at_once(start: StartScenario) -> None:
    scenario = start(values={"secretPollSeconds": 60})
    scenario.create_token()
    scenario.apply(tokenSecretRef={"name": "misspelt"})
    scenario.condition("TokenAvailable", "False", "TokenSecretMissing")
    # several failures later the back-off is at many seconds
    until(
        "the back-off has grown",
        lambda: scenario.cluster.get("AponoConnector", NAME) and _age(scenario) > 4,
        seconds=20,
    )

    scenario.apply()

    scenario.ready(seconds=3)


def test_the_connector_id_cannot_change(scenario: Scenario) -> None:
    scenario.apply_ready()

    with pytest.raises(Exception, match="connectorId is immutable, also from unset to set"):
        scenario.apply(connectorId="another")


def test_the_operator_acts_on_a_default_image_of_the_administrator(start: StartScenario) -> None:
    image = "registry.apono.io/apono-connector:v1.7.4"
    scenario = start(values={"connectorImage": image})
    scenario.apply_ready()

    assert container_of(scenario)["image"] == image


def test_a_restarted_operator_with_other_settings_changes_what_depends_on_them(scenario: Scenario) -> None:
    scenario.apply_ready()
    scenario.operator.stop()

    with scenario.installation.start(APONO_OPERATOR_MAX_SESSION_DURATION="7200"):
        until("the role's longest session follows", lambda: role_of(scenario).document["MaxSessionDuration"] == 7200)


def _age(scenario: Scenario) -> float:
    """Seconds since the connector was created, by the API server's time."""
    created = datetime.fromisoformat(scenario.connector()["metadata"]["creationTimestamp"])
    return (datetime.now(UTC) - created).total_seconds()
