"""A connector, and passes over it in this very process, on a clock that the test drives."""

from __future__ import annotations

import base64
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

from apono_operator.reconciler import Environment, Outcome, Reconciler, Remainder
from apono_operator.reconciler.environment import SETTLING_SECONDS
from apono_operator.state.administration import Administration
from apono_operator.state.resources import Owner
from apono_operator.v1alpha1 import FINALIZER, RECONCILE_AT
from tests.adapters.aws.connection import Connection
from tests.builders import NOW
from tests.scenarios.cluster import Cluster, Document
from tests.scenarios.scenario import CHILD, NAME, ROLE_WRITES, TOKEN_SECRET, condition_of, manifest
from tests.waiting import until


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
        """Make the connector, and wait until its pods run and IAM shows its role everywhere."""
        self.calls()
        self.moment += SETTLING_SECONDS
        self.calls()
        until("the connector is Ready", self._is_ready)

    def _is_ready(self) -> bool:
        self.calls(quick=True)
        return bool(self.condition("Ready").get("status") == "True")

    def restart(self) -> None:
        """Forget everything, as a new process does."""
        self.environment = replace(self.environment, roles={}, secrets={}, providers={}, corrections={}, absences={})

    def wall_clock(self, seconds: float) -> None:
        """Set the wall clock to so many seconds after a fixed time."""
        moment = NOW + timedelta(seconds=seconds)
        self.environment = replace(self.environment, now=lambda: moment)

    def without_boundaries(self) -> Administration:
        """The administrator's decisions, were there no permissions boundaries."""
        return self.environment.administration.model_copy(update={"permissions_boundaries": {}})

    def deletes(self) -> Remainder | None:
        """Mark the connector for deletion if it is not, and take one step of it."""
        connector = self.cluster.get("AponoConnector", NAME) or {}
        if "deletionTimestamp" not in connector["metadata"]:
            self.cluster.delete("AponoConnector", NAME)
        return Reconciler(self.environment).finalize(self.owner)

    def deletes_quickly(self) -> Remainder | None:
        """The same, as far as it goes without AWS."""
        self.cluster.delete("AponoConnector", NAME)
        return Reconciler(self.environment).finalize(self.owner, quick=True)

    def as_another(self, **spec: Any) -> Passes:
        """Take the connector away, its role left, and make another of its name."""
        self.cluster.patch("AponoConnector", NAME, {"metadata": {"finalizers": None}})
        self.cluster.delete("AponoConnector", NAME)
        document = manifest(**spec)
        document["metadata"]["finalizers"] = [FINALIZER]
        uid = self.cluster.create("AponoConnector", document)["metadata"]["uid"]
        return replace(self, owner=Owner(self.owner.namespace, NAME, uid))

    def has_role(self) -> bool:
        """Whether IAM has the connector's role."""
        try:
            self.iam.get_role(RoleName=self.role_name)
        except self.iam.exceptions.NoSuchEntityException:
            return False
        return True

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
