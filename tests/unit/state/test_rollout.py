from __future__ import annotations

import copy
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apono_operator.state.desired import DESIRED_HASH_ANNOTATION, deployment
from apono_operator.state.finding import Finding, Next
from apono_operator.state.rollout import Injection, availability, injection_of, next_injection
from apono_operator.v1alpha1 import ConditionStatus, Reason
from tests.builders import NOW, Json, a_deployment, a_pod, a_role, some_inputs

ROLE = a_role().arn
OTHER_ROLE = "arn:aws:iam::123456789012:role/apono-connector-another"
NONE_AVAILABLE = {"availableReplicas": 0}


def with_role(name: str = "with-role", **options: Any) -> Json:
    return a_pod(name, role_arn=ROLE, **options)


def waiting(reason: str, message: str = "details") -> list[Json]:
    return [{"name": "connector", "state": {"waiting": {"reason": reason, "message": message}}}]


# --- restarts for want of the role ------------------------------------------------------------------------------


def test_pods_that_run_with_the_role_settle_the_account() -> None:
    assert next_injection(Injection(2, 1), [with_role(restarts=2)], ROLE, NOW) == Injection(2, 2)


def test_a_pod_without_the_role_is_restarted() -> None:
    assert next_injection(Injection(), [a_pod()], ROLE, NOW) == Injection(1, 0)


def test_one_pod_without_the_role_among_others_is_enough_for_a_restart() -> None:
    assert next_injection(Injection(), [with_role(), a_pod()], ROLE, NOW) == Injection(1, 0)


@pytest.mark.parametrize(("attempts", "pause"), [(0, 2), (1, 20), (2, 60)], ids=["first", "second", "third"])
def test_each_restart_waits_longer_than_the_one_before(attempts: int, pause: int) -> None:
    account = Injection(attempts)
    young = a_pod(restarts=attempts, age=timedelta(seconds=pause - 1))
    old = a_pod(restarts=attempts, age=timedelta(seconds=pause))

    assert next_injection(account, [young], ROLE, NOW) == account
    assert next_injection(account, [old, young], ROLE, NOW) == account
    assert next_injection(account, [old], ROLE, NOW) == Injection(attempts + 1)


def test_pods_that_never_get_the_role_are_restarted_three_times_and_no_more() -> None:
    account, accounts = Injection(), []
    for _ in range(10):
        account = next_injection(account, [a_pod(restarts=account.restarts)], ROLE, NOW)
        accounts.append(account.restarts)

    assert accounts == [1, 2, 3, 3, 3, 3, 3, 3, 3, 3]


def test_after_all_was_well_the_restarts_count_from_there() -> None:
    account = next_injection(Injection(3, 0), [with_role(restarts=3)], ROLE, NOW)

    assert next_injection(account, [a_pod(restarts=3)], ROLE, NOW) == Injection(4, 3)


IGNORED = {
    "none": [],
    "a pod of an older restart": [a_pod(restarts=0)],
    "a pod made for another role": [a_pod(restarts=1, template_role_arn=OTHER_ROLE)],
    "a pod that is going": [{**a_pod(), "metadata": {**a_pod(restarts=1)["metadata"], "deletionTimestamp": "now"}}],
    "a pod that succeeded": [a_pod(restarts=1, status={"phase": "Succeeded"})],
    "a pod that failed": [a_pod(restarts=1, status={"phase": "Failed"})],
    "a pod without annotations": [{"metadata": {"name": "x"}, "spec": {"containers": []}}],
}


@pytest.mark.parametrize("pods", IGNORED.values(), ids=IGNORED)
def test_pods_that_are_not_of_the_newest_template_or_not_alive_do_not_count(pods: list[Json]) -> None:
    assert next_injection(Injection(1), pods, ROLE, NOW) == Injection(1)


WITHOUT = {
    "no environment": {"containers": [{"name": "connector"}]},
    "another role": {"containers": [{"name": "connector", "env": [{"name": "AWS_ROLE_ARN", "value": OTHER_ROLE}]}]},
    "a reference": {"containers": [{"name": "connector", "env": [{"name": "AWS_ROLE_ARN", "valueFrom": {}}]}]},
    "another container": {"containers": [{"name": "sidecar", "env": [{"name": "AWS_ROLE_ARN", "value": ROLE}]}]},
    "another variable": {"containers": [{"name": "connector", "env": [{"name": "MY_ROLE", "value": ROLE}]}]},
}


@pytest.mark.parametrize("spec", WITHOUT.values(), ids=WITHOUT)
def test_a_pod_has_the_role_only_by_the_variable_in_the_connectors_container(spec: Json) -> None:
    assert next_injection(Injection(), [{**a_pod(), "spec": spec}], ROLE, NOW) == Injection(1)


@given(st.integers(0, 5), st.integers(0, 5))
def test_the_account_is_kept_in_the_deployment_that_is_made_from_it(restarts: int, settled: int) -> None:
    made = deployment(some_inputs(restarts=max(restarts, settled), settled=settled))

    assert injection_of(made) == Injection(max(restarts, settled), settled)


UNREADABLE = ["", "three", "-1", "1.5", "٣", "9" * 5000, None]


@pytest.mark.parametrize("text", UNREADABLE, ids=[ascii(text)[:8] for text in UNREADABLE])
def test_an_account_that_cannot_be_read_counts_as_none(text: str | None) -> None:
    edited = a_deployment(restarts=2, settled=1)
    edited["metadata"]["annotations"] = {"apono.io/role-injection-settled": text}
    edited["spec"]["template"]["metadata"]["annotations"] = {"apono.io/role-injection-restarts": text}

    assert injection_of(edited) == Injection(0, 0)


def test_a_deployment_that_is_missing_or_bare_has_no_account() -> None:
    assert injection_of(None) == Injection()
    assert injection_of({"metadata": {}, "spec": {"template": {"metadata": {}}}}) == Injection()


def test_a_rollout_undone_does_not_lengthen_the_account() -> None:
    undone = injection_of(a_deployment(restarts=0, settled=7))

    assert undone == Injection(0, 0)
    assert next_injection(undone, [a_pod()], ROLE, NOW) == Injection(1, 0)


# --- availability ----------------------------------------------------------------------------------------------


def test_a_missing_deployment_is_being_created() -> None:
    assert availability(None, [], ROLE) == Finding(
        ConditionStatus.FALSE, Reason.ROLLOUT_IN_PROGRESS, "The Deployment is being created.", Next.TIME
    )


def test_a_rolled_out_deployment_whose_pods_have_the_role_is_available() -> None:
    found = availability(a_deployment(replicas=2), [with_role("one"), with_role("two")], ROLE)

    assert (found.good, found.reason) == (True, Reason.PODS_AVAILABLE)
    assert found.message == "2 of 2 pods are available."


def test_one_replica_is_the_default() -> None:
    bare = a_deployment()
    del bare["spec"]["replicas"]

    assert availability(bare, [with_role()], ROLE).good


NOT_ROLLED_OUT = {
    "not seen yet": {"observedGeneration": 1},
    "never seen": {"observedGeneration": None},
    "not updated": {"updatedReplicas": 0},
    "no count of updated": {"updatedReplicas": None},
    "an old pod left": {"replicas": 2},
    "none at all": {"replicas": None, "updatedReplicas": None, "availableReplicas": None},
    "not available": {"availableReplicas": None},
}


@pytest.mark.parametrize("status", NOT_ROLLED_OUT.values(), ids=NOT_ROLLED_OUT)
def test_anything_short_of_a_finished_rollout_is_in_progress(status: Json) -> None:
    found = availability(a_deployment(status=status), [with_role()], ROLE)

    assert (found.reason, found.awaits) == (Reason.ROLLOUT_IN_PROGRESS, Next.TIME)


def test_a_deployment_without_a_status_is_in_progress() -> None:
    young = a_deployment()
    del young["status"]

    assert availability(young, [], ROLE).message == "0 of 1 pods are available."


def test_pods_without_the_role_are_not_available_however_well_they_run() -> None:
    found = availability(a_deployment(), [a_pod("b"), a_pod("a"), with_role()], ROLE)

    assert (found.reason, found.awaits) == (Reason.ROLE_NOT_INJECTED, Next.TIME)
    assert "did not change them: a, b. They are started anew." in found.message


def test_pods_without_the_role_after_all_restarts_wait_for_somebody() -> None:
    found = availability(a_deployment(restarts=5, settled=2), [a_pod(restarts=5)], ROLE)

    assert (found.reason, found.awaits) == (Reason.ROLE_NOT_INJECTED, Next.SOMEBODY)
    assert "started anew 3 times" in found.message
    assert "kubectl rollout restart" in found.message


def test_old_pods_without_the_role_do_not_spoil_a_rollout() -> None:
    found = availability(a_deployment(restarts=1), [a_pod("old"), with_role(restarts=1)], ROLE)

    assert found.good


TROUBLES: dict[str, tuple[Json, Reason, str]] = {
    "the image cannot be pulled": (
        {"containerStatuses": waiting("ImagePullBackOff", "401 Unauthorized")},
        Reason.IMAGE_PULL_FAILED,
        "Pod p: ImagePullBackOff: 401 Unauthorized The connector token is the password of Apono's registry",
    ),
    "the first pull failed": (
        {"containerStatuses": waiting("ErrImagePull")},
        Reason.IMAGE_PULL_FAILED,
        "Pod p: ErrImagePull",
    ),
    "the image has no valid name": (
        {"containerStatuses": waiting("InvalidImageName")},
        Reason.IMAGE_PULL_FAILED,
        "Pod p: InvalidImageName",
    ),
    "the image is nowhere": (
        {"containerStatuses": waiting("ErrImageNeverPull")},
        Reason.IMAGE_PULL_FAILED,
        "Pod p: ErrImageNeverPull",
    ),
    "the container keeps ending": (
        {"containerStatuses": waiting("CrashLoopBackOff", "back-off 10s")},
        Reason.CRASH_LOOPING,
        "Pod p: CrashLoopBackOff: back-off 10s See: kubectl logs -n apono p --previous",
    ),
    "the container cannot be made": (
        {"containerStatuses": waiting("CreateContainerConfigError", "secret not found")},
        Reason.CRASH_LOOPING,
        "Pod p: CreateContainerConfigError: secret not found",
    ),
    "no node takes the pod": (
        {
            "conditions": [
                {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/3 nodes"}
            ]
        },
        Reason.UNSCHEDULABLE,
        "Pod p: 0/3 nodes",
    ),
}


@pytest.mark.parametrize(("status", "reason", "message"), TROUBLES.values(), ids=TROUBLES)
def test_what_keeps_a_pod_from_running_is_told(status: Json, reason: Reason, message: str) -> None:
    found = availability(a_deployment(status=NONE_AVAILABLE), [with_role("p", status=status)], ROLE)

    assert (found.reason, found.awaits) == (reason, Next.TIME)
    assert found.message.startswith(message)


def test_the_second_pods_image_matters_more_than_the_first_pods_schedule() -> None:
    unscheduled = {"conditions": [{"type": "PodScheduled", "status": "False", "reason": "Unschedulable"}]}
    unpulled = {"containerStatuses": waiting("ImagePullBackOff")}
    pods = [with_role("one", status=unscheduled), with_role("two", status=unpulled)]

    assert availability(a_deployment(status=NONE_AVAILABLE), pods, ROLE).reason is Reason.IMAGE_PULL_FAILED


HARMLESS: dict[str, Json] = {
    "the container is being created": {"containerStatuses": waiting("ContainerCreating")},
    "the container waits without a reason": {"containerStatuses": [{"state": {"waiting": {"message": "x"}}}]},
    "the container runs": {"containerStatuses": [{"state": {"running": {}}}]},
    "the container has no state": {"containerStatuses": [{}]},
    "the pod is scheduled": {"conditions": [{"type": "PodScheduled", "status": "True"}]},
    "the pod is held back on purpose": {
        "conditions": [{"type": "PodScheduled", "status": "False", "reason": "SchedulingGated"}]
    },
    "another condition is bad": {"conditions": [{"type": "Ready", "status": "False", "reason": "Unschedulable"}]},
}


@pytest.mark.parametrize("status", HARMLESS.values(), ids=HARMLESS)
def test_a_pod_on_its_way_is_no_trouble(status: Json) -> None:
    found = availability(a_deployment(status=NONE_AVAILABLE), [with_role(status=status)], ROLE)

    assert found.reason is Reason.ROLLOUT_IN_PROGRESS


def test_the_trouble_of_a_pod_that_is_going_is_over() -> None:
    going = copy.deepcopy(with_role(status={"containerStatuses": waiting("ImagePullBackOff")}))
    going["metadata"]["deletionTimestamp"] = "2026-03-14T09:26:00Z"

    assert availability(a_deployment(status=NONE_AVAILABLE), [going], ROLE).reason is Reason.ROLLOUT_IN_PROGRESS


DEPLOYMENT_TROUBLES: dict[str, tuple[Json, Reason]] = {
    "pods are refused": (
        {"type": "ReplicaFailure", "status": "True", "message": "exceeded quota"},
        Reason.PODS_NOT_CREATED,
    ),
    "pods are accepted again": ({"type": "ReplicaFailure", "status": "False"}, Reason.ROLLOUT_IN_PROGRESS),
    "the deadline has passed": (
        {"type": "Progressing", "reason": "ProgressDeadlineExceeded", "message": "exceeded quota"},
        Reason.PODS_NOT_READY,
    ),
    "it progresses": ({"type": "Progressing", "reason": "ReplicaSetUpdated"}, Reason.ROLLOUT_IN_PROGRESS),
}


@pytest.mark.parametrize(("condition", "reason"), DEPLOYMENT_TROUBLES.values(), ids=DEPLOYMENT_TROUBLES)
def test_what_keeps_a_deployment_from_its_pods_is_told(condition: Json, reason: Reason) -> None:
    found = availability(a_deployment(status={**NONE_AVAILABLE, "conditions": [condition]}), [], ROLE)

    assert (found.reason, found.awaits) == (reason, Next.TIME)
    assert found.message == condition.get("message", "0 of 1 pods are available.")


def test_a_restart_changes_the_template_and_so_rolls_the_pods() -> None:
    before, after = deployment(some_inputs()), deployment(some_inputs(restarts=1))

    assert before["spec"]["template"] != after["spec"]["template"]
    assert DESIRED_HASH_ANNOTATION not in before["spec"]["template"]["metadata"]["annotations"]


def test_settling_the_account_does_not_roll_the_pods() -> None:
    before, after = deployment(some_inputs(restarts=2)), deployment(some_inputs(restarts=2, settled=2))

    assert before["spec"] == after["spec"]
    assert before != after
