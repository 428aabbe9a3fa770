"""The chart, rendered by the real Helm, as the objects that it makes."""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
CHART = ROOT / "charts" / "apono-operator"
CONNECTORS_CHART = ROOT / "charts" / "apono-connectors"
RELEASE, NAMESPACE = "connectors", "apono"
BOUNDARIES = {"permissionsBoundaries": {"ReadOnly": "arn:aws:iam::123456789012:policy/connector-boundary"}}

Json = dict[str, Any]


@dataclass(frozen=True)
class Rendering:
    """What one set of values makes."""

    objects: tuple[Json, ...]
    """What is installed."""

    hooks: tuple[Json, ...] = ()
    """What Helm runs beside."""

    @classmethod
    def parse(cls, text: str) -> Rendering:
        """Read what Helm printed."""
        documents = [document for document in yaml.load_all(text, yaml.CSafeLoader) if document]
        hooks = [document for document in documents if _is_hook(document)]
        return cls(tuple(document for document in documents if document not in hooks), tuple(hooks))

    def of(self, *kinds: str) -> list[Json]:
        return [document for document in self.objects if document["kind"] in kinds]

    def one(self, kind: str) -> Json:
        (document,) = self.of(kind)
        return document

    @property
    def pod(self) -> Json:
        template: Json = self.one("Deployment")["spec"]["template"]
        return template

    @property
    def container(self) -> Json:
        container: Json
        (container,) = self.pod["spec"]["containers"]
        return container

    @property
    def environment(self) -> dict[str, str]:
        """The variables that have a value of their own."""
        return {entry["name"]: entry["value"] for entry in self.container["env"] if "value" in entry}


def _is_hook(document: Json) -> bool:
    return "helm.sh/hook" in document["metadata"].get("annotations", {})


@dataclass(frozen=True)
class Chart:
    """The chart; each set of values is rendered once."""

    directory: Path
    helm: Path
    scratch: Path
    least: Json = field(default_factory=lambda: dict(BOUNDARIES))
    """What every installation must decide."""

    known: dict[str, Rendering] = field(default_factory=dict)

    def render(self, values: Json) -> Rendering:
        """Render *values* on top of what every installation must decide."""
        key = json.dumps(values, sort_keys=True)
        if key not in self.known:
            done = self.template({**self.least, **values})
            assert done.returncode == 0, done.stderr
            self.known[key] = Rendering.parse(done.stdout)
        return self.known[key]

    def refusal(self, values: Json) -> str:
        """Return what Helm says to *values*, which it must refuse."""
        done = self.template(values)
        assert done.returncode != 0, f"{values} is accepted"
        return done.stderr

    def template(self, values: Json) -> subprocess.CompletedProcess[str]:
        return self.run("template", RELEASE, str(self.directory), f"--namespace={NAMESPACE}", values=values)

    def run(self, *arguments: str, values: Json) -> subprocess.CompletedProcess[str]:
        homes = {f"HELM_{kind}_HOME": str(self.scratch / kind.lower()) for kind in ("CACHE", "CONFIG", "DATA")}
        return subprocess.run(
            [str(self.helm), *arguments, "--values=-"],
            input=json.dumps(values),
            capture_output=True,
            text=True,
            check=False,
            env=homes,
        )
