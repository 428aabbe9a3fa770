"""The schemas of Kubernetes' own kinds, version by version, in the form in which kubeconform reads them.

They come with the package kubernetes-validate: those of each minor version's OpenAPI document, closed to fields that it
does not have.
"""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from apono_operator import crds

MINORS = range(30, 38)
"""Of the Kubernetes versions that the charts are made for."""

_PACKAGE = "kubernetes_validate"
_REMOTE = "/api/_definitions.json#/$defs/"
_LOCAL = "#/$defs/"

Json = dict[str, Any]


def write_schemas(minor: int, kinds: Iterable[tuple[str, str]], directory: Path) -> None:
    """Write a file for each of *kinds* (``apiVersion``, ``kind``), and for our own, as of Kubernetes 1.*minor*."""
    source = _data() / f"v1.{minor}.0-local-strict"
    definitions = json.loads((source / "_definitions.json").read_text(encoding="utf-8"))["$defs"]
    for api_version, kind in kinds:
        name = file_name(api_version, kind)
        text = (source / name).read_text(encoding="utf-8")
        needed = {one: definitions[one] for one in _closure(json.loads(text), definitions)}
        bundled = json.dumps({**json.loads(text), "$defs": needed}).replace(_REMOTE, _LOCAL)
        (directory / name).write_text(bundled, encoding="utf-8")
    (directory / file_name("apono.io/v1alpha1", "AponoConnector")).write_text(json.dumps(_own()), encoding="utf-8")


def file_name(api_version: str, kind: str) -> str:
    """Return the name of a kind's schema, as in the repositories that kubeconform reads."""
    group, _, version = api_version.rpartition("/")
    parts = [kind, *([group.partition(".")[0]] if group else []), version]
    return f"{'-'.join(parts).lower()}.json"


def _own() -> Json:
    (version,) = crds.custom_resource_definition()["spec"]["versions"]
    schema: Json = version["schema"]["openAPIV3Schema"]
    return schema


def _data() -> Path:
    found = importlib.util.find_spec(_PACKAGE)
    assert found is not None
    assert found.origin is not None
    return Path(found.origin).parent / "kubernetes-json-schema"


def _closure(schema: Json, definitions: Json) -> set[str]:
    found: set[str] = set()
    waiting = list(_references(schema))
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += _references(definitions[name])
    return found


def _references(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            yield node["$ref"].rpartition("/")[2]
        for child in node.values():
            yield from _references(child)
    elif isinstance(node, list):
        for child in node:
            yield from _references(child)
