"""Which roles have lost their connector, as when somebody took its finalizer off: nobody looks after them any more."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from apono_operator.state.permissions import INLINE_POLICY_NAME
from apono_operator.state.resources import (
    CHILD_PREFIX,
    ROLE_NAME_LIMIT,
    TAG_NAME,
    TAG_NAMESPACE,
    TAG_UID,
    Cluster,
    Owner,
)

_NAME = re.compile(r"[a-z0-9.-]{1,253}")

TAG_RETAINED = "apono.io/retained"
"""A tag for people: with the uid of the role's last connector as its value, the role is left over on purpose."""


@dataclass(frozen=True)
class Orphan:
    """A role whose connector is gone."""

    role_arn: str
    owner: Owner
    """The connector that is gone; its uid is empty if the role does not tell it."""

    @property
    def role_name(self) -> str:
        """The role's name."""
        return self.role_arn.rsplit("/", 1)[-1]


def suspects(
    role_names: Iterable[str], living: Iterable[Owner], cluster: Cluster, namespaces: Collection[str]
) -> tuple[str, ...]:
    """Return those of *role_names* that may be orphans, so that few tags have to be read.

    Args:
        role_names: Names of the account's roles.
        living: The connectors there are, in *namespaces*.
        cluster: This cluster; roles of others are left out as far as their names tell.
        namespaces: Those that are watched; none: all.
    """
    cared_for = {cluster.role_name(owner) for owner in living}
    return tuple(name for name in role_names if name not in cared_for and _may_be_ours(name, cluster, namespaces))


def orphan(role_name: str, tags: Mapping[str, str], cluster: Cluster, namespaces: Collection[str]) -> Orphan | None:
    """Return the role as an orphan if its *tags* say so, given that there is no connector for it.

    None for a role of another cluster, of a namespace that is not watched, one that no connector could take up
    (its tags were copied by hand), and one that is retained on purpose.
    """
    owner = Owner(tags.get(TAG_NAMESPACE, ""), tags.get(TAG_NAME, ""), tags.get(TAG_UID, ""))
    if not all(_is_plausible(part) for part in (owner.namespace, owner.name, owner.uid or "-")):
        return None
    if not cluster.owns(tags, owner) or not _is_watched(owner, namespaces) or cluster.role_name(owner) != role_name:
        return None
    if tags.get(TAG_RETAINED) == owner.uid:
        return None
    return Orphan(cluster.role_arn(owner), owner)


def _is_plausible(text: str) -> bool:
    """Tags are what anybody writes; what becomes part of a path and of a command has to look like a name."""
    return _NAME.fullmatch(text) is not None and ".." not in text


def advice(orphan: Orphan) -> str:
    """Return what to tell people: what was found, and each way to settle it."""
    of = "--role-name $r"
    deletion = (
        f"r={orphan.role_name}; for p in $(aws iam list-attached-role-policies {of} "
        "--query 'AttachedPolicies[].PolicyArn' --output text); do "
        f'aws iam detach-role-policy {of} --policy-arn "$p"; done; '
        f"aws iam delete-role-policy {of} --policy-name {INLINE_POLICY_NAME}; aws iam delete-role {of}"
    )
    retention = f"aws iam tag-role --role-name {orphan.role_name} --tags Key={TAG_RETAINED},Value={orphan.owner.uid}"
    return (
        f"Role {orphan.role_arn} is left over: its AponoConnector is gone, and nobody looks after it. "
        "Apply a connector of that namespace and name, which takes the role up. "
        f"Or delete it: `{deletion}`. "
        f"Or, if it stays on purpose (deletionPolicy: Retain), silence this: `{retention}`"
    )


def _may_be_ours(role_name: str, cluster: Cluster, namespaces: Collection[str]) -> bool:
    """Tell whether a connector of this cluster could have a role of that name.

    A short name holds namespace and name whole, and its hash proves the cluster; a long one is cut, and its tags must
    tell.
    """
    if not role_name.startswith(CHILD_PREFIX):
        return False
    if len(role_name) >= ROLE_NAME_LIMIT:
        return True
    readable = role_name.removeprefix(CHILD_PREFIX).rpartition("-")[0]
    return any(
        cluster.role_name(owner) == role_name and _is_watched(owner, namespaces) for owner in _possible_owners(readable)
    )


def _possible_owners(readable: str) -> Iterable[Owner]:
    """Yield what ``<namespace>-<name>`` can stand for: both may have dashes."""
    parts = readable.split("-")
    return (Owner("-".join(parts[:end]), "-".join(parts[end:]), "") for end in range(1, len(parts)))


def _is_watched(owner: Owner, namespaces: Collection[str]) -> bool:
    return not namespaces or owner.namespace in namespaces
