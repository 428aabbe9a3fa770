"""Permissions of IAM.

Source: Service Authorization Reference, "Actions, resources, and condition keys for AWS Identity and Access
Management"; of `iam:PermissionsBoundary` IAM User Guide, "Permissions boundaries for IAM entities": where an action
sets a boundary it is the new one, else the one that the role has. That making something with tags needs the permission
to tag it: IAM User Guide, "Tags for AWS Identity and Access Management resources".
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from sandbox.aws.permissions.permission import Permission, Permissions, needing, request_tags, resource_tags
from sandbox.aws.policy.statements import Request
from sandbox.aws.state import Call
from sandbox.aws.store.backend import Role

_OF_ROLES_WITH_BOUNDARY: Final = (
    "DeleteRole",
    "DeleteRolePermissionsBoundary",
    "DeleteRolePolicy",
    "GetRole",
    "PutRolePolicy",
    "UpdateAssumeRolePolicy",
    "UpdateRole",
)
_OF_ROLES: Final = (
    "GetRolePolicy",
    "ListAttachedRolePolicies",
    "ListInstanceProfilesForRole",
    "ListRolePolicies",
    "ListRoleTags",
)
_OF_POLICIES: Final = (
    "CreatePolicyVersion",
    "DeletePolicy",
    "DeletePolicyVersion",
    "GetPolicy",
    "GetPolicyVersion",
    "ListPolicyVersions",
    "SetDefaultPolicyVersion",
)
_OF_PROVIDERS: Final = (
    "AddClientIDToOpenIDConnectProvider",
    "DeleteOpenIDConnectProvider",
    "GetOpenIDConnectProvider",
    "RemoveClientIDFromOpenIDConnectProvider",
)
_OF_PROFILES: Final = ("DeleteInstanceProfile", "GetInstanceProfile", "RemoveRoleFromInstanceProfile")

Keys = dict[str, Any]


def _own_arn(call: Call, resource: str) -> str:
    return f"arn:{call.account.partition}:iam::{call.account.account_id}:{resource}"


def _role(call: Call) -> tuple[Role | None, str, Keys]:
    """The role that a call names, if there is one, its ARN, and the keys of its tags."""
    name = call.parameters["RoleName"]
    role = call.account.role(name)
    if role is None:
        return None, _own_arn(call, f"role/{name}"), {}
    tags = {tag["Key"]: tag["Value"] for tag in role.tags}
    return role, str(role.arn), resource_tags(tags, "iam:ResourceTag")


def _boundary(role: Role | None) -> Keys:
    arn = role.permissions_boundary_arn if role else None
    return {"iam:PermissionsBoundary": arn} if arn else {}


def _on_role(call: Call, more: Keys | None = None, action: str | None = None) -> Permission:
    _, arn, tags = _role(call)
    request = Request(f"iam:{action or call.operation}", arn, {**tags, **(more or {})})
    return Permission(request, told_as=f"role {call.parameters['RoleName']}")


def _of_role(call: Call) -> Iterator[Permission]:
    yield _on_role(call)


def _of_role_with_boundary(call: Call) -> Iterator[Permission]:
    yield _on_role(call, _boundary(_role(call)[0]))


def _create_role(call: Call) -> Iterator[Permission]:
    path, given = call.parameters.get("Path", "/"), request_tags(call.parameters.get("Tags", ()))
    arn = _own_arn(call, f"role{path}{call.parameters['RoleName']}")
    boundary = call.parameters.get("PermissionsBoundary")
    yield Permission(
        Request("iam:CreateRole", arn, {**given, **({"iam:PermissionsBoundary": boundary} if boundary else {})})
    )
    if given:
        yield Permission(Request("iam:TagRole", arn, given))


def _put_boundary(call: Call) -> Iterator[Permission]:
    yield _on_role(call, {"iam:PermissionsBoundary": call.parameters["PermissionsBoundary"]})


def _of_attachment(call: Call) -> Iterator[Permission]:
    yield _on_role(call, {**_boundary(_role(call)[0]), "iam:PolicyARN": call.parameters["PolicyArn"]})


def _tag_role(call: Call) -> Iterator[Permission]:
    yield _on_role(call, request_tags(call.parameters["Tags"]))


def _untag_role(call: Call) -> Iterator[Permission]:
    yield _on_role(call, {"aws:TagKeys": call.parameters["TagKeys"]})


def _create_policy(call: Call) -> Iterator[Permission]:
    path, name = call.parameters.get("Path", "/"), call.parameters["PolicyName"]
    given = request_tags(call.parameters.get("Tags", ()))
    arn = _own_arn(call, f"policy{path}{name}")
    yield Permission(Request("iam:CreatePolicy", arn, given), told_as=f"policy {name}")
    if given:
        yield Permission(Request("iam:TagPolicy", arn, given))


def _of_policy(call: Call) -> Iterator[Permission]:
    arn = call.parameters["PolicyArn"]
    policy = call.account.policy(arn)
    tags = {tag["Key"]: tag["Value"] for tag in policy.tags.values()} if policy and policy.tags else {}
    yield Permission(Request(f"iam:{call.operation}", arn, resource_tags(tags)), told_as=f"policy {arn}")


def _of_provider(call: Call) -> Iterator[Permission]:
    yield Permission(Request(f"iam:{call.operation}", call.parameters["OpenIDConnectProviderArn"]))


def _create_provider(call: Call) -> Iterator[Permission]:
    url = call.parameters["Url"].removeprefix("https://")
    given = request_tags(call.parameters.get("Tags", ()))
    arn = _own_arn(call, f"oidc-provider/{url}")
    yield Permission(Request("iam:CreateOpenIDConnectProvider", arn, given))
    if given:
        yield Permission(Request("iam:TagOpenIDConnectProvider", arn, given))


def _of_profile(call: Call) -> Iterator[Permission]:
    name = call.parameters["InstanceProfileName"]
    profile = call.account.instance_profiles.get(name)
    arn = profile.arn if profile else _own_arn(call, f"instance-profile{call.parameters.get('Path', '/')}{name}")
    yield Permission(Request(f"iam:{call.operation}", str(arn)))


def _add_to_profile(call: Call) -> Iterator[Permission]:
    yield from _of_profile(call)
    arn = _role(call)[1]
    yield Permission(Request("iam:PassRole", arn, {"iam:PassedToService": "ec2.amazonaws.com"}))


PERMISSIONS: Final[Mapping[str, Permissions]] = {
    **dict.fromkeys(_OF_ROLES, _of_role),
    **dict.fromkeys(_OF_ROLES_WITH_BOUNDARY, _of_role_with_boundary),
    **dict.fromkeys(_OF_POLICIES, _of_policy),
    **dict.fromkeys(_OF_PROVIDERS, _of_provider),
    **dict.fromkeys(_OF_PROFILES, _of_profile),
    **{name: needing(f"iam:{name}") for name in ("ListOpenIDConnectProviders", "ListPolicies", "ListRoles")},
    "AddRoleToInstanceProfile": _add_to_profile,
    "AttachRolePolicy": _of_attachment,
    "CreateInstanceProfile": _of_profile,
    "CreateOpenIDConnectProvider": _create_provider,
    "CreatePolicy": _create_policy,
    "CreateRole": _create_role,
    "DetachRolePolicy": _of_attachment,
    "PutRolePermissionsBoundary": _put_boundary,
    "TagRole": _tag_role,
    "UntagRole": _untag_role,
}
"""By operation."""
