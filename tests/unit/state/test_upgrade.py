"""Another version of the operator leaves running connectors alone: the pods' template is kept as a file.

Whoever changes that file rolls every connector at the next upgrade. Nothing in it may depend on the operator's version.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from apono_operator.state.desired import deployment
from tests.builders import Json, a_spec, an_administration, some_inputs

GOLDEN = Path(__file__).parent / "testdata" / "pod-templates.json"
REWRITE = "REWRITE_POD_TEMPLATES"
CONNECTORS: dict[str, Json] = {
    "few words": {},
    "everything": {
        "connectorId": "prod-eks",
        "deployment": {
            "replicas": 2,
            "imagePullPolicy": "Always",
            "imagePullSecrets": [{"name": "own"}],
            "resources": {"requests": {"cpu": "1"}},
            "env": [{"name": "LOG_LEVEL", "value": "debug"}],
            "podLabels": {"team": "a"},
            "podAnnotations": {"note": "b"},
            "nodeSelector": {"kubernetes.io/os": "linux"},
            "tolerations": [{"key": "dedicated", "operator": "Exists", "effect": "NoSchedule"}],
            "priorityClassName": "high",
            "automountServiceAccountToken": True,
            "securityContext": {"runAsUser": 1000, "readOnlyRootFilesystem": True},
        },
    },
}


def template_of(name: str) -> Json:
    spec = deployment(some_inputs(spec=a_spec(**CONNECTORS[name])))["spec"]
    return {"selector": spec["selector"], "strategy": spec["strategy"], "template": spec["template"]}


@pytest.fixture(scope="module")
def golden() -> Json:
    if REWRITE in os.environ:
        text = json.dumps({name: template_of(name) for name in CONNECTORS}, indent=2)
        GOLDEN.write_text(f"{text}\n", encoding="utf-8")
    kept: Json = json.loads(GOLDEN.read_text(encoding="utf-8"))
    return kept


@pytest.mark.parametrize("name", CONNECTORS)
def test_the_pods_of_a_connector_are_those_of_the_release_before(golden: Json, name: str) -> None:
    assert template_of(name) == golden[name], f"every connector would be rolled; if it has to be: {REWRITE}=1 pytest"


def test_another_image_in_the_settings_rolls_the_pods_of_connectors_that_name_none() -> None:
    changed = an_administration(connector_image="registry.apono.io/apono-connector:v2")

    template = deployment(some_inputs(administration=changed))["spec"]["template"]

    (container,) = template["spec"]["containers"]
    assert container["image"] == "registry.apono.io/apono-connector:v2"
    assert template != template_of("few words")["template"]
