"""A place that a chart is released to: a namespace, an account, and what an administrator made there before."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from sandbox.aws import Account, FrontDoor
from sandbox.bootstrap import BootstrappedAccount, bootstrap_account
from sandbox.controlplane import ControlPlane
from sandbox.installation import create_oidc_provider
from sandbox.release import UNREADY_TAG, Release
from tests.scenarios.cluster import Cluster, Document
from tests.scenarios.conftest import NO_LIMITS
from tests.scenarios.scenario import NAME, TOKEN, TOKEN_SECRET, condition_of, manifest
from tests.waiting import until


@dataclass(frozen=True)
class Site:
    """What a test acts upon and looks at."""

    cluster: Cluster
    account: Account
    release: Release
    bootstrapped: BootstrappedAccount

    @classmethod
    def prepare(cls, control_plane: ControlPlane, aws: FrontDoor, account: Account, namespace: str, helm: Path) -> Self:
        """Make the namespace, and the operator's role in the account."""
        control_plane.kubectl("create", "namespace", namespace)
        issuer = control_plane.issuer.removeprefix("https://")
        made = bootstrap_account(account, issuer, namespace)
        release = Release(control_plane, aws, account, namespace, helm)
        return cls(Cluster(control_plane.kubeconfig, namespace), account, release, made)

    @property
    def values(self) -> dict[str, Any]:
        """What the administrator decides, and what suits a test."""
        return {
            "permissionsBoundaries": dict(self.bootstrapped.boundaries),
            "serviceAccount": {"annotations": {"eks.amazonaws.com/role-arn": self.bootstrapped.operator_role_arn}},
            "image": {"tag": UNREADY_TAG},
            "awsRateLimits": NO_LIMITS,
            "httpPort": 0,  # processes of several tests share this machine's ports
            "logFormat": "console",
        }

    def connector(self) -> Document:
        found = self.cluster.get("AponoConnector", NAME)
        assert found is not None
        return found

    def apply(self, **spec: Any) -> None:
        """Apply a connector and its token."""
        self.create_token()
        self.cluster.apply(manifest(**spec))

    def create_token(self) -> None:
        """Make the Secret of the connector's token."""
        token = {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": TOKEN_SECRET},
            "stringData": {"token": TOKEN},
        }
        self.cluster.apply(token)

    def condition(self, kind: str, status: str, reason: str | None = None) -> Document:
        """Wait until a condition of the present generation is so; return it."""

        def look() -> Document | None:
            connector = self.connector()
            found = condition_of(connector, kind)
            current = found.get("observedGeneration") == connector["metadata"]["generation"]
            return found if current and found["status"] == status and reason in (None, found["reason"]) else None

        return until(f"{kind} is {status} {reason or ''}", look, 30.0, lambda: json.dumps(self.connector(), indent=1))

    def pods(self) -> Mapping[str, str]:
        """The connector's pods that are not going, and since when each is there, by uid."""
        listed = self.cluster.list("Pod", f"apono.io/connector={NAME}")
        living = (pod["metadata"] for pod in listed if "deletionTimestamp" not in pod["metadata"])
        return {pod["uid"]: pod["creationTimestamp"] for pod in living}

    def delete_connector(self) -> None:
        """Delete the connector and wait until it is gone."""
        self.cluster.delete("AponoConnector", NAME)
        self.is_gone()

    def is_gone(self) -> None:
        """Wait until the connector is gone."""
        until("the connector is gone", lambda: self.cluster.get("AponoConnector", NAME) is None, 30.0)

    def roles(self) -> list[str]:
        """The names of connectors' roles in the account."""
        listed = self.account.client("iam").list_roles()["Roles"]
        return [role["RoleName"] for role in listed if role["RoleName"].startswith("apono-connector-")]

    def columns(self) -> list[str]:
        """The columns that `kubectl get aponoconnectors` shows by the definition as it is."""
        definition = self.release.get("crd", "aponoconnectors.apono.io")
        return [column["name"] for column in definition["spec"]["versions"][0]["additionalPrinterColumns"]]


def an_account(control_plane: ControlPlane, aws: FrontDoor) -> Account:
    """An account whose IAM knows the cluster."""
    account = aws.create_account()
    create_oidc_provider(account, control_plane.issuer)
    return account
