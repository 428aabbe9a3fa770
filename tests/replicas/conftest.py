"""Operators that share a Lease: one installation for all tests of a process, a Lease of its own for each test."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator
from dataclasses import replace

import pytest

from apono_operator.state.leadership import RELEASED_SECONDS
from sandbox.controlplane import ControlPlane
from sandbox.installation import CRD, Installation
from sandbox.surroundings import Surroundings, surroundings
from tests.replicas.replicas import Replicas
from tests.scenarios.cluster import Cluster
from tests.scenarios.conftest import NO_LIMITS


def installed(around: Surroundings, namespace: str) -> Installation:
    """Install operators that elect a leader, with a Lease that does not last long."""
    account = around.create_account()
    values = {
        "watchNamespaces": [namespace],
        "secretPollSeconds": 1,
        "awsRateLimits": NO_LIMITS,
        "replicas": 2,
        "leaderElection": True,
        "leaseDurationSeconds": 4,
        "leaseRenewDeadlineSeconds": 3,
        "leaseRetrySeconds": 0.4,
    }
    return replace(Installation.install(around.control_plane, around.aws, account, namespace, values), preloaded=True)


@pytest.fixture(scope="session")
def installation(control_plane: ControlPlane) -> Iterator[Installation]:
    """An installation on the cluster that everybody shares."""
    with surroundings(control_plane) as around:
        yield installed(around, f"replicas-{secrets.token_hex(4)}")


@pytest.fixture
def replicas(installation: Installation) -> Iterator[Replicas]:
    """No process yet, and a Lease that is released: whoever looks first leads."""
    yield from replicas_of(installation)


@pytest.fixture
def replicas_of_their_own() -> Iterator[Replicas]:
    """The same on a cluster whose API server may be taken away."""
    with ControlPlane.start(crds=[CRD]) as control_plane, surroundings(control_plane) as around:
        yield from replicas_of(installed(around, "apono"))


def replicas_of(installation: Installation) -> Iterator[Replicas]:
    cluster = Cluster(installation.control_plane.kubeconfig, installation.namespace)
    with Replicas(installation, cluster) as replicas:
        lease = {
            "apiVersion": "coordination.k8s.io/v1",
            "kind": "Lease",
            "metadata": {"name": replicas.lease_name},
            "spec": {"leaseDurationSeconds": RELEASED_SECONDS},
        }
        installation.control_plane.kubectl(
            "replace", "--force", "-n", installation.namespace, "-f", "-", stdin=json.dumps(lease)
        )
        yield replicas
