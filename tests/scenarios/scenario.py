"""A scenario: a namespace, an AWS account, and an operator of their own."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from sandbox.aws import Account, Calls, FrontDoor
from sandbox.installation import Installation
from sandbox.operator_process import OperatorProcess
from tests.scenarios.cluster import Cluster, Document
from tests.waiting import PATIENCE, until

NAME = "production"
CHILD = f"apono-connector-{NAME}"
TOKEN = "0c2fd1f5-token-of-a-test"
TOKEN_SECRET = "apono-token"

ROLE_WRITES = frozenset(
    {
        "AttachRolePolicy",
        "CreateRole",
        "DeleteRole",
        "DeleteRolePermissionsBoundary",
        "DeleteRolePolicy",
        "DetachRolePolicy",
        "PutRolePermissionsBoundary",
        "PutRolePolicy",
        "TagRole",
        "UntagRole",
        "UpdateAssumeRolePolicy",
        "UpdateRole",
    }
)


@dataclass(frozen=True)
class Role:
    """An IAM role as AWS tells it."""

    document: Mapping[str, Any]
    inline: Mapping[str, Any]
    attached: frozenset[str]

    @property
    def tags(self) -> dict[str, str]:
        return {tag["Key"]: tag["Value"] for tag in self.document.get("Tags", ())}

    @property
    def boundary(self) -> str | None:
        arn: str | None = self.document.get("PermissionsBoundary", {}).get("PermissionsBoundaryArn")
        return arn


@dataclass
class Scenario:
    """What a test acts upon and looks at."""

    cluster: Cluster
    aws: FrontDoor
    account: Account
    installation: Installation
    operator: OperatorProcess
    issuer: str

    # --- what people do ---------------------------------------------------------------------------------------

    def create_token(self, token: str = TOKEN, key: str = "token") -> None:
        self.cluster.apply(
            {
                "apiVersion": "v1",
                "kind": "Secret",
                "metadata": {"name": TOKEN_SECRET},
                "data": {key: base64.b64encode(token.encode()).decode()},
            }
        )

    def apply(self, name: str = NAME, **spec: Any) -> Document:
        """Apply a connector; *spec* replaces fields of a minimal one."""
        return self.cluster.apply(manifest(name, **spec))

    def apply_ready(self, name: str = NAME, **spec: Any) -> Document:
        """Apply a connector with its token, and wait until it is Ready."""
        self.create_token()
        self.apply(name, **spec)
        return self.ready(name)

    # --- what people see --------------------------------------------------------------------------------------

    def connector(self, name: str = NAME) -> Document:
        found = self.cluster.get("AponoConnector", name)
        assert found is not None, f"AponoConnector {name} does not exist"
        return found

    def ready(self, name: str = NAME, seconds: float = PATIENCE) -> Document:
        """Wait until the connector is Ready for its present generation."""
        return self.condition("Ready", "True", name=name, seconds=seconds)

    def condition(
        self, kind: str, status: str, reason: str | None = None, *, name: str = NAME, seconds: float = PATIENCE
    ) -> Document:
        """Wait until a condition of the present generation is so; return the connector."""

        def look() -> Document | None:
            connector = self.connector(name)
            found = condition_of(connector, kind)
            return connector if _is(found, connector, status, reason) else None

        return until(f"{name}: {kind}={status} {reason or ''}", look, seconds, lambda: self._state(name))

    def message(self, kind: str, name: str = NAME) -> str:
        return str(condition_of(self.connector(name), kind)["message"])

    def gone(self, kind: str, name: str, seconds: float = PATIENCE) -> None:
        until(
            f"{kind} {name} is gone", lambda: self.cluster.get(kind, name) is None, seconds, lambda: self._state(name)
        )

    def pods(self, name: str = NAME) -> list[Document]:
        living = self.cluster.list("Pod", f"apono.io/connector={name}")
        return [pod for pod in living if "deletionTimestamp" not in pod["metadata"]]

    def pods_with(self, annotation: str, value: str) -> list[Document]:
        return [pod for pod in self.pods() if pod["metadata"].get("annotations", {}).get(annotation) == value]

    def events(self, reason: str) -> list[Document]:
        return [event for event in self.cluster.list("Event") if event["reason"] == reason]

    def role(self, connector: Document | None = None) -> Role | None:
        """The connector's role as AWS tells it, by the ARN in the status."""
        arn = (connector or self.connector())["status"]["connectorRoleArn"]
        return self.role_named(arn.rpartition("/")[2])

    def role_named(self, name: str) -> Role | None:
        return role_in(self.account, name)

    def connector_roles(self) -> list[str]:
        roles = self.account.client("iam").list_roles()["Roles"]
        return [role["RoleName"] for role in roles if role["RoleName"].startswith("apono-")]

    def operator_calls(self, mark: int = 0) -> Calls:
        """What the operator asked of AWS since *mark*."""
        everything = self.aws.calls.since(mark).of(account=self.account)
        name = self.installation.environment["AWS_ROLE_ARN"].rpartition("/")[2]
        return Calls([call for call in everything if call.caller and f":assumed-role/{name}/" in call.caller])

    def role_writes(self, mark: int = 0) -> list[str]:
        return [operation for operation in self.operator_calls(mark).operations if operation in ROLE_WRITES]

    def _state(self, name: str) -> str:
        connector = self.cluster.get("AponoConnector", name)
        told = yaml.safe_dump(connector.get("status")) if connector else "there is no such connector"
        return f"{told}\nThe operator's log ends:\n{self.operator.log[-4000:]}"


def role_in(account: Account, name: str) -> Role | None:
    """A role of an account as AWS tells it; None if there is none."""
    iam = account.client("iam")
    try:
        document: Mapping[str, Any] = iam.get_role(RoleName=name)["Role"]
    except iam.exceptions.NoSuchEntityException:
        return None
    names = iam.list_role_policies(RoleName=name)["PolicyNames"]
    inline = {policy: iam.get_role_policy(RoleName=name, PolicyName=policy)["PolicyDocument"] for policy in names}
    attached = iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"]
    return Role(document, inline, frozenset(policy["PolicyArn"] for policy in attached))


def manifest(name: str = NAME, **spec: Any) -> Document:
    minimal = {
        "tokenSecretRef": {"name": TOKEN_SECRET},
        "target": {"mode": "Account"},
        "permissions": "ReadOnly",
    }
    return {
        "apiVersion": "apono.io/v1alpha1",
        "kind": "AponoConnector",
        "metadata": {"name": name},
        "spec": {**minimal, **spec},
    }


def condition_of(connector: Document, kind: str) -> Document:
    conditions = connector.get("status", {}).get("conditions", ())
    return next((condition for condition in conditions if condition["type"] == kind), {})


def _is(condition: Document, connector: Document, status: str, reason: str | None) -> bool:
    return (
        condition.get("status") == status
        and condition.get("observedGeneration") == connector["metadata"]["generation"]
        and reason in (None, condition.get("reason"))
    )
