"""The Lease on a real API server: whoever writes it must have seen it as it is."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from apono_operator.adapters.errors import ConflictError, DeniedError
from apono_operator.adapters.leases import Leases
from apono_operator.state.leadership import ElectionTiming, Lease, held, released
from sandbox.controlplane import ControlPlane

TIMING = ElectionTiming(15, 10.0, 2.0)
NOW = datetime(2026, 3, 1, 12, 0, 0, 5, tzinfo=UTC)
TIMEOUT = 10.0


def connected_to(kubeconfig: Path, namespace: str, name: str) -> Leases:
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("KUBERNETES_SERVICE_HOST", raising=False)  # else we might be taken for a pod
        patch.setenv("KUBECONFIG", str(kubeconfig))
        return Leases.connect(namespace, name)


@pytest.fixture
def leases(cluster: ControlPlane, namespace: str, name: str) -> Leases:
    """A Lease that nobody has made yet."""
    return connected_to(cluster.kubeconfig, namespace, name)


def mine(lease: Lease | None = None) -> Lease:
    return held(lease, "me", TIMING, NOW)


def test_a_lease_that_is_not_there_is_none(leases: Leases) -> None:
    assert leases.get(TIMEOUT) is None


def test_a_new_lease_is_as_people_read_it(leases: Leases, cluster: ControlPlane, namespace: str, name: str) -> None:
    written = leases.put(mine(), TIMEOUT)

    assert leases.get(TIMEOUT) == written
    assert replace(written, version="", uid="") == mine()
    document: Any = json.loads(cluster.kubectl("get", "lease", name, "-n", namespace, "-o", "json"))
    assert document["spec"] == {
        "holderIdentity": "me",
        "leaseDurationSeconds": 15,
        "acquireTime": "2026-03-01T12:00:00.000005Z",
        "renewTime": "2026-03-01T12:00:00.000005Z",
        "leaseTransitions": 0,
    }


def test_a_lease_is_renewed_and_released(leases: Leases) -> None:
    lease = leases.put(mine(), TIMEOUT)

    renewed = leases.put(held(lease, "me", TIMING, datetime.now(UTC)), TIMEOUT)
    free = leases.put(released(renewed, NOW), TIMEOUT)

    assert len({lease.version, renewed.version, free.version}) == 3
    assert leases.get(TIMEOUT) == free
    assert free.holder == ""


def test_of_two_who_make_it_one_does(leases: Leases) -> None:
    leases.put(mine(), TIMEOUT)

    with pytest.raises(ConflictError):
        leases.put(held(None, "other", TIMING, NOW), TIMEOUT)


def test_who_has_not_seen_the_last_write_does_not_write(leases: Leases) -> None:
    seen = leases.put(mine(), TIMEOUT)
    newer = leases.put(replace(seen, holder="other"), TIMEOUT)

    with pytest.raises(ConflictError):
        leases.put(mine(seen), TIMEOUT)

    assert leases.get(TIMEOUT) == newer


def test_a_deleted_lease_is_not_renewed(leases: Leases, cluster: ControlPlane, namespace: str, name: str) -> None:
    lease = leases.put(mine(), TIMEOUT)
    cluster.kubectl("delete", "lease", name, "-n", namespace)

    with pytest.raises(ConflictError):
        leases.put(mine(lease), TIMEOUT)

    assert leases.get(TIMEOUT) is None


def test_a_lease_that_somebody_made_by_hand_has_no_holder(
    leases: Leases, cluster: ControlPlane, namespace: str, name: str
) -> None:
    document = {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": {"name": name}}
    cluster.kubectl("create", "-n", namespace, "-f", "-", stdin=json.dumps(document))

    lease = leases.get(TIMEOUT)

    assert lease is not None
    assert (lease.holder, lease.duration, lease.transitions) == ("", 0, 0)
    assert leases.put(mine(lease), TIMEOUT).holder == "me"


def test_a_right_that_is_missing_is_told(cluster: ControlPlane, namespace: str, name: str) -> None:
    powerless = connected_to(cluster.service_account_kubeconfig(namespace, "default"), namespace, name)

    with pytest.raises(DeniedError, match='cannot get resource "leases"'):
        powerless.get(TIMEOUT)


def test_a_lease_is_named_with_its_namespace(leases: Leases, namespace: str, name: str) -> None:
    assert str(leases) == f"{namespace}/{name}"
