"""Bad input and bad surroundings: a clear condition, and nothing half-made in AWS."""

from __future__ import annotations

import json
import secrets
from typing import Any

import pytest

from tests.scenarios.cluster import Cluster, Document
from tests.scenarios.conftest import StartScenario
from tests.scenarios.scenario import CHILD, NAME, Scenario, condition_of
from tests.waiting import until

FOREIGN_TRUST = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}],
}
VIEW_ONLY = "arn:aws:iam::aws:policy/job-function/ViewOnlyAccess"


@pytest.mark.parametrize(
    ("spec", "reason", "words"),
    [
        pytest.param(
            {"deployment": {"image": "docker.io/somebody/connector:1"}},
            "NotPermitted",
            "is not granted image docker.io/somebody/connector:1 (granted: registry.apono.io). Correct the manifest",
            id="an image from elsewhere",
        ),
        pytest.param(
            {"deployment": {"image": "registry.apono.io.example.com/apono-connector:1"}},
            "NotPermitted",
            "is not granted image registry.apono.io.example.com/apono-connector:1",
            id="an image from a registry that looks alike",
        ),
        pytest.param(
            {"role": {"managedPolicyArns": [VIEW_ONLY]}},
            "NotPermitted",
            f"spec.role.managedPolicyArns: {VIEW_ONLY} is not on the administrator's list",
            id="a managed policy that is not on the list",
        ),
        pytest.param(
            {"role": {"tags": {"team": "red"}}},
            "NotPermitted",
            "spec.role.tags: team is not on the administrator's list",
            id="a tag that is not on the list",
        ),
    ],
)
def test_what_is_not_granted_is_refused_with_what_to_ask_for(
    shared_scenario: Scenario, spec: dict[str, Any], reason: str, words: str
) -> None:
    name = f"refused-{secrets.token_hex(4)}"
    mark = shared_scenario.aws.calls.mark()
    shared_scenario.create_token()
    shared_scenario.apply(name, **spec)

    connector = shared_scenario.condition("Accepted", "False", reason, name=name)

    assert words in condition_of(connector, "Accepted")["message"]
    assert condition_of(connector, "Ready")["reason"] == reason
    assert condition_of(connector, "Stalled")["status"] == "True"
    assert shared_scenario.role_writes(mark) == []
    assert shared_scenario.cluster.get("Deployment", f"apono-connector-{name}") is None
    until("an Event tells it", lambda: any(e["involvedObject"]["name"] == name for e in shared_scenario.events(reason)))


def team_of(namespace: str) -> str:
    return f"{namespace}-team"


def in_team(scenario: Scenario) -> None:
    """Let the rest of the test act in the team's namespace."""
    kubeconfig = scenario.installation.control_plane.kubeconfig
    scenario.cluster = Cluster(kubeconfig, team_of(scenario.cluster.namespace))


def test_a_namespace_without_a_grant_gets_nothing(start: StartScenario) -> None:
    scenario = start(values=lambda own: {"watchNamespaces": [own, team_of(own)]})
    in_team(scenario)
    scenario.create_token()
    scenario.apply()

    connector = scenario.condition("Accepted", "False", "NotPermitted")

    message = condition_of(connector, "Accepted")["message"]
    namespace = scenario.cluster.namespace
    assert f"namespace {namespace} is not granted connectors at all" in message
    assert f"{{namespaces: [{namespace}], modes: [Account], permissions: [ReadOnly]" in message
    assert scenario.connector_roles() == []
    scenario.cluster.delete("AponoConnector", NAME)
    scenario.gone("AponoConnector", NAME)


def test_a_grant_lets_another_namespace_have_what_it_says_and_no_more(start: StartScenario) -> None:
    scenario = start(
        values=lambda own: {
            "watchNamespaces": [own, team_of(own)],
            "grants": [{"namespaces": [team_of(own)], "permissions": ["ReadOnly"]}],
        }
    )
    in_team(scenario)
    scenario.apply_ready()
    scenario.apply("greedy", permissions="FullAccess")

    refused = scenario.condition("Accepted", "False", "NotPermitted", name="greedy")

    assert "is not granted permissions FullAccess" in condition_of(refused, "Accepted")["message"]
    assert len(scenario.connector_roles()) == 1


def test_no_role_is_made_of_a_permission_set_without_a_boundary(start: StartScenario) -> None:
    scenario = start(values={"permissionsBoundaries": {"ReadOnly": "arn:aws:iam::123456789012:policy/boundary"}})
    scenario.create_token()
    scenario.apply(permissions="FullAccess")

    connector = scenario.condition("Accepted", "False", "NotPermitted")

    assert (
        "no permissions boundary is configured for permissions FullAccess"
        in (condition_of(connector, "Accepted")["message"])
    )
    assert scenario.connector_roles() == []


def test_a_boundary_that_does_not_exist_leaves_no_role_behind(start: StartScenario) -> None:
    scenario = start()
    boundary = scenario.installation.boundaries["ReadOnly"]
    scenario.account.client("iam").delete_policy(PolicyArn=boundary)
    scenario.create_token()
    scenario.apply()

    connector = scenario.condition("ConnectorRoleReady", "False")

    assert boundary in condition_of(connector, "ConnectorRoleReady")["message"]
    assert scenario.connector_roles() == []
    assert scenario.cluster.get("Deployment", CHILD) is None


def test_the_account_guard_stops_before_anything_is_made(scenario: Scenario) -> None:
    scenario.create_token()
    scenario.apply(target={"mode": "Account", "accountId": "000000000042"})

    connector = scenario.condition("CredentialsValid", "False", "AccountMismatch")

    assert scenario.account.account_id in condition_of(connector, "CredentialsValid")["message"]
    assert scenario.connector_roles() == []


def test_the_account_guard_lets_the_right_account_pass(scenario: Scenario) -> None:
    scenario.apply_ready(target={"mode": "Account", "accountId": scenario.account.account_id})


def test_a_missing_oidc_provider_is_told_with_the_command_that_makes_it(start: StartScenario) -> None:
    scenario = start(with_provider=True)
    iam = scenario.account.client("iam")
    arn = f"arn:aws:iam::{scenario.account.account_id}:oidc-provider/{scenario.issuer}"
    scenario.apply_ready("warm-up")  # so that the operator has its own credentials already
    iam.delete_open_id_connect_provider(OpenIDConnectProviderArn=arn)
    scenario.operator.stop()
    environment = scenario.aws.environment(scenario.account)  # its own role hangs on that provider too
    with scenario.installation.start(**environment, AWS_ROLE_ARN="", AWS_WEB_IDENTITY_TOKEN_FILE="") as operator:
        scenario.operator = operator
        scenario.apply()
        connector = scenario.condition("OIDCProviderReady", "False", "ProviderMissing")
        command = f"aws iam create-open-id-connect-provider --url https://{scenario.issuer} --client-id-list"
        assert command in condition_of(connector, "OIDCProviderReady")["message"]

        iam.create_open_id_connect_provider(Url=f"https://{scenario.issuer}", ClientIDList=["another-audience"])
        connector = scenario.condition("OIDCProviderReady", "False", "ProviderLacksAudience", seconds=60)
        assert (
            "aws iam add-client-id-to-open-id-connect-provider"
            in (condition_of(connector, "OIDCProviderReady")["message"])
        )


def test_a_missing_token_secret_makes_nothing_until_it_comes(scenario: Scenario) -> None:
    scenario.apply()
    connector = scenario.condition("TokenAvailable", "False", "TokenSecretMissing")
    assert "kubectl create secret generic apono-token" in condition_of(connector, "TokenAvailable")["message"]
    assert scenario.connector_roles() == []

    scenario.create_token()

    scenario.ready(seconds=60)


def test_a_missing_key_is_told_with_the_keys_that_are_there(scenario: Scenario) -> None:
    scenario.create_token(key="TOKEN")
    scenario.apply()

    connector = scenario.condition("TokenAvailable", "False", "TokenKeyMissing")

    message = condition_of(connector, "TokenAvailable")["message"]
    assert "has no token under the key token (its keys: TOKEN)" in message


def test_a_role_of_our_name_that_is_not_ours_is_never_touched(scenario: Scenario) -> None:
    arn = scenario.apply_ready()["status"]["connectorRoleArn"]
    scenario.cluster.delete("AponoConnector", NAME)
    scenario.gone("AponoConnector", NAME)
    name = arn.rpartition("/")[2]
    scenario.account.client("iam").create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(FOREIGN_TRUST))
    before = scenario.role_named(name)
    mark = scenario.aws.calls.mark()

    scenario.apply()
    connector = scenario.condition("ConnectorRoleReady", "False", "NameConflict")
    scenario.cluster.delete("AponoConnector", NAME)
    scenario.gone("AponoConnector", NAME)

    assert f"IAM role {arn} exists" in condition_of(connector, "ConnectorRoleReady")["message"]
    assert scenario.role_writes(mark) == []
    assert scenario.role_named(name) == before


@pytest.mark.parametrize(
    "foreign",
    [
        {"apiVersion": "v1", "kind": "ServiceAccount"},
        {"apiVersion": "v1", "kind": "Secret", "stringData": {"mine": "x"}},
        {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "spec": {
                "replicas": 0,
                "selector": {"matchLabels": {"app": "x"}},
                "template": {
                    "metadata": {"labels": {"app": "x"}},
                    "spec": {"containers": [{"name": "x", "image": "x"}]},
                },
            },
        },
    ],
    ids=lambda document: document["kind"],
)
def test_an_object_of_our_name_that_is_not_ours_is_never_changed(scenario: Scenario, foreign: Document) -> None:
    kind = foreign["kind"]
    scenario.cluster.create(kind, {**foreign, "metadata": {"name": CHILD, "labels": {"of": "somebody"}}})
    before = scenario.cluster.get(kind, CHILD)
    scenario.create_token()
    scenario.apply()

    connector = scenario.condition("DeploymentAvailable", "False", "NameConflict")
    scenario.cluster.delete("AponoConnector", NAME)
    scenario.gone("AponoConnector", NAME)

    assert (
        f"{kind} {scenario.cluster.namespace}/{CHILD} exists"
        in (condition_of(connector, "DeploymentAvailable")["message"])
    )
    after = scenario.cluster.get(kind, CHILD)
    assert before is not None
    assert after is not None
    before.pop("status", None)
    after.pop("status", None)
    assert {**after, "metadata": _settled(after)} == {**before, "metadata": _settled(before)}


def _settled(document: Document) -> Document:
    """Metadata without what controllers write on their own account."""
    moving = {"resourceVersion", "managedFields", "annotations"}
    return {key: value for key, value in document["metadata"].items() if key not in moving}
