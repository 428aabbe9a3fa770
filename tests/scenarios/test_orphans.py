"""A role whose connector has gone without it is found, told, and left alone until somebody decides."""

from __future__ import annotations

import json

from sandbox.aws import Fault, access_denied
from tests.scenarios.cluster import Document
from tests.scenarios.scenario import NAME, Scenario
from tests.waiting import until

TOLD = "a role has no connector"
NOT_LOOKED_FOR = "roles whose connector is gone are not looked for"


def lose(scenario: Scenario, name: str = NAME) -> str:
    """Delete a connector while no operator runs, taking its finalizer off by hand; return its role's name."""
    role: str = scenario.ready(name)["status"]["connectorRoleArn"].rpartition("/")[2]
    scenario.operator.stop()
    scenario.cluster.delete("AponoConnector", name)
    scenario.cluster.patch("AponoConnector", name, {"metadata": {"finalizers": None}})
    scenario.gone("AponoConnector", name)
    return role


def orphan_events(scenario: Scenario) -> list[Document]:
    return scenario.events("RoleOrphaned")


def searched(scenario: Scenario, mark: int) -> bool:
    return "ListRoles" in scenario.operator_calls(mark).operations


def test_a_lost_role_is_told_at_the_operators_start_and_not_touched(scenario: Scenario) -> None:
    connector = scenario.apply_ready()
    scenario.apply_ready("living")
    name = lose(scenario)
    before = scenario.role_named(name)
    mark = scenario.aws.calls.mark()

    with scenario.installation.start() as operator:
        scenario.operator = operator
        (event,) = until("an Event tells", lambda: orphan_events(scenario), 40)
        told = [line for line in operator.log.splitlines() if TOLD in line]

    assert event["involvedObject"]["name"] == NAME
    assert connector["status"]["connectorRoleArn"] in event["message"]
    assert len(told) == 1
    assert connector["status"]["connectorRoleArn"] in told[0]
    assert before is not None
    assert scenario.role_named(name) == before
    assert scenario.role_writes(mark) == []


def test_a_lost_role_is_taken_up_by_the_same_connector_applied_again(scenario: Scenario) -> None:
    first = scenario.apply_ready()
    role = lose(scenario)

    with scenario.installation.start() as operator:
        scenario.operator = operator
        until("the loss is told", lambda: orphan_events(scenario), 40)
        second = scenario.apply_ready()

    assert second["status"]["connectorRoleId"] == first["status"]["connectorRoleId"]
    assert scenario.connector_roles() == [role]


def test_a_search_that_aws_denies_is_told_and_disturbs_nothing(scenario: Scenario) -> None:
    scenario.operator.stop()
    fault = Fault(access_denied(), operation="ListRoles", account=scenario.account, times=None)
    with scenario.aws.faults.during(fault), scenario.installation.start() as operator:
        scenario.operator = operator
        scenario.apply_ready()
        until("the log tells", lambda: NOT_LOOKED_FOR in operator.log)
        (line,) = (line for line in operator.log.splitlines() if NOT_LOOKED_FOR in line)
        assert operator.exit_status is None

    assert "iam:ListRoles" in line
    assert "role/connector-operator-" in line


def test_an_orderly_deletion_leaves_nothing_to_be_told(scenario: Scenario) -> None:
    scenario.apply_ready()
    scenario.cluster.delete("AponoConnector", NAME)
    scenario.gone("AponoConnector", NAME)
    scenario.operator.stop()
    mark = scenario.aws.calls.mark()

    with scenario.installation.start() as operator:
        scenario.operator = operator
        until("there was a search", lambda: searched(scenario, mark))
        scenario.apply_ready("another")

    assert TOLD not in operator.log
    assert orphan_events(scenario) == []


def test_the_log_tells_machines_which_role_and_which_connector(scenario: Scenario) -> None:
    connector = scenario.apply_ready()
    lose(scenario)

    with scenario.installation.start(APONO_OPERATOR_LOG_FORMAT="json") as operator:
        until("the log tells", lambda: TOLD in operator.log, 40)
        lines = [json.loads(line) for line in operator.log.splitlines() if TOLD in line]

    told = {key: lines[0][key] for key in ("level", "role", "namespace", "connector", "uid")}
    assert told == {
        "level": "warning",
        "role": connector["status"]["connectorRoleArn"],
        "namespace": scenario.cluster.namespace,
        "connector": NAME,
        "uid": connector["metadata"]["uid"],
    }
