"""Spec and status are written through separate doors."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.crd.manifests import CONDITION, minimal

if TYPE_CHECKING:
    from tests.crd.connectors import Connectors

CHANGE = {
    "spec": {"permissions": "FullAccess"},
    "status": {"observedGeneration": 1, "connectorId": "production", "conditions": [CONDITION]},
}


def test_a_status_in_a_new_manifest_is_not_stored(connectors: Connectors, name: str) -> None:
    connectors.create({**minimal(name), "status": CHANGE["status"]})
    assert connectors.read(name)["status"] == {"observedGeneration": -1}


def test_an_update_of_the_object_changes_the_spec_alone(connectors: Connectors, name: str) -> None:
    connectors.create(minimal(name))
    connectors.merge(name, CHANGE)
    after = connectors.read(name)
    assert (after["spec"]["permissions"], after["status"]) == ("FullAccess", {"observedGeneration": -1})
    assert after["metadata"]["generation"] == 2


def test_an_update_of_the_status_changes_the_status_alone(connectors: Connectors, name: str) -> None:
    connectors.create(minimal(name))
    connectors.merge_status(name, CHANGE)
    after = connectors.read(name)
    assert (after["spec"]["permissions"], after["status"]) == ("ReadOnly", CHANGE["status"])
    assert after["metadata"]["generation"] == 1
