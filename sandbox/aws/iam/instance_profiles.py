"""Instance profiles, as far as they stand in the way of deleting a role."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Any

from sandbox.aws.errors import AwsError, no_such_entity
from sandbox.aws.iam.pages import page
from sandbox.aws.iam.roles import existing_role, shown_in_profile
from sandbox.aws.state import Call
from sandbox.aws.store.backend import InstanceProfile


def create_instance_profile(call: Call) -> Mapping[str, Any]:
    """Make an empty profile."""
    name = call.parameters["InstanceProfileName"]
    if name.lower() in map(str.lower, call.account.instance_profiles):
        raise AwsError("EntityAlreadyExists", f"Instance Profile {name} already exists.")
    profile = InstanceProfile(
        account_id=call.account.account_id,
        region_name=call.account.region_name,
        instance_profile_id=f"AIPA{secrets.token_hex(8).upper()}",
        name=name,
        path=call.parameters.get("Path", "/"),
        roles=[],
    )
    profile.create_date = call.now
    call.account.instance_profiles[name] = profile
    return {"InstanceProfile": _shown(call, profile)}


def get_instance_profile(call: Call) -> Mapping[str, Any]:
    """Read a profile."""
    return {"InstanceProfile": _shown(call, _existing(call))}


def delete_instance_profile(call: Call) -> Mapping[str, Any]:
    """Delete an empty profile."""
    profile = _existing(call)
    if profile.roles:
        raise AwsError("DeleteConflict", "Cannot delete entity, must remove roles from instance profile first.")
    del call.account.instance_profiles[profile.name]
    return {}


def add_role_to_instance_profile(call: Call) -> Mapping[str, Any]:
    """Put a role into an empty profile."""
    profile, role = _existing(call), existing_role(call)
    if profile.roles:
        raise AwsError("LimitExceeded", "Cannot exceed quota for InstanceSessionsPerInstanceProfile: 1")
    profile.roles.append(role)
    return {}


def remove_role_from_instance_profile(call: Call) -> Mapping[str, Any]:
    """Take a role out of a profile."""
    profile, role = _existing(call), existing_role(call)
    if role not in profile.roles:
        raise no_such_entity(f"The role {role.name} is not in the instance profile {profile.name}.")
    profile.roles.remove(role)
    return {}


def list_instance_profiles_for_role(call: Call) -> Mapping[str, Any]:
    """List the profiles that hold a role."""
    found = [_shown(call, profile) for profile in call.account.profiles_of(existing_role(call))]
    return page(call, "InstanceProfiles", found)


def _existing(call: Call) -> InstanceProfile:
    name = call.parameters["InstanceProfileName"]
    profile = call.account.instance_profiles.get(name)
    if profile is None:
        raise no_such_entity(f"Instance Profile {name} cannot be found.")
    return profile


def _shown(call: Call, profile: InstanceProfile) -> dict[str, Any]:
    return {
        "Path": profile.path,
        "InstanceProfileName": profile.name,
        "InstanceProfileId": profile.id,
        "Arn": profile.arn,
        "CreateDate": profile.create_date,
        "Roles": [shown_in_profile(call, role) for role in profile.roles],
    }
