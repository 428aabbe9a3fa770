"""Connectors that really run: what their pods can reach and be, and what is told when they cannot."""

from __future__ import annotations

import json

import pytest

from tests.e2e.conftest import UNWANTED
from tests.e2e.installed import PATIENCE, SMALL, Installed
from tests.scenarios.scenario import condition_of
from tests.waiting import until

LIVENESS = 180.0
"""Seconds within which a liveness probe that fails ends a container: 30 before the first, and three of 30."""
NOBODY = {
    "Version": "2012-10-17",
    "Statement": {"Effect": "Deny", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRoleWithWebIdentity"},
}


def test_a_connector_takes_its_role_from_inside_its_pod(installed: Installed) -> None:
    token = installed.create_token("account")
    installed.apply("account")

    connector = installed.ready("account")
    (pod,) = installed.pods("account")
    report = installed.report("account", token)

    assert report.pod == pod["metadata"]["name"]
    assert session_of(report.identities["connector"]) == role_of(connector["status"]["connectorRoleArn"])


def test_an_organizations_connector_takes_the_management_accounts_role_from_inside_its_pod(
    installed: Installed,
) -> None:
    token = installed.create_token("organization")
    target = {
        "mode": "Organization",
        "organizationId": installed.managed.organization.id,
        "organizationUnitId": installed.managed.unit.id,
        "managementAccountId": installed.managed.management.account_id,
    }
    installed.apply("organization", target=target)

    connector = installed.condition("organization", "ManagementStackReady", "True")
    role = connector["status"]["managementAccountRoleArn"]
    installed.api.management_roles = {"organization": role}
    installed.ready("organization")
    until("the role is taken", lambda: "management" in installed.report("organization", token).identities, PATIENCE)

    assert session_of(installed.report("organization", token).identities["management"]) == role_of(role)


def test_a_new_token_rolls_the_pods(installed: Installed) -> None:
    installed.create_token("rolled")
    installed.apply("rolled")
    installed.ready("rolled")
    (before,) = installed.pods("rolled")

    token = installed.create_token("rolled")
    report = installed.report("rolled", token)

    assert report.pod != before["metadata"]["name"]
    installed.ready("rolled")


def test_a_token_that_apono_refuses_keeps_the_connector_from_being_ready(installed: Installed) -> None:
    token = installed.create_token("refused", known=False)
    installed.apply("refused")

    until("it says so", lambda: "refuses the token: 401" in logged(installed, "refused"), PATIENCE)
    until("its probe fails", lambda: probes(installed, "refused", "Readiness probe failed", "503"), PATIENCE)
    connector = installed.condition("refused", "DeploymentAvailable", "False", "RolloutInProgress")
    assert condition_of(connector, "Ready")["status"] == "False"

    installed.api.tokens |= {token}
    installed.ready("refused")


def test_a_role_that_does_not_let_the_pod_in_is_told_by_the_connector_and_mended_by_the_operator(
    installed: Installed,
) -> None:
    installed.create_token("shut-out")
    installed.apply("shut-out")
    role = role_of(installed.ready("shut-out")["status"]["connectorRoleArn"])

    iam = installed.account.client("iam")
    iam.update_assume_role_policy(RoleName=role, PolicyDocument=json.dumps(NOBODY))
    until("it says so", lambda: "AWS refuses AssumeRoleWithWebIdentity" in installed.log("shut-out"), PATIENCE)
    installed.touch("shut-out")

    until("it is let in", lambda: installed.log("shut-out").splitlines()[-1] == "connected", PATIENCE)


def test_an_image_that_cannot_be_pulled_is_told(installed: Installed) -> None:
    installed.create_token("unpulled")
    installed.apply("unpulled", deployment={"image": "localhost/no-such-image:1", "resources": SMALL})

    connector = installed.condition("unpulled", "DeploymentAvailable", "False", "ImagePullFailed")

    assert "localhost/no-such-image:1" in condition_of(connector, "DeploymentAvailable")["message"]


def test_a_connector_that_needs_more_memory_than_it_may_have_is_told(installed: Installed) -> None:
    installed.create_token("starved")
    installed.apply("starved", deployment={"resources": {"requests": {"cpu": "10m"}, "limits": {"memory": "20Mi"}}})

    connector = installed.condition("starved", "DeploymentAvailable", "False", "CrashLooping")

    assert "OOMKilled" in condition_of(connector, "DeploymentAvailable")["message"]


@pytest.mark.timeout(240)
def test_a_connector_that_stays_unhealthy_is_started_anew_by_its_probe(installed: Installed) -> None:
    until("its probe fails", lambda: probes(installed, UNWANTED, "Liveness probe failed", "503"), LIVENESS)
    connector = installed.condition(UNWANTED, "DeploymentAvailable", "False", "CrashLooping", LIVENESS)

    assert "keeps ending" in condition_of(connector, "DeploymentAvailable")["message"]


def test_a_deleted_connector_takes_pods_and_role_along(installed: Installed) -> None:
    installed.create_token("deleted")
    installed.apply("deleted")
    role = role_of(installed.ready("deleted")["status"]["connectorRoleArn"])

    installed.delete("deleted")

    until("the pods are gone", lambda: not installed.cluster.list("Pod", "apono.io/connector=deleted"), PATIENCE)
    assert role not in {one["RoleName"] for one in installed.account.client("iam").list_roles()["Roles"]}


def probes(installed: Installed, name: str, *words: str) -> list[str]:
    """What the kubelet says of the probes of a connector's pods, with all those words."""
    events = installed.cluster.list("Event")
    about = [
        event["message"] for event in events if event["involvedObject"]["name"].startswith(f"apono-connector-{name}-")
    ]
    return [message for message in about if all(word in message for word in words)]


def logged(installed: Installed, name: str) -> str:
    return installed.log(name) if any(map(is_running, installed.pods(name))) else ""


def is_running(pod: dict[str, dict[str, object]]) -> bool:
    return pod["status"].get("phase") == "Running"


def role_of(arn: str) -> str:
    """The name of a role, of its ARN."""
    return arn.rpartition("/")[2]


def session_of(arn: str) -> str:
    """The name of the role that a session is of, of its ARN."""
    return arn.split("/")[1]
