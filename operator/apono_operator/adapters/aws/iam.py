"""IAM: looking at a connector's role, and changing it.

Source: IAM API reference.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from enum import IntEnum
from typing import TYPE_CHECKING, Any, assert_never

from apono_operator.adapters.aws.errors import NotFoundError, translated
from apono_operator.adapters.errors import TransientError
from apono_operator.state import plan
from apono_operator.state.iam_policy import PolicyDocument
from apono_operator.state.permissions import INLINE_POLICY_NAME
from apono_operator.state.resources import Cluster, IamRole
from apono_operator.v1alpha1 import Reason

if TYPE_CHECKING:
    from mypy_boto3_iam import IAMClient

_ROLE_MISSING = "NoSuchEntity: The role with name"


class Depth(IntEnum):
    """How much to read of a role, because every call counts against the account's rate."""

    OURS = 1
    """Role and our inline policy: two calls."""

    ATTACHED = 2
    """Attached managed policies as well: one call more."""

    EVERYTHING = 3
    """Everything that keeps a role from being deleted: two calls more."""


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
        except NotFoundError:
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
        except NotFoundError:
            return None
        return IamRole(
            arn=_settled_arn(role),
            trust=PolicyDocument.of(role["AssumeRolePolicyDocument"]),
            permissions=self._inline_policy(name),
            managed_policy_arns=self._attached(name) if depth >= Depth.ATTACHED else None,
            permissions_boundary=role.get("PermissionsBoundary", {}).get("PermissionsBoundaryArn"),
            max_session_duration=role["MaxSessionDuration"],
            description=role.get("Description", ""),
            tags={tag["Key"]: tag["Value"] for tag in role.get("Tags", ())},
            role_id=role["RoleId"],
            other_inline_policies=self._other_inline(name) if depth >= Depth.EVERYTHING else frozenset(),
            instance_profiles=self._profiles(name) if depth >= Depth.EVERYTHING else frozenset(),
        )

    def apply(self, change: plan.RoleChange) -> str | None:
        """Make one change; return the new role's unique id after `CreateRole`, else None.

        Raises:
            AdapterError: if it was not made, or if nobody can tell whether it was.
        """
        match change:
            case plan.CreateRole():
                return self._create(change.role)
            case plan.PutTrust() | plan.UpdateRole() | plan.TagRole() | plan.UntagRole():
                self._set(change)
            case plan.PutInlinePolicy() | plan.AttachPolicy() | plan.PutBoundary():
                self._put(change)
            case (
                plan.DropBoundary()
                | plan.DeleteInlinePolicy()
                | plan.DetachPolicy()
                | plan.RemoveFromInstanceProfile()
                | plan.DeleteRole()
            ):
                self._remove(change)
            case _:
                assert_never(change)
        return None

    def _create(self, role: IamRole) -> str:
        boundary: dict[str, Any] = (
            {"PermissionsBoundary": role.permissions_boundary} if role.permissions_boundary else {}
        )
        with translated("iam:CreateRole"):
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

    def _set(self, change: plan.PutTrust | plan.UpdateRole | plan.TagRole | plan.UntagRole) -> None:
        match change:
            case plan.PutTrust():
                with _seen_role(), translated("iam:UpdateAssumeRolePolicy"):
                    self._client.update_assume_role_policy(RoleName=change.role_name, PolicyDocument=change.trust.json)
            case plan.UpdateRole():
                with _seen_role(), translated("iam:UpdateRole"):
                    self._client.update_role(
                        RoleName=change.role_name,
                        Description=change.description,
                        MaxSessionDuration=change.max_session_duration,
                    )
            case plan.TagRole():
                with _seen_role(), translated("iam:TagRole"):
                    self._client.tag_role(RoleName=change.role_name, Tags=_tag_list(change.tags))
            case plan.UntagRole():
                with _seen_role(), translated("iam:UntagRole"):
                    self._client.untag_role(RoleName=change.role_name, TagKeys=sorted(change.keys))

    def _put(self, change: plan.PutInlinePolicy | plan.AttachPolicy | plan.PutBoundary) -> None:
        match change:
            case plan.PutInlinePolicy():
                with _seen_role(), translated("iam:PutRolePolicy"):
                    self._client.put_role_policy(
                        RoleName=change.role_name, PolicyName=change.policy_name, PolicyDocument=change.document.json
                    )
            case plan.AttachPolicy():
                with _seen_role(), translated("iam:AttachRolePolicy"):
                    self._client.attach_role_policy(RoleName=change.role_name, PolicyArn=change.policy_arn)
            case plan.PutBoundary():
                with _seen_role(), translated("iam:PutRolePermissionsBoundary"):
                    self._client.put_role_permissions_boundary(
                        RoleName=change.role_name, PermissionsBoundary=change.boundary
                    )

    def _remove(
        self,
        change: (
            plan.DropBoundary
            | plan.DeleteInlinePolicy
            | plan.DetachPolicy
            | plan.RemoveFromInstanceProfile
            | plan.DeleteRole
        ),
    ) -> None:
        """Remove what may be gone already."""
        try:
            match change:
                case plan.DropBoundary():
                    with translated("iam:DeleteRolePermissionsBoundary"):
                        self._client.delete_role_permissions_boundary(RoleName=change.role_name)
                case plan.DeleteInlinePolicy():
                    with translated("iam:DeleteRolePolicy"):
                        self._client.delete_role_policy(RoleName=change.role_name, PolicyName=change.policy_name)
                case plan.DetachPolicy():
                    with translated("iam:DetachRolePolicy"):
                        self._client.detach_role_policy(RoleName=change.role_name, PolicyArn=change.policy_arn)
                case plan.RemoveFromInstanceProfile():
                    with translated("iam:RemoveRoleFromInstanceProfile"):
                        self._client.remove_role_from_instance_profile(
                            RoleName=change.role_name, InstanceProfileName=change.instance_profile
                        )
                case plan.DeleteRole():
                    with translated("iam:DeleteRole"):
                        self._client.delete_role(RoleName=change.role_name)
        except NotFoundError:
            return

    def _inline_policy(self, role_name: str) -> PolicyDocument | None:
        try:
            with translated("iam:GetRolePolicy"):
                answer: Mapping[str, Any] = self._client.get_role_policy(
                    RoleName=role_name, PolicyName=INLINE_POLICY_NAME
                )
        except NotFoundError:
            return None
        return PolicyDocument.of(answer["PolicyDocument"])

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
    except NotFoundError as error:
        if _ROLE_MISSING not in error.message:
            raise
        raise TransientError(Reason.PROPAGATING, error.message) from error


def _tag_list(tags: Mapping[str, str]) -> Any:
    return [{"Key": key, "Value": value} for key, value in sorted(tags.items())]
