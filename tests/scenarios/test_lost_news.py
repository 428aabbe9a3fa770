"""News that never arrive: a cluster of its own, because its API server is restarted."""

from __future__ import annotations

import signal
from collections.abc import Iterator

import pytest

from sandbox.controlplane import ControlPlane
from sandbox.installation import CRD, Installation
from sandbox.surroundings import surroundings
from tests.scenarios.cluster import Cluster
from tests.scenarios.scenario import CHILD, Scenario
from tests.waiting import until

NAMESPACE = "apono"


@pytest.fixture
def alone() -> Iterator[Scenario]:
    """A scenario whose operator watches all namespaces of a cluster of its own."""
    with ControlPlane.start(crds=[CRD]) as control_plane, surroundings(control_plane) as around:
        account = around.create_account()
        installation = Installation.install(control_plane, around.aws, account, NAMESPACE, {"resyncSeconds": 10})
        cluster = Cluster(control_plane.kubeconfig, NAMESPACE)
        issuer = control_plane.issuer.removeprefix("https://")
        with installation.start() as operator:
            yield Scenario(cluster, around.aws, account, installation, operator, issuer)


def test_a_child_whose_deletion_nobody_heard_of_comes_back(alone: Scenario) -> None:
    alone.apply_ready()
    alone.operator.signal(signal.SIGSTOP)
    alone.cluster.delete("Deployment", CHILD)
    until("it is gone", lambda: alone.cluster.get("Deployment", CHILD) is None)
    alone.installation.control_plane.restart_api_server()  # and the watches end, with what they held

    alone.operator.signal(signal.SIGCONT)

    until("it is back", lambda: alone.cluster.get("Deployment", CHILD), 40, lambda: alone.operator.log)
    alone.ready(seconds=30)
    assert alone.operator.exit_status is None
