"""A connector, and passes over it in this very process, on a clock that the test drives."""

from __future__ import annotations

import base64
from dataclasses import dataclass, field, replace
from typing import Any

from apono_operator.reconciler import Environment, Outcome, Reconciler
from apono_operator.reconciler.environment import SETTLING_SECONDS
from apono_operator.state.resources import Owner
from apono_operator.v1alpha1 import RECONCILE_AT
from tests.adapters.aws.connection import Connection
from tests.scenarios.cluster import Cluster, Document
from tests.scenarios.scenario import CHILD, NAME, ROLE_WRITES, TOKEN_SECRET, condition_of


@dataclass
class Passes:
    """What a test acts upon and looks at.

    Attributes:
        environment: What passes stand on; a new one stands for a restart of the operator.
        owner: The connector.
        connection: The operator's way to AWS.
        moment: The time in seconds, driven by the test.
        outcome: What the last pass said of the next.
    """

    cluster: Cluster
    environment: Environment
    owner: Owner
    connection: Connection
    moment: float = 0.0
    outcome: Outcome | None = field(default=None, init=False)

    def calls(self, *, quick: bool = False) -> list[str]:
        """Make a pass; return what it asked of AWS."""
        counted = self.connection.from_now_on()
        self.outcome = Reconciler(self.environment).reconcile(self.owner, quick=quick)
        return counted.calls().operations

    def writes(self) -> list[str]:
        """Make a pass; return what it changed in AWS."""
        return [operation for operation in self.calls() if operation in ROLE_WRITES]

    def settle(self) -> None:
        """Make the connector, and wait until IAM shows it everywhere."""
        self.calls()
        self.moment += SETTLING_SECONDS
        self.calls()

    def restart(self) -> None:
        """Forget everything, as a new process does."""
        self.environment = replace(self.environment, roles={}, secrets={}, providers={}, corrections={}, absences={})

    def look_at_everything(self) -> None:
        """Ask for a look at everything in the next pass, as people do."""
        self.cluster.patch("AponoConnector", NAME, {"metadata": {"annotations": {RECONCILE_AT: str(self.moment)}}})
        self.moment += 1

    def change(self, **spec: Any) -> None:
        """Change the connector's spec."""
        self.cluster.patch("AponoConnector", NAME, {"spec": spec})

    def rotate_token(self, token: str) -> None:
        """Store another token."""
        self.cluster.patch("Secret", TOKEN_SECRET, {"data": {"token": base64.b64encode(token.encode()).decode()}})

    @property
    def status(self) -> Document:
        """The connector's status."""
        return dict((self.cluster.get("AponoConnector", NAME) or {}).get("status", {}))

    def condition(self, kind: str) -> Document:
        """A condition of the connector, empty if there is none."""
        return condition_of({"status": self.status}, kind)

    def role_condition(self) -> Document:
        """What the status says of the role."""
        return self.condition("ConnectorRoleReady")

    def events(self, reason: str) -> list[str]:
        """The messages of the Events with *reason*."""
        return [event["message"] for event in self.cluster.list("Event") if event["reason"] == reason]

    def child(self, kind: str) -> Document | None:
        """A child of the connector."""
        return self.cluster.get(kind, CHILD)

    @property
    def iam(self) -> Any:
        """IAM, as the account's administrator by hand."""
        return self.connection.account.client("iam")

    @property
    def role_name(self) -> str:
        """The name of the connector's role."""
        return self.environment.cluster().role_name(self.owner)
