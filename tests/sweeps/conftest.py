from __future__ import annotations

import os
import secrets
import signal
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import kubernetes.client
import kubernetes.config
import pytest
from structlog.testing import capture_logs

from apono_operator.adapters.api_server import ApiServer
from apono_operator.adapters.kubernetes import Kubernetes
from sandbox.aws import Account, FrontDoor
from sandbox.controlplane import ControlPlane, shared_control_plane
from sandbox.installation import CRD, create_oidc_provider
from tests.adapters.aws.connection import connect
from tests.sweeps.administering import administer
from tests.sweeps.clients import ThriftySession
from tests.sweeps.line import ApiClient, Line
from tests.sweeps.organization import OrganizationWorld
from tests.sweeps.tally import Record
from tests.sweeps.world import Clock, Namespace, Starts, World

SIDE_BY_SIDE = 3
"""Worlds of one process; more would but wait for the processor."""


@pytest.fixture(scope="session")
def frozen(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    """A control plane without controllers, for all workers of a run: nothing happens there but calls."""
    is_worker = hasattr(request.config, "workerinput")
    own = tmp_path_factory.getbasetemp()
    directory, owner_pid = (own.parent, os.getppid()) if is_worker else (own, os.getpid())
    directory = directory / "sweeps"
    directory.mkdir(exist_ok=True)
    with shared_control_plane(directory, owner_pid, crds=[CRD]) as plane:
        os.kill(plane.processes()["kube-controller-manager"], signal.SIGSTOP)
        yield plane


@pytest.fixture(scope="session")
def worlds(frozen: ControlPlane) -> Iterator[list[World]]:
    """Namespaces and accounts for all sweeps within this process."""
    with ExitStack() as stack:
        yield [stack.enter_context(_world(frozen)) for _ in range(SIDE_BY_SIDE)]


@pytest.fixture(scope="session")
def administered_world(frozen: ControlPlane) -> Iterator[OrganizationWorld]:
    """A namespace and an organization for all sweeps of mode Organization within this process."""
    with _parts(frozen) as (parts, account):
        management = parts["aws"].create_account()
        yield OrganizationWorld(**parts, administered=administer(parts["aws"], account, management))


@pytest.fixture(scope="session")
def own_management_world(frozen: ControlPlane) -> Iterator[OrganizationWorld]:
    """A namespace and an organization for all sweeps of mode ManagementAccount within this process."""
    with _parts(frozen) as (parts, account):
        yield OrganizationWorld(**parts, administered=administer(parts["aws"], account, account))


@pytest.fixture
def organization(administered_world: OrganizationWorld, monkeypatch: pytest.MonkeyPatch) -> OrganizationWorld:
    """The world of mode Organization, for a test in which the environment tells where AWS is.

    Operators make clients when they need them.
    """
    return _in_environment(administered_world, monkeypatch)


@pytest.fixture
def management_account(own_management_world: OrganizationWorld, monkeypatch: pytest.MonkeyPatch) -> OrganizationWorld:
    """The same of mode ManagementAccount."""
    return _in_environment(own_management_world, monkeypatch)


@pytest.fixture
def record(request: pytest.FixtureRequest) -> Record:
    """Put a figure into the report of the run, whatever its kind: `record_property` knows but the older ones."""
    return lambda name, figure: request.node.user_properties.append((name, figure))


@pytest.fixture(autouse=True)
def no_unforeseen_case() -> Iterator[None]:
    """What the operator does not know it logs as an error, and tries again: no sweep may pass by that."""
    with capture_logs() as logs:
        yield
    assert [entry for entry in logs if entry["log_level"] == "error"] == []


def _in_environment(world: OrganizationWorld, monkeypatch: pytest.MonkeyPatch) -> OrganizationWorld:
    for name, value in world.aws.environment_without_credentials(world.management.region).items():
        monkeypatch.setenv(name, value)
    return world


@contextmanager
def _world(control_plane: ControlPlane) -> Iterator[World]:
    with _parts(control_plane) as (parts, _):
        yield World(**parts)


@contextmanager
def _parts(control_plane: ControlPlane) -> Iterator[tuple[dict[str, Any], Account]]:
    """Make what every world consists of, by the names in `World`, and the account of its roles."""
    name = f"sweeps-{secrets.token_hex(4)}"
    control_plane.kubectl("create", "namespace", name)
    clock, starts, line = Clock(), Starts(), Line()
    with FrontDoor(clock.now) as aws:
        account = aws.create_account()
        create_oidc_provider(account, control_plane.issuer)
        line.attach(aws.hooks)
        yield (
            {
                "namespace": Namespace(control_plane.kubeconfig, name),
                "aws": aws,
                "connection": connect(
                    aws, account, kind=ThriftySession, fence=line, clock=lambda: clock.seconds + 1e6 * starts.count
                ),
                "kubernetes": Kubernetes(ApiServer(_client(control_plane, line), line)),
                "line": line,
                "clock": clock,
                "starts": starts,
                "issuer": control_plane.issuer.removeprefix("https://"),
            },
            account,
        )


def _client(control_plane: ControlPlane, line: Line) -> ApiClient:
    configuration = kubernetes.client.Configuration()
    kubernetes.config.load_kube_config(str(control_plane.kubeconfig), client_configuration=configuration)
    configuration.retries = 0
    return ApiClient(configuration, line)
