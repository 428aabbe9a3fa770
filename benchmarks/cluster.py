"""The cluster as a benchmark acts on it: connectors of one namespace, as the administrator."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any, Final

from kubernetes import config
from kubernetes.dynamic import DynamicClient

Document = dict[str, Any]

TOKEN_SECRET: Final = "apono-token"  # noqa: S105 -- the name of a Secret
_API_VERSION: Final = "apono.io/v1alpha1"
_KIND: Final = "AponoConnector"


class Cluster:
    """One namespace.

    Args:
        kubeconfig: Of an administrator.
        namespace: Its name.
    """

    def __init__(self, kubeconfig: Path, namespace: str) -> None:
        self.namespace = namespace
        self._dynamic = DynamicClient(config.new_client_from_config(str(kubeconfig)))
        self._connectors = self._dynamic.resources.get(api_version=_API_VERSION, kind=_KIND)

    def create_token(self) -> None:
        """Make the Secret with the connectors' token."""
        token = base64.b64encode(b"a-token-made-up-for-the-benchmark").decode()
        secrets = self._dynamic.resources.get(api_version="v1", kind="Secret")
        body = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": TOKEN_SECRET}, "data": {"token": token}}
        secrets.create(body=body, namespace=self.namespace)

    def apply(self, name: str, **spec: Any) -> None:
        """Apply a connector; *spec* replaces fields of a minimal one."""
        body = _manifest(name, spec)
        self._connectors.server_side_apply(
            body=body, name=name, namespace=self.namespace, field_manager="benchmark", force_conflicts=True
        )

    def delete(self, name: str) -> None:
        """Ask for a connector's end."""
        self._connectors.delete(name=name, namespace=self.namespace)

    def connectors(self) -> dict[str, Document]:
        """All connectors by name."""
        answer = self._connectors.get(namespace=self.namespace, serialize=False)
        listed: list[Document] = json.loads(answer.data)["items"]
        return {one["metadata"]["name"]: one for one in listed}


def is_ready(connector: Document) -> bool:
    """Whether a connector is Ready for its present generation."""
    generation = connector["metadata"]["generation"]
    return any(
        (condition["type"], condition["status"], condition.get("observedGeneration")) == ("Ready", "True", generation)
        for condition in connector.get("status", {}).get("conditions", ())
    )


def child_name(connector: str) -> str:
    """The name of a connector's ServiceAccount, pull Secret and Deployment."""
    return f"apono-connector-{connector}"


def _manifest(name: str, spec: Document) -> Document:
    plain = {"tokenSecretRef": {"name": TOKEN_SECRET}, "target": {"mode": "Account"}, "permissions": "ReadOnly"}
    return {"apiVersion": _API_VERSION, "kind": _KIND, "metadata": {"name": name}, "spec": {**plain, **spec}}
