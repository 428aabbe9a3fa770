"""What Git asks for and the API server refuses: people see the message of the rule in Argo CD."""

from __future__ import annotations

from typing import Any, Final

import pytest

from tests.argocd.conftest import Deploy
from tests.argocd.gitops import GitOps
from tests.argocd.test_sync import WAYS
from tests.scenarios.scenario import NAME, manifest

Document = dict[str, Any]

REFUSED: Final[dict[str, tuple[Document, str]]] = {
    "an immutable field that changed": (
        manifest(connectorId="another"),
        "connectorId is immutable, also from unset to set: create another AponoConnector for another id",
    ),
    "a mode that changed": (
        manifest(target={"mode": "Organization", "organizationId": "o-k012345a67", "organizationUnitId": "r-1a2b"}),
        "target.mode is immutable: create another AponoConnector for another mode",
    ),
    "fields that do not belong together": (
        manifest(target={"mode": "Account", "organizationId": "o-k012345a67"}),
        "target.mode Account manages no organization: remove organizationId and organizationUnitId",
    ),
    "a value that there is not": (manifest(permissions="Everything"), 'supported values: "FullAccess", "ReadOnly"'),
}


def test_a_manifest_that_a_rule_refuses_shows_the_message_of_the_rule_and_leaves_the_connector(deploy: Deploy) -> None:
    scenario, app = deploy()
    for refused, message in REFUSED.values():
        app.push(refused)
        app.until(message, lambda message=message: message in told(app), 40)  # type: ignore[misc]
        assert app.sync_status() == "OutOfSync"

    app.push_spec()
    app.until_healthy(60)
    assert scenario.connector()["metadata"]["generation"] == 1


@pytest.mark.parametrize("way", ["server-side apply", "server-side diff", "server-side apply and diff"])
def test_a_field_that_the_definition_does_not_know_is_named_by_what_compares_or_applies_on_the_servers_side(
    deploy: Deploy, way: str
) -> None:
    """As one of a newer version, or one that was removed from this."""
    scenario, app = deploy(**WAYS[way]._asdict())

    app.push(manifest(newField="yes"))
    app.until("the field is named", lambda: "spec.newField" in told(app), 40)

    assert "newField" not in scenario.connector()["spec"]
    app.push(manifest())
    app.until_healthy(60)
    assert scenario.cluster.get("AponoConnector", NAME) is not None


@pytest.mark.parametrize("way", ["client-side apply", "replace"])
def test_a_field_that_the_definition_does_not_know_is_else_a_difference_that_stays(deploy: Deploy, way: str) -> None:
    """The API server drops it without a word, and Argo CD says that it was synced: people see the difference."""
    scenario, app = deploy(**WAYS[way]._asdict())

    app.push(manifest(newField="yes"))
    app.until("it was synced in vain", lambda: app.sync_status() == "OutOfSync" and app.is_last_push_synced(), 40)

    live, target = app.compared()
    assert (target["spec"].get("newField"), live["spec"].get("newField")) == ("yes", None)
    assert app.health_of().status == "Healthy"
    assert scenario.connector()["metadata"]["generation"] == 1


def told(app: GitOps) -> str:
    """All that Argo CD tells of the Application: its conditions, its last sync and that of each resource."""
    status = app.application().get("status", {})
    operation = status.get("operationState", {})
    results = operation.get("syncResult", {}).get("resources", ())
    messages = [one.get("message", "") for one in (*status.get("conditions", ()), operation, *results)]
    return "\n".join(messages)
