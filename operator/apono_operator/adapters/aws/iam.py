"""IAM: looking at a connector's role, and changing it.

Source: IAM API reference.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from enum import Flag, auto
from typing import TYPE_CHECKING, Any, TypeVar

from apono_operator.adapters.aws.errors import NoSuchEntityError, translated
from apono_operator.adapters.errors import TransientError
from apono_operator.state import plan
from apono_operator.state.iam_policy import PolicyDocument
from apono_operator.state.permissions import INLINE_POLICY_NAME
from apono_operator.state.resources import CHILD_PREFIX, Cluster, IamRole
from apono_operator.v1alpha1 import Reason

if TYPE_CHECKING:
    from mypy_boto3_iam import IAMClient

_LARGEST_PAGE = 1000
_ROLE_MISSING = "NoSuchEntity: The role with name"
_UNREADABLE = PolicyDocument(meaning="", document={})
"""For a policy that others wrote and we cannot read: equal to no policy of ours, so that it is replaced."""


class Depth(Flag):
    """What to read besides the role itself, because every call counts against the account's rate."""

    OURS = auto()
    """Our inline policy: one call."""

    ATTACHED = auto()
    """Attached managed policies: one call for each hundred."""

    INLINE_NAMES = auto()
    """The names of inline policies that are not ours: one call for each hundred."""

    PROFILES = auto()
    """Instance profiles that hold the role: one call for each hundred."""

    THOROUGH = OURS | ATTACHED | INLINE_NAMES
    """All that grants something."""

    EVERYTHING = THOROUGH | PROFILES
    """All that keeps a role from being deleted."""


class Iam:
    """The connector roles and the cluster's OIDC provider in one account.

    Args:
        client: A boto3 IAM client.
    """

    def __init__(self, client: IAMClient) -> None:
        self._client = client

    def provider_audiences(self, cluster: Cluster) -> frozenset[str] | None:
        """Return the audiences (client ids) of the cluster's OIDC provider, None if there is no such provider.

        Raises:
            AdapterError: if AWS does not say.
        """
        try:
            with translated("iam:GetOpenIDConnectProvider"):
                answer = self._client.get_open_id_connect_provider(OpenIDConnectProviderArn=cluster.provider_arn)
        except NoSuchEntityError:
            return None
        return frozenset(answer.get("ClientIDList", ()))

    def observe_role(self, name: str, depth: Depth) -> IamRole | None:
        """Return the role called *name* as far as *depth* says, None if there is none.

        Raises:
            AdapterError: if AWS does not say.
        """
        try:
            with translated("iam:GetRole"):
                role: Mapping[str, Any] = self._client.get_role(RoleName=name)["Role"]
        except NoSuchEntityError:
            return None
        return IamRole(
            arn=_settled_arn(role),
            trust=_readable(role["AssumeRolePolicyDocument"]),
            permissions=self._inline_policy(name) if Depth.OURS in depth else None,
            managed_policy_arns=self._attached(name) if Depth.ATTACHED in depth else None,
            permissions_boundary=role.get("PermissionsBoundary", {}).get("PermissionsBoundaryArn"),
            max_session_duration=role["MaxSessionDuration"],
            description=role.get("Description", ""),
            tags=_tags(role),
            role_id=role["RoleId"],
            other_inline_policies=self._other_inline(name) if Depth.INLINE_NAMES in depth else frozenset(),
            instance_profiles=self._profiles(name) if Depth.PROFILES in depth else frozenset(),
        )

    def connector_role_names(self) -> list[str]:
        """Return the names of all roles of the account that are called, and lie, as roles of connectors do.

        They tell nothing of tags: ListRoles does not give them. One call for a thousand roles of the account.

        Raises:
            AdapterError: if AWS does not say.
        """
        with translated("iam:ListRoles"):
            pages = self._client.get_paginator("list_roles").paginate(PaginationConfig={"PageSize": _LARGEST_PAGE})
            names = [role["RoleName"] for page in pages for role in page["Roles"] if role["Path"] == "/"]
        return [name for name in names if name.startswith(CHILD_PREFIX)]

    def role_tags(self, name: str) -> Mapping[str, str] | None:
        """Return the tags of the role called *name*, None if there is none.

        Raises:
            AdapterError: if AWS does not say.
        """
        try:
            with translated("iam:GetRole"):
                role: Mapping[str, Any] = self._client.get_role(RoleName=name)["Role"]
        except NoSuchEntityError:
            return None
        return _tags(role)

    def apply(self, change: plan.RoleChange) -> str | None:
        """Make one change; return the new role's unique id after `CreateRole`, else None.

        Raises:
            AdapterError: if it was not made, or if nobody can tell whether it was.
        """
        if isinstance(change, plan.CreateRole):
            return self._create(change.role)
        operation = _OPERATIONS[type(change)]
        with operation.if_missing(), translated(operation.action):
            operation.call(self._client, change)
        return None

    def _create(self, role: IamRole) -> str:
        boundary: dict[str, Any] = (
            {"PermissionsBoundary": role.permissions_boundary} if role.permissions_boundary else {}
        )
        with _naming_boundary(role.permissions_boundary), translated("iam:CreateRole"):
            answer = self._client.create_role(
                Path="/",
                RoleName=role.name,
                AssumeRolePolicyDocument=role.trust.json,
                Description=role.description,
                MaxSessionDuration=role.max_session_duration,
                Tags=_tag_list(role.tags),
                **boundary,
            )
        return answer["Role"]["RoleId"]

    def _inline_policy(self, role_name: str) -> PolicyDocument | None:
        try:
            with translated("iam:GetRolePolicy"):
                answer: Mapping[str, Any] = self._client.get_role_policy(
                    RoleName=role_name, PolicyName=INLINE_POLICY_NAME
                )
        except NoSuchEntityError:
            return None
        return _readable(answer["PolicyDocument"])

    def _attached(self, role_name: str) -> frozenset[str]:
        with _seen_role(), translated("iam:ListAttachedRolePolicies"):
            pages = self._client.get_paginator("list_attached_role_policies").paginate(RoleName=role_name)
            return frozenset(policy["PolicyArn"] for page in pages for policy in page["AttachedPolicies"])

    def _other_inline(self, role_name: str) -> frozenset[str]:
        with _seen_role(), translated("iam:ListRolePolicies"):
            pages = self._client.get_paginator("list_role_policies").paginate(RoleName=role_name)
            names = frozenset(name for page in pages for name in page["PolicyNames"])
        return names - {INLINE_POLICY_NAME}

    def _profiles(self, role_name: str) -> frozenset[str]:
        with _seen_role(), translated("iam:ListInstanceProfilesForRole"):
            pages = self._client.get_paginator("list_instance_profiles_for_role").paginate(RoleName=role_name)
            return frozenset(profile["InstanceProfileName"] for page in pages for profile in page["InstanceProfiles"])


def _tags(role: Mapping[str, Any]) -> Mapping[str, str]:
    return {tag["Key"]: tag["Value"] for tag in role.get("Tags", ())}


def _settled_arn(role: Mapping[str, Any]) -> str:
    """Right after creation, GetRole may give the unique id in place of the ARN."""
    arn: str = role["Arn"]
    if not arn.startswith("arn:"):
        raise TransientError(Reason.PROPAGATING, f"iam:GetRole: the ARN of {role['RoleName']} is not there yet")
    return arn


@contextmanager
def _seen_role() -> Iterator[None]:
    """Wait if IAM does not know a role that it gave us a moment ago: that news has not got around, or it is gone.

    A policy that IAM does not know stays an error: somebody has to correct its ARN.
    """
    try:
        yield
    except NoSuchEntityError as error:
        if _ROLE_MISSING not in error.message:
            raise
        raise TransientError(Reason.PROPAGATING, error.message) from error


@contextmanager
def _gone_is_fine() -> Iterator[None]:
    """Remove what may be gone already."""
    try:
        yield
    except NoSuchEntityError:
        return


@contextmanager
def _naming_boundary(arn: str | None) -> Iterator[None]:
    """Say what is missing: of a new role, IAM can miss the boundary alone, and calls it a scope."""
    try:
        yield
    except NoSuchEntityError as error:
        raise NoSuchEntityError(error.reason, f"permissions boundary {arn}: {error.message}") from error


def _readable(document: Any) -> PolicyDocument:
    """Return *document*, or what stands for one of a shape that nobody foresaw."""
    try:
        return PolicyDocument.of(document)
    except (ValueError, TypeError, AttributeError):
        return _UNREADABLE


def _tag_list(tags: Mapping[str, str]) -> Any:
    return [{"Key": key, "Value": value} for key, value in sorted(tags.items())]


C = TypeVar("C", bound=plan.RoleChange)


@dataclass(frozen=True)
class _Operation:
    """How a kind of change is made.

    Attributes:
        kind: The kind of change.
        action: The action, as IAM names it.
        call: Calls it.
        if_missing: Surrounds the call: what to make of an IAM that does not know the role, or what hangs on it.
    """

    kind: type
    action: str
    call: Callable[[IAMClient, Any], object]
    if_missing: Callable[[], AbstractContextManager[None]]


def _setting(kind: type[C], action: str, call: Callable[[IAMClient, C], object]) -> _Operation:
    """Return the row of a change to a role that was seen."""
    return _Operation(kind, action, call, _seen_role)


def _removing(kind: type[C], action: str, call: Callable[[IAMClient, C], object]) -> _Operation:
    """Return the row of a change that takes away what may be gone."""
    return _Operation(kind, action, call, _gone_is_fine)


_OPERATIONS: Mapping[type, _Operation] = {
    operation.kind: operation
    for operation in (
        _setting(
            plan.PutTrust,
            "iam:UpdateAssumeRolePolicy",
            lambda iam, c: iam.update_assume_role_policy(RoleName=c.role_name, PolicyDocument=c.trust.json),
        ),
        _setting(
            plan.UpdateRole,
            "iam:UpdateRole",
            lambda iam, c: iam.update_role(
                RoleName=c.role_name, Description=c.description, MaxSessionDuration=c.max_session_duration
            ),
        ),
        _setting(
            plan.TagRole,
            "iam:TagRole",
            lambda iam, c: iam.tag_role(RoleName=c.role_name, Tags=_tag_list(c.tags)),
        ),
        _setting(
            plan.UntagRole,
            "iam:UntagRole",
            lambda iam, c: iam.untag_role(RoleName=c.role_name, TagKeys=sorted(c.keys)),
        ),
        _setting(
            plan.PutInlinePolicy,
            "iam:PutRolePolicy",
            lambda iam, c: iam.put_role_policy(
                RoleName=c.role_name, PolicyName=c.policy_name, PolicyDocument=c.document.json
            ),
        ),
        _setting(
            plan.AttachPolicy,
            "iam:AttachRolePolicy",
            lambda iam, c: iam.attach_role_policy(RoleName=c.role_name, PolicyArn=c.policy_arn),
        ),
        _setting(
            plan.PutBoundary,
            "iam:PutRolePermissionsBoundary",
            lambda iam, c: iam.put_role_permissions_boundary(RoleName=c.role_name, PermissionsBoundary=c.boundary),
        ),
        _removing(
            plan.DropBoundary,
            "iam:DeleteRolePermissionsBoundary",
            lambda iam, c: iam.delete_role_permissions_boundary(RoleName=c.role_name),
        ),
        _removing(
            plan.DeleteInlinePolicy,
            "iam:DeleteRolePolicy",
            lambda iam, c: iam.delete_role_policy(RoleName=c.role_name, PolicyName=c.policy_name),
        ),
        _removing(
            plan.DetachPolicy,
            "iam:DetachRolePolicy",
            lambda iam, c: iam.detach_role_policy(RoleName=c.role_name, PolicyArn=c.policy_arn),
        ),
        _removing(
            plan.RemoveFromInstanceProfile,
            "iam:RemoveRoleFromInstanceProfile",
            lambda iam, c: iam.remove_role_from_instance_profile(
                RoleName=c.role_name, InstanceProfileName=c.instance_profile
            ),
        ),
        _Operation(
            plan.DeleteRole,
            "iam:DeleteRole",
            lambda iam, c: iam.delete_role(RoleName=c.role_name),
            nullcontext,  # that it is gone is for a look to say, which may have shown it a moment ago
        ),
    )
}
"""How each kind of change to a role that is there is made."""
