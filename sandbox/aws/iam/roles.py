"""Roles, with their trust policies, boundaries and tags."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import quote

from sandbox.aws.errors import AwsError, no_such_entity
from sandbox.aws.iam import tags
from sandbox.aws.iam.pages import page
from sandbox.aws.policy import principals
from sandbox.aws.policy.documents import check_trust, size
from sandbox.aws.state import Call
from sandbox.aws.store.backend import Role

_LARGEST_TRUST: Final = 2048
_DEFAULT_SESSION_SECONDS: Final = 3600


def existing_role(call: Call) -> Role:
    """The role that a call names.

    Raises:
        AwsError: `NoSuchEntity`.
    """
    name = call.parameters["RoleName"]
    role = call.account.role(name)
    if role is None:
        raise no_such_entity(f"The role with name {name} cannot be found.")
    return role


def create_role(call: Call) -> Mapping[str, Any]:
    """Make a role."""
    name, text = call.parameters["RoleName"], call.parameters["AssumeRolePolicyDocument"]
    trust = _checked_trust(call, text)
    new_tags = tags.merged([], call.parameters.get("Tags", []))
    boundary = call.parameters.get("PermissionsBoundary")
    if boundary is not None:
        check_boundary(call, boundary)
    if name.lower() in call.account.roles_by_name:
        raise AwsError("EntityAlreadyExists", f"Role with name {name} already exists.")
    if len(call.account.roles) >= call.state.roles_per_account:
        raise AwsError("LimitExceeded", f"Cannot exceed quota for RolesPerAccount: {call.state.roles_per_account}")
    role = call.account.add_role(name=name, path=call.parameters.get("Path", "/"), trust=trust, created=call.now)
    role.permissions_boundary_arn = boundary
    role.description = call.parameters.get("Description")
    role.max_session_duration = call.parameters.get("MaxSessionDuration", _DEFAULT_SESSION_SECONDS)
    role.tags = new_tags
    return {"Role": _created(call, role)}


def get_role(call: Call) -> Mapping[str, Any]:
    """Read a role."""
    role = existing_role(call)
    if not call.state.is_readable(role):
        raise no_such_entity(f"The role with name {role.name} cannot be found.")
    return {"Role": {**_created(call, role), **_described(role), "RoleLastUsed": {}}}


def list_roles(call: Call) -> Mapping[str, Any]:
    """List roles, without their tags and boundaries, as IAM does."""
    prefix = call.parameters.get("PathPrefix", "/")
    found = sorted(
        (r for r in call.account.roles.values() if r.path.startswith(prefix) and call.state.is_readable(r)),
        key=lambda role: str(role.name),
    )
    return page(call, "Roles", [{**shown_in_profile(call, role), **_described(role)} for role in found])


def update_role(call: Call) -> Mapping[str, Any]:
    """Change a role's description and session length; a length that is left out goes back to one hour."""
    role = existing_role(call)
    if "Description" in call.parameters:
        role.description = call.parameters["Description"]
    role.max_session_duration = call.parameters.get("MaxSessionDuration", _DEFAULT_SESSION_SECONDS)
    return {}


def delete_role(call: Call) -> Mapping[str, Any]:
    """Delete a role that nothing is attached to."""
    role = existing_role(call)
    obstacles = {
        "must remove roles from instance profile first.": any(call.account.profiles_of(role)),
        "must detach all policies first.": bool(role.managed_policies),
        "must delete policies first.": bool(role.policies),
    }
    for obstacle, present in obstacles.items():
        if present:
            raise AwsError("DeleteConflict", f"Cannot delete entity, {obstacle}")
    call.account.remove_role(role)
    return {}


def update_assume_role_policy(call: Call) -> Mapping[str, Any]:
    """Replace a role's trust policy."""
    role = existing_role(call)
    role.assume_role_policy_document = _checked_trust(call, call.parameters["PolicyDocument"])
    return {}


def tag_role(call: Call) -> Mapping[str, Any]:
    """Add or replace tags."""
    role = existing_role(call)
    tags.check_given(call.parameters["Tags"])
    role.tags = tags.merged(role.tags, call.parameters["Tags"])
    return {}


def untag_role(call: Call) -> Mapping[str, Any]:
    """Remove tags."""
    role = existing_role(call)
    tags.check_given(call.parameters["TagKeys"])
    role.tags = tags.without(role.tags, call.parameters["TagKeys"])
    return {}


def list_role_tags(call: Call) -> Mapping[str, Any]:
    """List a role's tags."""
    return page(call, "Tags", sorted(existing_role(call).tags, key=lambda tag: str(tag["Key"])))


def put_role_permissions_boundary(call: Call) -> Mapping[str, Any]:
    """Set a role's permissions boundary."""
    role = existing_role(call)
    check_boundary(call, call.parameters["PermissionsBoundary"])
    role.permissions_boundary_arn = call.parameters["PermissionsBoundary"]
    return {}


def delete_role_permissions_boundary(call: Call) -> Mapping[str, Any]:
    """Remove a role's permissions boundary."""
    role = existing_role(call)
    if role.permissions_boundary_arn is None:
        raise no_such_entity(f"Role {role.name} does not have a permissions boundary.")
    role.permissions_boundary_arn = None
    return {}


def check_boundary(call: Call, arn: str) -> None:
    """A boundary has to be a managed policy that the account can see.

    Raises:
        AwsError: `NoSuchEntity`.
    """
    if call.account.policy(arn) is None:
        raise no_such_entity(f"Scope ARN: {arn} does not exist or is not attachable.")


def _checked_trust(call: Call, text: str) -> str:
    document = check_trust(text)
    if size(text) > _LARGEST_TRUST:
        raise AwsError("LimitExceeded", f"Cannot exceed quota for ACLSizePerRole: {_LARGEST_TRUST}")
    return principals.stored(document, call.state, call.account.partition)


def shown_in_profile(call: Call, role: Role) -> dict[str, Any]:
    """The members of a role that every mention of it has."""
    return {
        "Path": role.path,
        "RoleName": role.name,
        "RoleId": role.id,
        "Arn": role.arn,
        "CreateDate": role.create_date,
        "AssumeRolePolicyDocument": quote(principals.shown(role.assume_role_policy_document, call.state)),
    }


def _created(call: Call, role: Role) -> dict[str, Any]:
    boundary = role.permissions_boundary_arn
    return {
        **shown_in_profile(call, role),
        "Tags": role.tags or None,
        "PermissionsBoundary": {"PermissionsBoundaryType": "Policy", "PermissionsBoundaryArn": boundary}
        if boundary
        else None,
    }


def _described(role: Role) -> dict[str, Any]:
    return {"Description": role.description, "MaxSessionDuration": role.max_session_duration}
