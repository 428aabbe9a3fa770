"""Role sessions: how long they last, what limits them, the credentials that are handed out."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final

from sandbox.aws.errors import malformed_policy, validation_error
from sandbox.aws.identity.callers import AccessKey, Caller, RoleSession
from sandbox.aws.policy.documents import check_permissions
from sandbox.aws.state import Call
from sandbox.aws.store.backend import Role

_DEFAULT_SECONDS: Final = 3600
_LONGEST_CHAINED_SECONDS: Final = 3600
_LARGEST_POLICY: Final = 2048
_MOST_POLICY_ARNS: Final = 10


def check_limits(call: Call, role: Role, *, chained: bool) -> None:
    """Hold a wanted session against the limits of its role and of role chaining.

    Raises:
        AwsError: `ValidationError`, or `MalformedPolicyDocument` for the session policy.
    """
    seconds = call.parameters.get("DurationSeconds", _DEFAULT_SECONDS)
    if chained and seconds > _LONGEST_CHAINED_SECONDS:
        raise validation_error(
            "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining"
        )
    if seconds > role.max_session_duration:
        raise validation_error("The requested DurationSeconds exceeds the MaxSessionDuration set for this role.")
    _check_session_policies(call)


def open_session(call: Call, role: Role) -> tuple[AccessKey, Mapping[str, Any]]:
    """Begin a session.

    Returns:
        Its key, and the members that the outputs of the `AssumeRole*` operations share.
    """
    name = call.parameters["RoleSessionName"]
    session = RoleSession(role.id, role.arn, name, call.parameters.get("Policy"), _policy_arns(call))
    arn = f"arn:{role.partition}:sts::{role.account_id}:assumed-role/{role.name}/{name}"
    caller = Caller(role.account_id, role.partition, arn, f"{role.id}:{name}", session)
    seconds = call.parameters.get("DurationSeconds", _DEFAULT_SECONDS)
    key = call.state.keys.issue(caller, expiration=call.now + timedelta(seconds=seconds))
    return key, {
        "Credentials": {
            "AccessKeyId": key.access_key_id,
            "SecretAccessKey": key.secret_access_key,
            "SessionToken": key.session_token,
            "Expiration": key.expiration,
        },
        "AssumedRoleUser": {"AssumedRoleId": caller.user_id, "Arn": caller.arn},
        **_packed_size(call),
    }


def _check_session_policies(call: Call) -> None:
    policy, arns = call.parameters.get("Policy", ""), _policy_arns(call)
    if len(policy) + sum(map(len, arns)) > _LARGEST_POLICY:
        raise validation_error(
            f"The session policies exceed the limit: Member must have length less than or equal to {_LARGEST_POLICY}"
        )
    if len(arns) > _MOST_POLICY_ARNS:
        raise validation_error(f"The number of session policies exceeds the limit of {_MOST_POLICY_ARNS}")
    if policy:
        check_permissions(policy)


def check_policy_arns(call: Call, role: Role) -> None:
    """Managed session policies have to exist in the role's account.

    Raises:
        AwsError: `MalformedPolicyDocument`.
    """
    for arn in _policy_arns(call):
        if call.state.accounts[role.account_id].policy(arn) is None:
            raise malformed_policy(f"Policy {arn} does not exist or is not attachable.")


def _policy_arns(call: Call) -> tuple[str, ...]:
    return tuple(descriptor["arn"] for descriptor in call.parameters.get("PolicyArns", []))


def _packed_size(call: Call) -> Mapping[str, int]:
    # The packed form is not published; a share of the plain text's limit is told instead.
    characters = len(call.parameters.get("Policy", "")) + sum(map(len, _policy_arns(call)))
    return {"PackedPolicySize": math.ceil(100 * characters / _LARGEST_POLICY)} if characters else {}
