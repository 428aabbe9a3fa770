"""Permissions of STS.

Sources: STS API Reference, "AssumeRole" and "GetCallerIdentity" (which needs none); Service Authorization Reference,
"Actions, resources, and condition keys for AWS Security Token Service".
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from sandbox.aws.errors import validation_error
from sandbox.aws.permissions.callers import caller_keys
from sandbox.aws.permissions.permission import Permission, Permissions, resource_tags
from sandbox.aws.policy.evaluation import Grant, OwnPolicy
from sandbox.aws.policy.statements import Request
from sandbox.aws.state import Call
from sandbox.aws.store.backend import Role
from sandbox.aws.sts.operations import ROLE_ARN
from sandbox.aws.sts.trust import granted, names_caller


def _assume_role(call: Call) -> Iterator[Permission]:
    arn = call.parameters["RoleArn"]
    if not ROLE_ARN.fullmatch(arn):
        raise validation_error(f"{arn} is invalid")
    role = call.state.role_of_arn(arn)
    keys: dict[str, Any] = {"sts:RoleSessionName": call.parameters["RoleSessionName"]}
    if "ExternalId" in call.parameters:
        keys["sts:ExternalId"] = call.parameters["ExternalId"]
    if role is not None:
        keys |= resource_tags({tag["Key"]: tag["Value"] for tag in role.tags}, "iam:ResourceTag")
    crosses = arn.split(":")[4] != call.signer.account_id
    yield Permission(Request("sts:AssumeRole", arn, keys), own=OwnPolicy(_grant(call, role, keys), crosses))


def _grant(call: Call, role: Role | None, keys: Mapping[str, Any]) -> Grant:
    caller = call.signer
    if role is None or role.partition != caller.partition or not call.state.is_known_as_principal(role):
        return Grant.NOTHING
    request = Request("sts:AssumeRole", str(role.arn), {**caller_keys(call), **keys})
    return granted(role.assume_role_policy_document, request, names_caller(caller))


def _nothing(_call: Call) -> Iterator[Permission]:
    return iter(())


PERMISSIONS: Final[Mapping[str, Permissions]] = {
    "AssumeRole": _assume_role,
    "AssumeRoleWithWebIdentity": _nothing,  # whoever brings the token need not be known: the role's trust decides
    "GetCallerIdentity": _nothing,
}
"""By operation."""
