"""A real Kubernetes control plane without containers: upstream's own programs as child processes.

Kubernetes' API server, controllers and scheduler run against etcd, KWOK plays the nodes, and a stand-in for
EKS' pod identity webhook gives pods their role. `ControlPlane` is what callers use.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sandbox.controlplane.audit import AuditLog, Write
from sandbox.controlplane.binaries import executable
from sandbox.controlplane.control_plane import ControlPlane, Webhook
from sandbox.controlplane.errors import (
    BuildError,
    CommandError,
    ControlPlaneError,
    PartError,
    UnsupportedError,
)
from sandbox.controlplane.shared import shared_control_plane

if TYPE_CHECKING:
    from pathlib import Path

__all__ = [
    "AuditLog",
    "BuildError",
    "CommandError",
    "ControlPlane",
    "ControlPlaneError",
    "PartError",
    "UnsupportedError",
    "Webhook",
    "Write",
    "helm",
    "helm3",
    "kubeconform",
    "shared_control_plane",
]


def helm() -> Path:
    """The pinned Helm, built if missing; raises BuildError."""
    return executable("helm")


def helm3() -> Path:
    """The pinned Helm of the version before, built if missing; raises BuildError."""
    return executable("helm3")


def kubeconform() -> Path:
    """The pinned kubeconform, built if missing; raises BuildError."""
    return executable("kubeconform")
