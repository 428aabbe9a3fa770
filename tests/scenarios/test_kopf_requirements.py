"""What the way through kopf must give: level-triggered, finalizer first, at once, nothing lost, quiet, independent."""

from __future__ import annotations

import base64
import time
from typing import Any

import pytest

from sandbox.aws import Call, Fault, Hang, LostResponse, server_error, throttle
from tests.scenarios.cluster import Document
from tests.scenarios.conftest import StartScenario
from tests.scenarios.scenario import CHILD, NAME, Scenario
from tests.waiting import until

FINALIZER = "apono.io/connector-cleanup"


# --- 1. level-triggered: one reconcile for whatever happened ------------------------------------------------------


@pytest.mark.parametrize("kind", ["Deployment", "ServiceAccount"])
def test_a_child_that_is_deleted_comes_back(scenario: Scenario, kind: str) -> None:
    scenario.apply_ready()
    before = scenario.cluster.get(kind, CHILD)
    assert before is not None

    scenario.cluster.delete(kind, CHILD)

    def is_back() -> bool:
        child = scenario.cluster.get(kind, CHILD)
        return child is not None and child["metadata"]["uid"] != before["metadata"]["uid"]

    until(f"the {kind} is back", is_back, seconds=5)
    scenario.ready()


def test_a_pull_secret_that_is_deleted_comes_back(scenario: Scenario) -> None:
    scenario.apply_ready()

    scenario.cluster.delete("Secret", CHILD)

    until("the Secret is back", lambda: scenario.cluster.get("Secret", CHILD), seconds=60)


@pytest.mark.parametrize(
    ("kind", "change"),
    [
        ("Deployment", {"spec": {"replicas": 5}}),
        ("Deployment", {"metadata": {"labels": {"apono.io/connector": None}}}),
        ("ServiceAccount", {"metadata": {"annotations": {"eks.amazonaws.com/role-arn": "arn:aws:iam::1:role/x"}}}),
    ],
    ids=["replicas", "label", "role annotation"],
)
def test_a_child_that_is_changed_is_mended(scenario: Scenario, kind: str, change: Document) -> None:
    scenario.apply_ready()
    before = scenario.cluster.get(kind, CHILD)
    assert before is not None

    scenario.cluster.patch(kind, CHILD, change)

    def is_mended() -> bool:
        after = scenario.cluster.get(kind, CHILD)
        return after is not None and _wanted(after) == _wanted(before)

    until(f"the {kind} is mended", is_mended, seconds=10)


def _wanted(document: Document) -> list[Any]:
    metadata = document["metadata"]
    return [
        metadata["labels"],
        metadata["annotations"].get("eks.amazonaws.com/role-arn"),
        document.get("spec", {}).get("replicas"),
    ]


def test_a_role_changed_by_hand_is_mended_when_a_look_is_asked_for(scenario: Scenario) -> None:
    name = scenario.apply_ready()["status"]["connectorRoleArn"].rpartition("/")[2]
    before = scenario.role_named(name)
    iam = scenario.account.client("iam")
    iam.delete_role_policy(RoleName=name, PolicyName="apono-connector")
    iam.detach_role_policy(RoleName=name, PolicyArn="arn:aws:iam::aws:policy/SecurityAudit")
    iam.untag_role(RoleName=name, TagKeys=["apono.io/managed-by"])
    iam.delete_role_permissions_boundary(RoleName=name)
    iam.update_role(RoleName=name, Description="by hand", MaxSessionDuration=43200)

    scenario.cluster.patch("AponoConnector", NAME, {"metadata": {"annotations": {"apono.io/reconcile-at": "now"}}})

    until("the role is as before", lambda: _meaning(scenario.role_named(name)) == _meaning(before), seconds=10)


def _meaning(role: Any) -> Any:
    boundary, length = role.boundary, role.document["MaxSessionDuration"]
    return role and [role.inline, role.attached, role.tags, boundary, length, role.document.get("Description")]


# --- 2. the finalizer stands before the first AWS call ------------------------------------------------------------


def test_the_finalizer_stands_before_anything_is_made_in_aws(scenario: Scenario) -> None:
    stood: list[bool] = []

    def look(call: Call) -> None:
        del call
        stood.append(FINALIZER in scenario.connector()["metadata"].get("finalizers", ()))

    scenario.aws.hooks.before(look, service="iam", operation="CreateRole", account=scenario.account)
    scenario.apply_ready()

    assert stood == [True]


# --- 3. a corrected spec is picked up at once: see test_changes -----------------------------------------------------

# --- 4. nothing is lost or made twice: see also the sweeps --------------------------------------------------------


@pytest.mark.parametrize("operation", ["CreateRole", "PutRolePolicy", "AttachRolePolicy"])
@pytest.mark.parametrize("effect", [LostResponse(), throttle(), server_error()], ids=["lost", "throttled", "500"])
def test_a_fault_at_a_write_to_aws_is_lived_through(shared_scenario: Scenario, operation: str, effect: Any) -> None:
    name = f"{operation.lower()}-{id(effect) % 10_000}"
    fault = Fault(effect, operation=operation, account=shared_scenario.account, times=4)
    with shared_scenario.aws.faults.during(fault):
        connector = shared_scenario.apply_ready(name)

    assert fault.fired > 0
    role = shared_scenario.role(connector)
    assert role is not None
    assert len(role.attached) == 3


def test_a_new_role_that_iam_does_not_find_yet_is_not_made_twice(start: StartScenario) -> None:
    scenario = start()
    scenario.aws.new_role_read_delay = 1.0
    try:
        connector = scenario.apply_ready()
    finally:
        scenario.aws.new_role_read_delay = 0.0

    assert scenario.role(connector) is not None
    created = scenario.operator_calls().of(operation="CreateRole", outcome="ok")
    assert len(created) == 1


# --- 5. quiet -------------------------------------------------------------------------------------------------------


def test_kopf_leaves_nothing_on_the_object_but_our_finalizer(scenario: Scenario) -> None:
    connector = scenario.apply_ready()

    assert connector["metadata"].get("annotations", {}) == {}
    assert connector["metadata"]["finalizers"] == [FINALIZER]
    assert "kopf" not in connector["status"]


def test_a_look_with_nothing_to_do_costs_two_iam_calls_and_writes_nothing(start: StartScenario) -> None:
    scenario = start(values={"resyncSeconds": 10})
    scenario.apply_ready()
    settled = versions(scenario)
    mark = scenario.aws.calls.mark()

    until("a resync has passed", lambda: reads(scenario, mark, "GetRolePolicy"), seconds=20)

    assert set(scenario.operator_calls(mark).operations) == {"GetRole", "GetRolePolicy"}
    assert len(reads(scenario, mark, "GetRole")) == len(reads(scenario, mark, "GetRolePolicy"))
    assert versions(scenario) == settled


def test_a_restart_with_nothing_to_do_writes_nothing(scenario: Scenario) -> None:
    scenario.apply_ready()
    settled = versions(scenario)
    scenario.operator.stop()
    mark = scenario.aws.calls.mark()

    with scenario.installation.start() as operator:
        until("the connector was looked at", lambda: reads(scenario, mark, "GetRolePolicy"))
        assert operator.exit_status is None

    assert scenario.role_writes(mark) == []
    assert versions(scenario) == settled


def versions(scenario: Scenario) -> list[str]:
    kinds = {"AponoConnector": NAME, "Deployment": CHILD, "ServiceAccount": CHILD, "Secret": CHILD}
    found = [scenario.cluster.get(kind, name) for kind, name in kinds.items()]
    return [str(document["metadata"]["resourceVersion"]) for document in found if document]


def reads(scenario: Scenario, mark: int, operation: str) -> list[str]:
    return [one for one in scenario.operator_calls(mark).operations if one == operation]


# --- 6. independent -------------------------------------------------------------------------------------------------


def test_a_call_that_hangs_keeps_nobody_else_waiting(scenario: Scenario) -> None:
    hang = Hang()
    fault = Fault(hang, operation="CreateRole", account=scenario.account, times=3)
    scenario.create_token()
    with scenario.aws.faults.during(fault):
        for number in range(3):
            scenario.apply(f"hanging-{number}")
        until("three calls hang", lambda: fault.fired == 3)

        scenario.apply()
        scenario.ready(seconds=10)
        hang.release()

    for number in range(3):
        scenario.ready(f"hanging-{number}", seconds=60)


def test_connectors_that_fail_for_ever_do_not_slow_others(scenario: Scenario) -> None:
    for number in range(5):
        scenario.apply(f"failing-{number}", tokenSecretRef={"name": "misspelt"})
    for number in range(5):
        scenario.condition("TokenAvailable", "False", name=f"failing-{number}")

    scenario.create_token()
    scenario.apply()

    scenario.ready(seconds=10)


# --- stopping -------------------------------------------------------------------------------------------------------


def test_a_stop_is_quick_and_no_call_leaves_after_it(scenario: Scenario) -> None:
    scenario.apply_ready()

    began = time.monotonic()
    scenario.operator.stop()

    assert scenario.operator.exit_status == 0
    assert time.monotonic() - began < 3


def test_a_stop_during_a_hanging_call_makes_no_further_change(scenario: Scenario) -> None:
    hang = Hang()
    scenario.create_token()
    fault = Fault(hang, operation="CreateRole", account=scenario.account)
    with scenario.aws.faults.during(fault):
        scenario.apply()
        until("the call hangs", lambda: fault.fired == 1)
        began = time.monotonic()
        scenario.operator.stop()
        took = time.monotonic() - began
        mark = scenario.aws.calls.mark()
        hang.release()

    assert took < 15
    assert [one for one in scenario.role_writes(mark) if one != "CreateRole"] == []
    assert scenario.operator.exit_status == 0


def test_it_keeps_no_token_in_clear_outside_of_the_pull_secret(scenario: Scenario) -> None:
    scenario.apply_ready()
    token = base64.b64decode((scenario.cluster.get("Secret", "apono-token") or {})["data"]["token"]).decode()

    for kind in ("AponoConnector", "Deployment", "ServiceAccount", "Pod"):
        for document in scenario.cluster.list(kind):
            assert token not in str(document)
