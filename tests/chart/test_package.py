"""The chart as a package: lint, versions, the custom resource definition, the description of its values."""

from __future__ import annotations

import json
import tomllib
from typing import Any

import yaml

from docs import charts
from tests.chart.rendering import BOUNDARIES, CHART, NAMESPACE, RELEASE, ROOT, Chart
from tests.chart.test_connectors_chart import CONNECTOR

CRD = "apono.io_aponoconnectors.yaml"
LINES = (CHART / "values.yaml").read_text(encoding="utf-8").splitlines()
VALUES = yaml.safe_load("\n".join(LINES))
SCHEMA = json.loads((CHART / "values.schema.json").read_text(encoding="utf-8"))
DESCRIBED = {value.path for value in charts.values_of("\n".join(LINES))}
GROUPS = {path.partition(".")[0] for path in DESCRIBED if "." in path}
"""Values whose own keys are described, each for itself."""


def test_helm_finds_nothing_to_criticise(chart: Chart) -> None:
    done = chart.run("lint", "--strict", str(CHART), values=BOUNDARIES)

    assert done.returncode == 0, done.stdout + done.stderr
    assert "WARNING" not in done.stdout


def test_the_custom_resource_definition_is_the_generated_one() -> None:
    assert (CHART / "files" / CRD).read_bytes() == (ROOT / "crds" / CRD).read_bytes()
    assert [*CHART.glob("crds/*")] == []  # Helm would install what is there, and never upgrade it


def test_the_chart_installs_the_version_that_it_belongs_to() -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    metadata = yaml.safe_load((CHART / "Chart.yaml").read_text(encoding="utf-8"))

    assert (metadata["version"], metadata["appVersion"]) == (version, version)


def test_the_schema_knows_the_values_that_have_a_default_and_no_others() -> None:
    assert SCHEMA["properties"].keys() - {"global"} == VALUES.keys()
    for group in GROUPS:
        assert SCHEMA["properties"][group]["properties"].keys() == VALUES[group].keys()


def test_every_value_is_described() -> None:
    alone = VALUES.keys() - GROUPS
    grouped = {f"{group}.{key}" for group in GROUPS for key in VALUES[group]}

    assert alone | grouped == DESCRIBED


def test_notes_say_where_connectors_may_be_made_and_what_is_missing(chart: Chart) -> None:
    notes = notes_of(chart, {"grants": [{"namespaces": ["team-b", "team-a"]}]})

    assert "Connectors may be made in: team-a, team-b" in notes
    assert "names no IAM role" in notes
    assert "allowUnboundedRoles" not in notes
    assert "names no IAM role" in notes_of(chart, {"serviceAccount": {"annotations": None}})


def test_notes_say_how_to_see_all_pods(chart: Chart) -> None:
    pods = chart.render({}).pod["metadata"]["labels"]

    labels = ",".join(f"app.kubernetes.io/{key}={pods[f'app.kubernetes.io/{key}']}" for key in ("name", "instance"))
    assert f"kubectl --namespace {NAMESPACE} logs --prefix --selector {labels}\n" in notes_of(chart, {})


def test_notes_are_silent_about_what_is_there_and_warn_of_unbounded_roles(chart: Chart) -> None:
    account = {"annotations": {"eks.amazonaws.com/role-arn": "arn:aws:iam::123456789012:role/operator"}}

    notes = notes_of(chart, {"serviceAccount": account, "allowUnboundedRoles": True})

    assert "names no IAM role" not in notes
    assert "allowUnboundedRoles is on" in notes


def test_a_connectors_notes_name_its_secret(connectors_chart: Chart) -> None:
    notes = notes_of(connectors_chart, {"connectors": [{**CONNECTOR, "namespace": "team-a"}]})

    assert "kubectl create secret generic apono-token --namespace team-a --from-literal=token=" in notes
    assert "aponoconnector/production --timeout=5m" in notes


def notes_of(chart: Chart, values: dict[str, Any]) -> str:
    arguments = ("install", RELEASE, str(chart.directory), f"--namespace={NAMESPACE}", "--dry-run=client")
    done = chart.run(*arguments, "--output=json", values={**chart.least, **values})
    assert done.returncode == 0, done.stderr
    notes: str = json.loads(done.stdout)["info"]["notes"]
    return notes
