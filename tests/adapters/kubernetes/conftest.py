from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from kubernetes.client import ApiClient, Configuration

from apono_operator.adapters.api_server import TIMEOUT_SECONDS, ApiServer
from apono_operator.adapters.fence import Fence
from apono_operator.adapters.kubernetes import Kubernetes
from apono_operator.state.resources import Owner
from sandbox.controlplane import ControlPlane
from tests.adapters.answering import Answering
from tests.adapters.kubernetes.objects import connector

TOKEN = "token-that-nobody-may-see"


def connected(kubeconfig: Path, fence: Fence | None = None) -> Kubernetes:
    """Connect as the kubeconfig says."""
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("KUBERNETES_SERVICE_HOST", raising=False)  # else we might be taken for a pod
        patch.setenv("KUBECONFIG", str(kubeconfig))
        return Kubernetes.connect(connections=2, fence=fence or Fence())


def connected_to(
    answering: Answering,
    fence: Fence | None = None,
    renewal: Callable[[Any], None] | None = None,
    timeout: tuple[float, float] = TIMEOUT_SECONDS,
) -> Kubernetes:
    """Connect to *answering* with `TOKEN`; *renewal* is asked for a new token as that of a pod is."""
    configuration = Configuration(host=answering.url, api_key={"BearerToken": f"Bearer {TOKEN}"})
    configuration.refresh_api_key_hook = renewal
    configuration.retries = 0
    return Kubernetes(ApiServer(ApiClient(configuration), fence or Fence(), timeout=timeout))


@pytest.fixture(scope="session")
def cluster(control_plane: ControlPlane) -> ControlPlane:
    """The control plane, which serves the custom resource definition."""
    crd = "customresourcedefinition/aponoconnectors.apono.io"
    control_plane.kubectl("wait", crd, "--for=condition=Established", "--timeout=30s")
    return control_plane


@pytest.fixture(scope="session")
def kubernetes(cluster: ControlPlane) -> Kubernetes:
    """The adapter, as the administrator."""
    return connected(cluster.kubeconfig)


@pytest.fixture(scope="session")
def namespace(cluster: ControlPlane) -> Iterator[str]:
    """A namespace of these tests' own."""
    name = f"adapters-{secrets.token_hex(4)}"
    cluster.kubectl("create", "namespace", name)
    cluster.kubectl("wait", f"--namespace={name}", "--for=create", "serviceaccount/default", "--timeout=20s")
    yield name
    cluster.kubectl("delete", "namespace", name, "--wait=false")


@pytest.fixture
def name() -> str:
    """A name for an object of one test's own."""
    return f"object-{secrets.token_hex(4)}"


@pytest.fixture
def owner(kubernetes: Kubernetes, namespace: str, name: str) -> Owner:
    """A connector of one test's own."""
    made: Any = kubernetes.apply(connector(namespace, name))
    return Owner(namespace, name, made["metadata"]["uid"])
