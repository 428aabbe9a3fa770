"""Connectors by the dozen under a real operator process, each of which can be held up at a write to AWS of its own."""

from __future__ import annotations

import base64
import signal
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any

from apono_operator.state import resources
from apono_operator.state.resources import Owner
from sandbox.aws import Account, Call, ConnectionDroppedError, FrontDoor
from sandbox.installation import Installation
from sandbox.operator_process import OperatorProcess
from sandbox.surroundings import Surroundings
from tests.scenarios.cluster import Cluster, Document
from tests.scenarios.conftest import NO_LIMITS
from tests.scenarios.scenario import condition_of, manifest
from tests.sweeps.changes import spoil_settings, spoil_trust
from tests.sweeps.line import MOMENTS, Moment
from tests.waiting import until

TOKEN_SECRET = "apono-token"
PATIENCE = 60.0
"""Seconds for what everything waits for."""


@dataclass(frozen=True)
class HoldUp:
    """Before or after the nth write to AWS for one connector."""

    number: int
    moment: Moment
    operation: str

    def __str__(self) -> str:
        return f"{self.moment} write {self.number} ({self.operation})"


@dataclass
class Gate:
    """Holds up one write for each role that it is told of, until it is opened.

    Attributes:
        drops: Whether what was held before it was made is not made at all: its caller is dead.
        held: What is or was held up, by the role's name.
    """

    drops: bool
    asked: dict[str, HoldUp] = field(default_factory=dict)
    held: dict[str, HoldUp] = field(default_factory=dict)
    _counts: Counter[str] = field(default_factory=Counter)
    _open: threading.Event = field(default_factory=threading.Event)

    def attach(self, aws: FrontDoor, account: Account) -> None:
        """Stand in the way of the account's calls."""
        aws.hooks.before(self._before, service="iam", account=account)
        aws.hooks.after(self._after, service="iam", account=account)

    def close(self, asked: dict[str, HoldUp]) -> None:
        """Count anew, and hold up what is asked for."""
        self._open.clear()
        self._counts.clear()
        self.held.clear()
        self.asked = asked

    def open(self) -> None:
        """Let everything go on, and hold up nothing any more."""
        self.asked = {}
        self._open.set()

    def missing(self) -> dict[str, HoldUp]:
        """What is still to be held up."""
        return {role: hold_up for role, hold_up in self.asked.items() if role not in self.held}

    def _before(self, call: Call) -> None:
        role = call.parameters.get("RoleName", "")
        if _is_write(call):
            self._counts[role] += 1
            if self._holds(call, role, "before") and self.drops:
                raise ConnectionDroppedError

    def _after(self, call: Call) -> None:
        if _is_write(call):
            self._holds(call, call.parameters.get("RoleName", ""), "after")

    def _holds(self, call: Call, role: str, moment: Moment) -> bool:
        hold_up = self.asked.get(role)
        if hold_up is None or (hold_up.number, hold_up.moment) != (self._counts[role], moment) or role in self.held:
            return False
        self.held[role] = HoldUp(hold_up.number, moment, call.operation)
        self._open.wait(PATIENCE)
        return True


@dataclass
class Running:
    """An installation whose operator runs.

    Attributes:
        namespace: Where its connectors are.
        operator: The process; another one after a restart.
    """

    namespace: Cluster
    aws: FrontDoor
    account: Account
    installation: Installation
    operator: OperatorProcess
    issuer: str
    gate: Gate
    _stack: ExitStack

    @classmethod
    @contextmanager
    def install(cls, around: Surroundings, namespace: str, *, drops: bool) -> Iterator[Running]:
        """Install an operator that makes as many passes at once as may be held up."""
        account = around.create_account()
        values = {
            "watchNamespaces": [namespace],
            "workers": 64,
            "awsRateLimits": NO_LIMITS,
            "allowedManagedPolicyArns": ["arn:aws:iam::aws:policy/*"],
            "allowedRoleTagKeys": ["*"],
        }
        installation = Installation.install(around.control_plane, around.aws, account, namespace, values)
        issuer = around.control_plane.issuer.removeprefix("https://")
        cluster = Cluster(around.control_plane.kubeconfig, namespace)
        cluster.apply(
            {
                "apiVersion": "v1",
                "kind": "Secret",
                "metadata": {"name": TOKEN_SECRET},
                "data": {"token": base64.b64encode(b"token-of-a-sweep").decode()},
            }
        )
        gate = Gate(drops)
        with ExitStack() as stack:
            operator = stack.enter_context(installation.start())
            stack.callback(gate.open)
            gate.attach(around.aws, account)
            yield cls(cluster, around.aws, account, installation, operator, issuer, gate, stack)

    # --- what people do, and what befalls them --------------------------------------------------------------------

    def apply(self, name: str, spec: dict[str, Any]) -> Owner:
        """Apply a connector."""
        uid = self.namespace.apply(manifest(name, **spec))["metadata"]["uid"]
        return Owner(self.namespace.namespace, name, uid)

    def change(self, owners: Sequence[Owner], spec: dict[str, Any]) -> None:
        """Change the connectors' roles by hand and their specs, seen by the operator as one."""
        self.operator.signal(signal.SIGSTOP)
        for owner in owners:
            spoil_trust(self, owner)
            spoil_settings(self, owner)
            self.apply(owner.name, spec)
        self.operator.signal(signal.SIGCONT)

    def delete(self, owners: Sequence[Owner]) -> None:
        """Delete connectors."""
        for owner in owners:
            self.namespace.delete("AponoConnector", owner.name)

    def replace_operator(self) -> None:
        """Kill the operator, let go of what it left, and start another."""
        self.operator.kill()
        self.gate.open()
        self.operator = self._stack.enter_context(self.installation.start())

    def restart_api_server(self) -> None:
        """Restart the API server, and let the operator go on while it is away."""
        timer = threading.Timer(0.2, self.gate.open)
        timer.start()
        self.installation.control_plane.restart_api_server()
        timer.join()

    # --- what people see ------------------------------------------------------------------------------------------

    def connector(self, owner: Owner) -> Document | None:
        """The connector, None once it is gone."""
        return self.namespace.get("AponoConnector", owner.name)

    def role_name(self, owner: Owner) -> str:
        """The name of the connector's role, if there is one."""
        return resources.Cluster(self.issuer, self.account.account_id, self.account.partition).role_name(owner)

    def roles(self) -> set[str]:
        """The names of all roles of connectors."""
        pages = self.account.client("iam").get_paginator("list_roles").paginate()
        names = [role["RoleName"] for page in pages for role in page["Roles"]]
        return {name for name in names if name.startswith("apono-")}

    def writes(self, owner: Owner, mark: int) -> list[str]:
        """What was written to AWS for the connector since *mark*, in order."""
        calls = self.aws.calls.since(mark).of(account=self.account, parameters={"RoleName": self.role_name(owner)})
        return [call.operation for call in calls if _writes(call.operation, call.caller)]

    def ready(self, owner: Owner) -> None:
        """Wait until a connector is Ready as it is asked for now."""
        until(f"{owner.name} is Ready", lambda: self._is_ready(owner), PATIENCE, lambda: self._told(owner))

    def gone(self, owner: Owner) -> None:
        """Wait until a connector is gone."""
        until(f"{owner.name} is gone", lambda: self.connector(owner) is None, PATIENCE, lambda: self._told(owner))

    def all_held(self) -> None:
        """Wait until all is held up that was to be."""
        gate = self.gate
        until("all are held up", lambda: not gate.missing(), PATIENCE, lambda: f"{gate.missing()}\n{self.operator.log}")

    def _is_ready(self, owner: Owner) -> bool:
        connector = self.connector(owner) or {}
        ready = condition_of(connector, "Ready")
        current = ready.get("observedGeneration") == connector.get("metadata", {}).get("generation")
        return current and ready.get("status") == "True"

    def _told(self, owner: Owner) -> str:
        return f"{(self.connector(owner) or {}).get('status')}\n{self.operator.log[-4000:]}"


def hold_ups(writes: Sequence[str]) -> list[HoldUp]:
    """Before and after each of the recorded writes."""
    return [HoldUp(number, moment, name) for number, name in enumerate(writes, 1) for moment in MOMENTS]


def _writes(operation: str, caller: str | None) -> bool:
    """Tell whether it is the operator that writes: it is the one with a role."""
    return not operation.startswith(("Get", "List")) and "assumed-role/" in (caller or "")


def _is_write(call: Call) -> bool:
    return _writes(call.operation, call.caller.arn if call.caller else None)
