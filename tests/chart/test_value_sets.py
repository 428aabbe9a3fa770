"""Many sets of values: what each renders is kept as a file, and valid for every version of Kubernetes that we name."""

from __future__ import annotations

import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from sandbox.controlplane import kubeconform
from tests.chart.rendering import CHART, CONNECTORS_CHART, Chart
from tests.chart.schemas import MINORS, write_schemas
from tests.chart.value_sets import CONNECTORS, OPERATOR, Values

GOLDEN = Path(__file__).parent / "testdata" / "rendered"
REWRITE = "REWRITE_RENDERED_CHARTS"
OURS = "AponoConnector"


@dataclass(frozen=True)
class Case:
    """One set of values of one chart."""

    chart: Path
    name: str
    values: Values

    @property
    def golden(self) -> Path:
        return GOLDEN / self.chart.name / f"{self.name}.yaml"


CASES = [
    *(Case(CHART, name, values) for name, values in OPERATOR.items()),
    *(Case(CONNECTORS_CHART, name, values) for name, values in CONNECTORS.items()),
]


@dataclass(frozen=True)
class Rendered:
    """What all sets of values render, the whole of it."""

    directory: Path
    objects: tuple[Values, ...]

    @property
    def kinds(self) -> set[tuple[str, str]]:
        return {(one["apiVersion"], one["kind"]) for one in self.objects if one["kind"] != OURS}


@pytest.fixture(scope="session")
def rendered(chart: Chart, tmp_path_factory: pytest.TempPathFactory) -> Rendered:
    directory = tmp_path_factory.mktemp("rendered")
    objects: list[Values] = []
    for case in CASES:
        text = text_of(chart, case)
        (directory / f"{case.chart.name}-{case.name}.yaml").write_text(text, encoding="utf-8")
        objects += (one for one in yaml.load_all(text, yaml.CSafeLoader) if one)
    return Rendered(directory, tuple(objects))


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.chart.name}-{case.name}")
def test_what_a_set_of_values_renders_is_what_was_reviewed(chart: Chart, case: Case) -> None:
    text = without_definition(text_of(chart, case))
    if REWRITE in os.environ:
        case.golden.parent.mkdir(parents=True, exist_ok=True)
        case.golden.write_text(text, encoding="utf-8")

    assert text == case.golden.read_text(encoding="utf-8"), f"if it should: {REWRITE}=1 pytest tests/chart"


def test_nothing_is_kept_of_sets_that_are_gone() -> None:
    assert {path for path in GOLDEN.rglob("*") if path.is_file()} == {case.golden for case in CASES}


@pytest.mark.parametrize("minor", MINORS)
def test_every_object_of_every_set_is_valid_for_kubernetes(rendered: Rendered, minor: int, tmp_path: Path) -> None:
    write_schemas(minor, rendered.kinds, tmp_path)

    verdict = checked(rendered.directory, tmp_path)

    summary = verdict["summary"]
    assert verdict.get("resources", []) == []
    assert summary["valid"] == len(rendered.objects)
    assert summary["skipped"] == 0


@pytest.mark.parametrize(
    ("kind", "edit"),
    [
        ("Deployment", {"spec": {"selektor": {}}}),
        ("PodDisruptionBudget", {"spec": {"maxUnavailable": [1]}}),
        (OURS, {"spec": {"permissions": "Everything"}}),
    ],
)
def test_an_object_that_a_version_does_not_know_is_found(
    rendered: Rendered, tmp_path: Path, kind: str, edit: Values
) -> None:
    found = next(one for one in rendered.objects if one["kind"] == kind)
    bad = tmp_path / "bad"
    bad.mkdir()
    (bad / "bad.yaml").write_text(
        yaml.safe_dump({**found, "spec": {**found["spec"], **edit["spec"]}}), encoding="utf-8"
    )
    write_schemas(MINORS[0], {(found["apiVersion"], kind)} - {("apono.io/v1alpha1", OURS)}, tmp_path)

    (resource,) = checked(bad, tmp_path)["resources"]

    assert (resource["kind"], resource["status"]) == (kind, "statusInvalid")


def text_of(chart: Chart, case: Case) -> str:
    done = chart.run("template", "connectors", str(case.chart), "--namespace=apono", values=case.values)
    assert done.returncode == 0, done.stderr
    return done.stdout


def without_definition(text: str) -> str:
    """Leave out what is kept as a file elsewhere."""
    parts = text.split("---\n")
    return "---\n".join(part for part in parts if "kind: CustomResourceDefinition" not in part)


def checked(directory: Path, schemas: Path) -> Values:
    location = f"{schemas}/{{{{.ResourceKind}}}}{{{{.KindSuffix}}}}.json"
    command = [
        str(kubeconform()),
        "-strict",
        "-summary",
        "-output=json",
        f"-schema-location={location}",
        str(directory),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    verdict: Values = json.loads(done.stdout)
    return verdict
