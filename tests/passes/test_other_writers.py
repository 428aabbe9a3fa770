"""What else writes to the same objects: nothing is written in vain at every pass, and what is told is true."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from apono_operator.adapters.kubernetes import Kubernetes
from apono_operator.reconciler.report import write_status
from sandbox.controlplane import ControlPlane
from tests.passes.passes import Passes
from tests.scenarios.cluster import Document
from tests.scenarios.scenario import CHILD, NAME
from tests.waiting import until

HOUR = 3600.0
MUTATED = 2
"""Replicas that the policy gives every Deployment."""

SOMEBODY: Document = {"apiVersion": "apono.io/v1alpha1", "kind": "AponoConnector", "metadata": {"name": NAME}}
AS_SOMEBODY = ("apply", "--server-side", "--subresource=status", "--field-manager=somebody", "--filename=-")


class Written:
    """The cluster, and the names of the methods by which it was written to."""

    def __init__(self, kubernetes: Kubernetes) -> None:
        self._kubernetes = kubernetes
        self._writes: list[str] = []

    def __getattr__(self, name: str) -> Any:
        if name not in {"get", "get_all", "pods"}:
            self._writes.append(name)
        return getattr(self._kubernetes, name)

    def in_a_pass(self, passes: Passes) -> list[str]:
        """Make a pass; return what it wrote."""
        self._writes.clear()
        passes.calls()
        return list(self._writes)

    def to_children_in_a_pass(self, passes: Passes) -> int:
        """Make a pass; return how often it wrote to a child."""
        return self.in_a_pass(passes).count("apply")


@pytest.fixture
def written(passes: Passes) -> Written:
    """What passes over a connector that is Ready write."""
    passes.settle()
    written = Written(passes.environment.kubernetes)
    adapter: Any = written
    passes.environment = replace(passes.environment, kubernetes=adapter)
    return written


@pytest.fixture
def mutation(passes: Passes, written: Written, control_plane: ControlPlane) -> Iterator[str]:
    """A policy that gives the Deployment other replicas whenever it is written, under the name that kubectl takes.

    Source: Kubernetes documentation, "Mutating Admission Policy".
    """
    assert written.in_a_pass(passes) == []
    name = f"replicas-{passes.owner.namespace}"
    both = {"apiVersion": "v1", "kind": "List", "items": mutating(name, passes.owner.namespace)}
    control_plane.kubectl("apply", "-f", "-", stdin=json.dumps(both))
    until("the policy holds", lambda: replicas(touched(passes)) == MUTATED)
    yield f"mutatingadmissionpolicybinding/{name}"
    control_plane.kubectl(
        "delete", "mutatingadmissionpolicy,mutatingadmissionpolicybinding", name, "--ignore-not-found"
    )


def mutating(name: str, namespace: str) -> list[Document]:
    """A mutating admission policy for the Deployments of a namespace, and its binding."""
    rule = {
        "apiGroups": ["apps"],
        "apiVersions": ["v1"],
        "operations": ["CREATE", "UPDATE"],
        "resources": ["deployments"],
    }
    selector = {"matchLabels": {"kubernetes.io/metadata.name": namespace}}
    applied = {"expression": f"Object{{spec: Object.spec{{replicas: {MUTATED}}}}}"}
    spec = {
        "matchConstraints": {"namespaceSelector": selector, "resourceRules": [rule]},
        "reinvocationPolicy": "Never",
        "mutations": [{"patchType": "ApplyConfiguration", "applyConfiguration": applied}],
    }
    head = {"apiVersion": "admissionregistration.k8s.io/v1", "metadata": {"name": name}}
    return [
        {**head, "kind": "MutatingAdmissionPolicy", "spec": spec},
        {**head, "kind": "MutatingAdmissionPolicyBinding", "spec": {"policyName": name}},
    ]


def touched(passes: Passes) -> Document:
    """The Deployment after somebody wrote to it what is not ours."""
    return passes.cluster.patch("Deployment", CHILD, {"metadata": {"annotations": {"example.com/touched": "yes"}}})


def replicas(deployment: Document) -> int:
    return int(deployment["spec"]["replicas"])


@pytest.mark.usefixtures("mutation")
def test_a_child_that_is_changed_on_its_way_is_written_once_and_told_as_drift(passes: Passes, written: Written) -> None:
    assert written.to_children_in_a_pass(passes) == 1
    assert written.to_children_in_a_pass(passes) == 0

    assert f"Deployment {passes.owner.namespace}/{CHILD}: spec.replicas." in passes.condition("Drifted")["message"]
    assert passes.events("DriftCorrected") == []
    assert len(passes.events("Drifted")) == 1


@pytest.mark.usefixtures("mutation")
def test_a_child_that_is_changed_on_its_way_is_tried_again_hourly_and_when_something_changes(
    passes: Passes, written: Written
) -> None:
    written.in_a_pass(passes)

    passes.moment += HOUR
    assert written.to_children_in_a_pass(passes) == 1
    assert written.to_children_in_a_pass(passes) == 0

    passes.cluster.patch("Deployment", CHILD, {"metadata": {"labels": {"app.kubernetes.io/name": "another"}}})
    assert written.to_children_in_a_pass(passes) == 1
    assert written.to_children_in_a_pass(passes) == 0
    assert "app.kubernetes.io/name" not in passes.condition("Drifted")["message"]


def test_a_child_that_nobody_changes_on_its_way_any_more_is_put_right_within_the_hour(
    passes: Passes, written: Written, mutation: str, control_plane: ControlPlane
) -> None:
    written.in_a_pass(passes)
    control_plane.kubectl("delete", mutation)
    until("the policy holds no longer", lambda: is_taken(passes, replicas_asked=3))
    passes.cluster.patch("Deployment", CHILD, {"spec": {"replicas": MUTATED}})

    passes.moment += HOUR
    written.in_a_pass(passes)

    assert replicas(passes.child("Deployment") or {}) == 1
    assert passes.condition("Drifted") == {}
    assert "spec.replicas" in passes.events("DriftCorrected")[0]


def is_taken(passes: Passes, *, replicas_asked: int) -> bool:
    return replicas(passes.cluster.patch("Deployment", CHILD, {"spec": {"replicas": replicas_asked}})) == replicas_asked


def test_what_somebody_else_wrote_into_the_status_is_taken_away_for_good(
    passes: Passes, written: Written, control_plane: ControlPlane
) -> None:
    theirs = [condition("Drifted"), condition("Stalled"), condition("TheirOwn")]
    somebody = {**SOMEBODY, "status": {"conditions": theirs}}
    control_plane.kubectl(*AS_SOMEBODY, f"--namespace={passes.owner.namespace}", stdin=json.dumps(somebody))

    assert written.in_a_pass(passes) == ["apply_status", "change_status"]
    assert written.in_a_pass(passes) == []

    kinds = {one["type"] for one in passes.status["conditions"]}
    assert kinds & {"Drifted", "Stalled", "TheirOwn", "Ready"} == {"TheirOwn", "Ready"}


def test_a_field_of_the_status_that_is_over_goes_though_somebody_else_wrote_it_as_well(
    passes: Passes, control_plane: ControlPlane
) -> None:
    passes.calls()
    somebody = {**SOMEBODY, "status": {"managementStackStatus": "CREATE_COMPLETE"}}
    control_plane.kubectl(*AS_SOMEBODY, f"--namespace={passes.owner.namespace}", stdin=json.dumps(somebody))
    connector = passes.cluster.get("AponoConnector", NAME) or {}

    write_status(passes.environment, connector, passes.owner, {}, {"managementStackStatus": None})

    assert "managementStackStatus" not in passes.status


def condition(kind: str) -> Document:
    return {
        "type": kind,
        "status": "True",
        "reason": "Said",
        "message": "Somebody says so.",
        "lastTransitionTime": "2026-01-01T00:00:00Z",
    }
