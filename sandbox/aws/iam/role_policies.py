"""A role's policies: inline ones, and managed ones attached to it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import quote

from sandbox.aws.errors import AwsError, no_such_entity
from sandbox.aws.iam.managed_policies import check_arn
from sandbox.aws.iam.pages import page
from sandbox.aws.iam.roles import existing_role
from sandbox.aws.policy.documents import check_permissions, size
from sandbox.aws.state import Call

_LARGEST_INLINE_SUM: Final = 10_240
_MOST_ATTACHED: Final = 10


def put_role_policy(call: Call) -> Mapping[str, Any]:
    """Add or replace an inline policy."""
    role = existing_role(call)
    name, text = call.parameters["PolicyName"], call.parameters["PolicyDocument"]
    check_permissions(text)
    others = sum(size(document) for other, document in role.policies.items() if other != name)
    if others + size(text) > _LARGEST_INLINE_SUM:
        raise AwsError(
            "LimitExceeded",
            f"Maximum policy size of {_LARGEST_INLINE_SUM} bytes exceeded for role {role.name}",
        )
    role.put_policy(name, text)
    return {}


def get_role_policy(call: Call) -> Mapping[str, Any]:
    """Read an inline policy."""
    role, name = existing_role(call), call.parameters["PolicyName"]
    if name not in role.policies:
        raise no_such_entity(f"The role policy with name {name} cannot be found.")
    return {"RoleName": role.name, "PolicyName": name, "PolicyDocument": quote(role.policies[name])}


def list_role_policies(call: Call) -> Mapping[str, Any]:
    """List the names of inline policies."""
    return page(call, "PolicyNames", sorted(existing_role(call).policies))


def delete_role_policy(call: Call) -> Mapping[str, Any]:
    """Delete an inline policy."""
    role, name = existing_role(call), call.parameters["PolicyName"]
    if name not in role.policies:
        raise no_such_entity(f"The role policy with name {name} cannot be found.")
    role.delete_policy(name)
    return {}


def attach_role_policy(call: Call) -> Mapping[str, Any]:
    """Attach a managed policy; attaching it again changes nothing."""
    role, arn = existing_role(call), call.parameters["PolicyArn"]
    check_arn(arn)
    policy = call.account.policy(arn)
    if policy is None:
        raise no_such_entity(f"Policy {arn} does not exist or is not attachable.")
    if arn in role.managed_policies:
        return {}
    if len(role.managed_policies) >= _MOST_ATTACHED:
        raise AwsError("LimitExceeded", f"Cannot exceed quota for PoliciesPerRole: {_MOST_ATTACHED}")
    policy.attach_to(role)
    return {}


def detach_role_policy(call: Call) -> Mapping[str, Any]:
    """Detach a managed policy."""
    role, arn = existing_role(call), call.parameters["PolicyArn"]
    check_arn(arn)
    if arn not in role.managed_policies:
        raise no_such_entity(f"Policy {arn} was not found.")
    role.managed_policies[arn].detach_from(role)
    return {}


def list_attached_role_policies(call: Call) -> Mapping[str, Any]:
    """List the managed policies attached to a role."""
    prefix = call.parameters.get("PathPrefix", "/")
    found = [policy for policy in existing_role(call).managed_policies.values() if policy.path.startswith(prefix)]
    shown = [{"PolicyName": policy.name, "PolicyArn": policy.arn} for policy in found]
    return page(call, "AttachedPolicies", sorted(shown, key=lambda policy: str(policy["PolicyName"])))
