"""Cluster, AWS and operator of the sweeps within this process: the real API server, and a clock that they drive."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from apono_operator.adapters.kubernetes import Kubernetes
from apono_operator.reconciler import Environment, Reconciler
from apono_operator.state import resources
from apono_operator.state.resources import Owner
from apono_operator.v1alpha1 import FINALIZER
from sandbox.aws import Account, FrontDoor
from sandbox.aws.clock import system_clock
from tests.adapters.aws.connection import Connection
from tests.builders import an_administration
from tests.scenarios.cluster import Cluster, Document
from tests.scenarios.scenario import manifest
from tests.sweeps import evidence
from tests.sweeps.line import Line


@dataclass
class Clock:
    """The time of operator and AWS, which passes only when somebody lets it."""

    seconds: float = 0.0
    _start: datetime = field(default_factory=system_clock)

    def now(self) -> datetime:
        return self._start + timedelta(seconds=self.seconds)

    def monotonic(self) -> float:
        return self.seconds


@dataclass
class Starts:
    """How often an operator was started: with each start the AWS session forgets who we are."""

    count: int = 0


class Namespace(Cluster):
    """A namespace in which no pod is started: a test tells how pods are doing."""

    def run_pods(self, owner: Owner) -> None:
        """Tell in the Deployment controller's stead that all pods are available."""
        deployment = self.get("Deployment", owner.child_name)
        if deployment is None:
            return
        generation, replicas = deployment["metadata"]["generation"], deployment["spec"]["replicas"]
        counts = ("replicas", "updatedReplicas", "readyReplicas", "availableReplicas")
        status = {"observedGeneration": generation, **dict.fromkeys(counts, replicas)}
        if not status.items() <= deployment.get("status", {}).items():
            self._kind("Deployment").status.patch(
                body={"status": status},
                name=owner.child_name,
                namespace=self.namespace,
                content_type="application/merge-patch+json",
            )


@dataclass
class World:
    """What connectors of one namespace stand on, and what people do there."""

    namespace: Namespace
    aws: FrontDoor
    connection: Connection
    kubernetes: Kubernetes
    line: Line
    clock: Clock
    starts: Starts
    issuer: str
    """Host and path, without ``https://``."""

    between: Callable[[], object] = field(default=lambda: None)
    """What happens between two passes, before time passes."""

    pass_limit: int = 20
    """Passes within which a connector must be as asked, or gone."""

    longest_pause: float = 30.0
    """Seconds, as the handlers' back-off."""

    @property
    def account(self) -> Account:
        return self.connection.account

    def mark(self) -> int:
        """Forget all calls that were made, so that nobody has to search them, and return where the log stands."""
        self.aws.calls.clear()
        return self.aws.calls.mark()

    def pause(self, number: int, *, paced: bool) -> None:
        """Let time pass after a pass of that number: as long as a step of a stack takes, if such a one is awaited."""
        self.between()
        step = self.aws.stack_step_seconds if paced else 0.0
        self.clock.seconds += step or min(2.0**number, self.longest_pause)

    def seen(self, owner: Owner, mark: int) -> Document:
        """All there is of a connector, and what was made for it since *mark*."""
        return {**evidence.of_connector(self, owner), "creations": evidence.creations(self, owner, mark)}

    def awaits_hourly_look(self, owner: Owner) -> bool:
        """Whether something is left that the next thorough look alone clears away."""
        del owner
        return False

    def start(self, administration: Mapping[str, Any]) -> Reconciler:
        """Start an operator, which remembers nothing."""
        self.starts.count += 1
        plain = {
            "grants": ({"namespaces": [self.namespace.namespace]},),
            "permissions_boundaries": {},
            "allow_unbounded_roles": True,
            "allowed_managed_policy_arns": ("*",),
            "allowed_role_tag_keys": ("*",),
        }
        environment = Environment(
            self.kubernetes,
            self.connection.session,
            self.connection.iam,
            an_administration(**{**plain, **administration}),
            self.issuer,
            now=self.clock.now,
            monotonic=self.clock.monotonic,
        )
        return Reconciler(environment)

    def apply(self, name: str, spec: Mapping[str, Any]) -> Owner:
        """Apply a connector with a token Secret of its own, as it is once kopf has put the finalizer on."""
        document = manifest(name, **{**spec, "tokenSecretRef": {"name": f"token-of-{name}"}})
        document["metadata"]["finalizers"] = [FINALIZER]
        uid = self.namespace.apply(document)["metadata"]["uid"]
        return Owner(self.namespace.namespace, name, uid)

    def give_token(self, name: str, token: str) -> None:
        """Write the connector's token."""
        secret = {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": f"token-of-{name}"},
            "data": {"token": base64.b64encode(token.encode()).decode()},
        }
        self.namespace.apply(secret)

    def connector(self, owner: Owner) -> Document | None:
        """The connector, None once it is gone."""
        return self.namespace.get("AponoConnector", owner.name)

    def role_name(self, owner: Owner) -> str:
        """The name of the connector's role, if there is one."""
        return resources.Cluster(self.issuer, self.account.account_id, self.account.partition).role_name(owner)
