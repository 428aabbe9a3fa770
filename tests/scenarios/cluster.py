"""The cluster as a test looks at it: plain documents, in and out, as the administrator."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from kubernetes import config
from kubernetes.dynamic import DynamicClient
from kubernetes.dynamic.exceptions import NotFoundError

Document = dict[str, Any]

_API_VERSIONS = {"AponoConnector": "apono.io/v1alpha1", "Deployment": "apps/v1", "ReplicaSet": "apps/v1"}


@cache
def _client(kubeconfig: Path) -> DynamicClient:
    """Connect once in a worker: what the server offers takes longer to read than most of a scenario's requests."""
    return DynamicClient(config.new_client_from_config(str(kubeconfig)))


class Cluster:
    """Objects of one namespace."""

    def __init__(self, kubeconfig: Path, namespace: str) -> None:
        self.namespace = namespace
        self._dynamic = _client(kubeconfig)

    def get(self, kind: str, name: str) -> Document | None:
        try:
            found: Document = self._kind(kind).get(name=name, namespace=self.namespace).to_dict()
        except NotFoundError:
            return None
        return found

    def list(self, kind: str, selector: str = "") -> list[Document]:
        found: Document = self._kind(kind).get(namespace=self.namespace, label_selector=selector).to_dict()
        return list(found["items"])

    def create(self, kind: str, body: Document) -> Document:
        created: Document = self._kind(kind).create(body=body, namespace=self.namespace).to_dict()
        return created

    def apply(self, body: Document) -> Document:
        """Apply on the server's side, as kubectl apply --server-side does."""
        applied: Document = (
            self._kind(body["kind"])
            .server_side_apply(
                body=body,
                name=body["metadata"]["name"],
                namespace=self.namespace,
                field_manager="test",
                force_conflicts=True,
            )
            .to_dict()
        )
        return applied

    def patch(self, kind: str, name: str, body: Document) -> Document:
        patched: Document = (
            self._kind(kind)
            .patch(body=body, name=name, namespace=self.namespace, content_type="application/merge-patch+json")
            .to_dict()
        )
        return patched

    def strategic_patch(self, kind: str, name: str, body: Document) -> None:
        """Change a built-in kind as kubectl set and kubectl patch do."""
        content_type = "application/strategic-merge-patch+json"
        self._kind(kind).patch(body=body, name=name, namespace=self.namespace, content_type=content_type)

    def delete(self, kind: str, name: str) -> None:
        self._kind(kind).delete(name=name, namespace=self.namespace)

    def _kind(self, kind: str) -> Any:
        return self._dynamic.resources.get(api_version=_API_VERSIONS.get(kind, "v1"), kind=kind)
