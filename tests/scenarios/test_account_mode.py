"""Account mode on its good path: one manifest, one working connector."""

from __future__ import annotations

import base64
import json

import pytest

from apono_operator.state.permissions import permissions_document
from apono_operator.v1alpha1 import PermissionSet
from sandbox.aws.account import Partition
from sandbox.installation import AUDIENCE
from tests.scenarios.conftest import StartScenario
from tests.scenarios.scenario import CHILD, NAME, TOKEN, Scenario, condition_of
from tests.waiting import until


def test_a_manifest_becomes_a_ready_connector_that_tells_its_role(scenario: Scenario) -> None:
    connector = scenario.apply_ready()

    status = connector["status"]
    assert status["connectorRoleArn"].startswith(
        f"arn:aws:iam::{scenario.account.account_id}:role/apono-connector-{scenario.cluster.namespace[:9]}"
    )
    assert status["connectorRoleId"].startswith("AROA")
    assert status["connectorId"] == NAME
    assert status["serviceAccountName"] == CHILD
    assert status["observedGeneration"] == connector["metadata"]["generation"]
    assert {condition["type"]: condition["status"] for condition in status["conditions"]} == {
        "Ready": "True",
        "Accepted": "True",
        "CredentialsValid": "True",
        "OIDCProviderReady": "True",
        "TokenAvailable": "True",
        "ConnectorRoleReady": "True",
        "DeploymentAvailable": "True",
    }


@pytest.mark.parametrize("permissions", PermissionSet)
def test_the_role_holds_exactly_its_permission_set(scenario: Scenario, permissions: PermissionSet) -> None:
    role = scenario.role(scenario.apply_ready(permissions=permissions.value))

    assert role is not None
    assert role.inline == {"apono-connector": permissions_document(permissions, "aws").document}
    assert role.attached == {
        "arn:aws:iam::aws:policy/AWSCloudFormationReadOnlyAccess",
        "arn:aws:iam::aws:policy/AWSResourceExplorerReadOnlyAccess",
        "arn:aws:iam::aws:policy/SecurityAudit",
    }
    assert role.boundary == scenario.installation.boundaries[permissions]


def test_only_this_service_account_with_this_audience_may_assume_the_role(scenario: Scenario) -> None:
    role = scenario.role(scenario.apply_ready())

    assert role is not None
    (statement,) = role.document["AssumeRolePolicyDocument"]["Statement"]
    assert statement["Action"] == "sts:AssumeRoleWithWebIdentity"
    assert statement["Principal"] == {
        "Federated": f"arn:aws:iam::{scenario.account.account_id}:oidc-provider/{scenario.issuer}"
    }
    assert statement["Condition"] == {
        "StringEquals": {
            f"{scenario.issuer}:sub": f"system:serviceaccount:{scenario.cluster.namespace}:{CHILD}",
            f"{scenario.issuer}:aud": AUDIENCE,
        }
    }


def test_the_role_carries_tags_that_prove_whose_it_is(start: StartScenario) -> None:
    scenario = start(values={"roleTags": {"cost-center": "42"}})
    connector = scenario.apply_ready()
    role = scenario.role(connector)

    assert role is not None
    assert role.tags == {
        "apono.io/cluster": scenario.issuer,
        "apono.io/namespace": scenario.cluster.namespace,
        "apono.io/name": NAME,
        "apono.io/uid": connector["metadata"]["uid"],
        "apono.io/managed-by": "apono-operator",
        "cost-center": "42",
    }


def test_the_pods_token_opens_the_role_and_another_service_accounts_does_not(scenario: Scenario) -> None:
    arn = scenario.apply_ready()["status"]["connectorRoleArn"]
    control_plane, namespace = scenario.installation.control_plane, scenario.cluster.namespace
    sts = scenario.account.client("sts")

    own = control_plane.service_account_token(namespace, CHILD, AUDIENCE)
    opened = sts.assume_role_with_web_identity(RoleArn=arn, RoleSessionName="pod", WebIdentityToken=own)
    other = control_plane.service_account_token(namespace, "default", AUDIENCE)

    assert opened["AssumedRoleUser"]["Arn"].endswith("/pod")
    with pytest.raises(sts.exceptions.ClientError, match="Not authorized to perform sts:AssumeRoleWithWebIdentity"):
        sts.assume_role_with_web_identity(RoleArn=arn, RoleSessionName="pod", WebIdentityToken=other)


def test_pods_run_with_the_role_the_token_and_the_connectors_id(scenario: Scenario) -> None:
    arn = scenario.apply_ready(connectorId="prod-eks")["status"]["connectorRoleArn"]

    (pod,) = scenario.pods()
    env = {variable["name"]: variable for variable in pod["spec"]["containers"][0]["env"]}
    assert env["AWS_ROLE_ARN"]["value"] == arn
    assert env["APONO_CONNECTOR_ID"]["value"] == "prod-eks"
    assert env["APONO_URL"]["value"] == "api.apono.io"
    assert env["APONO_TOKEN"]["valueFrom"] == {"secretKeyRef": {"name": "apono-token", "key": "token"}}
    assert pod["spec"]["serviceAccountName"] == CHILD


def test_the_pull_secret_is_made_of_the_token(scenario: Scenario) -> None:
    scenario.apply_ready()

    secret = scenario.cluster.get("Secret", CHILD)
    deployment = scenario.cluster.get("Deployment", CHILD)
    assert secret is not None
    assert deployment is not None
    config = json.loads(base64.b64decode(secret["data"][".dockerconfigjson"]))
    login = base64.b64encode(f"apono:{TOKEN}".encode()).decode()
    assert config == {"auths": {"registry.apono.io": {"username": "apono", "password": TOKEN, "auth": login}}}
    assert deployment["spec"]["template"]["spec"]["imagePullSecrets"] == [{"name": CHILD}]


def test_pull_secrets_of_the_user_replace_ours(scenario: Scenario) -> None:
    scenario.apply_ready(deployment={"imagePullSecrets": [{"name": "mirror"}]})

    deployment = scenario.cluster.get("Deployment", CHILD)
    assert deployment is not None
    assert deployment["spec"]["template"]["spec"]["imagePullSecrets"] == [{"name": "mirror"}]
    assert scenario.cluster.get("Secret", CHILD) is None


@pytest.mark.parametrize("kind", ["ServiceAccount", "Secret", "Deployment"])
def test_children_are_owned_labelled_and_written_by_server_side_apply(scenario: Scenario, kind: str) -> None:
    connector = scenario.apply_ready()

    child = scenario.cluster.get(kind, CHILD)
    assert child is not None
    (reference,) = child["metadata"]["ownerReferences"]
    assert (reference["kind"], reference["name"], reference["uid"], reference["controller"]) == (
        "AponoConnector",
        NAME,
        connector["metadata"]["uid"],
        True,
    )
    assert child["metadata"]["labels"] == {
        "app.kubernetes.io/name": "apono-connector",
        "app.kubernetes.io/instance": NAME,
        "app.kubernetes.io/component": "connector",
        "app.kubernetes.io/managed-by": "apono-operator",
        "apono.io/connector": NAME,
    }
    ours = [entry for entry in child["metadata"]["managedFields"] if entry["manager"] == "apono-operator"]
    assert [entry["operation"] for entry in ours] == ["Apply"]


def test_the_service_account_names_its_role_from_its_first_write_on(scenario: Scenario) -> None:
    arn = scenario.apply_ready()["status"]["connectorRoleArn"]

    account = scenario.cluster.get("ServiceAccount", CHILD)
    assert account is not None
    (written,) = (entry for entry in account["metadata"]["managedFields"] if entry["manager"] == "apono-operator")
    assert account["metadata"]["annotations"]["eks.amazonaws.com/role-arn"] == arn
    assert written["time"] == account["metadata"]["creationTimestamp"]


def test_the_role_exists_before_the_service_account_and_that_before_the_deployment(scenario: Scenario) -> None:
    seen: list[tuple[bool, bool]] = []

    def look(call: object) -> None:
        del call
        children = (scenario.cluster.get("ServiceAccount", CHILD), scenario.cluster.get("Deployment", CHILD))
        seen.append((children[0] is not None, children[1] is not None))

    scenario.aws.hooks.after(look, operation="CreateRole", account=scenario.account)
    scenario.apply_ready()

    account, deployment = scenario.cluster.get("ServiceAccount", CHILD), scenario.cluster.get("Deployment", CHILD)
    assert account is not None
    assert deployment is not None
    assert seen == [(False, False)]
    assert int(account["metadata"]["resourceVersion"]) < int(deployment["metadata"]["resourceVersion"])


@pytest.mark.parametrize(("partition", "region"), [("aws-us-gov", "us-gov-west-1"), ("aws-cn", "cn-north-1")])
def test_other_partitions_get_their_own_arns(start: StartScenario, partition: Partition, region: str) -> None:
    scenario = start(partition=partition)
    connector = scenario.apply_ready(permissions="FullAccess")
    role = scenario.role(connector)

    assert scenario.account.region == region
    assert connector["status"]["connectorRoleArn"].startswith(f"arn:{partition}:iam::{scenario.account.account_id}:")
    assert role is not None
    assert all(arn.startswith(f"arn:{partition}:iam::aws:policy/") for arn in role.attached)
    assert "arn:aws:" not in json.dumps(role.inline)
    (pod,) = scenario.pods()
    env = {variable["name"]: variable.get("value") for variable in pod["spec"]["containers"][0]["env"]}
    assert env["AWS_ROLE_ARN"] == connector["status"]["connectorRoleArn"]


def test_events_tell_of_transitions_only(scenario: Scenario) -> None:
    scenario.apply_ready()
    until("an Event tells of readiness", lambda: scenario.events("ConnectorReady"))
    scenario.cluster.patch("AponoConnector", NAME, {"metadata": {"annotations": {"apono.io/reconcile-at": "now"}}})
    mark = scenario.aws.calls.mark()
    until("the connector was looked at again", lambda: "GetRole" in scenario.operator_calls(mark).operations)

    for reason in ("RoleInSync", "PodsAvailable", "ConnectorReady"):
        assert len(scenario.events(reason)) == 1, reason
    assert scenario.events("Accepted") == []


def test_a_token_that_changes_rolls_the_pods_and_the_pull_secret(scenario: Scenario) -> None:
    scenario.apply_ready()
    (before,) = scenario.pods()

    scenario.create_token("1a3f-another-token")

    def renewed() -> bool:
        secret = scenario.cluster.get("Secret", CHILD)
        pods = scenario.pods()
        fresh = secret is not None and b"1a3f-another-token" in base64.b64decode(secret["data"][".dockerconfigjson"])
        return fresh and len(pods) == 1 and pods[0]["metadata"]["uid"] != before["metadata"]["uid"]

    until("pods and pull Secret follow the token", renewed, seconds=60)
    assert condition_of(scenario.ready(), "TokenAvailable")["status"] == "True"


def test_the_cluster_shows_the_connector_in_a_line(scenario: Scenario) -> None:
    connector = scenario.apply_ready()

    wide = scenario.installation.control_plane.kubectl("get", "apc", "-n", scenario.cluster.namespace, "-o", "wide")
    header, line = wide.splitlines()
    assert header.split()[:6] == ["NAME", "MODE", "PERMISSIONS", "READY", "REASON", "ROLE"]
    assert line.split()[:6] == [
        NAME, "Account", "ReadOnly", "True", "ConnectorReady", connector["status"]["connectorRoleArn"],
    ]  # fmt: skip
