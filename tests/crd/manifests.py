"""Manifests by small changes to the smallest valid one."""

from __future__ import annotations

import copy
import re
from typing import Any, Final

Json = dict[str, Any]


class _Absent:
    """The type of `ABSENT`."""

    def __repr__(self) -> str:
        return "ABSENT"


ABSENT: Final = _Absent()
"""As a value: the field is left out."""

CONDITION: Json = {
    "type": "Ready",
    "status": "True",
    "reason": "ConnectorReady",
    "message": "",
    "lastTransitionTime": "2026-01-01T00:00:00Z",
}

ORGANIZATION: Json = {"mode": "Organization", "organizationId": "o-k012345a67", "organizationUnitId": "r-1a2b"}
"""The smallest valid target of mode Organization."""

_OF_ORGANIZATIONS = frozenset(
    f"spec.target.{name}" for name in ("organizationId", "organizationUnitId", "managementAccountId")
)
_ITEMS: dict[str, Json] = {
    "imagePullSecrets": {"name": "registry"},
    "env": {"name": "HTTPS_PROXY", "value": "http://proxy.example:3128"},
    "tolerations": {"key": "dedicated", "operator": "Equal", "effect": "NoSchedule"},
    "conditions": CONDITION,
}
_OBJECTS: dict[str, Json] = {"memberAccounts": dict.fromkeys(("current", "outdated", "failed", "suspended"), 0)}
"""Objects that are valid only as a whole."""

_ANY_KEY = "team"
_SEGMENT = re.compile(r"[^.\[{]+|\[\]|\{\}")


def minimal(name: str = "production") -> Json:
    """Return the smallest valid manifest."""
    return {
        "apiVersion": "apono.io/v1alpha1",
        "kind": "AponoConnector",
        "metadata": {"name": name},
        "spec": {
            "tokenSecretRef": {"name": "apono-token"},
            "target": {"mode": "Account"},
            "permissions": "ReadOnly",
        },
    }


def minimal_for(path: str, name: str = "production") -> Json:
    """Return the smallest valid manifest in which *path* may be set."""
    manifest = minimal(name)
    return changed(manifest, "spec.target", ORGANIZATION) if path in _OF_ORGANIZATIONS else manifest


def changed(manifest: Json, path: str, value: Any) -> Json:
    """Return *manifest* with *value* at *path*, for example ``spec.deployment.env[].name``.

    ``[]`` makes a list of one item, valid but for the change; ``{}`` a dictionary of one key.
    """
    segments = _SEGMENT.findall(path)
    result: Json = _changed(copy.deepcopy(manifest), segments, "", value)
    return result


def error_field(path: str) -> str:
    """Return *path* as the API server's errors spell it."""
    return path.replace("[]", "[0]").replace("{}", f".{_ANY_KEY}")


def _changed(node: Any, segments: list[str], parent: str, value: Any) -> Any:
    if not segments:
        return value
    head, *tail = segments
    if head == "[]":
        return [_changed(copy.deepcopy(_ITEMS.get(parent, {})), tail, head, value)]
    node = dict(node) if isinstance(node, dict) else {}
    key = _ANY_KEY if head == "{}" else head
    child = _changed(node.get(key, copy.deepcopy(_OBJECTS.get(key))), tail, key, value)
    if child is ABSENT:
        node.pop(key, None)
    else:
        node[key] = child
    return node
