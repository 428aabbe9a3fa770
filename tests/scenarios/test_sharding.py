"""Operators that share the connectors of a namespace by labels."""

from __future__ import annotations

from apono_operator.v1alpha1 import RECONCILE_AT
from sandbox.operator_process import OperatorProcess
from tests.scenarios.conftest import StartScenario
from tests.scenarios.scenario import Scenario
from tests.scenarios.test_two_installations import FIRST, a_deployment
from tests.waiting import until

SELECTOR = "APONO_OPERATOR_WATCH_SELECTOR"


def label(scenario: Scenario, name: str, shard: str | None) -> None:
    scenario.cluster.patch("AponoConnector", name, {"metadata": {"labels": {"shard": shard}}})


def keys(scenario: Scenario, name: str, mark: int = 0) -> set[str | None]:
    """With which sessions AWS was asked about a connector's role: each process has its own."""
    role = scenario.role(scenario.connector(name))
    assert role is not None
    calls = scenario.operator_calls(mark).of(parameters={"RoleName": role.document["RoleName"]})
    return {call.access_key_id for call in calls}


def test_each_connector_is_served_by_the_operator_whose_selector_it_fits_and_moves_with_its_label(
    start: StartScenario,
) -> None:
    scenario = start(**{SELECTOR: "shard=a"})
    for deployment, shard in ((FIRST, "a"), ("second", "b")):
        scenario.cluster.create("Deployment", a_deployment(deployment, **{SELECTOR: f"shard={shard}"}))
    with scenario.installation.start(APONO_OPERATOR_DEPLOYMENT_NAME="second", **{SELECTOR: "shard=b"}) as other:
        scenario.create_token()
        for name, shard in (("first", "a"), ("second", "b")):
            scenario.apply(name)
            label(scenario, name, shard)
            scenario.ready(name)
        first, second = keys(scenario, "first"), keys(scenario, "second")
        assert (len(first), len(second), first & second) == (1, 1, set())

        label(scenario, "first", "b")
        until("the other looks at it", lambda: keys(scenario, "first") == first | second)
        assert scenario.connector("first")["metadata"]["finalizers"]
        assert scenario.connector("first")["status"]["claimedBy"] == f"{scenario.cluster.namespace}/second"
        mark = scenario.aws.calls.mark()
        scenario.cluster.patch("AponoConnector", "first", {"metadata": {"annotations": {RECONCILE_AT: "now"}}})
        until("it is looked at as asked", lambda: keys(scenario, "first", mark))
        assert keys(scenario, "first", mark) == second
        scenario.operator.stop()
        scenario.cluster.delete("AponoConnector", "first")
        scenario.gone("AponoConnector", "first")

        assert len(scenario.connector_roles()) == 1
        assert_nobody_complains(other)


def test_what_fits_no_selector_is_left_alone(start: StartScenario) -> None:
    scenario = start(**{SELECTOR: "shard=a"})
    scenario.create_token()
    scenario.apply("stray")
    scenario.apply("served")
    label(scenario, "served", "a")
    scenario.ready("served")

    stray = scenario.connector("stray")

    assert "finalizers" not in stray["metadata"]
    assert len(scenario.connector_roles()) == 1


def assert_nobody_complains(operator: OperatorProcess) -> None:
    assert "error" not in operator.log.lower()
