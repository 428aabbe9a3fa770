"""What passes stand on: the adapters, the administrator's decisions, the clocks, and a little memory.

What is remembered saves calls and outlasts IAM's lag; after a restart everything is simply looked at again.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from apono_operator.adapters.aws.iam import Iam
from apono_operator.adapters.aws.management import ManagementSessions
from apono_operator.adapters.aws.session import AwsSession
from apono_operator.adapters.errors import AdapterError
from apono_operator.adapters.kubernetes import Kubernetes
from apono_operator.reconciler.answers import Answers
from apono_operator.state.administration import Administration
from apono_operator.state.claim import DEFAULT_INSTALLATION, Installation
from apono_operator.state.finding import Finding
from apono_operator.state.member_accounts import StackSetPlace
from apono_operator.state.resources import Cluster, IamRole, Manifest, ObjectKey, Owner, child_keys
from apono_operator.state.stack import Template
from apono_operator.state.template_summary import TemplateSummary

SETTLING_SECONDS = 60.0
"""How long IAM may go on showing what was before a change (IAM User Guide, "Changes that I make are not always
immediately visible"; Terraform's AWS provider waits up to twice as long)."""


@dataclass(frozen=True)
class RoleMemory:
    """How the role was last found, so that news from children costs no AWS call."""

    generation: int
    asked: str | None
    """The annotation by which a look was asked for."""

    verdict: Finding | AdapterError
    """What was found, or why nothing could be."""

    differs: bool
    """Whether a difference was seen that may still be there."""

    role: IamRole | None
    """The role, if it is known to be there."""

    thoroughly_seen: float | None
    """When all policies on it were last compared, None if they were not."""

    differences: tuple[str, ...]
    """What was not as asked and was left so, in words."""

    foreign: tuple[str, ...]
    """Policies on it that are not ours, in words, as of the last thorough look."""

    anothers: bool
    """Whether it was made for an earlier connector and is not taken up."""

    written: float | None
    """When it was last changed by us."""


@dataclass(frozen=True)
class SecretMemory:
    """Which versions of its Secrets were last seen of a connector."""

    token_secret: str
    versions: str


@dataclass(frozen=True)
class StackMemory:
    """How the management-account stack was last found."""

    digest: str
    """What was asked for then."""

    verdict: Finding | AdapterError | None = None
    """What was found, or why nothing could be."""

    differences: tuple[str, ...] = ()
    """What was not as asked and was left so, in words."""

    facts: Mapping[str, Any] = field(default_factory=dict)
    """The status fields that the look came to know."""

    unchanged: str | None = None
    """The moment of its last update, for which CloudFormation said that there is nothing to change."""

    failed: str = ""
    """Which failure is known."""

    failure: str = ""
    """The same in words."""

    failed_at: float | None = None
    """Since when it is known, or when it was last tried to get over it."""

    retries: int = 0
    asked: str | None = None
    """The annotation by which a look was asked for when it was last tried."""

    role_seen: float | None = None
    """When the management role was last read back, None if it was not."""

    role_of: str = ""
    """Of which update of the stack, for which connector role, and for which wish to look anew, that was."""

    trouble_since: float | None = None
    """Since when the management role is seen to be of no use, None if it is not."""

    compared: float | None = None
    """When the stack was last known to be as the template has it, or was last compared with it; None if it was not."""

    compared_of: str = ""
    """Of which update of the stack that was; empty for the next one to be seen, which is our own."""

    comparing: bool = False
    """Whether a comparison is under way."""

    compared_trouble: str = ""
    """What was the matter with the management role, and still was after a comparison, in words."""

    drift: tuple[str, ...] = ()
    """What the last comparison found, and was left so, in words."""

    incomparable: str = ""
    """Why CloudFormation could not compare, in words."""

    correcting: tuple[str, ...] = ()
    """What is being put right of what others changed, in words."""

    blocked: str = ""
    """Why its deletion failed last, in words."""

    continued: bool = False
    """Whether a rollback that had failed was continued: when it is over, the change is tried again."""

    new_wish: bool = False
    """Whether something else is asked for than when it was last looked at, and nothing was tried since."""

    def compared_now(self, moment: float, updated: str = "") -> StackMemory:
        """Return the memory of a stack that is as the template has it, or is being made so, as of *moment*.

        Args:
            moment: The present one.
            updated: The update of the stack that this is about; empty for the next one.
        """
        return replace(
            self,
            compared=moment,
            compared_of=updated,
            comparing=False,
            compared_trouble="",
            drift=(),
            incomparable="",
        )


@dataclass(frozen=True)
class MembersMemory:
    """How the member accounts of a connector were last found."""

    place: StackSetPlace
    asked: str | None
    """The annotation by which a look was asked for then."""

    seen: float
    finding: Finding
    counts: Mapping[str, int] | None


@dataclass
class Environment:
    """The surroundings of all passes; safe to use from several threads, one pass at a time for each connector."""

    kubernetes: Kubernetes
    session: AwsSession
    iam: Iam
    administration: Administration
    issuer: str
    """Host and path of the cluster's OIDC issuer, without ``https://``."""

    installation: Installation = DEFAULT_INSTALLATION
    """This one, which claims the connectors that it serves."""

    thorough_seconds: float = 3600.0
    """Between looks at what is attached to a role, and at the OIDC provider."""

    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    monotonic: Callable[[], float] = time.monotonic

    management: ManagementSessions = field(init=False)
    """The ways into management accounts."""

    roles: dict[str, RoleMemory] = field(default_factory=dict)
    """By the connector's uid."""

    stacks: dict[str, StackMemory] = field(default_factory=dict)
    """By the connector's uid."""

    members: dict[str, MembersMemory] = field(default_factory=dict)
    """By the connector's uid."""

    templates: dict[str, tuple[Template, TemplateSummary, float]] = field(default_factory=dict)
    """What a management account's template asks for, and when it was read, by the account's id."""

    answers: Answers = field(default_factory=Answers)
    """What AWS last said of organizations."""

    preflights: dict[str, str | None] = field(default_factory=dict)
    """The annotation by which a look was asked for when its organization was last looked at, by the connector's uid."""

    secrets: dict[str, SecretMemory] = field(default_factory=dict)
    """By the connector's uid."""

    providers: dict[str, tuple[Finding, float]] = field(default_factory=dict)
    """How the OIDC provider of an ARN was found, and when."""

    corrections: dict[str, tuple[str, float]] = field(default_factory=dict)
    """What was last told to have been put right, and when, by the connector's uid."""

    futile: dict[str, dict[ObjectKey, tuple[str, float]]] = field(default_factory=dict)
    """In which situation (`drift.situation`) a child was written that somebody changes on its way, and when, by the
    connector's uid."""

    contests: dict[str, float] = field(default_factory=dict)
    """Since when another installation is seen to tell that it would serve a connector, too, by the connector's uid."""

    absences: dict[str, float] = field(default_factory=dict)
    """Since when the role of a connector under deletion has not been found, by the connector's uid."""

    def __post_init__(self) -> None:
        self.management = ManagementSessions(self.session, now=self.now)

    def cluster(self) -> Cluster:
        """Return issuer, account and partition, as discovered.

        Raises:
            AdapterError: if AWS does not say.
        """
        identity = self.session.caller_identity()
        return Cluster(self.issuer, identity.account_id, identity.partition)

    def since_due(self, owner: Owner) -> float:
        """Return the seconds since a thorough look was due: by the wall clock, so that restarts do not put it off.

        The moment within the period is *owner*'s for good, to spread what connectors need at the same pace.
        """
        share = int.from_bytes(hashlib.sha256(owner.uid.encode()).digest()[:4]) / 2**32
        return (self.now().timestamp() - self.thorough_seconds * share) % self.thorough_seconds

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
        for memory in (
            self.roles,
            self.stacks,
            self.members,
            self.preflights,
            self.secrets,
            self.futile,
            self.contests,
            self.absences,
            self.corrections,
        ):
            memory.pop(uid, None)


def versions(*manifests: Manifest | None) -> str:
    """Return a fingerprint of the versions of *manifests*, None standing for one that does not exist."""
    return " ".join(str(manifest["metadata"]["resourceVersion"]) if manifest else "-" for manifest in manifests)
