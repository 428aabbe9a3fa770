"""What AWS refuses is told where it was met, with what to do; it goes on by itself once that is done."""

from __future__ import annotations

import json

import pytest

from sandbox.aws import Effect, Fault, Refusal, access_denied, expired_credentials, server_error
from tests.scenarios.scenario import CHILD, NAME, Scenario, condition_of
from tests.waiting import until

QUOTA = Refusal("LimitExceeded", "Cannot exceed quota for RolesPerAccount: 1000", 409)
CLOSED = Refusal("RegionDisabledException", "STS is not activated in this region.", 403)


def ask_for_a_look(scenario: Scenario) -> None:
    scenario.cluster.patch("AponoConnector", NAME, {"metadata": {"annotations": {"apono.io/reconcile-at": "now"}}})


@pytest.mark.parametrize(
    ("operation", "kind"),
    [
        ("GetOpenIDConnectProvider", "OIDCProviderReady"),
        ("GetRole", "ConnectorRoleReady"),
        ("CreateRole", "ConnectorRoleReady"),
        ("PutRolePolicy", "ConnectorRoleReady"),
        ("AttachRolePolicy", "ConnectorRoleReady"),
    ],
)
def test_a_denied_action_is_named_with_the_role_that_lacks_it_and_goes_on_when_allowed(
    scenario: Scenario, operation: str, kind: str
) -> None:
    denial = Fault(access_denied("Not authorized."), operation=operation, account=scenario.account, times=None)
    scenario.create_token()
    with scenario.aws.faults.during(denial):
        scenario.apply()
        connector = scenario.condition(kind, "False", "AccessDenied")
        until("an Event tells it", lambda: scenario.events("AccessDenied"))

    operator_role = scenario.installation.environment["AWS_ROLE_ARN"]
    message = condition_of(connector, kind)["message"]
    assert message.startswith(f"iam:{operation}: AccessDenied: Not authorized.")
    assert message.endswith(f"Allow it to the operator's role ({operator_role}).")
    assert condition_of(connector, "Ready")["reason"] == "AccessDenied"
    assert condition_of(connector, "Stalled")["status"] == "True"
    scenario.ready(seconds=60)


def test_a_denial_of_a_look_at_a_connector_that_runs_leaves_its_pods_alone(scenario: Scenario) -> None:
    scenario.apply_ready()
    before = [pod["metadata"]["uid"] for pod in scenario.pods()]
    denial = Fault(access_denied(), operation="GetRole", account=scenario.account, times=None)
    with scenario.aws.faults.during(denial):
        ask_for_a_look(scenario)
        scenario.condition("ConnectorRoleReady", "False", "AccessDenied")

    scenario.ready(seconds=60)
    assert [pod["metadata"]["uid"] for pod in scenario.pods()] == before


@pytest.mark.parametrize("effect", [expired_credentials(), CLOSED], ids=["expired", "region-closed"])
def test_credentials_that_aws_no_longer_accepts_are_told_and_leave_everything_as_it_is(
    scenario: Scenario, effect: Effect
) -> None:
    before = scenario.role(scenario.apply_ready())
    with scenario.aws.faults.during(Fault(effect, account=scenario.account, times=None)):
        ask_for_a_look(scenario)
        connector = scenario.condition("CredentialsValid", "False", "NoCredentials")
        assert scenario.cluster.get("Deployment", CHILD)
        assert len(scenario.pods()) == 1

    assert condition_of(connector, "Stalled")["status"] == "True"
    scenario.ready(seconds=60)
    assert scenario.role() == before


def test_a_quota_that_is_reached_is_told_and_nothing_is_half_made(scenario: Scenario) -> None:
    scenario.create_token()
    with scenario.aws.faults.during(Fault(QUOTA, operation="CreateRole", account=scenario.account, times=None)):
        scenario.apply()
        connector = scenario.condition("ConnectorRoleReady", "False", "LimitExceeded")
        assert scenario.cluster.get("Deployment", CHILD) is None

    assert "Cannot exceed quota for RolesPerAccount" in condition_of(connector, "ConnectorRoleReady")["message"]
    assert condition_of(connector, "Stalled")["status"] == "True"
    scenario.ready(seconds=60)


def test_an_aws_that_is_down_makes_nothing_false_that_was_true(scenario: Scenario) -> None:
    scenario.apply_ready()
    with scenario.aws.faults.during(Fault(server_error(503), account=scenario.account, times=None)):
        ask_for_a_look(scenario)
        connector = scenario.condition("Unconfirmed", "True", "AWSUnavailable")
        assert condition_of(connector, "Ready")["status"] == "True"

    until("it is confirmed again", lambda: condition_of(scenario.connector(), "Unconfirmed") == {}, seconds=60)


def test_a_right_in_the_cluster_that_is_taken_away_is_named_and_leaves_everything_as_it_is(scenario: Scenario) -> None:
    scenario.apply_ready()
    plane, binding = scenario.installation.control_plane, "apono-operator-connectors"
    place = ("-n", scenario.cluster.namespace)
    granted = plane.kubectl("get", "rolebinding", *place, binding, "-o", "json")
    plane.kubectl("delete", "rolebinding", *place, binding)
    ask_for_a_look(scenario)

    connector = scenario.condition("TokenAvailable", "False", "Forbidden")

    message = condition_of(connector, "TokenAvailable")["message"]
    assert 'cannot get resource "secrets" in API group "" in the namespace' in message
    assert scenario.cluster.get("Deployment", CHILD)
    assert len(scenario.connector_roles()) == 1
    plane.kubectl("create", *place, "-f", "-", stdin=without_identity(granted))
    scenario.ready(seconds=60)


def without_identity(document: str) -> str:
    """The same object, to be created anew."""
    made = json.loads(document)
    for field in ("uid", "resourceVersion", "creationTimestamp", "managedFields"):
        made["metadata"].pop(field, None)
    return json.dumps(made)
