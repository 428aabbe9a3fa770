"""Names that YAML takes for something else than texts: namespaces are often called as the AWS account is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from tests.chart.rendering import BOUNDARIES, CONNECTORS_CHART, Chart, Json, Rendering
from tests.chart.test_connectors_chart import CONNECTOR

ACCOUNT = "123456789012"
TEXTS = {"name", "namespace", "value", "serviceAccountName", "priorityClassName", "image"}
LISTS_OF_TEXTS = {"labels", "annotations", "matchLabels", "values", "args", "resourceNames"}
NAMED: Json = {
    **BOUNDARIES,
    "grants": [{"namespaces": [ACCOUNT]}],
    "watchNamespaces": [ACCOUNT],
    "privateCa": {"configMap": "1e5"},
    "priorityClassName": "0",
    "networkPolicy": {"enabled": True},
    "argocdHealthConfigMap": "1/2",
    "crds": {"install": False},
}


def not_texts(value: Any, place: str = "", *, wanted: bool = False) -> Iterator[str]:
    """The places in *value* that should hold texts and do not."""
    if isinstance(value, Mapping):
        for key, one in value.items():
            yield from not_texts(one, f"{place}.{key}", wanted=key in TEXTS | LISTS_OF_TEXTS or wanted)
    elif isinstance(value, list):
        for number, one in enumerate(value):
            yield from not_texts(one, f"{place}[{number}]", wanted=wanted and not isinstance(one, Mapping))
    elif wanted and not isinstance(value, str):
        yield place


@pytest.mark.parametrize("name", [ACCOUNT, "1e5", "true", "null"])
@pytest.mark.parametrize("watched", [[], [ACCOUNT]], ids=["cluster-wide", "named namespaces"])
def test_a_name_that_looks_like_a_number_stays_a_text(chart: Chart, name: str, watched: list[str]) -> None:
    values = {**NAMED, "watchNamespaces": watched, "fullnameOverride": name, "nameOverride": name}

    done = chart.run("template", name, str(chart.directory), f"--namespace={name}", values=values)

    assert done.returncode == 0, done.stderr
    rendering = Rendering.parse(done.stdout)
    assert [place for one in (*rendering.objects, *rendering.hooks) for place in not_texts(one)] == []


def test_so_does_a_connectors(connectors_chart: Chart) -> None:
    values: Json = {"connectors": [{**CONNECTOR, "name": "1", "namespace": ACCOUNT}]}

    done = connectors_chart.run("template", "1e5", str(CONNECTORS_CHART), f"--namespace={ACCOUNT}", values=values)

    assert [place for one in Rendering.parse(done.stdout).objects for place in not_texts(one)] == []
