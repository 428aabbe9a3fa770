"""What the API server adds to a manifest, and what it takes away."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.crd.connectors import Connectors, RefusedError
from tests.crd.manifests import changed, minimal

if TYPE_CHECKING:
    from tests.crd.manifests import Json

OBJECTS = (
    "spec",
    "spec.tokenSecretRef",
    "spec.target",
    "spec.role",
    "spec.deployment",
    "spec.deployment.imagePullSecrets[]",
    "spec.deployment.resources",
    "spec.deployment.resources.requests",
    "spec.deployment.resources.limits",
    "spec.deployment.env[]",
    "spec.deployment.tolerations[]",
    "spec.deployment.securityContext",
)

at_every_object = pytest.mark.parametrize("path", OBJECTS)


def stored(connectors: Connectors, path: str, value: Any, **how: Any) -> Json:
    return connectors.create(changed(minimal("any"), path, value), dry_run=True, **how)


def test_a_minimal_manifest_is_completed_by_the_tokens_key_and_the_policies(connectors: Connectors) -> None:
    assert connectors.create(minimal("any"), dry_run=True)["spec"] == {
        "tokenSecretRef": {"name": "apono-token", "key": "token"},
        "target": {"mode": "Account"},
        "permissions": "ReadOnly",
        "deletionPolicy": "Delete",
        "driftPolicy": "Correct",
        "suspend": False,
    }


def test_an_empty_deployment_gets_one_replica_and_no_api_token(connectors: Connectors) -> None:
    spec = stored(connectors, "spec.deployment", {})["spec"]
    assert spec["deployment"] == {"replicas": 1, "automountServiceAccountToken": False}


def test_a_new_object_was_observed_at_no_generation(connectors: Connectors, name: str) -> None:
    connectors.create(minimal(name))
    assert connectors.read(name)["status"] == {"observedGeneration": -1}


@pytest.mark.parametrize(
    ("path", "default"),
    [
        ("spec.deletionPolicy", "Delete"),
        ("spec.driftPolicy", "Correct"),
        ("spec.suspend", False),
        ("spec.tokenSecretRef.key", "token"),
        ("spec.deployment.replicas", 1),
        ("spec.deployment.automountServiceAccountToken", False),
    ],
)
def test_null_stands_for_the_default(path: str, default: object, connectors: Connectors) -> None:
    value: Any = stored(connectors, path, None)
    for segment in path.split("."):
        value = value[segment]
    assert value == default


def test_null_stands_for_nothing_where_there_is_no_default(connectors: Connectors) -> None:
    assert "connectorId" not in stored(connectors, "spec.connectorId", None)["spec"]


@at_every_object
def test_an_unknown_field_is_refused_by_name(path: str, connectors: Connectors) -> None:
    with pytest.raises(RefusedError, match=r'unknown field "spec\..*surprise"'):
        stored(connectors, f"{path}.surprise", {"a": 1})


@at_every_object
@pytest.mark.parametrize("fields", ["Warn", "Ignore"])
def test_an_unknown_field_is_not_stored_for_clients_that_do_not_want_it_refused(
    path: str, fields: str, connectors: Connectors
) -> None:
    assert "surprise" not in str(stored(connectors, f"{path}.surprise", {"a": 1}, fields=fields)["spec"])


def test_an_unknown_field_of_the_status_is_refused_by_name(connectors: Connectors, existing: str) -> None:
    with pytest.raises(RefusedError, match=r'unknown field "status\.surprise"'):
        connectors.merge_status(existing, {"status": {"surprise": 1}}, dry_run=True)
