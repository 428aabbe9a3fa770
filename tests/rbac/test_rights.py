"""Each right of the operator's ServiceAccount is needed: taken away, something in a connector's life is denied.

A life is lived once, under exactly the chart's rights, and its requests are read from the API server's audit log.
"""

from __future__ import annotations

import contextlib
import json
from dataclasses import dataclass, replace

import pytest
from filelock import FileLock

from docs import kubernetes_rights
from sandbox.controlplane import Write
from sandbox.installation import RELEASE
from sandbox.surroundings import Surroundings
from tests.chart.rendering import NAMESPACE, Chart
from tests.chart.test_rbac import rights as rights_of
from tests.chart.test_rbac import rights_by_namespace
from tests.rbac.replay import CLUSTER, Need, Right, denied, needs
from tests.scenarios.conftest import starting
from tests.scenarios.scenario import CHILD, NAME, Scenario
from tests.scenarios.test_hard_cases import ROLLING_UPDATE
from tests.waiting import until

RIGHTS: list[Right] = [(right.group, right.resource, right.verb) for right in kubernetes_rights.OPERATOR]


@dataclass(frozen=True)
class Life:
    """What was needed, and what the chart gave."""

    needed: set[Need]
    given: dict[str, set[Right]]


@pytest.fixture(scope="session")
def needed(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> set[Need]:
    """What a life needed: one is lived for all workers of a run."""
    own = tmp_path_factory.getbasetemp()
    file = (own.parent if hasattr(request.config, "workerinput") else own) / "life.json"
    with FileLock(f"{file}.lock"):
        if not file.exists():
            file.write_text(dumped(lived(request.getfixturevalue("around"))), encoding="utf-8")
    return loaded(file.read_text(encoding="utf-8"))


@pytest.fixture(scope="session")
def life(needed: set[Need], chart: Chart) -> Life:
    return Life(needed, rights_by_namespace(chart.render({"watchNamespaces": [NAMESPACE]})))


def lived(around: Surroundings) -> set[Need]:
    """Live a connector's life: made, changed beyond repair, given another token, and deleted."""
    with contextlib.contextmanager(starting)(around) as start:
        scenario = start(values={"leaderElection": True})
        found = needs(requests_of(scenario))
        assert {need.place for need in found} <= {CLUSTER, scenario.cluster.namespace}
        return {replace(need, place=need.place and NAMESPACE) for need in found}


def requests_of(scenario: Scenario) -> list[Write]:
    log, namespace = scenario.installation.control_plane.audit_log(), scenario.cluster.namespace
    scenario.apply_ready()
    before = scenario.cluster.get("Deployment", CHILD)
    assert before is not None
    scenario.cluster.strategic_patch("Deployment", CHILD, ROLLING_UPDATE)
    until("the Deployment was made anew", lambda: is_another(scenario, before["metadata"]["uid"]))
    scenario.create_token("another-token-of-a-test")
    until("the token was taken up", lambda: len({pod["metadata"]["uid"] for pod in scenario.pods()}) == 1)
    scenario.ready()
    scenario.cluster.delete("AponoConnector", NAME)
    scenario.gone("AponoConnector", NAME)
    return until("its last words are logged", lambda: with_farewell(log.requests(namespace, RELEASE)))


def with_farewell(requests: list[Write]) -> list[Write]:
    """All of *requests*, once the finalizer's removal is among them, the last but for an Event, and a renewed Lease."""
    deletions = [place for place, one in enumerate(requests) if one.verb == "delete"]
    patched = [place for place, one in enumerate(requests) if (one.verb, one.resource) == ("patch", "aponoconnectors")]
    renewed = any((one.verb, one.resource) == ("update", "leases") for one in requests)
    return requests if renewed and deletions and patched and patched[-1] > deletions[-1] else []


def dumped(needed: set[Need]) -> str:
    return json.dumps([[need.place, *need.right] for need in needed])


def loaded(text: str) -> set[Need]:
    return {Need(place, (group, resource, verb)) for place, group, resource, verb in json.loads(text)}


def is_another(scenario: Scenario, uid: str) -> bool:
    deployment = scenario.cluster.get("Deployment", CHILD)
    return deployment is not None and deployment["metadata"]["uid"] != uid


def without(given: dict[str, set[Right]], right: Right) -> dict[str, set[Right]]:
    return {place: rights - {right} for place, rights in given.items()}


def test_the_table_of_rights_is_what_the_chart_gives(chart: Chart) -> None:
    given = rights_by_namespace(chart.render({}))

    assert set(RIGHTS) == set().union(*given.values())
    assert len(RIGHTS) == len(
        {(right.where, *one) for right, one in zip(kubernetes_rights.OPERATOR, RIGHTS, strict=True)}
    )


def test_the_table_says_where_each_is_given(chart: Chart) -> None:
    grants = [{"namespaces": ["team-a"]}]
    named = rights_by_namespace(chart.render({"watchNamespaces": ["team-a"], "grants": grants}))
    wide = rights_by_namespace(chart.render({"grants": grants}))
    given = {
        kubernetes_rights.CLUSTER: named[CLUSTER],
        kubernetes_rights.WATCHED: wide[CLUSTER] - named[CLUSTER],
        kubernetes_rights.GRANTED: wide["team-a"],
        kubernetes_rights.OWN: wide[NAMESPACE],
    }

    for where, rights in given.items():
        listed = {one for right, one in zip(kubernetes_rights.OPERATOR, RIGHTS, strict=True) if right.where == where}
        assert listed == rights, where


def test_the_rights_of_the_check_are_what_the_chart_gives(chart: Chart) -> None:
    roles = [hook for hook in chart.render({}).hooks if hook["kind"] == "ClusterRole"]

    listed = {(right.group, right.resource, right.verb) for right in kubernetes_rights.UNINSTALL_CHECK}
    assert [rights_of(role) for role in roles] == [listed]


def test_with_all_rights_nothing_of_a_life_is_denied(life: Life) -> None:
    assert len(life.needed) > len(RIGHTS) // 2
    assert denied(life.needed, life.given) == []


@pytest.mark.parametrize("right", RIGHTS, ids=lambda right: f"{right[2]}-{right[1]}")
def test_without_a_right_something_of_a_life_is_denied(life: Life, right: Right) -> None:
    assert denied(life.needed, without(life.given, right)) != []
