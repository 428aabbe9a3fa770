"""One Argo CD for the whole run, and for each test an Application with a repository of its own."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import pytest

from sandbox.argocd import ArgoCD, Repository
from sandbox.controlplane import ControlPlane
from tests.argocd.gitops import GitOps
from tests.argocd.settings import SETTINGS
from tests.scenarios.cluster import Document
from tests.scenarios.conftest import StartScenario, around, start, start_organization
from tests.scenarios.scenario import Scenario, manifest

__all__ = ["around", "start", "start_organization"]

NewGitOps = Callable[[str], GitOps]
Deploy = Callable[..., tuple[Scenario, GitOps]]


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


@pytest.fixture
def deploy(start: StartScenario, gitops: NewGitOps) -> Deploy:
    """Have connectors, a minimal one if none are given, that are all Healthy by an Application with *options*."""

    def healthy(
        *connectors: Document, options: Sequence[str] = (), annotations: Mapping[str, str] | None = None
    ) -> tuple[Scenario, GitOps]:
        scenario = start()
        scenario.create_token()
        app = gitops(scenario.cluster.namespace)
        app.push(*(connectors or (manifest(),)))
        app.deploy(*options, annotations=annotations)
        app.until_healthy(60)
        return scenario, app

    return healthy
