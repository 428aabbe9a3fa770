from __future__ import annotations

import json
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sandbox.controlplane import ControlPlane

Json = dict[str, Any]


@dataclass(frozen=True)
class Namespace:
    """A namespace of one test's own, and the few things that these tests do there."""

    name: str
    control_plane: ControlPlane

    def kubectl(self, *arguments: str, stdin: str | None = None) -> str:
        return self.control_plane.kubectl(f"--namespace={self.name}", *arguments, stdin=stdin)

    def get(self, kind: str, name: str) -> Json:
        resource: Json = json.loads(self.kubectl("get", kind, name, "--output=json"))
        return resource

    def create(self, resource: Json) -> Json:
        created: Json = json.loads(self.kubectl("create", "--filename=-", "--output=json", stdin=json.dumps(resource)))
        return created

    def service_account(self, name: str, **annotations: str) -> None:
        self.kubectl("create", "serviceaccount", name)
        for key, value in annotations.items():
            self.annotate(name, key.replace("_", "-"), value)

    def annotate(self, service_account: str, key: str, value: str) -> None:
        self.kubectl("annotate", "serviceaccount", service_account, f"eks.amazonaws.com/{key}={value}")

    def pod(
        self, name: str, *, image: str = "registry.example/app:1", metadata: Json | None = None, **spec: Any
    ) -> Json:
        containers = [{"name": "app", "image": image}]
        body = {"metadata": {"name": name, **(metadata or {})}, "spec": {"containers": containers, **spec}}
        return self.create({"apiVersion": "v1", "kind": "Pod", **body})

    def wait(self, resource: str, path: str, value: str) -> None:
        self.kubectl("wait", resource, f"--for=jsonpath={{{path}}}={value}", "--timeout=20s")


@pytest.fixture
def namespace(control_plane: ControlPlane) -> Iterator[Namespace]:
    name = f"test-{secrets.token_hex(4)}"
    control_plane.kubectl("create", "namespace", name)
    control_plane.kubectl("wait", f"--namespace={name}", "--for=create", "serviceaccount/default", "--timeout=20s")
    yield Namespace(name, control_plane)
    control_plane.kubectl("delete", "namespace", name, "--wait=false")
