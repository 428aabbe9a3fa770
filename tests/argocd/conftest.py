"""One Argo CD for the whole run, and for each test an Application with a repository of its own."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from sandbox.argocd import ArgoCD, Repository
from sandbox.controlplane import ControlPlane
from tests.argocd.gitops import GitOps
from tests.argocd.settings import SETTINGS
from tests.scenarios.conftest import around, start, start_organization

__all__ = ["around", "start", "start_organization"]

NewGitOps = Callable[[str], GitOps]


@pytest.fixture(scope="session")
def argocd(control_plane: ControlPlane, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ArgoCD]:
    directory = tmp_path_factory.mktemp("argocd") / "files"
    with ArgoCD(control_plane, directory, f"argocd-{secrets.token_hex(4)}", SETTINGS) as argocd:
        yield argocd


@pytest.fixture
def gitops(argocd: ArgoCD, tmp_path: Path) -> Iterator[NewGitOps]:
    """Make an Application's surroundings for a namespace: an empty repository, and nothing deployed yet.

    At the end it is taken away without what it deployed, so that Argo CD need not look after it.
    """
    made: list[GitOps] = []

    def make(namespace: str) -> GitOps:
        name = f"app-{secrets.token_hex(4)}"
        made.append(GitOps(argocd, Repository(tmp_path / name), name, namespace))
        return made[-1]

    yield make
    for one in made:
        one.forget()
