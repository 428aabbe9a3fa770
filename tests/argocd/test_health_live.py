"""What people see in Argo CD while a connector goes through its life."""

from __future__ import annotations

import json
import os
import subprocess
from contextlib import AbstractContextManager

from sandbox.argocd import ArgoCD
from sandbox.aws import Account, Fault, FrontDoor, access_denied
from sandbox.controlplane.binaries import executable
from sandbox.installation import ROOT
from tests.argocd.conftest import Deploy, NewGitOps
from tests.argocd.settings import KEY, SETTINGS
from tests.docs.pages import page
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


def test_drift_that_is_only_reported_leaves_a_connector_healthy_and_is_told(deploy: Deploy) -> None:
    scenario, app = deploy(manifest(driftPolicy="Report"))

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
    with denied(scenario.aws, scenario.management, "CreateRole"):
        app.push(manifest(target=scenario.target()))
        app.deploy()
        app.until_health_of("Progressing", "StackInProgress: ")
        app.until_health_of("Degraded", "StackFailed: Stack ", seconds=40)
        assert "iam:CreateRole" in app.health_of().message

    scenario.aws.stack_step_seconds = 0
    scenario.look_again()
    app.until_health_of("Healthy", "The connector runs with its role.", seconds=60)


def test_a_deletion_that_is_blocked_shows_the_reason_and_ends_once_it_is_mended(deploy: Deploy) -> None:
    scenario, app = deploy(manifest(), manifest("other"))
    with denied(scenario.aws, scenario.account, "DeleteRole"):
        app.remove()
        seen = app.until_health_of("Degraded", "AccessDenied: ", seconds=30)
        assert condition_of(scenario.connector(), "DeletionBlocked")["message"] in seen.message
        assert "Without the finalizer" in seen.message
        app.until("the Application is degraded", lambda: app.health() == "Degraded")

    scenario.gone("AponoConnector", NAME, seconds=60)
    app.until_healthy(30)
    assert len(scenario.connector_roles()) == 1


def test_without_the_customization_a_failing_connector_looks_like_any_other_until_the_command_of_the_page_is_run(
    start: StartScenario, gitops: NewGitOps
) -> None:
    scenario = start()
    app = gitops(scenario.cluster.namespace)
    app.push_spec()
    app.argocd.configure({key: text for key, text in SETTINGS.items() if key != KEY})
    try:
        app.deploy()
        app.until("the connector is there", lambda: scenario.cluster.get("AponoConnector", NAME))
        scenario.condition("Ready", "False", "TokenSecretMissing")
        app.until_healthy()
        assert app.health_of().status == ""
        run_shown(app.argocd)
        app.until_health_of("Degraded", "TokenSecretMissing: ")
        assert settings(app.argocd) == SETTINGS
    finally:
        app.argocd.configure(SETTINGS)


def denied(aws: FrontDoor, account: Account, operation: str) -> AbstractContextManager[object]:
    """Let IAM deny that operation in *account* to everybody while the block lasts."""
    error = access_denied(f"User is not authorized to perform: iam:{operation}")
    return aws.faults.during(Fault(error, operation=operation, account=account, times=None))


def settings(argocd: ArgoCD) -> dict[str, str]:
    """The data of Argo CD's ConfigMap argocd-cm."""
    text = argocd.control_plane.kubectl(
        "get", "configmap", "argocd-cm", f"--namespace={argocd.namespace}", "-o", "json"
    )
    return dict(json.loads(text)["data"])


def run_shown(argocd: ArgoCD) -> None:
    """Run the command of docs/gitops.md that sets the health up, for Argo CD's namespace here."""
    (command,) = (block for block in page("docs/gitops.md").blocks("sh") if "create configmap" in block)
    path = os.pathsep.join([str(executable("kubectl").parent), os.environ["PATH"]])
    environment = {**os.environ, "PATH": path, "KUBECONFIG": str(argocd.control_plane.kubeconfig)}
    here = command.replace("--namespace argocd", f"--namespace {argocd.namespace}")
    subprocess.run(["/bin/bash", "-o", "pipefail", "-c", here], cwd=ROOT, env=environment, check=True)
