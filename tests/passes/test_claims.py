"""Two installations that are set up for one connector: one serves it, the other says so and stays away."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from apono_operator.adapters.kubernetes import Kubernetes
from apono_operator.state.administration import Grant
from apono_operator.state.claim import Installation
from apono_operator.state.finding import Next
from tests.passes.passes import Passes
from tests.scenarios.cluster import Document
from tests.scenarios.scenario import NAME
from tests.waiting import until

DEPLOYMENT: Document = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "first"},
    "spec": {
        "replicas": 0,
        "selector": {"matchLabels": {"app": "first"}},
        "template": {
            "metadata": {"labels": {"app": "first"}},
            "spec": {"containers": [{"name": "operator", "image": "operator"}]},
        },
    },
}


class ReadOnly:
    """The cluster, to be looked at alone."""

    def __init__(self, kubernetes: Kubernetes) -> None:
        self._kubernetes = kubernetes

    def __getattr__(self, name: str) -> Any:
        assert name in {"get", "get_all", "pods"}, f"{name} is called"
        return getattr(self._kubernetes, name)


@pytest.fixture
def first(passes: Passes) -> Passes:
    """An installation in the connector's namespace, whose Deployment is there."""
    passes.cluster.create("Deployment", DEPLOYMENT)
    passes.environment = installed(passes, "first")
    return passes


def installed(passes: Passes, name: str) -> Any:
    own: dict[str, Any] = {"roles": {}, "secrets": {}, "providers": {}, "contests": {}}
    return replace(passes.environment, installation=Installation(passes.owner.namespace, name), **own)


@pytest.fixture
def both(first: Passes) -> tuple[Passes, Passes]:
    """Two installations; the first has claimed the connector."""
    first.settle()
    return first, replace(first, environment=installed(first, "second"))


def set_up(first: Passes, **variables: str) -> None:
    """Set the first installation up anew, and wait until its Deployment is through with that."""
    container = {"name": "operator", "env": [{"name": name, "value": value} for name, value in variables.items()]}
    first.cluster.strategic_patch("Deployment", "first", {"spec": {"template": {"spec": {"containers": [container]}}}})
    until("the Deployment is rolled out", lambda: is_rolled_out(first))


def is_rolled_out(first: Passes) -> bool:
    deployment = first.cluster.get("Deployment", "first") or {}
    return bool(deployment["status"].get("observedGeneration") == deployment["metadata"]["generation"])


def label(passes: Passes, shard: str) -> None:
    passes.cluster.patch("AponoConnector", NAME, {"metadata": {"labels": {"shard": shard}}})


def resource_version(passes: Passes) -> str:
    connector = passes.cluster.get("AponoConnector", NAME)
    assert connector is not None
    return str(connector["metadata"]["resourceVersion"])


def test_who_serves_a_connector_claims_it_before_anything_is_made(first: Passes) -> None:
    first.calls()

    assert first.status["claimedBy"] == f"{first.owner.namespace}/first"


def test_a_claim_is_written_once(both: tuple[Passes, Passes]) -> None:
    first, _ = both
    before = resource_version(first)

    first.calls()

    assert resource_version(first) == before


def test_another_installation_leaves_a_claimed_connector_alone_and_says_so(both: tuple[Passes, Passes]) -> None:
    first, second = both
    role = first.iam.get_role(RoleName=first.role_name)["Role"]
    second.change(deployment={"replicas": 3})

    calls = second.calls()

    assert calls == []
    assert second.outcome is not None
    assert second.outcome.awaits is Next.SOMEBODY
    contested = second.condition("Contested")
    assert (contested["status"], contested["reason"]) == ("True", "ClaimedElsewhere")
    assert f"{first.owner.namespace}/first has claimed it" in contested["message"]
    assert f"{first.owner.namespace}/second" in contested["message"]
    assert second.status["claimedBy"] == f"{first.owner.namespace}/first"
    assert first.iam.get_role(RoleName=first.role_name)["Role"] == role
    deployment = first.child("Deployment")
    assert deployment is not None
    assert deployment["spec"]["replicas"] == 1
    assert len(first.events("ClaimedElsewhere")) == 1


def test_it_says_so_once(both: tuple[Passes, Passes]) -> None:
    _, second = both
    second.calls()
    before = resource_version(second)

    second.calls()

    assert resource_version(second) == before
    assert len(second.events("ClaimedElsewhere")) == 1


def test_who_serves_the_connector_does_not_write_because_another_does_not(both: tuple[Passes, Passes]) -> None:
    first, second = both
    second.calls()
    look_only: Any = ReadOnly(first.environment.kubernetes)
    first.environment = replace(first.environment, kubernetes=look_only)

    first.calls()

    assert first.condition("Ready")["status"] == "True"
    assert first.condition("Contested")["status"] == "True"


def test_what_the_other_said_is_taken_back_after_an_hour_and_then_said_again_if_it_is_still_there(
    both: tuple[Passes, Passes],
) -> None:
    first, second = both
    second.calls()
    first.calls()
    first.moment += 3601

    first.calls()

    assert first.condition("Contested") == {}
    assert first.condition("Ready")["status"] == "True"
    second.calls()
    assert second.condition("Contested")["status"] == "True"


def test_a_connector_that_no_grant_covers_is_not_claimed_and_nothing_is_said_of_it(both: tuple[Passes, Passes]) -> None:
    first, second = both
    elsewhere = first.environment.administration.model_copy(update={"grants": (Grant(namespaces=("elsewhere",)),)})
    second.environment = replace(second.environment, administration=elsewhere)

    second.calls()

    assert second.condition("Contested") == {}
    assert second.condition("Accepted")["status"] == "True"
    assert second.status["claimedBy"] == f"{first.owner.namespace}/first"


def test_a_claim_ends_with_the_grant_if_another_installation_is_set_up_for_the_connector(
    both: tuple[Passes, Passes],
) -> None:
    first, second = both
    elsewhere = first.environment.administration.model_copy(update={"grants": (Grant(namespaces=("elsewhere",)),)})
    first.environment = replace(first.environment, administration=elsewhere)
    first.calls()
    assert first.status["claimedBy"] == f"{first.owner.namespace}/first"
    second.calls()

    first.calls()
    assert "claimedBy" not in first.status
    second.calls()

    assert second.status["claimedBy"] == f"{first.owner.namespace}/second"
    assert second.condition("Contested") == {}
    assert second.condition("Accepted")["status"] == "True"


def test_a_refusal_needs_no_claim(first: Passes) -> None:
    elsewhere = first.environment.administration.model_copy(update={"grants": (Grant(namespaces=("elsewhere",)),)})
    first.environment = replace(first.environment, administration=elsewhere)

    first.calls()

    assert first.condition("Accepted")["reason"] == "NotPermitted"
    assert "claimedBy" not in first.status


def test_a_connector_of_an_installation_that_is_gone_is_taken_over(both: tuple[Passes, Passes]) -> None:
    first, second = both
    second.calls()
    role = first.iam.get_role(RoleName=first.role_name)["Role"]["RoleId"]
    first.cluster.delete("Deployment", "first")

    second.calls()

    assert second.status["claimedBy"] == f"{first.owner.namespace}/second"
    assert second.condition("Contested") == {}
    assert second.condition("Ready")["status"] == "True"
    assert second.iam.get_role(RoleName=second.role_name)["Role"]["RoleId"] == role


def test_a_connector_whose_label_changes_moves_from_one_installation_to_the_other(both: tuple[Passes, Passes]) -> None:
    first, second = both
    set_up(first, APONO_OPERATOR_WATCH_SELECTOR="shard=a")
    label(first, "a")
    second.calls()
    assert second.condition("Contested")["status"] == "True"

    label(first, "b")
    second.calls()

    assert second.status["claimedBy"] == f"{first.owner.namespace}/second"
    assert second.condition("Contested") == {}


def test_a_deletion_moves_with_the_label(both: tuple[Passes, Passes]) -> None:
    first, second = both
    set_up(first, APONO_OPERATOR_WATCH_SELECTOR="shard=a")
    label(first, "b")

    while second.deletes():
        second.moment += 1

    assert not first.has_role()


def test_a_connector_whose_namespace_is_watched_no_longer_is_taken_over(both: tuple[Passes, Passes]) -> None:
    first, second = both
    set_up(first, APONO_OPERATOR_WATCH_NAMESPACES=first.owner.namespace)
    second.calls()
    assert second.condition("Contested")["status"] == "True"

    set_up(first, APONO_OPERATOR_WATCH_NAMESPACES="elsewhere")
    second.calls()

    assert second.status["claimedBy"] == f"{first.owner.namespace}/second"


def test_an_installation_with_a_selector_that_is_none_keeps_its_connectors(both: tuple[Passes, Passes]) -> None:
    first, second = both
    set_up(first, APONO_OPERATOR_WATCH_SELECTOR="shard==a==b")

    second.calls()

    assert second.condition("Contested")["status"] == "True"


def test_another_installation_does_not_take_part_in_a_deletion(both: tuple[Passes, Passes]) -> None:
    first, second = both

    remainder = second.deletes()

    assert remainder is not None
    assert remainder.finding.reason == "ClaimedElsewhere"
    assert first.has_role()


def test_a_deletion_is_taken_over_when_the_installation_is_gone(both: tuple[Passes, Passes]) -> None:
    first, second = both
    first.cluster.delete("Deployment", "first")

    while second.deletes():
        second.moment += 1

    assert not first.has_role()


def test_who_may_write_connectors_cannot_claim_them(first: Passes) -> None:
    first.cluster.patch("AponoConnector", NAME, {"status": {"claimedBy": f"{first.owner.namespace}/first"}})

    assert "claimedBy" not in first.status
