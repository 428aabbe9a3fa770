"""Taking a connector away: pods first, then the role with everything on it, then the finalizer."""

from __future__ import annotations

from sandbox.aws import Call, Fault, access_denied
from tests.scenarios.cluster import Document
from tests.scenarios.conftest import StartScenario
from tests.scenarios.scenario import CHILD, NAME, Scenario, condition_of
from tests.waiting import until

FINALIZER = "apono.io/connector-cleanup"


def role_name(scenario: Scenario) -> str:
    arn: str = scenario.connector()["status"]["connectorRoleArn"]
    return arn.rpartition("/")[2]


def all_children_gone(scenario: Scenario) -> bool:
    return all(scenario.cluster.get(kind, CHILD) is None for kind in ("Deployment", "ServiceAccount", "Secret"))


def test_nothing_is_left_in_aws_or_in_the_cluster(scenario: Scenario) -> None:
    scenario.apply_ready(permissions="FullAccess")

    scenario.cluster.delete("AponoConnector", NAME)
    scenario.gone("AponoConnector", NAME)

    assert scenario.connector_roles() == []
    until("the children are collected", lambda: all_children_gone(scenario), seconds=40)
    until("an Event says so", lambda: scenario.events("Deleted"))


def test_the_pods_are_gone_before_the_role_is_touched(scenario: Scenario) -> None:
    scenario.apply_ready()
    alive: list[int] = []

    def look(call: Call) -> None:
        del call
        alive.append(len(scenario.cluster.list("Pod", f"apono.io/connector={NAME}")))

    for operation in ("DetachRolePolicy", "DeleteRolePolicy", "DeleteRole"):
        scenario.aws.hooks.before(look, operation=operation, account=scenario.account)
    scenario.cluster.delete("AponoConnector", NAME)
    scenario.gone("AponoConnector", NAME)

    assert alive
    assert set(alive) == {0}


def test_what_was_hung_on_the_role_by_hand_does_not_keep_it(scenario: Scenario) -> None:
    scenario.apply_ready()
    iam, name = scenario.account.client("iam"), role_name(scenario)
    iam.attach_role_policy(RoleName=name, PolicyArn="arn:aws:iam::aws:policy/AWSDenyAll")
    document = '{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"*","Resource":"*"}]}'
    iam.put_role_policy(RoleName=name, PolicyName="AWSRevokeOlderSessions", PolicyDocument=document)
    iam.create_instance_profile(InstanceProfileName="by-hand")
    iam.add_role_to_instance_profile(InstanceProfileName="by-hand", RoleName=name)

    scenario.cluster.delete("AponoConnector", NAME)
    scenario.gone("AponoConnector", NAME)

    assert scenario.connector_roles() == []


def test_retain_leaves_the_role_as_it_is_and_takes_the_children(scenario: Scenario) -> None:
    connector = scenario.apply_ready(deletionPolicy="Retain")
    before = scenario.role(connector)

    scenario.cluster.delete("AponoConnector", NAME)
    scenario.gone("AponoConnector", NAME)

    assert scenario.role(connector) == before
    until("the children are collected", lambda: all_children_gone(scenario), seconds=40)
    until("an Event says so", lambda: scenario.events("RoleRetained"))


def test_a_retained_role_is_taken_up_again_by_the_next_connector_of_its_name(scenario: Scenario) -> None:
    first = scenario.apply_ready(deletionPolicy="Retain")
    scenario.cluster.delete("AponoConnector", NAME)
    scenario.gone("AponoConnector", NAME)

    second = scenario.apply_ready()

    role = scenario.role(second)
    assert role is not None
    assert second["status"]["connectorRoleId"] == first["status"]["connectorRoleId"]
    assert role.tags["apono.io/uid"] == second["metadata"]["uid"] != first["metadata"]["uid"]


def test_a_deletion_that_aws_denies_is_blocked_and_told_and_goes_on_when_allowed(scenario: Scenario) -> None:
    scenario.apply_ready()
    fault = Fault(access_denied("User is not authorized to perform: iam:DeleteRole"), operation="DeleteRole",
                  account=scenario.account, times=None)  # fmt: skip
    with scenario.aws.faults.during(fault):
        scenario.cluster.delete("AponoConnector", NAME)
        connector = until("the deletion is blocked", lambda: blocked(scenario))
        message = condition_of(connector, "DeletionBlocked")["message"]
        assert condition_of(connector, "DeletionBlocked")["reason"] == "AccessDenied"
        assert "iam:DeleteRole" in message
        assert "connector-operator-" in message
        assert FINALIZER in connector["metadata"]["finalizers"]

    scenario.gone("AponoConnector", NAME, seconds=60)
    assert scenario.connector_roles() == []


def test_retain_frees_a_blocked_deletion(scenario: Scenario) -> None:
    scenario.apply_ready()
    fault = Fault(access_denied(), operation="DeleteRole", account=scenario.account, times=None)
    with scenario.aws.faults.during(fault):
        scenario.cluster.delete("AponoConnector", NAME)
        until("the deletion is blocked", lambda: blocked(scenario))

        scenario.cluster.patch("AponoConnector", NAME, {"spec": {"deletionPolicy": "Retain"}})

        scenario.gone("AponoConnector", NAME, seconds=10)
    assert len(scenario.connector_roles()) == 1


def test_a_deletion_while_the_operator_is_down_is_carried_out_after_its_start(scenario: Scenario) -> None:
    scenario.apply_ready()
    scenario.operator.kill()
    scenario.cluster.delete("AponoConnector", NAME)

    with scenario.installation.start():
        scenario.gone("AponoConnector", NAME)

    assert scenario.connector_roles() == []


def test_a_connector_that_never_got_anywhere_is_deleted_at_once(scenario: Scenario) -> None:
    scenario.apply()
    scenario.condition("TokenAvailable", "False")

    scenario.cluster.delete("AponoConnector", NAME)

    scenario.gone("AponoConnector", NAME, seconds=5)


def test_the_same_name_anew_gets_a_role_of_its_own(start: StartScenario) -> None:
    scenario = start()
    first = scenario.apply_ready()["status"]
    scenario.cluster.delete("AponoConnector", NAME)
    scenario.gone("AponoConnector", NAME)

    second = scenario.apply_ready()["status"]

    assert second["connectorRoleArn"] == first["connectorRoleArn"]
    assert second["connectorRoleId"] != first["connectorRoleId"]


def blocked(scenario: Scenario) -> Document | None:
    connector = scenario.connector()
    return connector if condition_of(connector, "DeletionBlocked").get("status") == "True" else None
