"""Kubeconfig files: written for the parts and for callers, read for an existing cluster."""

from __future__ import annotations

import os
from base64 import b64decode, b64encode
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import yaml

if TYPE_CHECKING:
    from pathlib import Path

    from sandbox.controlplane.certificates import KeyPair


@dataclass(frozen=True)
class Endpoint:
    """An API server: its URL and the PEM certificate of the authority that vouches for it."""

    server: str
    ca_certificate: bytes


def certificate_user(pair: KeyPair) -> dict[str, str]:
    """The kubeconfig user that identifies itself by a client certificate."""
    return {
        "client-certificate-data": b64encode(pair.certificate).decode(),
        "client-key-data": b64encode(pair.key).decode(),
    }


def write(path: Path, endpoint: Endpoint, user: dict[str, str], namespace: str = "default") -> Path:
    """Write a kubeconfig with one context, readable by the owner alone; returns `path`."""
    authority = b64encode(endpoint.ca_certificate).decode()
    cluster = {"server": endpoint.server, "certificate-authority-data": authority}
    content = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "sandbox", "cluster": cluster}],
        "users": [{"name": "user", "user": user}],
        "contexts": [{"name": "sandbox", "context": {"cluster": "sandbox", "user": "user", "namespace": namespace}}],
        "current-context": "sandbox",
    }
    descriptor = os.open(path, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        yaml.safe_dump(content, file)
    return path


def endpoint_of(path: Path) -> Endpoint:
    """The API server of a kubeconfig's current context.

    Raises:
        KeyError: the current context, its cluster or the cluster's authority is missing.
    """
    content = yaml.safe_load(path.read_text(encoding="utf-8"))
    context = _named(content["contexts"], content["current-context"])["context"]
    cluster = _named(content["clusters"], context["cluster"])["cluster"]
    if "certificate-authority" in cluster:
        return Endpoint(cluster["server"], (path.parent / cluster["certificate-authority"]).read_bytes())
    return Endpoint(cluster["server"], b64decode(cluster["certificate-authority-data"]))


def _named(entries: list[dict[str, Any]], name: str) -> dict[str, Any]:
    return {entry["name"]: entry for entry in entries}[name]
