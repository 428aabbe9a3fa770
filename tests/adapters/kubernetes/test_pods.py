"""Which pods are a connector's, and how little of them is kept."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from structlog.testing import capture_logs

from apono_operator.adapters.kubernetes import POD_LIMIT, POD_PAGE, Kubernetes
from apono_operator.state.desired import TEMPLATE_ROLE_ANNOTATION
from apono_operator.state.resources import CONNECTOR_LABEL, Owner
from apono_operator.state.rollout import Injection, availability, next_injection
from sandbox.controlplane import ControlPlane
from tests.adapters.answering import Answering
from tests.adapters.kubernetes.conftest import connected_to
from tests.adapters.kubernetes.objects import deployment, pod
from tests.builders import NOW, a_deployment, a_pod, a_role, an_owner
from tests.waiting import until

REPLICA_SET = {"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "r", "uid": "u", "controller": True}
MEGABYTE = "x" * 1_000_000

Document = dict[str, Any]


def replica(**arguments: Any) -> Document:
    """Return a pod of the connector, as its ReplicaSet makes it; *arguments* are those of `a_pod`."""
    made = a_pod(**arguments)
    return {**made, "metadata": {**made["metadata"], "ownerReferences": [REPLICA_SET]}}


def deleted(pod: Document) -> Document:
    """Return *pod* while it is ending."""
    return {**pod, "metadata": {**pod["metadata"], "deletionTimestamp": "2026-03-14T09:26:53Z"}}


class Listing:
    """A list of pods, given a page at a time as the API server does."""

    def __init__(self, pods: list[Document]) -> None:
        self.pods = pods

    def __call__(self, path: str) -> bytes:
        query = parse_qs(urlsplit(path).query)
        first, limit = int(query.get("continue", ["0"])[0]), int(query["limit"][0])
        rest = str(first + limit) if first + limit < len(self.pods) else ""
        return json.dumps({"metadata": {"continue": rest}, "items": self.pods[first : first + limit]}).encode()


def names(pods: list[Any]) -> list[str]:
    return [found["metadata"]["name"] for found in pods]


def test_a_connectors_pods_are_those_of_its_deployment_that_bear_its_label(
    kubernetes: Kubernetes, cluster: ControlPlane, namespace: str, name: str
) -> None:
    kubernetes.apply(deployment(namespace, name, replicas=2, labels={CONNECTOR_LABEL: name}))
    kubernetes.apply(deployment(namespace, f"{name}-other", replicas=1, labels={CONNECTOR_LABEL: f"{name}-other"}))
    by_hand = pod(namespace, f"by-hand-{name}", **{CONNECTOR_LABEL: name})
    cluster.kubectl("create", "-f", "-", stdin=json.dumps(by_hand))

    found = until("two pods", lambda: two if len(two := kubernetes.pods(Owner(namespace, name, "uid"))) == 2 else None)

    assert all(one.startswith(f"{name}-") and not one.startswith(f"{name}-other") for one in names(found))


def test_a_connector_without_pods_has_none(kubernetes: Kubernetes, namespace: str, name: str) -> None:
    assert kubernetes.pods(Owner(namespace, name, "uid")) == []


@pytest.mark.parametrize(
    "references",
    [[], [{**REPLICA_SET, "controller": False}], [{**REPLICA_SET, "kind": "StatefulSet"}]],
    ids=["labelled-by-hand", "not-its-controller", "of-another-kind"],
)
def test_a_pod_that_no_replica_set_controls_is_not_the_connectors(
    answering: Answering, references: list[Document]
) -> None:
    foreign = a_pod()
    foreign["metadata"]["ownerReferences"] = references
    answering.body = Listing([foreign, replica(name="ours")])

    assert names(connected_to(answering).pods(an_owner())) == ["ours"]


@pytest.mark.parametrize("count", [0, 1, POD_PAGE, POD_PAGE + 1, 3 * POD_PAGE])
def test_pods_are_read_page_by_page_to_the_end(answering: Answering, count: int) -> None:
    everything = [replica(name=f"connector-{number}") for number in range(count)]
    answering.body = Listing(everything)

    found = connected_to(answering).pods(an_owner())

    assert names(found) == names(everything)
    assert len(answering.paths) == max(1, -(-count // POD_PAGE))
    queries = [parse_qs(urlsplit(path).query) for path in answering.paths]
    assert all(query["labelSelector"] == [f"{CONNECTOR_LABEL}={an_owner().label}"] for query in queries)


def waiting(reason: str) -> Document:
    """The status of a pod whose container cannot be started."""
    state = {"waiting": {"reason": reason, "message": "Of something."}}
    return {"containerStatuses": [{"name": "connector", "ready": False, "restartCount": 0, "state": state}]}


def ended() -> Document:
    """The status of a pod whose container keeps ending."""
    crash = {"terminated": {"exitCode": 1, "reason": "Error"}}
    return {"containerStatuses": [{"name": "connector", "ready": False, "restartCount": 3, "lastState": crash}]}


def unschedulable() -> Document:
    """The status of a pod that no node takes."""
    condition = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/3 nodes."}
    return {"conditions": [condition]}


@pytest.mark.parametrize(
    "pod",
    [
        replica(role_arn=a_role().arn),
        replica(),
        replica(age=timedelta(seconds=1)),
        replica(restarts=1),
        replica(template_role_arn="arn:aws:iam::123456789012:role/another"),
        replica(status={"phase": "Succeeded"}),
        replica(role_arn=a_role().arn, status=waiting("ErrImagePull")),
        replica(role_arn=a_role().arn, status=waiting("CreateContainerConfigError")),
        replica(role_arn=a_role().arn, status=ended()),
        replica(role_arn=a_role().arn, status=unschedulable()),
        deleted(replica()),
    ],
    ids=[
        "well",
        "without-the-role",
        "just-made",
        "of-an-older-template",
        "of-another-role",
        "done",
        "without-image",
        "without-configuration",
        "ending",
        "unschedulable",
        "being-deleted",
    ],
)
def test_what_is_kept_of_a_pod_is_judged_as_the_whole_would_be(answering: Answering, pod: Document) -> None:
    role, deployment = a_role().arn, a_deployment(replicas=2, status={"availableReplicas": 1})
    answering.body = Listing([pod])

    kept = connected_to(answering).pods(an_owner())

    assert availability(deployment, kept, role, NOW) == availability(deployment, [pod], role, NOW)
    assert next_injection(Injection(), kept, role, NOW) == next_injection(Injection(), [pod], role, NOW)


def test_huge_pods_are_not_kept_in_memory(answering: Answering) -> None:
    huge = replica(role_arn=MEGABYTE)
    huge["metadata"] |= {"labels": {"a": MEGABYTE}}
    huge["metadata"]["annotations"] |= {TEMPLATE_ROLE_ANNOTATION: MEGABYTE, "another": MEGABYTE}
    sidecar = {"name": "another", "image": MEGABYTE, "env": [{"name": "A", "value": MEGABYTE}]}
    huge["spec"]["containers"] += [sidecar] + [{"name": "one-of-many", "image": "i"}] * 1000
    answering.body = Listing([huge] * (3 * POD_PAGE))

    kept = connected_to(answering).pods(an_owner())

    assert len(kept) == 3 * POD_PAGE
    assert len(json.dumps(kept)) < 3 * POD_PAGE * 10_000


def test_pods_that_somebody_labelled_by_the_hundred_are_not_read_to_the_end(answering: Answering) -> None:
    answering.body = Listing([a_pod(f"by-hand-{number}") for number in range(POD_LIMIT + 1)])

    with capture_logs() as logs:
        found = connected_to(answering).pods(an_owner())

    assert found == []
    assert len(answering.paths) == POD_LIMIT // POD_PAGE
    (line,) = logs
    assert (line["log_level"], line["label"], line["limit"]) == ("warning", an_owner().label, POD_LIMIT)


def test_as_many_pods_as_are_looked_at_are_no_reason_for_a_warning(answering: Answering) -> None:
    answering.body = Listing([replica(name=f"connector-{number}") for number in range(POD_LIMIT)])

    with capture_logs() as logs:
        found = connected_to(answering).pods(an_owner())

    assert len(found) == POD_LIMIT
    assert logs == []
