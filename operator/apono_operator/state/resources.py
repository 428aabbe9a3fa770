"""The nouns: who owns what, and what there is for one connector in AWS and in Kubernetes.

One frozen type a resource serves for what is desired and for what is observed, so that drift is a comparison.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from apono_operator.v1alpha1 import RECONCILE_AT

Manifest = Mapping[str, Any]

_ARN_ACCOUNT = re.compile(r"arn:[a-z-]+:[a-z]+:[a-z0-9-]*:([0-9]{12}):")

ROLE_NAME_LIMIT = 64
LABEL_LIMIT = 63
STACK_NAME_LIMIT = 128
CHILD_PREFIX = "apono-connector-"
MANAGEMENT_ROLE_PREFIX = "apono-management-"
MEMBER_ROLE_PREFIX = "apono-member-"
STACK_PREFIX = "apono-"
CONNECTOR_LABEL = "apono.io/connector"

TAG_CLUSTER = "apono.io/cluster"
TAG_NAMESPACE = "apono.io/namespace"
TAG_NAME = "apono.io/name"
TAG_UID = "apono.io/uid"
TAG_MANAGED_BY = "apono.io/managed-by"
MANAGED_BY = "apono-operator"


@dataclass(frozen=True)
class Owner:
    """The AponoConnector that resources belong to."""

    namespace: str
    name: str
    uid: str

    @property
    def label(self) -> str:
        """The value of the label ``apono.io/connector`` on children: the name, hashed past 63 characters.

        The hash is joined by a character that no name has, so that no other connector can be called like it.
        """
        return shortened(self.name, LABEL_LIMIT, joint="_")

    @property
    def child_name(self) -> str:
        """The name of children: ``apono-connector-<name>``, hashed past 63 characters.

        A hashed name has a second dash behind the prefix, so that no other connector's children can be called so.
        """
        plain = f"{CHILD_PREFIX}{self.name}"
        return plain if len(plain) <= LABEL_LIMIT else shortened(f"{CHILD_PREFIX}-{self.name}", LABEL_LIMIT)

    @property
    def reference(self) -> Manifest:
        """The owner reference that children carry."""
        return {
            "apiVersion": "apono.io/v1alpha1",
            "kind": "AponoConnector",
            "name": self.name,
            "uid": self.uid,
            "controller": True,
            "blockOwnerDeletion": True,
        }


@dataclass(frozen=True)
class Cluster:
    """The cluster as AWS sees it: an OIDC issuer, and the account whose credentials the operator has."""

    issuer: str
    """Host and path of the issuer, without ``https://``."""

    account_id: str
    partition: str

    @property
    def provider_arn(self) -> str:
        """The ARN of the IAM OIDC provider for the issuer; IAM derives it from the URL."""
        return f"arn:{self.partition}:iam::{self.account_id}:oidc-provider/{self.issuer}"

    def role_name(self, owner: Owner) -> str:
        """Return the role's name: readable, at most 64 characters, unique by a hash over what cannot change."""
        return self._name(CHILD_PREFIX, owner, ROLE_NAME_LIMIT)

    def role_arn(self, owner: Owner) -> str:
        """Return the role's ARN. Its path is ``/``: connectors may assume ``role/apono-*``, which has none."""
        return f"arn:{self.partition}:iam::{self.account_id}:role/{self.role_name(owner)}"

    def management_role_name(self, owner: Owner) -> str:
        """Return the name of the role in the management account, made like `role_name`; nobody's own role is so called.

        Connectors may assume ``role/apono-*``, and connectors' own roles are called ``apono-connector-*``.
        """
        return self._name(MANAGEMENT_ROLE_PREFIX, owner, ROLE_NAME_LIMIT)

    def member_role_name(self, owner: Owner) -> str:
        """Return the name of the roles in member accounts, made like `management_role_name`."""
        return self._name(MEMBER_ROLE_PREFIX, owner, ROLE_NAME_LIMIT)

    def stack_name(self, owner: Owner) -> str:
        """Return the name of the stack in the management account, made like `role_name`.

        Source: CloudFormation API reference, ``CreateStack``: letters, digits and dashes, at most 128.
        """
        return self._name(STACK_PREFIX, owner, STACK_NAME_LIMIT).replace(".", "-")

    def _name(self, prefix: str, owner: Owner, limit: int) -> str:
        digest = hashlib.sha256(f"{self.issuer}\n{owner.namespace}\n{owner.name}".encode()).hexdigest()[:10]
        room = limit - len(prefix) - len(digest) - 1
        namespace, name = _cut(owner.namespace, owner.name, room - 1)
        return f"{prefix}{namespace}-{name}-{digest}"

    def ownership_tags(self, owner: Owner) -> dict[str, str]:
        """Return the tags that prove a role to be *owner*'s in this cluster."""
        return {
            TAG_CLUSTER: self.issuer,
            TAG_NAMESPACE: owner.namespace,
            TAG_NAME: owner.name,
            TAG_UID: owner.uid,
            TAG_MANAGED_BY: MANAGED_BY,
        }

    def owns(self, tags: Mapping[str, str], owner: Owner) -> bool:
        """Tell whether *tags* are those of *owner*, or of an earlier object of its name in this cluster.

        Two objects of one namespace and name cannot live at once, so another uid is one that is gone. Who is said
        to keep it is for people: a tag that somebody removed must not keep us from putting it back.
        """
        ours = self.ownership_tags(owner)
        return all(tags.get(key) == ours[key] for key in (TAG_CLUSTER, TAG_NAMESPACE, TAG_NAME))


@dataclass(frozen=True)
class IamRole:
    """An IAM role with all that hangs on it."""

    arn: str
    trust: Any
    """The trust policy, a `PolicyDocument`."""

    permissions: Any
    """Our inline policy, a `PolicyDocument`; None if it is missing."""

    managed_policy_arns: frozenset[str] | None
    """ARNs of attached managed policies; None if nobody looked."""

    permissions_boundary: str | None
    max_session_duration: int
    """Seconds."""

    description: str
    tags: Mapping[str, str]
    role_id: str = field(default="", compare=False)
    """The unique id (``AROA…``), known once the role is there."""

    other_inline_policies: frozenset[str] = field(default=frozenset(), compare=False)
    """Names of inline policies that are not ours, as far as looked for."""

    instance_profiles: frozenset[str] = field(default=frozenset(), compare=False)
    """Names of the instance profiles that hold the role, as far as looked for."""

    @property
    def name(self) -> str:
        """The role's name."""
        return self.arn.rsplit("/", 1)[-1]


@dataclass(frozen=True)
class ObjectKey:
    """Which Kubernetes object: its kind, namespace and name."""

    kind: str
    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.kind} {self.namespace}/{self.name}"


@dataclass(frozen=True)
class State:
    """All there is, or should be, for one connector. Empty means nothing."""

    role: IamRole | None = None
    objects: Mapping[ObjectKey, Manifest] = field(default_factory=dict)
    """Kubernetes objects in the order in which they have to be made."""


def key_of(manifest: Manifest) -> ObjectKey:
    """Return which object *manifest* describes."""
    metadata = manifest["metadata"]
    return ObjectKey(manifest["kind"], metadata["namespace"], metadata["name"])


def child_keys(owner: Owner) -> dict[str, ObjectKey]:
    """Return the keys of the children that *owner* can have, by kind."""
    return {
        kind: ObjectKey(kind, owner.namespace, owner.child_name) for kind in ("ServiceAccount", "Secret", "Deployment")
    }


def look_asked_for(connector: Manifest) -> str | None:
    """Return the value of the annotation by which somebody asked for a look at everything, None if nobody did."""
    asked: str | None = connector["metadata"].get("annotations", {}).get(RECONCILE_AT)
    return asked


def account_of(arn: object) -> str | None:
    """Return the account id in *arn*, None if it is no ARN with one."""
    found = _ARN_ACCOUNT.match(arn) if isinstance(arn, str) else None
    return found.group(1) if found else None


def is_controlled_by(manifest: Manifest, owner: Owner) -> bool:
    """Tell whether the object's controller is *owner*, by uid."""
    references = manifest["metadata"].get("ownerReferences", ())
    return any(reference["uid"] == owner.uid and reference.get("controller") for reference in references)


def shortened(text: str, limit: int, *, joint: str = "-") -> str:
    """Return *text*, or as much of it as fits into *limit* with a hash of the whole behind *joint*."""
    if len(text) <= limit:
        return text
    digest = hashlib.sha256(text.encode()).hexdigest()[:8]
    return f"{text[: limit - 9].rstrip('-.')}{joint}{digest}"


def _cut(first: str, second: str, room: int) -> tuple[str, str]:
    """Cut the longer of the two until both fit into *room* characters."""
    if len(first) + len(second) <= room:
        return first, second
    half = room // 2
    if len(first) <= half:
        return first, second[: room - len(first)]
    if len(second) <= half:
        return first[: room - len(second)], second
    return first[:half], second[: room - half]
