"""The operator itself comes by Argo CD: with its connectors in one Application, and as an Application of its own."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any, Final

import pytest
import yaml

from sandbox.aws import Account
from sandbox.bootstrap import bootstrap_account
from sandbox.installation import CHART, RELEASE, ROOT, Installation, chart_values
from sandbox.operator_process import OperatorProcess
from sandbox.surroundings import Surroundings
from tests.argocd.conftest import NewGitOps
from tests.argocd.gitops import FOLDER, GitOps
from tests.scenarios.cluster import Cluster, Document
from tests.scenarios.conftest import new_namespace
from tests.scenarios.scenario import NAME, TOKEN, TOKEN_SECRET, condition_of, manifest
from tests.waiting import until

WAVE: Final = "argocd.argoproj.io/sync-wave"
FINALIZER: Final = "apono.io/connector-cleanup"
CHECKED: Final = "pre-delete-finalizer.argocd.argoproj.io"
"""What Argo CD puts on an Application whose chart has a check before it goes."""

ORDERLY: Final[tuple[set[str], ...]] = ({"connector", "operator"}, {"operator"}, set())
"""What may be there while an Application goes: never a connector without its operator."""


@dataclass
class Delivery:
    """An operator that Argo CD delivers, and the process that stands for its pod.

    Attributes:
        values: The chart's.
    """

    around: Surroundings
    account: Account
    app: GitOps
    cluster: Cluster
    boundaries: Mapping[str, str]
    values: Document
    processes: ExitStack
    operator: OperatorProcess | None = None

    def chart(self, **values: Any) -> Document:
        """The chart in the repository, as a source."""
        helm = {"releaseName": RELEASE, "valuesObject": {**self.values, **values}}
        return {"repoURL": self.app.repository.url, "targetRevision": "main", "path": "chart", "helm": helm}

    def push_chart(self, **more: str) -> None:
        files = {path: path.read_text(encoding="utf-8") for path in CHART.rglob("*") if path.is_file()}
        self.app.push_files({**{f"chart/{path.relative_to(CHART)}": text for path, text in files.items()}, **more})

    def start_as_deployed(self) -> None:
        """Do what the node does: once the Deployment is there, its container runs as its pod template says."""
        until(
            "the operator's Deployment is available", self._is_available, 60, lambda: self.app.application()["status"]
        )
        plane, namespace = self.around.control_plane, self.cluster.namespace
        installation = Installation.deployed(plane, self.around.aws, self.account, namespace, self.boundaries)
        self.operator = self.processes.enter_context(installation.start())

    def stop(self) -> None:
        assert self.operator is not None
        self.operator.stop()

    def roles(self) -> list[str]:
        listed = self.account.client("iam").list_roles()["Roles"]
        return [role["RoleName"] for role in listed if role["RoleName"].startswith("apono-")]

    def deployment(self) -> Document | None:
        return self.cluster.get("Deployment", RELEASE)

    def connector(self) -> Document | None:
        return self.cluster.get("AponoConnector", NAME)

    def while_it_goes(self) -> Iterator[set[str]]:
        """Give what is there, again and again, until the Application is gone."""
        deadline = time.monotonic() + 60
        while not self.app.is_gone:
            assert time.monotonic() < deadline, self.app.application()["status"]
            parts = {"operator": self.deployment(), "connector": self.connector()}  # in this order: no false alarm
            yield {name for name, document in parts.items() if document is not None}

    def is_ready(self) -> bool:
        connector = self.connector()
        return connector is not None and condition_of(connector, "Ready").get("status") == "True"

    def _is_available(self) -> bool:
        deployment = self.deployment()
        if deployment is None:
            return False
        observed = deployment.get("status", {}).get("observedGeneration") == deployment["metadata"]["generation"]
        return bool(observed and deployment["status"].get("availableReplicas") == 1)


@pytest.fixture
def delivery(around: Surroundings, gitops: NewGitOps) -> Iterator[Delivery]:
    """An account that is bootstrapped, a namespace with a token, and a repository with the chart in it."""
    plane, namespace = around.control_plane, new_namespace()
    account = around.create_account()
    made = bootstrap_account(account, plane.issuer.removeprefix("https://"), namespace, ())
    own = {"watchNamespaces": [namespace], "uninstall": {"leaveConnectors": True}}
    values = chart_values(made.boundaries, made.operator_role_arn, own)
    plane.kubectl("create", "namespace", namespace)
    plane.kubectl(
        "create", "secret", "generic", TOKEN_SECRET, f"--from-literal=token={TOKEN}", f"--namespace={namespace}"
    )
    with ExitStack() as processes:
        cluster = Cluster(plane.kubeconfig, namespace)
        delivery = Delivery(around, account, gitops(namespace), cluster, made.boundaries, values, processes)
        delivery.push_chart()
        yield delivery


def in_wave(wave: int, document: Document) -> Document:
    metadata = document["metadata"]
    return {**document, "metadata": {**metadata, "annotations": {**metadata.get("annotations", {}), WAVE: str(wave)}}}


def examples(name: str) -> list[Document]:
    """The Applications of an example, as people copy them."""
    return list(yaml.safe_load_all((ROOT / "examples" / "argocd" / name).read_text(encoding="utf-8")))


def placed(example: Document, app: GitOps, *sources: Document) -> Document:
    """*example* under the name of *app*, for its namespace, from *sources*; the rest stays as it is."""
    metadata, spec = example["metadata"], example["spec"]
    kept = {key: value for key, value in spec.items() if key not in {"source", "sources"}}
    return {
        **example,
        "metadata": {**metadata, "name": app.name, "namespace": app.argocd.namespace},
        "spec": {
            **kept,
            "sources": list(sources),
            "destination": {**spec["destination"], "namespace": app.namespace},
        },
    }


def test_one_application_brings_operator_and_connectors_upgrades_and_ends_by_waves(delivery: Delivery) -> None:
    app = delivery.app
    (example,) = examples("application.yaml")
    app.push(in_wave(1, manifest()))
    app.argocd.apply([placed(example, app, delivery.chart(), app.folder())])
    delivery.start_as_deployed()
    app.until_healthy(60)
    assert len(delivery.roles()) == 1

    delivery.stop()
    app.argocd.apply([placed(example, app, delivery.chart(logLevel="debug"), app.folder())])
    until("the operator is rolled", lambda: generation_of(delivery.deployment()) == 2, 30)
    delivery.start_as_deployed()
    app.until_healthy(60)
    assert generation_of(delivery.connector()) == 1

    app.delete()
    for there in delivery.while_it_goes():
        assert there in ORDERLY
    assert (delivery.connector(), delivery.deployment(), delivery.roles()) == (None, None, [])


def test_without_waves_nothing_is_lost_and_an_operator_that_comes_back_ends_it(delivery: Delivery) -> None:
    app = delivery.app
    app.push(manifest())
    app.deploy(sources=[delivery.chart(), app.folder()])
    delivery.start_as_deployed()
    app.until_healthy(60)
    assert delivery.operator is not None

    delivery.operator.signal(signal.SIGSTOP)  # it was not quick enough
    app.delete()
    until("the operator is gone", lambda: delivery.deployment() is None, 30)
    delivery.operator.kill()
    connector = until("the connector waits", delivery.connector)

    assert FINALIZER in connector["metadata"]["finalizers"]
    assert len(delivery.roles()) == 1
    seen = app.until_health_of("Progressing", "the operator has not begun yet")
    assert FINALIZER in seen.message

    again = GitOps(app.argocd, app.repository, f"{app.name}-again", app.namespace)
    again.revision = app.revision
    again.deploy(sources=[delivery.chart()])
    delivery.start_as_deployed()
    app.until("the Application is gone", lambda: app.is_gone, 60)
    assert (delivery.connector(), delivery.roles()) == (None, [])


def test_an_application_of_applications_brings_the_operator_first_and_takes_it_last(delivery: Delivery) -> None:
    """With the chart's check before it goes, which Argo CD notes on its Application by finalizers of its own."""
    app = delivery.app
    delivery.values["uninstall"] = {"leaveConnectors": False}
    operator = GitOps(app.argocd, app.repository, f"{app.name}-operator", app.namespace)
    connectors = GitOps(app.argocd, app.repository, f"{app.name}-connectors", app.namespace)
    first, second = examples("app-of-apps.yaml")
    children = {
        "apps/operator.yaml": placed(first, operator, delivery.chart()),
        "apps/connectors.yaml": placed(second, connectors, connectors.folder()),
        f"{FOLDER}/{NAME}.yaml": manifest(),
    }
    app.push_files({path: yaml.safe_dump(document) for path, document in children.items()})
    (example,) = examples("root.yaml")
    root = placed(example, app, app.folder("apps"))
    root["spec"]["destination"]["namespace"] = app.argocd.namespace
    app.argocd.apply([root])

    until("the operator's Application is there", lambda: not operator.is_gone, 30)
    assert connectors.is_gone or delivery.deployment() is not None
    delivery.start_as_deployed()
    until("the connector is Ready", delivery.is_ready, 60)
    operator.until("the check is noted", lambda: CHECKED in operator.application()["metadata"]["finalizers"])
    assert {sync for sync, _ in app.until_compared(2)} == {"Synced"}

    app.delete(connectors)
    for there in delivery.while_it_goes():
        assert there in ORDERLY
    assert (operator.is_gone, connectors.is_gone, delivery.roles()) == (True, True, [])


def generation_of(document: Document | None) -> int:
    assert document is not None
    return int(document["metadata"]["generation"])
