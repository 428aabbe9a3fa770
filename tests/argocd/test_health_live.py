"""What people see in Argo CD while a connector goes through its life."""

from __future__ import annotations

from sandbox.aws import Fault, access_denied
from tests.argocd.conftest import NewGitOps
from tests.argocd.settings import SETTINGS
from tests.scenarios.conftest import StartOrganization, StartScenario
from tests.scenarios.scenario import CHILD, NAME, condition_of, manifest


def test_a_connector_is_told_from_its_creation_through_failures_to_suspension(
    start: StartScenario, gitops: NewGitOps
) -> None:
    scenario = start()
    app = gitops(scenario.cluster.namespace)
    scenario.operator.stop()
    app.push_spec()
    app.deploy()

    app.until_health_of("Progressing", "The operator has not looked at this manifest yet")
    with scenario.installation.start() as operator:
        scenario.operator = operator
        app.until_health_of("Degraded", "TokenSecretMissing: Secret apono-token does not exist in namespace")
        scenario.create_token()
        app.until_health_of("Healthy", "The connector runs with its role.", seconds=40)

        app.push_spec(deployment={"image": "registry.apono.io/apono-connector:never-ready"})
        app.until_health_of("Progressing", "RolloutInProgress: ")
        app.push_spec(deployment={"image": "registry.apono.io/apono-connector:crash-loop"})
        app.until_health_of("Progressing", "CrashLooping: ", seconds=40)
        app.push_spec(suspend=True, deployment={"image": "registry.apono.io/apono-connector:v1.7.8"})
        seen = app.until_health_of("Suspended", "Nothing is changed while spec.suspend is true.")
        app.until("the Application is suspended", lambda: app.health() == "Suspended")
        app.push_spec()
        app.until_healthy(40)

    assert "Not as asked: Deployment" in seen.message


def test_drift_that_is_only_reported_leaves_a_connector_healthy_and_is_told(
    start: StartScenario, gitops: NewGitOps
) -> None:
    scenario = start()
    app = gitops(scenario.cluster.namespace)
    scenario.create_token()
    app.push_spec(driftPolicy="Report")
    app.deploy()
    app.until_healthy()

    scenario.cluster.patch("Deployment", CHILD, {"spec": {"replicas": 2}})

    app.until_health_of("Healthy", f"Drifted: Changed by others: Deployment {app.namespace}/{CHILD}: ")
    assert app.sync_status() == "Synced"


def test_a_stack_that_fails_is_degraded_with_what_failed_and_healthy_once_it_is_made(
    start_organization: StartOrganization, gitops: NewGitOps
) -> None:
    scenario = start_organization()
    app = gitops(scenario.cluster.namespace)
    scenario.create_token()
    scenario.aws.stack_step_seconds = 1
    fault = Fault(access_denied("not authorized to perform: iam:CreateRole"), operation="CreateRole",
                  account=scenario.management, times=None)  # fmt: skip
    with scenario.aws.faults.during(fault):
        app.push(manifest(target=scenario.target()))
        app.deploy()
        app.until_health_of("Progressing", "StackInProgress: ")
        app.until_health_of("Degraded", "StackFailed: Stack ", seconds=40)
        assert "iam:CreateRole" in app.health_of().message

    scenario.aws.stack_step_seconds = 0
    scenario.look_again()
    app.until_health_of("Healthy", "The connector runs with its role.", seconds=60)


def test_a_deletion_that_is_blocked_shows_the_reason_and_ends_once_it_is_mended(
    start: StartScenario, gitops: NewGitOps
) -> None:
    scenario = start()
    app = gitops(scenario.cluster.namespace)
    scenario.create_token()
    app.push(manifest(), manifest("other"))
    app.deploy()
    app.until_healthy(40)
    fault = Fault(access_denied("User is not authorized to perform: iam:DeleteRole"), operation="DeleteRole",
                  account=scenario.account, times=None)  # fmt: skip
    with scenario.aws.faults.during(fault):
        app.remove()
        seen = app.until_health_of("Degraded", "AccessDenied: ", seconds=30)
        assert condition_of(scenario.connector(), "DeletionBlocked")["message"] in seen.message
        assert "Without the finalizer" in seen.message
        app.until("the Application is degraded", lambda: app.health() == "Degraded")

    scenario.gone("AponoConnector", NAME, seconds=60)
    app.until_healthy(30)
    assert len(scenario.connector_roles()) == 1


def test_without_the_customization_a_failing_connector_looks_like_any_other(
    start: StartScenario, gitops: NewGitOps
) -> None:
    scenario = start()
    app = gitops(scenario.cluster.namespace)
    app.push_spec()
    app.argocd.configure({})
    try:
        app.deploy()
        app.until("the connector is there", lambda: scenario.cluster.get("AponoConnector", NAME))
        scenario.condition("Ready", "False", "TokenSecretMissing")
        app.until_healthy()
        assert app.health_of().status == ""
    finally:
        app.argocd.configure(SETTINGS)
