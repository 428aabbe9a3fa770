"""What becomes of a manifest in the API server, without one: metadata, defaults, canonical amounts, nothing empty.

Sources: Kubernetes API conventions, "Defaulting", "Optional vs. Required"; API reference, "Deployment", "Quantity".
"""

from __future__ import annotations

import copy
from typing import Any

Json = dict[str, Any]

_CANONICAL = {
    "0.5": "500m",
    "1000m": "1",
    "0.5Gi": "512Mi",
    "1024Mi": "1Gi",
    "0.0000000001": "1m",
    "0.0015": "2m",
    "16E": "9223372036854775807",
}
_PROBE = {"timeoutSeconds": 1, "periodSeconds": 10, "successThreshold": 1, "failureThreshold": 3}
_POD = {
    "restartPolicy": "Always",
    "terminationGracePeriodSeconds": 30,
    "dnsPolicy": "ClusterFirst",
    "schedulerName": "default-scheduler",
}
_CONTAINER = {
    "terminationMessagePath": "/dev/termination-log",
    "terminationMessagePolicy": "File",
    "imagePullPolicy": "IfNotPresent",
}


def returned(manifest: Any) -> Json:
    """Return *manifest* as the API server gives it back after a server-side apply."""
    stored: Json = _without_empty(copy.deepcopy(dict(manifest)))
    stored["metadata"] = {
        **stored["metadata"],
        "uid": "5b6f6c1e-aaaa-bbbb-cccc-000000000000",
        "resourceVersion": "4711",
        "generation": 1,
        "creationTimestamp": "2026-03-14T09:26:53Z",
        "managedFields": [{"manager": "apono-operator", "operation": "Apply"}],
    }
    return _defaulted_deployment(stored) if stored["kind"] == "Deployment" else stored


def _defaulted_deployment(stored: Json) -> Json:
    spec = {"progressDeadlineSeconds": 600, **stored["spec"]}
    template = spec["template"]
    pod = {**_POD, **template["spec"], "serviceAccount": template["spec"]["serviceAccountName"]}
    pod["containers"] = [_defaulted_container(container) for container in pod["containers"]]
    spec["template"] = {**template, "spec": pod}
    return {**stored, "spec": spec, "status": {"observedGeneration": 1}}


def _defaulted_container(container: Json) -> Json:
    probes = {
        name: {**_PROBE, **container[name], "httpGet": {"scheme": "HTTP", **container[name]["httpGet"]}}
        for name in ("livenessProbe", "readinessProbe")
    }
    resources = {
        kind: {name: _CANONICAL.get(amount, amount) for name, amount in amounts.items()}
        for kind, amounts in container.get("resources", {}).items()
    }
    return {**_CONTAINER, **container, **probes, "resources": resources}


def _without_empty(value: Any, *, in_map_of_strings: bool = False) -> Any:
    """Leave out what is empty, as ``omitempty`` does; the values of labels and annotations stay."""
    if isinstance(value, list):
        return [_without_empty(item) for item in value]
    if not isinstance(value, dict):
        return value
    kept = {key: _without_empty(item, in_map_of_strings=_is_map_of_strings(key)) for key, item in value.items()}
    return {key: item for key, item in kept.items() if in_map_of_strings or item not in ("", [], {}, None)}


def _is_map_of_strings(key: str) -> bool:
    return key in {"labels", "annotations", "matchLabels", "nodeSelector"}
