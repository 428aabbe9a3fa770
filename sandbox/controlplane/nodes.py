"""The nodes that KWOK plays, and the name of a real one."""

from __future__ import annotations

from typing import Any

from sandbox.controlplane.modules import KUBERNETES_VERSION

NODES = 2
REAL_NODE = "node"

Json = dict[str, Any]


def node(number: int, region: str) -> Json:
    """A Node as EKS names and labels its own; the stages give it capacity and make it Ready."""
    name = f"ip-10-0-0-{number + 10}.{region}.compute.internal"
    zone = f"{region}{'abc'[number % 3]}"
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {
            "name": name,
            "annotations": {"kwok.x-k8s.io/node": "fake", "kubeletVersion": KUBERNETES_VERSION},
            "labels": {
                "kubernetes.io/arch": "amd64",
                "kubernetes.io/hostname": name,
                "kubernetes.io/os": "linux",
                "node.kubernetes.io/instance-type": "m7i.large",
                "topology.kubernetes.io/region": region,
                "topology.kubernetes.io/zone": zone,
            },
        },
        "spec": {"providerID": f"aws:///{zone}/i-{number:017x}"},
    }


def is_usable(resource: Json | None) -> bool:
    """Whether pods can be scheduled onto that Node: it is Ready and carries no taint."""
    if resource is None or resource["spec"].get("taints"):
        return False
    conditions = resource.get("status", {}).get("conditions", [])
    return any(condition["type"] == "Ready" and condition["status"] == "True" for condition in conditions)
