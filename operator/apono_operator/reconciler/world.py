"""What passes stand on: the adapters, the administrator's decisions, the clocks, and a little memory.

Nothing remembered here is needed for correctness: it saves calls, and is gone after a restart.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from apono_operator.adapters.aws.iam import Iam
from apono_operator.adapters.aws.session import AwsSession
from apono_operator.adapters.errors import DeniedError
from apono_operator.adapters.kubernetes import Kubernetes
from apono_operator.state.administration import Administration
from apono_operator.state.desired import AUDIENCE, child_keys
from apono_operator.state.finding import Finding, stuck
from apono_operator.state.oidc_provider import provider_finding
from apono_operator.state.resources import Cluster, IamRole, Manifest, ObjectKey, Owner
from apono_operator.v1alpha1 import Reason


@dataclass(frozen=True)
class Pace:
    """How often AWS is looked at, in seconds."""

    resync: float = 600.0
    """Our own part of a role."""

    thorough: float = 3600.0
    """What is attached to a role, and the OIDC provider."""


@dataclass(frozen=True)
class RoleMemory:
    """A role that was seen to be as asked, so that news from children costs no AWS call."""

    generation: int
    asked: str | None
    """The annotation by which a look was asked for."""

    role: IamRole
    seen: float
    thoroughly_seen: float


@dataclass(frozen=True)
class SecretMemory:
    """Which versions of its Secrets the last pass over a connector saw."""

    token_secret: str
    versions: str


@dataclass
class World:
    """The surroundings of all passes; safe to use from several threads, one pass at a time for each connector."""

    kubernetes: Kubernetes
    session: AwsSession
    iam: Iam
    administration: Administration
    issuer: str
    """Host and path of the cluster's OIDC issuer, without ``https://``."""

    pace: Pace
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    monotonic: Callable[[], float] = time.monotonic
    roles: dict[str, RoleMemory] = field(default_factory=dict)
    """By the connector's uid."""

    secrets: dict[str, SecretMemory] = field(default_factory=dict)
    """By the connector's uid."""

    _providers_seen: dict[str, float] = field(default_factory=dict)

    def cluster(self) -> Cluster:
        """Return issuer, account and partition, as discovered.

        Raises:
            AdapterError: if AWS does not say.
        """
        identity = self.session.caller_identity()
        return Cluster(self.issuer, identity.account_id, identity.partition)

    def provider(self, cluster: Cluster) -> Finding:
        """Return whether IAM trusts the cluster's tokens; a good answer holds for an hour.

        Raises:
            AdapterError: if AWS does not say.
        """
        seen = self._providers_seen.get(cluster.provider_arn)
        if seen is not None and self.monotonic() < seen + self.pace.thorough:
            return provider_finding(cluster, frozenset({AUDIENCE}))
        finding = provider_finding(cluster, self.iam.provider_audiences(cluster))
        if finding.good:
            self._providers_seen[cluster.provider_arn] = self.monotonic()
        return finding

    def denied(self, error: DeniedError) -> Finding:
        """Return what *error* means for the aspect at hand; AWS names the action, we name who was denied."""
        if error.reason is Reason.NO_CREDENTIALS:
            self.session.forget_identity()
        if error.reason is not Reason.ACCESS_DENIED:
            return stuck(error.reason, error.message)
        return stuck(error.reason, f"{error.message} Allow it to the operator's role ({self.session.last_caller}).")

    def secret_versions(self, owner: Owner, token_secret: str) -> str:
        """Return a fingerprint of the token Secret's and the pull Secret's versions.

        Raises:
            AdapterError: if the API server does not say.
        """
        keys = (ObjectKey("Secret", owner.namespace, token_secret), child_keys(owner)["Secret"])
        secrets = self.kubernetes.get_all(keys)
        return versions(*(secrets.get(key) for key in keys))

    def forget(self, uid: str) -> None:
        """Drop what is remembered of a connector that is gone."""
        self.roles.pop(uid, None)
        self.secrets.pop(uid, None)


def versions(*manifests: Manifest | None) -> str:
    """Return a fingerprint of the versions of *manifests*, None standing for one that does not exist."""
    return " ".join(str(manifest["metadata"]["resourceVersion"]) if manifest else "-" for manifest in manifests)
