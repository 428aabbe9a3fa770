"""What can go wrong with a real node."""

from __future__ import annotations

from sandbox.controlplane import ControlPlaneError


class NodeError(ControlPlaneError):
    """This machine cannot be a node, or an image could not be built; the message says what to do."""
