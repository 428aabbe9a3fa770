"""The operator's Deployment: one pod, restricted, on the image that the administrator names."""

from __future__ import annotations

import json
import secrets
import shutil
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from apono_operator.__main__ import main
from tests.chart.rendering import NAMESPACE, RELEASE, Chart, Rendering

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sandbox.controlplane import ControlPlane

SELECTED = {"app.kubernetes.io/name": "apono-operator", "app.kubernetes.io/instance": RELEASE}
DEFINITION = "aponoconnectors.apono.io"
DIGEST = f"sha256:{'0' * 64}"
PLACEMENT: dict[str, Any] = {
    "nodeSelector": {"kubernetes.io/os": "linux"},
    "tolerations": [{"key": "dedicated", "operator": "Exists", "effect": "NoSchedule"}],
    "affinity": {"podAntiAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": []}},
    "priorityClassName": "system-cluster-critical",
    "imagePullSecrets": [{"name": "registry"}],
}
EVERYTHING: dict[str, Any] = {
    "networkPolicy": {"enabled": True},
    "proxy": {"httpsProxy": "http://proxy.example:3128"},
    "privateCa": {"configMap": "corporate-ca"},
    "rbac": {"aggregateToEdit": True, "aggregateToAdmin": True},
    "extraObjects": [{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "more", "namespace": NAMESPACE}}],
}
"""What makes every object of the chart, and every part of them."""


@pytest.fixture(scope="session")
def restricted_namespace(control_plane: ControlPlane) -> Iterator[str]:
    name = f"test-{secrets.token_hex(4)}"
    labels = {"pod-security.kubernetes.io/enforce": "restricted"}
    namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}}
    control_plane.kubectl("create", "--filename=-", stdin=json.dumps(namespace))
    control_plane.kubectl("wait", f"--namespace={name}", "--for=create", "serviceaccount/default", "--timeout=20s")
    yield name
    control_plane.kubectl("delete", "namespace", name, "--wait=false")


def test_two_operators_run_and_each_is_replaced_by_one_that_waits_already(chart: Chart) -> None:
    spec = chart.render({}).one("Deployment")["spec"]

    assert (spec["replicas"], spec["strategy"]) == (2, {"type": "RollingUpdate"})


def test_without_a_lease_one_operator_runs_and_ends_before_the_next_begins(chart: Chart) -> None:
    spec = chart.render({"leaderElection": False, "replicas": 1}).one("Deployment")["spec"]

    assert (spec["replicas"], spec["strategy"]) == (1, {"type": "Recreate"})


def test_probes_ask_where_the_operator_answers(chart: Chart) -> None:
    rendering = chart.render({"httpPort": 9090})

    assert rendering.environment["APONO_OPERATOR_HTTP_PORT"] == "9090"
    assert rendering.container["ports"] == [{"name": "http", "containerPort": 9090}]
    assert rendering.container["livenessProbe"]["httpGet"] == {"path": "/healthz", "port": "http"}
    assert rendering.container["readinessProbe"]["httpGet"] == {"path": "/readyz", "port": "http"}


def test_without_a_port_there_are_no_probes(chart: Chart) -> None:
    container = chart.render({"httpPort": 0}).container

    assert {"ports", "livenessProbe", "readinessProbe"}.isdisjoint(container)


def test_the_selector_finds_the_pods_and_does_not_change_with_the_version(chart: Chart) -> None:
    rendering = chart.render({"podLabels": {"team": "platform"}})

    selector = rendering.one("Deployment")["spec"]["selector"]["matchLabels"]
    assert selector == SELECTED
    assert selector.items() <= rendering.pod["metadata"]["labels"].items()


def test_another_version_of_the_chart_selects_the_same_pods(chart: Chart, tmp_path: Path) -> None:
    later = tmp_path / "apono-operator"
    shutil.copytree(chart.directory, later)
    about = yaml.safe_load((later / "Chart.yaml").read_text(encoding="utf-8"))
    (later / "Chart.yaml").write_text(yaml.safe_dump({**about, "version": "9.9.9", "appVersion": "9.9.9"}))
    values = {"networkPolicy": {"enabled": True}}

    before, after = (selectors_of(one.render(values)) for one in (chart, replace(chart, directory=later, known={})))

    assert before == after
    assert [selector["matchLabels"] for selector in before[:2]] == [SELECTED] * 2


def selectors_of(rendering: Rendering) -> list[dict[str, Any]]:
    return [
        rendering.one("Deployment")["spec"]["selector"],
        rendering.one("PodDisruptionBudget")["spec"]["selector"],
        rendering.one("NetworkPolicy")["spec"]["podSelector"],
    ]


def test_the_container_runs_a_command_that_the_operator_has(chart: Chart) -> None:
    container = chart.render({}).container

    assert container["args"] == ["run"]
    assert "run" in main.commands
    assert "command" not in container  # the image's entry point


def test_nothing_is_written_but_to_tmp(chart: Chart) -> None:
    rendering = chart.render({})

    assert rendering.container["securityContext"]["readOnlyRootFilesystem"] is True
    assert rendering.container["volumeMounts"] == [{"name": "tmp", "mountPath": "/tmp"}]  # noqa: S108 -- what is mounted
    assert rendering.pod["spec"]["volumes"] == [{"name": "tmp", "emptyDir": {"sizeLimit": "64Mi"}}]


def test_the_memory_is_bounded(chart: Chart) -> None:
    resources = chart.render({}).container["resources"]

    assert (resources["requests"]["memory"], resources["limits"]["memory"]) == ("192Mi", "384Mi")


def test_the_node_s_role_is_out_of_reach(chart: Chart) -> None:
    assert chart.render({}).environment["AWS_EC2_METADATA_DISABLED"] == "true"


@pytest.mark.parametrize(
    ("image", "reference"),
    [
        ({}, "apono-operator:0.1.0"),
        ({"repository": "registry.example/operator", "tag": "main"}, "registry.example/operator:main"),
        ({"tag": "main", "digest": DIGEST}, f"apono-operator@{DIGEST}"),
    ],
)
def test_the_image_is_the_digest_else_the_tag_else_the_chart_s_version(
    chart: Chart, image: dict[str, str], reference: str
) -> None:
    assert chart.render({"image": image}).container["image"] == reference


def test_the_pod_is_placed_as_the_administrator_says(chart: Chart) -> None:
    spec = chart.render(PLACEMENT).pod["spec"]

    assert {key: spec[key] for key in PLACEMENT} == PLACEMENT


def test_the_pod_carries_what_the_administrator_adds(chart: Chart) -> None:
    proxy = {"name": "HTTPS_PROXY", "value": "http://proxy.example:3128"}
    values = {"podLabels": {"team": "a"}, "podAnnotations": {"note": "b"}, "extraEnv": [proxy]}

    rendering = chart.render(values)

    assert rendering.pod["metadata"]["labels"]["team"] == "a"
    assert rendering.pod["metadata"]["annotations"] == {"note": "b"}
    assert proxy in rendering.container["env"]


@pytest.mark.parametrize(
    ("values", "name"),
    [
        ({}, f"{RELEASE}-apono-operator"),
        ({"nameOverride": "op"}, f"{RELEASE}-op"),
        ({"nameOverride": RELEASE}, RELEASE),
        ({"fullnameOverride": "operator"}, "operator"),
    ],
)
def test_objects_are_named_after_the_release(chart: Chart, values: dict[str, str], name: str) -> None:
    rendering = chart.render(values)

    names = {document["metadata"]["name"] for document in rendering.objects}
    assert names - {DEFINITION} == {name, f"{name}-watch", f"{name}-view", f"{name}-connectors", f"{name}-lease"}
    assert {document["metadata"]["name"] for document in rendering.hooks} <= {
        f"{name}-uninstall",
        f"{name}-uninstall-{NAMESPACE}",
    }


def test_a_namespace_with_restricted_pod_security_admits_the_pod(
    chart: Chart, control_plane: ControlPlane, restricted_namespace: str
) -> None:
    spec = {**chart.render({}).pod["spec"], "serviceAccountName": "default"}
    metadata = {"name": "operator", "namespace": restricted_namespace}
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}

    created = control_plane.kubectl("create", "--dry-run=server", "--filename=-", stdin=json.dumps(pod))

    assert created == "pod/operator created (server dry run)\n"


def test_an_api_server_knows_every_field_of_every_object(
    chart: Chart, control_plane: ControlPlane, restricted_namespace: str
) -> None:
    rendering = chart.render({**PLACEMENT, **EVERYTHING, "grants": [{"namespaces": [restricted_namespace]}]})
    made = [one for one in (*rendering.objects, *rendering.hooks) if one["metadata"]["name"] != DEFINITION]
    text = json.dumps({"apiVersion": "v1", "kind": "List", "items": made})
    moved = text.replace(f'"namespace": "{NAMESPACE}"', f'"namespace": "{restricted_namespace}"')

    answer = control_plane.kubectl(
        "create", "--dry-run=server", "--validate=strict", "--filename=-", "--output=name", stdin=moved
    )

    assert len(answer.splitlines()) == len(made)


def test_a_template_of_the_administrators_is_found_in_the_pod(chart: Chart) -> None:
    volume = {"name": "template", "configMap": {"name": "management-account-template"}}
    mount = {"name": "template", "mountPath": "/etc/apono", "readOnly": True}

    rendering = chart.render({"extraVolumes": [volume], "extraVolumeMounts": [mount]})

    assert volume in rendering.pod["spec"]["volumes"]
    assert mount in rendering.container["volumeMounts"]
    assert len(rendering.pod["spec"]["volumes"]) == len(chart.render({}).pod["spec"]["volumes"]) + 1
