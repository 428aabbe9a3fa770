"""Which installation a connector belongs to."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apono_operator.state.claim import CLAIMED_BY, Installation, Reach, claimant, contest_message, reach_of
from apono_operator.state.resources import ObjectKey
from apono_operator.v1alpha1 import AponoConnectorStatus

ONE = Installation("apono", "first")
NAMES = st.from_regex(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?", fullmatch=True)


@given(NAMES, NAMES)
def test_an_installation_is_read_as_it_is_written(namespace: str, deployment: str) -> None:
    one = Installation(namespace, deployment)

    assert Installation.parse(str(one)) == one


@pytest.mark.parametrize(
    "text", ["", "apono", "apono/", "/first", "a/b/c", "Apono/first", "apono/first\n", None, 1, {}]
)
def test_what_names_no_installation_claims_nothing(text: Any) -> None:
    assert claimant({"status": {CLAIMED_BY: text}}) is None


@pytest.mark.parametrize("connector", [{}, {"status": {}}])
def test_a_new_connector_is_nobodys(connector: dict[str, Any]) -> None:
    assert claimant(connector) is None


def test_the_claim_is_a_field_of_the_status() -> None:
    status = AponoConnectorStatus(claimed_by=str(ONE)).model_dump(by_alias=True, exclude_none=True)

    assert claimant({"status": status}) == ONE


def test_an_installation_is_there_as_long_as_its_deployment_is() -> None:
    assert ONE.key == ObjectKey("Deployment", "apono", "first")


def test_the_message_names_both_installations_and_what_to_do() -> None:
    message = contest_message(ONE, Installation("other", "second"))

    assert "other/second" in message
    assert "apono/first has claimed it" in message
    assert "grants, watchNamespaces" in message


def deployment(*env: dict[str, Any], **status: int) -> dict[str, Any]:
    """A Deployment with the second container's variables, whose rollout is through."""
    containers = [{"name": "sidecar"}, {"name": "operator", "env": [*env]}]
    return {
        "metadata": {"generation": 3},
        "spec": {"template": {"spec": {"containers": containers}}},
        "status": {"observedGeneration": 3, "replicas": 2, "updatedReplicas": 2, **status},
    }


NAMESPACES = {"name": "APONO_OPERATOR_WATCH_NAMESPACES", "value": "team-a,team-b"}
SELECTOR = {"name": "APONO_OPERATOR_WATCH_SELECTOR", "value": "shard in (a, b)"}


def test_what_an_installation_is_set_up_for_is_read_from_its_deployment() -> None:
    reach = reach_of(deployment(NAMESPACES, SELECTOR))

    assert reach == Reach(("team-a", "team-b"), "shard in (a, b)")
    assert [reach.covers_namespace(name) for name in ("team-a", "team-c")] == [True, False]


def test_an_installation_that_names_nothing_is_set_up_for_everything() -> None:
    reach = reach_of(deployment())

    assert reach == Reach((), "")
    assert reach.covers_namespace("team-c")


def test_an_installation_without_pods_is_known_by_its_deployment() -> None:
    without_pods = deployment(SELECTOR)
    without_pods["status"] = {"observedGeneration": 3}

    assert reach_of(without_pods) == Reach((), "shard in (a, b)")


@pytest.mark.parametrize(
    "unclear",
    [
        deployment(SELECTOR, observedGeneration=2),
        deployment(SELECTOR, replicas=3),
        {**deployment(SELECTOR), "status": {}},
        deployment({"name": "APONO_OPERATOR_WATCH_SELECTOR", "valueFrom": {"configMapKeyRef": {"name": "x"}}}),
    ],
    ids=["not seen yet", "pods of before", "no status", "a value from elsewhere"],
)
def test_what_pods_may_not_be_set_up_for_is_not_told(unclear: dict[str, Any]) -> None:
    assert reach_of(unclear) is None
