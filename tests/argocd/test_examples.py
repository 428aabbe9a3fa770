"""The examples that people copy are what Argo CD takes, and make of several clusters what they say."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from sandbox.argocd import ArgoCD
from sandbox.installation import ROOT
from tests.chart.conftest import chart
from tests.chart.rendering import Chart
from tests.waiting import until

__all__ = ["chart"]

EXAMPLES = sorted((ROOT / "examples" / "argocd").glob("*.yaml"))
CLUSTERS = {"paris": ("111122223333", "eu-west-3"), "tokyo": ("444455556666", "ap-northeast-1")}


def documents(path: Path) -> list[dict[str, Any]]:
    return list(yaml.safe_load_all(path.read_text(encoding="utf-8")))


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_the_api_server_takes_an_example_as_it_stands(argocd: ArgoCD, example: Path) -> None:
    there = [{**one, "metadata": {**one["metadata"], "namespace": argocd.namespace}} for one in documents(example)]
    flags = ("--dry-run=server", "--validate=strict")

    answer = argocd.control_plane.kubectl("create", *flags, "-f", "-", stdin=yaml.safe_dump_all(there))

    assert answer.count("created (server dry run)") == len(there)


def test_each_cluster_that_is_labelled_gets_an_application_with_its_own_account_and_connectors(
    argocd: ArgoCD, chart: Chart
) -> None:
    made = made_of_clusters(argocd)

    assert argocd.application("apono-oslo") is None
    for name, (account, region) in CLUSTERS.items():
        operator, connectors = made[name]["spec"]["sources"]
        values = operator["helm"]["valuesObject"]
        assert values["serviceAccount"]["annotations"]["eks.amazonaws.com/role-arn"].split(":")[4] == account
        assert values["extraEnv"] == [{"name": "AWS_REGION", "value": region}]
        assert connectors["path"] == f"clusters/{name}/connectors"
        assert made[name]["spec"]["destination"] == {"name": name, "namespace": "apono"}
        assert chart.render(values).environment["AWS_REGION"] == region


def test_a_cluster_that_loses_its_label_loses_its_application_alone(argocd: ArgoCD) -> None:
    """Without a finalizer, the end of an Application is not that of what it deployed."""
    made = made_of_clusters(argocd)
    assert [one["metadata"].get("finalizers") for one in made.values()] == [None] * len(CLUSTERS)

    argocd.apply([cluster("paris", labelled=False)])

    until("its Application is gone", lambda: argocd.application("apono-paris") is None, 40)
    assert argocd.application("apono-tokyo") is not None


def test_the_chart_takes_the_values_of_the_application(chart: Chart) -> None:
    (example,) = documents(ROOT / "examples" / "argocd" / "application.yaml")
    values = example["spec"]["sources"][0]["helm"]["valuesObject"]

    assert chart.render(values).hooks == ()


@pytest.fixture(autouse=True)
def _tidy(argocd: ArgoCD) -> Iterator[None]:
    """Take away what names clusters that nobody can reach."""
    yield
    flags = (f"--namespace={argocd.namespace}", "--ignore-not-found", "--wait=false")
    argocd.control_plane.kubectl("delete", "applicationset", "apono", *flags)
    argocd.control_plane.kubectl("delete", "application", *(f"apono-{name}" for name in CLUSTERS), *flags)
    argocd.control_plane.kubectl("delete", "secret", *CLUSTERS, "oslo", *flags)


def cluster(name: str, *, labelled: bool = True) -> dict[str, Any]:
    account, region = CLUSTERS.get(name, ("777788889999", "eu-north-1"))
    labels = {"argocd.argoproj.io/secret-type": "cluster", **({"apono": "enabled"} if labelled else {})}
    metadata = {"name": name, "labels": labels, "annotations": {"account": account, "region": region}}
    data = {"name": name, "server": f"https://{name}.example.com", "config": "{}"}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "stringData": data}


def made_of_clusters(argocd: ArgoCD) -> dict[str, dict[str, Any]]:
    """What the example makes of two clusters, which nobody can reach, and of none without the label."""
    (example,) = documents(ROOT / "examples" / "argocd" / "applicationset.yaml")
    example["metadata"]["namespace"] = argocd.namespace
    del example["spec"]["template"]["spec"]["syncPolicy"]
    argocd.apply([*(cluster(name) for name in CLUSTERS), cluster("oslo", labelled=False), example])
    return until("both Applications are there", lambda: both(argocd), 40)


def both(argocd: ArgoCD) -> dict[str, dict[str, Any]] | None:
    found = {name: argocd.application(f"apono-{name}") for name in CLUSTERS}
    made = {name: one for name, one in found.items() if one is not None}
    return made if len(made) == len(CLUSTERS) else None
