from __future__ import annotations

import secrets
from collections.abc import Iterator

import kubernetes.client
import kubernetes.config
import pytest
from structlog.testing import capture_logs

from apono_operator.adapters.kubernetes import Kubernetes
from sandbox.aws import FrontDoor
from sandbox.controlplane import ControlPlane
from sandbox.installation import create_oidc_provider, install_crd
from tests.adapters.aws.connection import connect
from tests.sweeps.line import ApiClient, Line
from tests.sweeps.world import Clock, Namespace, Starts, World


@pytest.fixture(scope="session")
def world(control_plane: ControlPlane) -> Iterator[World]:
    """One namespace and one account for all sweeps within this process."""
    install_crd(control_plane)
    name = f"sweeps-{secrets.token_hex(4)}"
    control_plane.kubectl("create", "namespace", name)
    namespace = Namespace(control_plane.kubeconfig, name)
    namespace.forbid_pods()
    clock = Clock()
    with FrontDoor(clock.now) as aws:
        yield _world(control_plane, namespace, aws, clock)
    control_plane.kubectl("delete", "namespace", name, "--wait=false")


@pytest.fixture(autouse=True)
def no_unforeseen_case() -> Iterator[None]:
    """What the operator does not know it logs as an error, and tries again: no sweep may pass by that."""
    with capture_logs() as logs:
        yield
    assert [entry for entry in logs if entry["log_level"] == "error"] == []


def _world(control_plane: ControlPlane, namespace: Namespace, aws: FrontDoor, clock: Clock) -> World:
    account = aws.create_account()
    create_oidc_provider(account, control_plane.issuer)
    line = Line()
    starts = Starts()
    connection = connect(aws, account, fence=line, clock=lambda: clock.seconds + 1e6 * starts.count)
    aws.hooks.before(lambda call: line.name(call.operation), account=account)
    configuration = kubernetes.client.Configuration()
    kubernetes.config.load_kube_config(str(control_plane.kubeconfig), client_configuration=configuration)
    configuration.retries = 0
    adapter = Kubernetes(ApiClient(configuration, line), line)
    issuer = control_plane.issuer.removeprefix("https://")
    return World(namespace, aws, connection, adapter, line, clock, starts, issuer)
