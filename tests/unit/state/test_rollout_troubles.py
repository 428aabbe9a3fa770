"""What keeps pods from running, in words that stay the same as long as the trouble does."""

from __future__ import annotations

import copy
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apono_operator.state.finding import Finding, Next
from apono_operator.state.rollout import availability
from apono_operator.v1alpha1 import Reason
from tests.builders import IMAGE, NOW, Json, a_deployment, a_pod, a_role

ROLE = a_role().arn
NONE_AVAILABLE = {"availableReplicas": 0}
DESCRIBE = "kubectl describe pods -n apono -l apono.io/connector=production"
READ_WHY = (
    "Read why: kubectl logs -n apono deployment/apono-connector-production --previous -c connector; "
    f"if there is no log: {DESCRIBE}"
)
PULL_FAILED = (
    f"Image {IMAGE} cannot be pulled. The connector token is the password of Apono's registry: check the token, "
    f"the image's name and the way out. The kubelet's own words, such as those of ErrImagePull: {DESCRIBE}"
)
UNSCHEDULED = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable"}


def with_role(name: str = "with-role", **options: Any) -> Json:
    return a_pod(name, role_arn=ROLE, **options)


def looked_at(*pods: Json, conditions: tuple[Json, ...] = ()) -> Finding:
    """The finding about a rollout that is not finished, with *pods* and the Deployment's *conditions*."""
    return availability(a_deployment(status={**NONE_AVAILABLE, "conditions": list(conditions)}), pods, ROLE, NOW)


def a_container(state: Json | None = None, **fields: Any) -> Json:
    """The status of the connector's container as a kubelet writes it, not ready."""
    plain = {"name": "connector", "ready": False, "restartCount": 0, "lastState": {}, "state": state or {}}
    return {**plain, **fields}


def waiting(reason: str, message: str = "details", **fields: Any) -> Json:
    return a_container({"waiting": {"reason": reason, "message": message}}, **fields)


def ended(exit_code: int, reason: str | None = None) -> Json:
    end: Json = {"exitCode": exit_code, "startedAt": "2026-03-14T09:00:00Z", "finishedAt": "2026-03-14T09:00:01Z"}
    return {"terminated": {**end, "reason": reason} if reason else end}


def a_pod_of(container: Json, name: str = "apono-connector-production-7d4b9c-x2x9k") -> Json:
    return with_role(name, status={"containerStatuses": [container]})


# --- one trouble, one finding -----------------------------------------------------------------------------------

OOM: Json = {"restartCount": 3, "lastState": ended(137, "OOMKilled")}
START_ERROR: Json = {"lastState": ended(128, "StartError")}
NOT_ROOT = "container has runAsNonRoot and image will run as root"

COURSES: dict[str, tuple[list[Json], Reason]] = {
    "a container that keeps ending": (
        [
            waiting("CrashLoopBackOff", "back-off 10s restarting failed container=connector pod=a(uid)", **OOM),
            waiting("CrashLoopBackOff", "back-off 1m20s restarting failed container=connector pod=b(uid)", **OOM),
            a_container({"running": {"startedAt": "2026-03-14T09:26:00Z"}}, **OOM),
            a_container(ended(137, "OOMKilled"), **OOM),
            waiting("ContainerCreating", "", **{**OOM, "restartCount": 4}),
        ],
        Reason.CRASH_LOOPING,
    ),
    "a program that cannot be started": (
        [
            waiting("RunContainerError", "failed to create shim task: exec: no such file", **START_ERROR),
            waiting("CrashLoopBackOff", "back-off 10s", **START_ERROR),
            waiting("RunContainerError", "failed to start", **START_ERROR, restartCount=1),
            waiting("CrashLoopBackOff", "back-off 20s", **START_ERROR, restartCount=1),
        ],
        Reason.CRASH_LOOPING,
    ),
    "an image that cannot be pulled any more after the container ended": (
        [
            waiting("ErrImagePull", "401 Unauthorized", **OOM),
            waiting("CrashLoopBackOff", "back-off 10s", **OOM),
            waiting("ImagePullBackOff", "Back-off pulling image", **OOM),
        ],
        Reason.CRASH_LOOPING,
    ),
    "a Secret that went away after the container ended": (
        [
            waiting("CreateContainerConfigError", 'secret "apono-token" not found', **OOM),
            waiting("CrashLoopBackOff", "back-off 10s", **OOM),
        ],
        Reason.CRASH_LOOPING,
    ),
    "an image that cannot be pulled": (
        [
            waiting("ErrImagePull", "failed to resolve reference: 401 Unauthorized"),
            waiting("ErrImagePull", "dial tcp 10.0.0.7:443: i/o timeout"),
            waiting("ImagePullBackOff", f"Back-off pulling image {IMAGE}: ErrImagePull: 401 Unauthorized"),
            waiting("ImagePullBackOff", f"Back-off pulling image {IMAGE}"),
            waiting("RegistryUnavailable"),
            waiting("ImageInspectError"),
            waiting("SignatureValidationFailed"),
            waiting("InvalidImageName"),
            waiting("ErrImageNeverPull"),
        ],
        Reason.IMAGE_PULL_FAILED,
    ),
    "a container whose settings cannot be met": (
        [
            waiting("CreateContainerConfigError", f'{NOT_ROOT} (pod: "{name}_apono({uid})", container: connector)')
            for name, uid in (("one", "0b1c9d3e"), ("two", "9a3b2f6f"))
        ],
        Reason.CONTAINER_NOT_STARTED,
    ),
    "a container that the runtime cannot make": (
        [
            waiting("CreateContainerError", "context deadline exceeded"),
            waiting("CreateContainerError", 'failed to reserve container name "connector_a_apono_0b1c_0"'),
            waiting("CreateContainerError", 'failed to generate container "4f1e0c" spec: no command specified'),
        ],
        Reason.CONTAINER_NOT_STARTED,
    ),
}
POD_NAMES = st.from_regex(r"\Aapono-connector-production-[a-z0-9]{6,10}-[a-z0-9]{5}\Z")


@pytest.mark.parametrize(("course", "reason"), COURSES.values(), ids=COURSES)
@given(data=st.data())
def test_whatever_states_a_trouble_goes_through_reason_and_message_stay_the_same(
    course: list[Json], reason: Reason, data: st.DataObject
) -> None:
    states = data.draw(st.lists(st.sampled_from(course), min_size=1, max_size=6))
    names = data.draw(st.lists(POD_NAMES, min_size=len(states), max_size=len(states)))

    findings = {looked_at(a_pod_of(state, name)) for state, name in zip(states, names, strict=True)}

    assert findings == {looked_at(a_pod_of(course[0]))}
    assert {finding.reason for finding in findings} == {reason}


@given(st.permutations([state for course, _ in COURSES.values() for state in course]))
def test_of_several_troubles_the_same_one_is_told_in_whatever_order_pods_are_listed(states: list[Json]) -> None:
    found = looked_at(*(a_pod_of(state) for state in states))

    assert (found.reason, found.message) == (Reason.IMAGE_PULL_FAILED, PULL_FAILED)


def test_two_ways_of_ending_are_one_finding_in_whatever_order_pods_are_listed() -> None:
    pods = [a_pod_of(waiting("CrashLoopBackOff", lastState=ended(code))) for code in (1, 137)]

    assert looked_at(*pods) == looked_at(*reversed(pods))


QUOTING = ["CrashLoopBackOff", "ImagePullBackOff", "CreateContainerConfigError", "CreateContainerError"]


@pytest.mark.parametrize("reason", QUOTING)
def test_no_message_names_a_pod_although_the_kubelets_do(reason: str) -> None:
    state = waiting(reason, 'trouble with (pod: "apono-connector-production-7d4b9c-x2x9k_apono(0b1c9d3e)")')

    assert "7d4b9c" not in looked_at(a_pod_of(state)).message


# --- what is told -----------------------------------------------------------------------------------------------

CONFIG_ERROR = "Container connector cannot be started: CreateContainerConfigError"
TOLD: dict[str, tuple[Json, Reason, str]] = {
    "a container that was killed": (
        waiting("CrashLoopBackOff", **OOM),
        Reason.CRASH_LOOPING,
        f"Container connector keeps ending (exit code 137, OOMKilled). {READ_WHY}",
    ),
    "a container that ended without a reason": (
        waiting("CrashLoopBackOff", restartCount=1, lastState=ended(1)),
        Reason.CRASH_LOOPING,
        f"Container connector keeps ending (exit code 1). {READ_WHY}",
    ),
    "a container that ended nobody knows how": (
        waiting("CrashLoopBackOff"),
        Reason.CRASH_LOOPING,
        f"Container connector keeps ending. {READ_WHY}",
    ),
    "a container beside the connector that keeps ending": (
        {**waiting("CrashLoopBackOff"), "name": "sidecar"},
        Reason.CRASH_LOOPING,
        f"Container sidecar keeps ending. {READ_WHY.replace('-c connector', '-c sidecar')}",
    ),
    "a container that was started again and is not ready": (
        a_container({"running": {}}, restartCount=1),
        Reason.CRASH_LOOPING,
        f"Container connector keeps ending. {READ_WHY}",
    ),
    "an image that cannot be pulled": (waiting("ErrImagePull"), Reason.IMAGE_PULL_FAILED, PULL_FAILED),
    "a Secret that is missing": (
        waiting("CreateContainerConfigError", 'secret "apono-token" not found'),
        Reason.CONTAINER_NOT_STARTED,
        f'{CONFIG_ERROR}: secret "apono-token" not found. More: {DESCRIBE}',
    ),
    "settings that do not fit the image": (
        COURSES["a container whose settings cannot be met"][0][0],
        Reason.CONTAINER_NOT_STARTED,
        f"{CONFIG_ERROR}: {NOT_ROOT} (pod, container: connector). More: {DESCRIBE}",
    ),
    "a runtime that cannot make the container": (
        waiting("CreateContainerError", 'failed to generate container "4f1e0c" spec'),
        Reason.CONTAINER_NOT_STARTED,
        f"Container connector cannot be started: CreateContainerError. More: {DESCRIBE}",
    ),
    **{
        f"the kubelet's {reason}": (
            waiting(reason),
            Reason.CONTAINER_NOT_STARTED,
            f"Container connector cannot be started: {reason}. More: {DESCRIBE}",
        )
        for reason in ("RunContainerError", "PreCreateHookError", "PreStartHookError")
    },
    "settings that cannot be met for no reason given": (
        waiting("CreateContainerConfigError", ""),
        Reason.CONTAINER_NOT_STARTED,
        f"{CONFIG_ERROR}. More: {DESCRIBE}",
    ),
}


@pytest.mark.parametrize(("container", "reason", "message"), TOLD.values(), ids=TOLD)
def test_what_keeps_a_container_from_running_is_told(container: Json, reason: Reason, message: str) -> None:
    found = looked_at(a_pod_of(container))

    assert (found.reason, found.message, found.awaits) == (reason, message, Next.TIME)


def test_the_image_is_named_as_the_pod_asks_for_it_and_not_as_the_runtime_calls_it() -> None:
    found = looked_at(a_pod_of(waiting("ImagePullBackOff", image="sha256:4f1e0c")))

    assert f"Image {IMAGE} " in found.message


def test_a_pod_that_no_node_takes_is_told_in_the_schedulers_words() -> None:
    condition = {**UNSCHEDULED, "message": "0/3 nodes are available: 3 Insufficient memory."}
    found = looked_at(with_role(status={"conditions": [condition]}))

    assert (found.reason, found.awaits) == (Reason.UNSCHEDULABLE, Next.TIME)
    assert found.message == "No node takes the pod: 0/3 nodes are available: 3 Insufficient memory."


def test_the_schedulers_words_lose_the_name_of_the_pod() -> None:
    condition = {**UNSCHEDULED, "message": 'pod "apono/one" has unbound immediate PersistentVolumeClaims'}

    found = looked_at(with_role(status={"conditions": [condition]}))

    assert found.message == "No node takes the pod: pod has unbound immediate PersistentVolumeClaims"


HARMLESS: dict[str, Json] = {
    "the container is being created": {"containerStatuses": [waiting("ContainerCreating")]},
    "the container waits without a reason": {"containerStatuses": [a_container({"waiting": {"message": "x"}})]},
    "the container runs": {"containerStatuses": [a_container({"running": {}})]},
    "the container has just ended for the first time": {"containerStatuses": [a_container(ended(1))]},
    "the container has no state": {"containerStatuses": [{"name": "connector"}]},
    "the container is ready after a restart": {"containerStatuses": [a_container({"running": {}}, **OOM, ready=True)]},
    "the pod is scheduled": {"conditions": [{"type": "PodScheduled", "status": "True"}]},
    "the pod is scheduled in the end": {"conditions": [{**UNSCHEDULED, "status": "True"}]},
    "the pod is held back on purpose": {
        "conditions": [{"type": "PodScheduled", "status": "False", "reason": "SchedulingGated"}]
    },
    "another condition is bad": {"conditions": [{"type": "Ready", "status": "False", "reason": "Unschedulable"}]},
}


@pytest.mark.parametrize("status", HARMLESS.values(), ids=HARMLESS)
def test_a_pod_on_its_way_is_no_trouble(status: Json) -> None:
    assert looked_at(with_role(status=status)).reason is Reason.ROLLOUT_IN_PROGRESS


def test_a_pod_that_no_kubelet_has_seen_is_no_trouble() -> None:
    fresh = {name: value for name, value in with_role().items() if name != "status"}

    assert looked_at(fresh).reason is Reason.ROLLOUT_IN_PROGRESS


def test_the_second_pods_image_matters_more_than_the_first_pods_schedule() -> None:
    unscheduled = with_role("one", status={"conditions": [UNSCHEDULED]})

    assert looked_at(unscheduled, a_pod_of(waiting("ImagePullBackOff"))).reason is Reason.IMAGE_PULL_FAILED


def test_the_trouble_of_a_pod_that_is_going_is_over() -> None:
    going = copy.deepcopy(a_pod_of(waiting("ImagePullBackOff")))
    going["metadata"]["deletionTimestamp"] = "2026-03-14T09:26:00Z"

    assert looked_at(going).reason is Reason.ROLLOUT_IN_PROGRESS


def test_a_pod_in_trouble_tells_more_than_the_deployment_that_waits_for_it() -> None:
    late = {"type": "Progressing", "reason": "ProgressDeadlineExceeded", "message": "has timed out"}

    assert looked_at(a_pod_of(waiting("ErrImagePull")), conditions=(late,)).reason is Reason.IMAGE_PULL_FAILED


DEPLOYMENT_TROUBLES: dict[str, tuple[Json, Reason, str]] = {
    "pods are refused": (
        {"type": "ReplicaFailure", "status": "True", "message": 'pods "x-7d4b9c-abcde" is forbidden: exceeded quota'},
        Reason.PODS_NOT_CREATED,
        "pods is forbidden: exceeded quota",
    ),
    "pods are refused without a word": (
        {"type": "ReplicaFailure", "status": "True"},
        Reason.PODS_NOT_CREATED,
        "",
    ),
    "pods are accepted again": (
        {"type": "ReplicaFailure", "status": "False"},
        Reason.ROLLOUT_IN_PROGRESS,
        "0 of 1 pods are available.",
    ),
    "the deadline has passed": (
        {"type": "Progressing", "reason": "ProgressDeadlineExceeded", "message": "has timed out progressing."},
        Reason.PODS_NOT_READY,
        "has timed out progressing.",
    ),
    "it progresses": (
        {"type": "Progressing", "reason": "ReplicaSetUpdated"},
        Reason.ROLLOUT_IN_PROGRESS,
        "0 of 1 pods are available.",
    ),
}


@pytest.mark.parametrize(("condition", "reason", "message"), DEPLOYMENT_TROUBLES.values(), ids=DEPLOYMENT_TROUBLES)
def test_what_keeps_a_deployment_from_its_pods_is_told(condition: Json, reason: Reason, message: str) -> None:
    found = looked_at(conditions=(condition,))

    assert (found.reason, found.message) == (reason, message)


# --- trouble that lasts: for as long as Kubernetes gives a rollout, it may pass by itself -----------------------------

EXCEEDED: Json = {"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded"}


def unavailable(seconds: float, status: str = "False") -> Json:
    """The condition of a Deployment that has not been available for so long."""
    since = (NOW - timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")
    return {"type": "Available", "status": status, "lastTransitionTime": since}


LASTING: dict[str, tuple[tuple[Json, ...], Next]] = {
    "the rollout has begun": ((), Next.TIME),
    "the rollout is within its deadline": ((unavailable(599),), Next.TIME),
    "the deadline of the rollout has passed": ((EXCEEDED,), Next.SOMEBODY),
    "pods that were fine have been failing for longer": ((unavailable(601),), Next.SOMEBODY),
    "enough of the pods are available": ((unavailable(601, "True"),), Next.TIME),
}


@pytest.mark.parametrize(("conditions", "awaits"), LASTING.values(), ids=LASTING)
def test_trouble_that_outlasts_a_rollout_waits_for_somebody_in_the_same_words(
    conditions: tuple[Json, ...], awaits: Next
) -> None:
    pod = a_pod_of(waiting("ImagePullBackOff"))

    found = looked_at(pod, conditions=conditions)

    assert (found.reason, found.message, found.awaits) == (Reason.IMAGE_PULL_FAILED, PULL_FAILED, awaits)


def test_the_deadline_is_the_deployments_own() -> None:
    pod = a_pod_of(waiting("ImagePullBackOff"))
    deployment = a_deployment(status={**NONE_AVAILABLE, "conditions": [unavailable(61)]})
    deployment["spec"]["progressDeadlineSeconds"] = 60

    assert availability(deployment, [pod], ROLE, NOW).awaits is Next.SOMEBODY


def test_pods_that_have_not_been_ready_for_longer_than_a_rollout_may_take_are_told() -> None:
    found = looked_at(with_role(), conditions=(unavailable(601),))

    assert (found.reason, found.awaits) == (Reason.PODS_NOT_READY, Next.SOMEBODY)
    assert found.message == f"0 of 1 pods are available, for longer than a rollout may take. Read why: {DESCRIBE}"
