"""Cases in which an operator of this kind gets stuck, forgets something, or believes too early."""

from __future__ import annotations

import json
from typing import Any

import pytest

from sandbox.aws import Fault, Refusal, throttle
from tests.scenarios.cluster import Document
from tests.scenarios.conftest import StartScenario
from tests.scenarios.scenario import CHILD, NAME, Scenario, condition_of
from tests.waiting import until


def of_the_container(change: Document) -> Document:
    return {"spec": {"template": {"spec": {"containers": [{"name": "connector", **change}]}}}}


VALUE_FOR_REFERENCE = of_the_container({"env": [{"name": "APONO_TOKEN", "value": "x", "valueFrom": None}]})
PROBE_OF_ANOTHER_KIND = of_the_container({"livenessProbe": {"exec": {"command": ["true"]}, "httpGet": None}})
ROLLING_UPDATE = {
    "spec": {"strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}}}
}


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(VALUE_FOR_REFERENCE, id="a value for a reference"),
        pytest.param(PROBE_OF_ANOTHER_KIND, id="a probe of another kind"),
        pytest.param(ROLLING_UPDATE, id="another strategy"),
    ],
)
def test_a_deployment_changed_beyond_repair_is_made_anew(scenario: Scenario, change: Document) -> None:
    scenario.apply_ready()
    before = scenario.cluster.get("Deployment", CHILD)
    assert before is not None

    scenario.cluster.strategic_patch("Deployment", CHILD, change)

    def is_mended() -> bool:
        after = scenario.cluster.get("Deployment", CHILD)
        return after is not None and wanted(after) == wanted(before)

    until("the Deployment is as before", is_mended)
    scenario.ready()


def wanted(deployment: Document) -> list[object]:
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    return [container["env"], container["livenessProbe"], deployment["spec"]["strategy"]]


def test_a_manifest_that_kubernetes_refuses_deletes_nothing(scenario: Scenario) -> None:
    scenario.apply_ready()
    before = scenario.cluster.get("Deployment", CHILD)
    assert before is not None

    scenario.apply(deployment={"resources": {"requests": {"cpu": "2"}, "limits": {"cpu": "1"}}})
    connector = scenario.condition("DeploymentAvailable", "False", "Rejected")

    after = scenario.cluster.get("Deployment", CHILD)
    assert after is not None
    assert after["metadata"]["uid"] == before["metadata"]["uid"]
    assert "must be less than or equal to cpu limit" in condition_of(connector, "DeploymentAvailable")["message"]


def test_a_deletion_goes_on_after_the_grant_was_withdrawn(start: StartScenario) -> None:
    scenario = start()
    scenario.apply_ready()
    control_plane, namespace = scenario.installation.control_plane, scenario.cluster.namespace
    control_plane.kubectl("delete", "rolebinding", "-n", namespace, "apono-operator-connectors")

    scenario.cluster.delete("AponoConnector", NAME)

    scenario.gone("AponoConnector", NAME)
    assert scenario.connector_roles() == []
    until("the Deployment is collected", lambda: scenario.cluster.get("Deployment", CHILD) is None, seconds=40)


def test_a_role_whose_tags_were_taken_off_is_told_and_not_forgotten(scenario: Scenario) -> None:
    name = scenario.apply_ready()["status"]["connectorRoleArn"].rpartition("/")[2]
    tags = ["apono.io/cluster", "apono.io/namespace", "apono.io/name"]
    scenario.account.client("iam").untag_role(RoleName=name, TagKeys=tags)

    scenario.cluster.delete("AponoConnector", NAME)
    connector = until("the deletion is blocked", lambda: blocked(scenario))

    message = condition_of(connector, "DeletionBlocked")["message"]
    assert "is this connector's by its id, but its tags were taken off" in message
    assert scenario.connector_roles() == [name]
    scenario.cluster.patch("AponoConnector", NAME, {"spec": {"deletionPolicy": "Retain"}})
    scenario.gone("AponoConnector", NAME, seconds=10)


def test_a_role_is_not_left_behind_for_one_in_another_account(start: StartScenario) -> None:
    first = start()
    connector = first.apply_ready()
    first.operator.stop()
    other = start()
    other.operator.stop()
    moved = {name: value for name, value in other.installation.environment.items() if name.startswith("AWS_")}
    # The other account's operator has a role that trusts this namespace's ServiceAccount as well.
    trust = json.dumps(trust_of(first, other))
    other.account.client("iam").update_assume_role_policy(
        RoleName=other.installation.environment["AWS_ROLE_ARN"].rpartition("/")[2], PolicyDocument=trust
    )
    moved.pop("AWS_WEB_IDENTITY_TOKEN_FILE")

    with first.installation.start(**moved) as operator:
        first.operator = operator
        told = first.condition("CredentialsValid", "False", "AccountMismatch")

    assert first.account.account_id in condition_of(told, "CredentialsValid")["message"]
    assert told["status"]["connectorRoleArn"] == connector["status"]["connectorRoleArn"]
    assert other.connector_roles() == []


def trust_of(first: Scenario, other: Scenario) -> Document:
    name = other.installation.environment["AWS_ROLE_ARN"].rpartition("/")[2]
    role: Any = other.account.client("iam").get_role(RoleName=name)["Role"]
    trust: Document = role["AssumeRolePolicyDocument"]
    for statement in trust["Statement"]:
        subject = f"system:serviceaccount:{first.cluster.namespace}:apono-operator"
        statement["Condition"]["StringEquals"][f"{first.issuer}:sub"] = subject
    return trust


def test_a_refused_manifest_does_not_keep_a_role_from_a_stricter_boundary(scenario: Scenario) -> None:
    scenario.apply_ready()
    scenario.apply(tokenSecretRef={"name": "missing"})
    scenario.condition("TokenAvailable", "False", "TokenSecretMissing")
    scenario.operator.stop()
    iam = scenario.account.client("iam")
    document = '{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"*","Resource":"*"}]}'
    stricter = iam.create_policy(PolicyName="stricter", PolicyDocument=document)["Policy"]["Arn"]
    let_the_operator_set(scenario, stricter)

    with scenario.installation.start(
        APONO_OPERATOR_PERMISSIONS_BOUNDARIES=json.dumps({"ReadOnly": stricter, "FullAccess": stricter})
    ):
        until("the role has the stricter boundary", lambda: boundary_of(scenario) == stricter)


def let_the_operator_set(scenario: Scenario, boundary: str) -> None:
    """Put another boundary in the place of one that the operator's policy names, as its administrator has to."""
    iam, name = scenario.account.client("iam"), scenario.installation.environment["AWS_ROLE_ARN"].rpartition("/")[2]
    document: Any = iam.get_role_policy(RoleName=name, PolicyName="connectors")["PolicyDocument"]
    text = json.dumps(document).replace(scenario.installation.boundaries["FullAccess"], boundary)
    iam.put_role_policy(RoleName=name, PolicyName="connectors", PolicyDocument=text)


def boundary_of(scenario: Scenario) -> str | None:
    role = scenario.role()
    return role.boundary if role else None


def test_a_role_is_announced_before_it_is_made(scenario: Scenario) -> None:
    announced: list[str | None] = []

    def look(call: object) -> None:
        del call
        announced.append(scenario.connector().get("status", {}).get("connectorRoleArn"))

    scenario.aws.hooks.before(look, operation="CreateRole", account=scenario.account)
    connector = scenario.apply_ready()

    assert announced == [connector["status"]["connectorRoleArn"]]


def test_a_name_that_iam_says_is_taken_by_a_role_it_does_not_show_is_told_as_a_wait(scenario: Scenario) -> None:
    taken = Refusal("EntityAlreadyExists", "Role with name x already exists.", 409)
    scenario.create_token()
    with scenario.aws.faults.during(
        Fault(taken, operation="CreateRole", account=scenario.account, times=None)
    ) as fault:
        scenario.apply()
        connector = scenario.condition("ConnectorRoleReady", "Unknown", "Propagating")
        until("it is tried with back-off", lambda: fault.fired >= 4)
        assert condition_of(connector, "Ready")["status"] == "False"

    scenario.cluster.patch("AponoConnector", NAME, {"metadata": {"annotations": {"apono.io/reconcile-at": "now"}}})
    scenario.ready(seconds=10)


def test_news_from_children_costs_no_aws_call(scenario: Scenario) -> None:
    scenario.apply_ready()
    mark = scenario.aws.calls.mark()

    for number in range(3):
        scenario.cluster.delete("Deployment", CHILD)
        until(f"the Deployment is back ({number})", lambda: scenario.cluster.get("Deployment", CHILD), seconds=10)
    scenario.ready()

    assert scenario.operator_calls(mark).operations == []


def test_a_flood_of_edits_costs_few_aws_calls_and_ends_well(scenario: Scenario) -> None:
    scenario.apply_ready()
    mark = scenario.aws.calls.mark()

    for number in range(40):
        annotations = {"metadata": {"annotations": {"apono.io/reconcile-at": str(number)}}}
        scenario.cluster.patch("AponoConnector", NAME, annotations)
        scenario.cluster.patch("AponoConnector", NAME, {"spec": {"deployment": {"replicas": 1 + number % 2}}})

    looks = scenario.operator_calls(mark).of(operation="GetRole")
    assert len(looks) <= 10
    scenario.ready()


def test_a_look_that_is_asked_for_includes_the_oidc_provider(scenario: Scenario) -> None:
    scenario.apply_ready()
    arn = f"arn:aws:iam::{scenario.account.account_id}:oidc-provider/{scenario.issuer}"
    scenario.account.client("iam").delete_open_id_connect_provider(OpenIDConnectProviderArn=arn)

    scenario.cluster.patch("AponoConnector", NAME, {"metadata": {"annotations": {"apono.io/reconcile-at": "now"}}})

    scenario.condition("OIDCProviderReady", "False", "ProviderMissing")


def test_children_are_mended_while_iam_does_not_answer(scenario: Scenario) -> None:
    scenario.apply_ready()
    with scenario.aws.faults.during(Fault(throttle(), service="iam", account=scenario.account, times=None)) as fault:
        scenario.cluster.patch("AponoConnector", NAME, {"metadata": {"annotations": {"apono.io/reconcile-at": "now"}}})
        connector = scenario.condition("Unconfirmed", "True", "Throttled")
        assert condition_of(connector, "Ready")["status"] == "True"

        scenario.cluster.delete("Deployment", CHILD)
        until("the Deployment is back", lambda: scenario.cluster.get("Deployment", CHILD), seconds=30)
        assert fault.fired > 0


def blocked(scenario: Scenario) -> Document | None:
    connector = scenario.connector()
    return connector if condition_of(connector, "DeletionBlocked").get("status") == "True" else None
