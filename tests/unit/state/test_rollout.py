from __future__ import annotations

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


def with_role(name: str = "with-role", **options: Any) -> Json:
    return a_pod(name, role_arn=ROLE, **options)


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
    assert availability(None, [], ROLE, NOW) == Finding(
        ConditionStatus.FALSE, Reason.ROLLOUT_IN_PROGRESS, "The Deployment is being created.", Next.TIME
    )


def test_a_rolled_out_deployment_whose_pods_have_the_role_is_available() -> None:
    found = availability(a_deployment(replicas=2), [with_role("one"), with_role("two")], ROLE, NOW)

    assert (found.good, found.reason) == (True, Reason.PODS_AVAILABLE)
    assert found.message == "2 of 2 pods are available."


def test_one_replica_is_the_default() -> None:
    bare = a_deployment()
    del bare["spec"]["replicas"]

    assert availability(bare, [with_role()], ROLE, NOW).good


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
    found = availability(a_deployment(status=status), [with_role()], ROLE, NOW)

    assert (found.reason, found.awaits) == (Reason.ROLLOUT_IN_PROGRESS, Next.TIME)


def test_a_deployment_without_a_status_is_in_progress() -> None:
    young = a_deployment()
    del young["status"]

    assert availability(young, [], ROLE, NOW).message == "0 of 1 pods are available."


def test_pods_without_the_role_are_not_available_however_well_they_run() -> None:
    found = availability(a_deployment(), [a_pod("b"), a_pod("a"), with_role()], ROLE, NOW)

    assert (found.reason, found.awaits) == (Reason.ROLE_NOT_INJECTED, Next.TIME)
    assert found.message == (
        "The pod identity webhook did not give the connector role to 2 pods. Pods without it are started anew."
    )


def test_pods_without_the_role_after_all_restarts_wait_for_somebody() -> None:
    found = availability(a_deployment(restarts=5, settled=2), [a_pod(restarts=5)], ROLE, NOW)

    assert (found.reason, found.awaits) == (Reason.ROLE_NOT_INJECTED, Next.SOMEBODY)
    assert found.message == (
        "The pod identity webhook did not give the connector role to 1 pod. Pods were started anew 3 times. Check "
        "that the webhook (MutatingWebhookConfiguration pod-identity-webhook) works, then run: "
        "kubectl rollout restart -n apono deployment/apono-connector-production"
    )


def test_old_pods_without_the_role_do_not_spoil_a_rollout() -> None:
    found = availability(a_deployment(restarts=1), [a_pod("old"), with_role(restarts=1)], ROLE, NOW)

    assert found.good


def test_a_restart_changes_the_template_and_so_rolls_the_pods() -> None:
    before, after = deployment(some_inputs()), deployment(some_inputs(restarts=1))

    assert before["spec"]["template"] != after["spec"]["template"]
    assert DESIRED_HASH_ANNOTATION not in before["spec"]["template"]["metadata"]["annotations"]


def test_settling_the_account_does_not_roll_the_pods() -> None:
    before, after = deployment(some_inputs(restarts=2)), deployment(some_inputs(restarts=2, settled=2))

    assert before["spec"] == after["spec"]
    assert before != after
