"""What to do so that what is there becomes what should be there. A plan is data: it can be printed and tested.

Deletion is planning towards an empty State: the same path, the other way round.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from apono_operator.state.administration import Administration
from apono_operator.state.desired import emptied_secret
from apono_operator.state.iam_policy import PolicyDocument
from apono_operator.state.manifests import differences
from apono_operator.state.permissions import INLINE_POLICY_NAME, MANAGED_POLICIES
from apono_operator.state.resources import (
    Cluster,
    IamRole,
    Manifest,
    ObjectKey,
    Owner,
    State,
    is_controlled_by,
)
from apono_operator.v1alpha1.connector import RESERVED_TAG_PREFIXES


@dataclass(frozen=True)
class CreateRole:
    """Make the role with trust, boundary and tags."""

    role: IamRole


@dataclass(frozen=True)
class PutTrust:
    """Replace the trust policy."""

    role_name: str
    trust: PolicyDocument


@dataclass(frozen=True)
class PutBoundary:
    """Set the permissions boundary."""

    role_name: str
    boundary: str


@dataclass(frozen=True)
class DropBoundary:
    """Take the permissions boundary off: only where the administrator allows unbounded roles."""

    role_name: str


@dataclass(frozen=True)
class UpdateRole:
    """Set description and longest session."""

    role_name: str
    description: str
    max_session_duration: int


@dataclass(frozen=True)
class TagRole:
    """Add or overwrite tags."""

    role_name: str
    tags: Mapping[str, str]


@dataclass(frozen=True)
class UntagRole:
    """Remove tags."""

    role_name: str
    keys: frozenset[str]


@dataclass(frozen=True)
class PutInlinePolicy:
    """Write an inline policy whole."""

    role_name: str
    policy_name: str
    document: PolicyDocument


@dataclass(frozen=True)
class DeleteInlinePolicy:
    """Delete an inline policy."""

    role_name: str
    policy_name: str


@dataclass(frozen=True)
class AttachPolicy:
    """Attach a managed policy."""

    role_name: str
    policy_arn: str


@dataclass(frozen=True)
class DetachPolicy:
    """Detach a managed policy."""

    role_name: str
    policy_arn: str


@dataclass(frozen=True)
class RemoveFromInstanceProfile:
    """Take the role out of an instance profile."""

    role_name: str
    instance_profile: str


@dataclass(frozen=True)
class DeleteRole:
    """Delete the role, on which nothing hangs any more."""

    role_name: str


@dataclass(frozen=True)
class ApplyObject:
    """Write a Kubernetes object by server-side apply; *because* of these paths."""

    manifest: Manifest
    because: tuple[str, ...]


MISSING = ("missing",)
"""Why an object is written that is not there."""

RoleChange = (
    CreateRole
    | PutTrust
    | PutBoundary
    | DropBoundary
    | UpdateRole
    | TagRole
    | UntagRole
    | PutInlinePolicy
    | DeleteInlinePolicy
    | AttachPolicy
    | DetachPolicy
    | RemoveFromInstanceProfile
    | DeleteRole
)
ObjectChange = ApplyObject


@dataclass(frozen=True)
class Conflict:
    """Something of a name that we need is there and is not ours; it is left alone."""

    what: str
    why: str

    def __str__(self) -> str:
        return (
            f"{self.what} exists and {self.why}; it is left alone. "
            "Rename or delete it, or name the connector differently."
        )


def role_conflict(observed: IamRole | None, cluster: Cluster, owner: Owner) -> Conflict | None:
    """Return the conflict if the role that is there is not *owner*'s."""
    if observed is None:
        return None
    if not cluster.owns(observed.tags, owner):
        return Conflict(f"IAM role {observed.arn}", "does not carry the tags of this connector")
    wanted = cluster.role_arn(owner)
    return None if observed.arn == wanted else Conflict(f"IAM role {observed.arn}", f"has another path than {wanted}")


def object_conflict(observed: Mapping[ObjectKey, Manifest], desired: State, owner: Owner) -> Conflict | None:
    """Return the first conflict among the objects that we would write."""
    for key in desired.objects:
        if key in observed and not is_controlled_by(observed[key], owner):
            return Conflict(str(key), "is not controlled by this connector")
    return None


def plan_role(desired: IamRole, observed: IamRole | None, administration: Administration) -> tuple[RoleChange, ...]:
    """Return the changes that make *observed* into *desired*, in order.

    A boundary comes before anything that widens the role, and goes after everything that narrows it. What goes,
    goes before what comes, so that the quotas for policies and tags are never exceeded in between.
    """
    if observed is None:
        return tuple(_creation(desired))
    return tuple(_update(desired, observed, administration))


def foreign_policies(desired: IamRole, observed: IamRole, administration: Administration) -> tuple[str, ...]:
    """Return the policies on the role, as far as they were looked for, that are not ours to strip, in words."""
    wanted = desired.managed_policy_arns or frozenset()
    attached = sorted((observed.managed_policy_arns or frozenset()) - wanted)
    return (
        *(f"inline policy {name}" for name in sorted(observed.other_inline_policies)),
        *(f"managed policy {arn}" for arn in attached if not _is_of_our_lists(arn, administration)),
    )


def plan_role_deletion(observed: IamRole | None) -> tuple[RoleChange, ...]:
    """Return the changes that delete the role with all that was seen to hang on it, as IAM wants it.

    Our inline policy goes without having been looked for: whoever makes the changes takes one that is missing for
    deleted, and a look would cost a call more.

    Source: IAM User Guide, "Delete roles or instance profiles".
    """
    return () if observed is None else tuple(_deletion(observed))


def plan_objects(
    desired: State, observed: Mapping[ObjectKey, Manifest], owner: Owner, *, writes_secrets: bool = True
) -> tuple[ObjectChange, ...]:
    """Return the objects to write, in the order of *desired*, which is that of their making.

    A pull Secret of ours that is no longer wanted loses its content: the operator may not delete Secrets. It stays as
    it is where the operator may not write them either.
    """
    emptied = {
        key: emptied_secret(owner)
        for key, manifest in observed.items()
        if writes_secrets and key.kind == "Secret" and key not in desired.objects and is_controlled_by(manifest, owner)
    }
    wanted = {**emptied, **desired.objects}
    changes = (_object_change(manifest, observed.get(key)) for key, manifest in wanted.items())
    return tuple(change for change in changes if change)


def _creation(role: IamRole) -> Iterator[RoleChange]:
    yield CreateRole(role)
    yield PutInlinePolicy(role.name, INLINE_POLICY_NAME, role.permissions)
    for arn in sorted(role.managed_policy_arns or ()):
        yield AttachPolicy(role.name, arn)


def _update(desired: IamRole, observed: IamRole, administration: Administration) -> Iterator[RoleChange]:
    bounded = desired.permissions_boundary
    if bounded and bounded != observed.permissions_boundary:
        yield PutBoundary(desired.name, bounded)
    if desired.trust != observed.trust:
        yield PutTrust(desired.name, desired.trust)
    if _settings(desired) != _settings(observed):
        yield UpdateRole(desired.name, desired.description, desired.max_session_duration)
    yield from _tag_changes(desired, observed, administration)
    if desired.permissions != observed.permissions:
        yield PutInlinePolicy(desired.name, INLINE_POLICY_NAME, desired.permissions)
    yield from _attachment_changes(desired, observed, administration)
    if observed.permissions_boundary and not bounded:
        yield DropBoundary(desired.name)


def _settings(role: IamRole) -> tuple[str, int]:
    return role.description, role.max_session_duration


def _tag_changes(desired: IamRole, observed: IamRole, administration: Administration) -> Iterator[RoleChange]:
    """Foreign tags stay; those that our lists cover and nobody asks for any more go.

    They go first: IAM takes keys that differ in case alone for the same, and would remove what was just added.
    """
    missing = {key: value for key, value in desired.tags.items() if observed.tags.get(key) != value}
    unwanted = frozenset(key for key in observed.tags if key not in desired.tags and _is_users_tag(key, administration))
    if unwanted:
        yield UntagRole(desired.name, unwanted)
    if missing:
        yield TagRole(desired.name, missing)


def _is_users_tag(key: str, administration: Administration) -> bool:
    return administration.allows_role_tag(key) and not key.lower().startswith(RESERVED_TAG_PREFIXES)


def _attachment_changes(desired: IamRole, observed: IamRole, administration: Administration) -> Iterator[RoleChange]:
    """Foreign policies are never stripped: a console revokes sessions by attaching one."""
    if observed.managed_policy_arns is None:
        return
    wanted = desired.managed_policy_arns or frozenset()
    for arn in sorted(observed.managed_policy_arns - wanted):
        if _is_of_our_lists(arn, administration):
            yield DetachPolicy(desired.name, arn)
    for arn in sorted(wanted - observed.managed_policy_arns):
        yield AttachPolicy(desired.name, arn)


def _is_of_our_lists(arn: str, administration: Administration) -> bool:
    ours = {name for names in MANAGED_POLICIES.values() for name in names}
    return arn.rpartition(":iam::aws:policy/")[2] in ours or administration.allows_managed_policy(arn)


def _deletion(role: IamRole) -> Iterator[RoleChange]:
    for profile in sorted(role.instance_profiles):
        yield RemoveFromInstanceProfile(role.name, profile)
    for arn in sorted(role.managed_policy_arns or ()):
        yield DetachPolicy(role.name, arn)
    for policy in sorted(role.other_inline_policies):
        yield DeleteInlinePolicy(role.name, policy)
    yield DeleteInlinePolicy(role.name, INLINE_POLICY_NAME)
    yield DeleteRole(role.name)


def _object_change(desired: Manifest, observed: Manifest | None) -> ObjectChange | None:
    if observed is None:
        return ApplyObject(desired, MISSING)
    because = differences(desired, observed)
    return ApplyObject(desired, because) if because else None
