"""Connectors by Helm: a list in values, refused before they leave if they are not as the definition has them."""

from __future__ import annotations

import tomllib
from typing import Any

import pytest
import yaml

from docs import charts
from tests.chart.rendering import CHART, CONNECTORS_CHART, NAMESPACE, RELEASE, ROOT, Chart

SPEC: dict[str, Any] = {
    "tokenSecretRef": {"name": "apono-token"},
    "target": {"mode": "Account"},
    "permissions": "ReadOnly",
}
CONNECTOR: dict[str, Any] = {"name": "production", "spec": SPEC}


def test_helm_finds_nothing_to_criticise(connectors_chart: Chart) -> None:
    done = connectors_chart.run("lint", "--strict", str(CONNECTORS_CHART), values={"connectors": [CONNECTOR]})

    assert done.returncode == 0, done.stdout + done.stderr
    assert "WARNING" not in done.stdout


def test_it_has_the_version_of_the_project_and_asks_for_the_kubernetes_of_the_operators_chart() -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    mine, other = (yaml.safe_load((one / "Chart.yaml").read_text()) for one in (CONNECTORS_CHART, CHART))

    assert (mine["version"], mine["appVersion"]) == (version, version)
    assert mine["kubeVersion"] == other["kubeVersion"]


def test_without_values_there_is_nothing(connectors_chart: Chart) -> None:
    assert connectors_chart.render({}).objects == ()


def test_a_connector_of_the_list_becomes_a_manifest_in_the_releases_namespace(connectors_chart: Chart) -> None:
    (connector,) = connectors_chart.render({"connectors": [CONNECTOR]}).objects

    assert (connector["apiVersion"], connector["kind"]) == ("apono.io/v1alpha1", "AponoConnector")
    assert (connector["metadata"]["name"], connector["metadata"]["namespace"]) == ("production", NAMESPACE)
    assert connector["spec"] == SPEC


def test_it_may_have_a_namespace_labels_and_annotations_of_its_own(connectors_chart: Chart) -> None:
    own = {**CONNECTOR, "namespace": "team-a", "labels": {"team": "a"}, "annotations": {"note": "own"}}
    values = {"connectors": [own], "labels": {"team": "all", "owner": "b"}, "annotations": {"note": "all", "more": "c"}}

    (connector,) = connectors_chart.render(values).objects

    metadata = connector["metadata"]
    assert metadata["namespace"] == "team-a"
    assert metadata["labels"]["team"] == "a"
    assert (metadata["labels"]["owner"], metadata["labels"]["app.kubernetes.io/instance"]) == ("b", RELEASE)
    assert metadata["annotations"] == {"note": "own", "more": "c"}


def test_one_connectors_labels_do_not_leak_into_the_next(connectors_chart: Chart) -> None:
    first = {**CONNECTOR, "name": "first", "labels": {"team": "a"}, "annotations": {"note": "a"}}

    _, second = connectors_chart.render({"connectors": [first, CONNECTOR], "labels": {"owner": "b"}}).objects

    assert "team" not in second["metadata"]["labels"]
    assert "annotations" not in second["metadata"]


@pytest.mark.parametrize(
    ("connector", "message"),
    [
        ({"name": "a"}, "at '/connectors/0': missing property 'spec'"),
        ({"spec": SPEC}, "at '/connectors/0': missing property 'name'"),
        ({**CONNECTOR, "name": "Production"}, "at '/connectors/0/name'"),
        ({**CONNECTOR, "token": "a"}, "additional properties 'token' not allowed"),
        ({"name": "a", "spec": {**SPEC, "permissions": "Admin"}}, "at '/connectors/0/spec/permissions'"),
        ({"name": "a", "spec": {**SPEC, "replicas": 2}}, "additional properties 'replicas' not allowed"),
        ({"name": "a", "spec": {**SPEC, "deployment": {"replicas": 0}}}, "at '/connectors/0/spec/deployment/replicas'"),
        ({"name": "a", "spec": {**SPEC, "role": {"tags": {"a": 1}}}}, "at '/connectors/0/spec/role/tags/a'"),
    ],
)
def test_what_the_definition_does_not_know_is_refused_with_its_place(
    connectors_chart: Chart, connector: dict[str, Any], message: str
) -> None:
    assert message in connectors_chart.refusal({"connectors": [connector]})


def test_two_of_one_name_and_namespace_are_refused(connectors_chart: Chart) -> None:
    message = connectors_chart.refusal({"connectors": [CONNECTOR, {**CONNECTOR, "namespace": NAMESPACE}]})

    assert f"there is more than one named production in namespace {NAMESPACE}" in message


def test_every_value_is_described() -> None:
    text = (CONNECTORS_CHART / "values.yaml").read_text(encoding="utf-8")

    assert [value.path for value in charts.values_of(text)] == list(yaml.safe_load(text))
