"""Argo CD without containers: its application controller and repository server beside a control plane.

Both are upstream's own, with a Redis between them, and deploy from bare Git repositories on this machine.
"""

from __future__ import annotations

from sandbox.argocd.health import Health, assess
from sandbox.argocd.programs import MissingProgramError
from sandbox.argocd.repository import Repository
from sandbox.argocd.server import ArgoCD

__all__ = ["ArgoCD", "Health", "MissingProgramError", "Repository", "assess"]
