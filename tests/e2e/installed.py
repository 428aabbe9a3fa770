"""The operator's image, installed by its chart on a node that runs containers: what a test acts upon and looks at."""

from __future__ import annotations

import base64
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import yaml

from sandbox.aws import Account, FrontDoor
from sandbox.bootstrap import ManagedOrganization
from sandbox.controlplane import ControlPlane
from sandbox.installation import RELEASE
from sandbox.node.apono import AponoApi, Report
from tests.e2e.release import Release
from tests.scenarios.cluster import Cluster, Document
from tests.scenarios.scenario import condition_of
from tests.waiting import until

PATIENCE = 60.0
"""Seconds; containers start in two or three, probes come every ten."""
SMALL = {"requests": {"cpu": "10m", "memory": "64Mi"}, "limits": {"memory": "256Mi"}}
"""The resources of a connector, so that many find a place on one node."""


@dataclass(frozen=True)
class Installed:
    """A release, the AWS and the API that it and its connectors talk to."""

    control_plane: ControlPlane
    cluster: Cluster
    release: Release
    aws: FrontDoor
    account: Account
    managed: ManagedOrganization
    api: AponoApi

    # --- what people do ---------------------------------------------------------------------------------------

    def create_token(self, name: str, *, known: bool = True) -> str:
        """Make the Secret of a connector's token, or replace the token; return it."""
        token = secrets.token_hex(16)
        if known:
            self.api.tokens |= {token}
        data = {"token": base64.b64encode(token.encode()).decode()}
        self.cluster.apply({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": f"{name}-token"}, "data": data})
        return token

    def apply(self, name: str, **spec: Any) -> None:
        """Apply a connector; *spec* replaces fields of a minimal one."""
        minimal = {
            "tokenSecretRef": {"name": f"{name}-token"},
            "target": {"mode": "Account"},
            "permissions": "ReadOnly",
            "deployment": {"resources": SMALL},
        }
        self.cluster.apply(
            {
                "apiVersion": "apono.io/v1alpha1",
                "kind": "AponoConnector",
                "metadata": {"name": name},
                "spec": {**minimal, **spec},
            }
        )

    def touch(self, name: str) -> None:
        """Have the operator look at a connector at once."""
        now = datetime.now(UTC).isoformat()
        self.cluster.patch("AponoConnector", name, {"metadata": {"annotations": {"apono.io/reconcile-at": now}}})

    def delete(self, name: str) -> None:
        """Delete a connector and wait until it is gone."""
        self.cluster.delete("AponoConnector", name)
        until(f"{name} is gone", lambda: self.cluster.get("AponoConnector", name) is None, PATIENCE)

    def in_operator(self, program: str) -> str:
        """Run a Python program in the operator's container; return what it prints."""
        return self.control_plane.kubectl(
            "exec", f"deployment/{RELEASE}", f"--namespace={self.release.namespace}", "--", "python", "-c", program
        )

    # --- what people see --------------------------------------------------------------------------------------

    def ready(self, name: str) -> Document:
        """Wait until the connector is Ready; return it."""
        return self.condition(name, "Ready", "True")

    def condition(
        self, name: str, kind: str, status: str, reason: str | None = None, seconds: float = PATIENCE
    ) -> Document:
        """Wait until a condition of the present generation is so; return the connector."""

        def look() -> Document | None:
            connector = self._connector(name)
            condition = condition_of(connector, kind)
            current = condition.get("observedGeneration") == connector["metadata"]["generation"]
            seen = condition.get("status") == status and reason in (None, condition.get("reason"))
            return connector if current and seen else None

        return until(f"{name}: {kind}={status} {reason or ''}", look, seconds, lambda: self.state(name))

    def report(self, name: str, token: str) -> Report:
        """Wait until the connector reports to Apono's API by *token*."""

        def look() -> Report | None:
            report = self.api.reports.get(name)
            return report if report and report.token == token else None

        return until(f"{name} reports", look, PATIENCE, lambda: self.state(name))

    def pods(self, name: str) -> list[Document]:
        """The connector's pods that are not on their way out."""
        listed = self.cluster.list("Pod", f"apono.io/connector={name}")
        return [pod for pod in listed if "deletionTimestamp" not in pod["metadata"]]

    def log(self, name: str) -> str:
        """What the connector's newest container has logged."""
        return self._kubectl("logs", f"deployment/apono-connector-{name}")

    def state(self, name: str) -> str:
        """What is known of a connector, for the message of a failed test."""
        told = [
            yaml.safe_dump(self._connector(name).get("status")),
            *(yaml.safe_dump(pod["status"]) for pod in self.pods(name)),
            self._kubectl("logs", f"deployment/{RELEASE}", "--tail=40"),
        ]
        return "\n".join(told)

    def _connector(self, name: str) -> Document:
        found = self.cluster.get("AponoConnector", name)
        assert found is not None, f"AponoConnector {name} does not exist"
        return found

    def _kubectl(self, *arguments: str) -> str:
        return self.control_plane.kubectl(*arguments, f"--namespace={self.release.namespace}")
