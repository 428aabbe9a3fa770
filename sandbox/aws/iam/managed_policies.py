"""Managed policies and their versions."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import quote

from sandbox.aws.errors import AwsError, access_denied, no_such_entity
from sandbox.aws.iam import tags
from sandbox.aws.iam.pages import page
from sandbox.aws.policy.documents import check_permissions, size
from sandbox.aws.state import Call
from sandbox.aws.store.backend import ManagedPolicy, PolicyVersion

_ARN: Final = re.compile(r"arn:aws[a-z-]*:iam::(?:\d{12}|aws):policy/[\w+=,.@/-]+", re.ASCII)
_LARGEST_POLICY: Final = 6144
_MOST_VERSIONS: Final = 5


def check_arn(arn: str) -> None:
    """Check the form of a policy's ARN.

    Raises:
        AwsError: `InvalidInput`.
    """
    if not _ARN.fullmatch(arn):
        raise AwsError("InvalidInput", f"ARN {arn} is not valid.")


def create_policy(call: Call) -> Mapping[str, Any]:
    """Make a policy with its first version."""
    name, text = call.parameters["PolicyName"], call.parameters["PolicyDocument"]
    _check_document(text)
    new_tags = tags.merged([], call.parameters.get("Tags", []))
    if any(policy.name.lower() == name.lower() for policy in call.account.own_policies()):
        raise AwsError(
            "EntityAlreadyExists", f"A policy called {name} already exists. Duplicate names are not allowed."
        )
    policy = ManagedPolicy(
        name,
        account_id=call.account.account_id,
        region=call.account.region_name,
        description=call.parameters.get("Description"),
        document=text,
        path=call.parameters.get("Path"),
        create_date=call.now,
        update_date=call.now,
        tags={tag["Key"]: tag for tag in new_tags},
    )
    call.account.managed_policies[policy.arn] = policy
    return {"Policy": _summary(call, policy)}


def get_policy(call: Call) -> Mapping[str, Any]:
    """Read a policy, without its document."""
    policy = _existing(call)
    return {"Policy": {**_summary(call, policy), "Description": policy.description or None, **_tags_of(policy)}}


def list_policies(call: Call) -> Mapping[str, Any]:
    """List the account's own policies, the only scope that is modelled."""
    if call.parameters.get("Scope") != "Local":
        raise AwsError("NotModelled", "iam:ListPolicies is modelled by this sandbox for Scope=Local alone")
    prefix = call.parameters.get("PathPrefix", "/")
    found = [policy for policy in call.account.own_policies() if policy.path.startswith(prefix)]
    found.sort(key=lambda policy: str(policy.name))
    return page(call, "Policies", [_summary(call, policy) for policy in found])


def delete_policy(call: Call) -> Mapping[str, Any]:
    """Delete a policy that is attached to nothing and has one version."""
    policy = _own(call)
    if policy.attachment_count or _boundary_uses(call, policy):
        raise AwsError("DeleteConflict", "Cannot delete a policy attached to entities.")
    if len(policy.versions) > 1:
        raise AwsError(
            "DeleteConflict",
            "This policy has more than one version. Before you delete a policy, you must delete the policy's"
            " versions. The default version is deleted with the policy.",
        )
    del call.account.managed_policies[policy.arn]
    return {}


def create_policy_version(call: Call) -> Mapping[str, Any]:
    """Add a version to a policy."""
    policy, text = _own(call), call.parameters["PolicyDocument"]
    _check_document(text)
    if len(policy.versions) >= _MOST_VERSIONS:
        raise AwsError(
            "LimitExceeded",
            "A managed policy can have up to 5 versions. Before you create a new version, you must delete an"
            " existing version.",
        )
    version = PolicyVersion(policy.arn, text, version_id=f"v{policy.next_version_num}", create_date=call.now)
    policy.next_version_num += 1
    policy.versions.append(version)
    if call.parameters.get("SetAsDefault"):
        policy.update_default_version(version.version_id)
        policy.update_date = call.now
    return {"PolicyVersion": _version_summary(version)}


def get_policy_version(call: Call) -> Mapping[str, Any]:
    """Read one version, with its document."""
    version = _version(call, _existing(call))
    return {"PolicyVersion": {**_version_summary(version), "Document": quote(version.document)}}


def list_policy_versions(call: Call) -> Mapping[str, Any]:
    """List a policy's versions, the newest first."""
    versions = reversed(_existing(call).versions)
    return page(call, "Versions", [_version_summary(version) for version in versions])


def set_default_policy_version(call: Call) -> Mapping[str, Any]:
    """Make a version the one that is in force."""
    policy = _own(call)
    policy.update_default_version(_version(call, policy).version_id)
    policy.update_date = call.now
    return {}


def delete_policy_version(call: Call) -> Mapping[str, Any]:
    """Delete a version that is not in force."""
    policy = _own(call)
    version = _version(call, policy)
    if version.is_default:
        raise AwsError("DeleteConflict", "Cannot delete the default version of a policy.")
    policy.versions.remove(version)
    return {}


def _check_document(text: str) -> None:
    check_permissions(text)
    if size(text) > _LARGEST_POLICY:
        raise AwsError("LimitExceeded", f"Cannot exceed quota for PolicySize: {_LARGEST_POLICY}")


def _existing(call: Call) -> ManagedPolicy:
    arn = call.parameters["PolicyArn"]
    check_arn(arn)
    policy = call.account.policy(arn)
    if policy is None:
        raise no_such_entity(f"Policy {arn} was not found.")
    return policy


def _own(call: Call) -> ManagedPolicy:
    policy = _existing(call)
    if policy not in call.account.own_policies():
        raise access_denied(f"Policy {policy.arn} belongs to AWS and cannot be changed.")
    return policy


def _version(call: Call, policy: ManagedPolicy) -> PolicyVersion:
    wanted = call.parameters["VersionId"]
    found = next((version for version in policy.versions if version.version_id == wanted), None)
    if found is None:
        raise no_such_entity(f"Policy {policy.arn} version {wanted} does not exist or is not attachable.")
    return found


def _boundary_uses(call: Call, policy: ManagedPolicy) -> int:
    return sum(role.permissions_boundary_arn == policy.arn for role in call.account.roles.values())


def _summary(call: Call, policy: ManagedPolicy) -> dict[str, Any]:
    return {
        "PolicyName": policy.name,
        "PolicyId": policy.id,
        "Arn": policy.arn,
        "Path": policy.path,
        "DefaultVersionId": policy.default_version_id,
        "AttachmentCount": policy.attachment_count,
        "PermissionsBoundaryUsageCount": _boundary_uses(call, policy),
        "IsAttachable": True,
        "CreateDate": policy.create_date,
        "UpdateDate": policy.update_date,
    }


def _tags_of(policy: ManagedPolicy) -> dict[str, Any]:
    return {"Tags": list(policy.tags.values()) or None}


def _version_summary(version: PolicyVersion) -> dict[str, Any]:
    return {
        "VersionId": version.version_id,
        "IsDefaultVersion": version.is_default,
        "CreateDate": version.create_date,
    }
