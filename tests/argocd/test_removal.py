"""The end: whatever is taken out of Git, or deleted with its Application, leaves nothing behind in AWS."""

from __future__ import annotations

import signal
import time

from tests.argocd.conftest import Deploy, NewGitOps
from tests.argocd.test_sync import WAYS
from tests.scenarios.conftest import StartOrganization
from tests.scenarios.scenario import NAME, manifest
from tests.waiting import until

FINALIZER = "apono.io/connector-cleanup"


def test_a_connector_that_is_taken_out_of_git_is_pruned_with_its_role(deploy: Deploy) -> None:
    scenario, app = deploy(manifest(), manifest("other"))

    app.remove()

    scenario.gone("AponoConnector", NAME, seconds=40)
    app.until_healthy(30)
    (role,) = scenario.connector_roles()
    assert "-other-" in role


def test_a_deleted_application_ends_with_its_roles_and_stacks(
    start_organization: StartOrganization, gitops: NewGitOps
) -> None:
    scenario = start_organization()
    scenario.create_token()
    app = gitops(scenario.cluster.namespace)
    app.push(manifest(target=scenario.target()), manifest("account"))
    app.deploy()
    app.until_healthy(60)

    app.delete()

    app.until("the Application is gone", lambda: app.is_gone, 60)
    assert scenario.cluster.list("AponoConnector") == []
    assert (scenario.connector_roles(), scenario.connector_stacks(), scenario.management_roles()) == ([], {}, [])


def test_a_replaced_connector_has_its_finalizer_back_within_a_second(deploy: Deploy) -> None:
    scenario, app = deploy(options=WAYS["replace"].options)
    written = scenario.connector()["metadata"]["generation"]

    scenario.operator.signal(signal.SIGSTOP)
    app.push_spec(deployment={"replicas": 2})
    replaced = until("it is replaced", lambda: replaced_since(scenario.connector(), written), 30)
    scenario.operator.signal(signal.SIGCONT)
    began = time.monotonic()
    until("the finalizer is back", lambda: FINALIZER in finalizers(scenario.connector()), 5)
    seconds = time.monotonic() - began

    assert FINALIZER not in finalizers(replaced)
    assert seconds < 1
    app.until_healthy(40)


def test_a_role_whose_connector_is_deleted_while_it_is_replaced_is_told_of(deploy: Deploy) -> None:
    """No operator was there to put the finalizer back: its search for roles without a connector finds the role."""
    scenario, app = deploy(manifest(), manifest("other"), options=WAYS["replace"].options)
    written = scenario.connector()["metadata"]["generation"]

    scenario.operator.stop()
    app.push_spec(deployment={"replicas": 2})
    until("it is replaced", lambda: replaced_since(scenario.connector(), written), 30)
    app.remove()
    scenario.gone("AponoConnector", NAME, seconds=30)

    with scenario.installation.start() as operator:
        scenario.operator = operator
        (event,) = until("an Event tells", lambda: scenario.events("RoleOrphaned"), 40)
    assert event["involvedObject"]["name"] == NAME
    assert len(scenario.connector_roles()) == len(("production", "other"))


def finalizers(connector: dict[str, object]) -> list[str]:
    metadata = connector["metadata"]
    assert isinstance(metadata, dict)
    return list(metadata.get("finalizers", ()))


def replaced_since(connector: dict[str, object], generation: int) -> dict[str, object] | None:
    metadata = connector["metadata"]
    assert isinstance(metadata, dict)
    return connector if metadata["generation"] > generation else None
