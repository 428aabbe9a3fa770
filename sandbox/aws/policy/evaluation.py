"""Whether all the policies that apply to a request, taken together, allow it.

In this order: an explicit denial in any of them; what the resource's own policy says; identity policies; the
permissions boundary; session policies. The first that stands in the way is the one that is told.

Sources, all of the IAM User Guide: "How AWS enforcement code logic evaluates requests to allow or deny access" (the
order), "Permissions boundaries for IAM entities" and "Policies and permissions in IAM", section on session policies
(what limits what a resource's policy gives), "Cross-account policy evaluation logic" (both sides have to allow), "IAM
roles: Grant a user permissions to switch roles" (a role's trust policy always has to allow).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import Enum, IntEnum, auto

from sandbox.aws.policy.statements import Effect, Policy, Request, combined


class Grant(IntEnum):
    """What a resource's own policy says, in the order of how far it carries.

    Within one account, what it gives to the account is for identity policies to hand on; what it gives to a role or
    user needs none; what it gives to one session is not limited by the role's boundary nor by session policies.
    """

    DENIED = auto()
    NOTHING = auto()
    ACCOUNT = auto()
    PRINCIPAL = auto()
    SESSION = auto()


@dataclass(frozen=True, slots=True)
class OwnPolicy:
    """The policy of the resource that is asked for, such as a role's trust policy.

    Attributes:
        grant: What it says to this request of this caller.
        is_of_another_account: Whether the resource belongs to another account than the caller.
    """

    grant: Grant
    is_of_another_account: bool = False


@dataclass(frozen=True, slots=True)
class PrincipalPolicies:
    """The policies of whoever asks.

    Attributes:
        identity: Inline and attached ones.
        boundary: The permissions boundary; None where there is none.
        session: Session policies; none of them where the session was opened without.
    """

    identity: Sequence[Policy]
    boundary: Policy | None = None
    session: Sequence[Policy] = ()


class PolicyType(Enum):
    """The kinds of policies, as AWS calls them when it denies something."""

    IDENTITY = "identity-based policy"
    BOUNDARY = "permissions boundary"
    SESSION = "session policy"
    RESOURCE = "resource-based policy"


@dataclass(frozen=True, slots=True)
class Denial:
    """Why a request is not allowed.

    Attributes:
        by: The kind of policy that stands in the way.
        is_explicit: Whether one of them denies it; else none of them allows it.
    """

    by: PolicyType
    is_explicit: bool = False

    def told(self, action: str) -> str:
        """The reason in AWS' words (IAM User Guide, "Troubleshoot access denied error messages")."""
        if self.is_explicit:
            article = "an" if self.by is PolicyType.IDENTITY else "a"
            return f"with an explicit deny in {article} {self.by.value}"
        return f"because no {self.by.value} allows the {action} action"


def denial(request: Request, policies: PrincipalPolicies, own: OwnPolicy | None = None) -> Denial | None:
    """Tell why a request is not allowed; None if it is.

    Args:
        request: What is asked.
        policies: Those of whoever asks.
        own: The resource's own, if it has any.

    Raises:
        AwsError: `NotModelled` for what policies say and is not evaluated here.
    """
    says = dict(_says(request, policies, own))
    for kind, effect in says.items():
        if effect == "Deny":
            return Denial(kind, is_explicit=True)
    needed = _needed(says, own)
    return next((Denial(kind) for kind in needed if says[kind] != "Allow"), None)


def effect_of(policies: Iterable[Policy], request: Request) -> Effect | None:
    """What several policies of one kind say to a request."""
    found = (policy.effect(request) for policy in policies)
    return combined(effect for effect in found if effect is not None)


def _says(
    request: Request, policies: PrincipalPolicies, own: OwnPolicy | None
) -> Iterator[tuple[PolicyType, Effect | None]]:
    if own is not None:
        allowed: Effect | None = "Allow" if own.grant > Grant.NOTHING else None
        yield PolicyType.RESOURCE, "Deny" if own.grant is Grant.DENIED else allowed
    yield PolicyType.IDENTITY, effect_of(policies.identity, request)
    if policies.boundary is not None:
        yield PolicyType.BOUNDARY, policies.boundary.effect(request)
    if policies.session:
        yield PolicyType.SESSION, effect_of(policies.session, request)


def _needed(says: Iterable[PolicyType], own: OwnPolicy | None) -> Iterator[PolicyType]:
    """The kinds of policies that have to allow, in the order of evaluation."""
    carries = Grant.ACCOUNT if own is None or own.is_of_another_account else own.grant
    spared = {
        Grant.PRINCIPAL: {PolicyType.IDENTITY},
        Grant.SESSION: {PolicyType.IDENTITY, PolicyType.BOUNDARY, PolicyType.SESSION},
    }.get(carries, set())
    return (kind for kind in says if kind not in spared)
