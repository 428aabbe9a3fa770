"""Kubernetes objects, as tests need them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Document = dict[str, Any]


def connector(namespace: str, name: str) -> Document:
    return {
        "apiVersion": "apono.io/v1alpha1",
        "kind": "AponoConnector",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {
            "tokenSecretRef": {"name": "apono-token"},
            "target": {"mode": "Account"},
            "permissions": "ReadOnly",
        },
    }


def service_account(namespace: str, name: str, **annotations: str) -> Document:
    metadata = {"name": name, "namespace": namespace, "annotations": annotations}
    return {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": metadata}


def deployment(
    namespace: str,
    name: str,
    env: list[Document] | None = None,
    replicas: int = 0,
    labels: Mapping[str, str] | None = None,
) -> Document:
    labels = {"app": name, **(labels or {})}
    container = {"name": "connector", "image": "registry.example/connector:1", "env": env or []}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": {"containers": [container]}},
        },
    }


def pod(namespace: str, name: str, **labels: str) -> Document:
    metadata = {"name": name, "namespace": namespace, "labels": labels}
    container = {"name": "app", "image": "registry.example/app:1"}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": {"containers": [container]}}
