from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

import pytest
from kubernetes import client, config

from tests.crd.connectors import Connectors
from tests.crd.manifests import minimal

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sandbox.controlplane import ControlPlane

CRD = "customresourcedefinition/aponoconnectors.apono.io"


@pytest.fixture(scope="session")
def cluster(control_plane: ControlPlane) -> ControlPlane:
    """The control plane, which serves the custom resource definition."""
    control_plane.kubectl("wait", CRD, "--for=condition=Established", "--timeout=30s")
    return control_plane


@pytest.fixture(scope="session")
def api(cluster: ControlPlane) -> Iterator[client.ApiClient]:
    with config.new_client_from_config(str(cluster.kubeconfig)) as api:
        yield api


@pytest.fixture(scope="session")
def connectors(cluster: ControlPlane, api: client.ApiClient) -> Iterator[Connectors]:
    """The connectors of a namespace of these tests' own."""
    namespace = f"crd-{secrets.token_hex(4)}"
    cluster.kubectl("create", "namespace", namespace)
    yield Connectors(api, namespace)
    cluster.kubectl("delete", "namespace", namespace, "--wait=false")


@pytest.fixture
def name() -> str:
    """A name for an object of one test's own."""
    return f"connector-{secrets.token_hex(4)}"


@pytest.fixture(scope="session")
def existing(connectors: Connectors) -> str:
    """The name of a stored minimal connector, for dry runs against it."""
    name = f"existing-{secrets.token_hex(4)}"
    connectors.create(minimal(name))
    return name
