"""Whether a caller may make a call."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from sandbox.aws.errors import AwsError, not_modelled
from sandbox.aws.permissions import cloudformation, iam, identity_center, organizations, sts
from sandbox.aws.permissions.callers import caller_keys, caller_policies
from sandbox.aws.permissions.permission import Permission, Permissions, needing
from sandbox.aws.policy.evaluation import Denial, PolicyType, denial
from sandbox.aws.policy.statements import Request
from sandbox.aws.state import Call

PERMISSIONS: Final[Mapping[str, Mapping[str, Permissions]]] = {
    "cloudformation": cloudformation.PERMISSIONS,
    "iam": iam.PERMISSIONS,
    "organizations": organizations.PERMISSIONS,
    "sso": identity_center.PERMISSIONS,
    "sts": sts.PERMISSIONS,
}
"""By service; of another one, each operation needs the action of its name, on all resources."""

_CODES: Final = {"organizations": "AccessDeniedException", "sso": "AccessDeniedException"}


def needed_permissions(call: Call) -> Sequence[Permission]:
    """The permissions that a call needs, each complete with the keys that its caller brings along.

    Args:
        call: A call whose parameters have been held against the service's model.

    Raises:
        AwsError: `InvalidClientTokenId` for a session whose role has been deleted; `NotModelled` for an operation
            whose permissions are not known here.
    """
    if call.caller is None:
        return ()
    with call.state.lock:
        keys = caller_keys(call)
    # Never both locks: an operation of CloudFormation holds the one and may come to need the other.
    with call.state.stacks.lock if call.service == "cloudformation" else call.state.lock:
        return [_of_caller(one, keys) for one in _rows(call)(call)]


def authorise(call: Call, permissions: Iterable[Permission]) -> None:
    """Let a call pass, or refuse it in AWS' words.

    Args:
        call: The call.
        permissions: What `needed_permissions` tells of it.

    Raises:
        AwsError: `AccessDenied`, or what the service says in its place; `NotModelled` for what a policy that decides
            says and is not evaluated here.
    """
    if call.caller is None:
        return
    with call.state.lock:
        policies = caller_policies(call)
    for permission in permissions:
        found = denial(permission.request, policies, permission.own)
        if found is not None:
            raise permission.refusal or _refusal(call, permission, found)


def _rows(call: Call) -> Permissions:
    action = f"{call.service}:{call.operation}"
    if call.service not in PERMISSIONS:
        return needing(action)
    found = PERMISSIONS[call.service].get(call.operation)
    if found is None:
        raise not_modelled(f"the permissions of {action}")
    return found


def _of_caller(permission: Permission, keys: Mapping[str, object]) -> Permission:
    request = permission.request
    completed = Request(request.action, request.resource, {**keys, **request.context})
    return Permission(completed, permission.told_as, permission.own, permission.refusal)


def _refusal(call: Call, permission: Permission, found: Denial) -> AwsError:
    request = permission.request
    where = permission.told_as or request.resource
    text = f"User: {call.signer.arn} is not authorized to perform: {request.action} on resource: {where}"
    # What the policy of a role in another account says is nobody's business here.
    reason = "" if found.by is PolicyType.RESOURCE else f" {found.told(request.action)}"
    return AwsError(_CODES.get(call.service, "AccessDenied"), text + reason)
