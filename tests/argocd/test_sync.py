"""What is in Git is in the cluster, and nothing ever seems to differ that does not."""

from __future__ import annotations

import base64
import os
import time
from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

import pytest

from tests.argocd.conftest import NewGitOps
from tests.argocd.gitops import GitOps
from tests.argocd.writing import Writers
from tests.scenarios.conftest import StartScenario
from tests.scenarios.scenario import CHILD, NAME, TOKEN, TOKEN_SECRET, Scenario, manifest
from tests.waiting import until

QUIET_RESYNCS: Final = int(os.environ.get("QUIET_RESYNCS", "3"))
"""For how many of Argo CD's resyncs, of 5 s each, nobody may write; and for one of the operator's at least."""

NAMES: Final = (NAME, "complete")
TRACKING: Final = ("argocd.argoproj.io/", "app.kubernetes.io/instance")
ALLOWED: Final[dict[str, Any]] = {
    "resyncSeconds": 10,
    "allowedEnvNames": ["LOG_LEVEL"],
    "allowedPodLabelKeys": ["team"],
    "allowedPodAnnotationKeys": ["example.com/note"],
    "allowedRoleTagKeys": ["team"],
}
COMPLETE: Final[dict[str, Any]] = {
    "connectorId": "production-eks",
    "role": {"tags": {"team": "platform"}},
    "deployment": {
        "replicas": 2,
        "resources": {"requests": {"cpu": "1", "memory": "1024Mi"}, "limits": {"cpu": "2000m", "memory": "2G"}},
        "env": [{"name": "LOG_LEVEL", "value": "debug"}],
        "podLabels": {"team": "platform"},
        "podAnnotations": {"example.com/note": "kept"},
        "nodeSelector": {"kubernetes.io/os": "linux"},
        "tolerations": [{"key": "dedicated", "operator": "Exists", "effect": "NoSchedule"}],
        "imagePullSecrets": [{"name": "registry"}],
    },
    "deletionPolicy": "Delete",
    "driftPolicy": "Correct",
    "suspend": False,
}
"""A spec with a field of every kind: scalars, defaults spelled out, lists, maps, quantities written in other ways."""


class Way(NamedTuple):
    """A way in which Argo CD applies and compares."""

    options: tuple[str, ...] = ()
    annotations: Mapping[str, str] = {}


WAYS: Final = {
    "client-side apply": Way(),
    "server-side apply": Way(("ServerSideApply=true",)),
    "server-side diff": Way((), {"argocd.argoproj.io/compare-options": "ServerSideDiff=true"}),
    "server-side apply and diff": Way(
        ("ServerSideApply=true",), {"argocd.argoproj.io/compare-options": "ServerSideDiff=true"}
    ),
    "replace": Way(("Replace=true",)),
}


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
def test_connectors_become_healthy_and_nothing_differs_whatever_happens_to_the_operator(
    start: StartScenario, gitops: NewGitOps, way: Way
) -> None:
    scenario, app = begun(start, gitops)
    app.push(manifest(), manifest("complete", **COMPLETE))
    app.deploy(*way.options, annotations=way.annotations)
    app.until_healthy(60)
    synced = app.operation()["startedAt"]
    writers = Writers.from_now_on(app.argocd, app.namespace)

    rotate_token(scenario)
    app.argocd.refresh(app.name, "hard")
    until("the pods have the new token", lambda: rolled(scenario), 40)
    scenario.operator.stop()
    with scenario.installation.start() as operator:
        scenario.operator = operator
        scenario.ready()
        app.argocd.refresh(app.name, "hard")
        reconciled(app)
        app.until_healthy(40)

    assert app.operation()["startedAt"] == synced
    assert writers.of_argocd() == {}


def test_nobody_writes_while_nothing_happens(
    start: StartScenario, gitops: NewGitOps, record_property: Callable[[str, object], None]
) -> None:
    scenario, app = begun(start, gitops)
    app.push(manifest(), manifest("complete", **COMPLETE))
    app.deploy()
    app.until_healthy(60)
    until("the pass after the last change is over", lambda: is_quiet(app), 90)
    writers, mark, began = Writers.from_now_on(app.argocd, app.namespace), scenario.aws.calls.mark(), time.monotonic()

    shown = app.until_compared(QUIET_RESYNCS)
    until("the operator has looked at both anew", lambda: len(roles_looked_at(scenario, mark)) == len(NAMES), 40)

    record_property("quiet seconds", round(time.monotonic() - began))
    assert shown == {("Synced", "Healthy")}
    assert (writers.of_operator(), writers.of_argocd()) == ({}, {})


def test_children_show_in_the_tree_and_are_not_argos_own(start: StartScenario, gitops: NewGitOps) -> None:
    scenario, app = begun(start, gitops)
    app.push_spec()
    app.deploy()
    app.until_healthy()
    children = {("Deployment", CHILD), ("ServiceAccount", CHILD), ("Secret", CHILD)}

    app.until("the tree has the children", lambda: children <= app.tree())

    assert {kind for kind, _ in app.tree()} >= {"AponoConnector", "Deployment", "ReplicaSet", "Pod", "ServiceAccount"}
    for kind, name in children:
        child = scenario.cluster.get(kind, name)
        assert child is not None
        marks = {**child["metadata"].get("labels", {}), **child["metadata"].get("annotations", {})}
        assert [mark for mark in marks if mark.startswith(TRACKING) and marks[mark] == app.name] == []
        assert not [mark for mark in marks if mark.startswith("argocd.argoproj.io/")]


def test_a_push_is_ready_within_seconds_once_argo_knows_of_it(
    start: StartScenario, gitops: NewGitOps, record_property: Callable[[str, object], None]
) -> None:
    scenario, app = begun(start, gitops)
    app.push(manifest("first"))
    app.deploy()
    app.until_healthy()
    began = time.monotonic()

    app.push_spec()
    until("it is there", lambda: scenario.cluster.get("AponoConnector", NAME))
    scenario.ready()
    seconds = time.monotonic() - began

    record_property("seconds from a push to Ready", round(seconds, 1))
    assert seconds < 20
    app.until_healthy()


def begun(start: StartScenario, gitops: NewGitOps) -> tuple[Scenario, GitOps]:
    """An operator in a namespace with a token, and an Application that is not there yet."""
    scenario = start(values=ALLOWED)
    scenario.create_token()
    return scenario, gitops(scenario.cluster.namespace)


def rotate_token(scenario: Scenario) -> None:
    token = base64.b64encode(f"{TOKEN}-2".encode()).decode()
    scenario.cluster.patch("Secret", TOKEN_SECRET, {"data": {"token": token}})


def rolled(scenario: Scenario) -> bool:
    """Whether a second generation of pods is all that there is."""
    deployment = scenario.cluster.get("Deployment", CHILD)
    assert deployment is not None
    observed = deployment["status"].get("observedGeneration") == deployment["metadata"]["generation"]
    return observed and int(deployment["metadata"]["generation"]) > 1


def reconciled(app: GitOps) -> None:
    """Wait until Argo CD has compared anew."""
    before = app.application()["status"]["reconciledAt"]
    app.until("compared anew", lambda: app.application()["status"]["reconciledAt"] != before, 30)


def is_quiet(app: GitOps) -> bool:
    """Whether neither of both writes until Argo CD looks again."""
    writers = Writers.from_now_on(app.argocd, app.namespace)
    app.until_compared(1)
    return not (writers.of_operator() or writers.of_argocd())


def roles_looked_at(scenario: Scenario, mark: int) -> set[str]:
    """The roles that a look at AWS began with since *mark*: each look begins with its connector's."""
    return {call.parameters["RoleName"] for call in scenario.operator_calls(mark).of(operation="GetRole")}
