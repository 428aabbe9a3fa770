"""The operations of STS that are modelled."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from sandbox.aws.errors import AwsError, access_denied, validation_error
from sandbox.aws.state import Call, Operation, modelled
from sandbox.aws.store.backend import Role
from sandbox.aws.sts.sessions import check_limits, check_policy_arns, open_session
from sandbox.aws.sts.trust import is_trusted, names_provider
from sandbox.aws.sts.web_identity import WebIdentity, read_claims, verify_token

ROLE_ARN: Final = re.compile(r"arn:aws[a-z-]*:iam::(?P<account>\d{12}):role/(?P<path>\S+/)?[\w+=,.@-]{1,64}")
"""How STS takes the ARN of a role."""

_SESSION_PARAMETERS: Final = ("RoleArn", "RoleSessionName", "DurationSeconds", "Policy", "PolicyArns")


def get_caller_identity(call: Call) -> Mapping[str, Any]:
    """Tell the caller who it is."""
    caller = call.signer
    return {"UserId": caller.user_id, "Account": caller.account_id, "Arn": caller.arn}


def assume_role(call: Call) -> Mapping[str, Any]:
    """Assume a role; that it trusts the caller, and that the caller may assume it, has been found out before."""
    arn, caller = call.parameters["RoleArn"], call.signer
    refusal = access_denied(f"User: {caller.arn} is not authorized to perform: sts:AssumeRole on resource: {arn}")
    role = _assumable(call, arn, refusal)
    check_limits(call, role, chained=caller.session is not None)
    check_policy_arns(call, role)
    return open_session(call, role)[1]


def assume_role_with_web_identity(call: Call) -> Mapping[str, Any]:
    """Assume a role that trusts the subject of a token; the call carries no signature."""
    arn, token = call.parameters["RoleArn"], call.parameters["WebIdentityToken"]
    _check_role_arn(arn)
    identity = read_claims(token)
    with call.state.lock:
        provider_arn = _provider(call, arn, identity)
    # The issuer may be slow, or call back: no lock is held meanwhile.
    verify_token(token, identity.issuer, call.state.issuers, call.now)
    with call.state.lock:
        return _exchanged(call, arn, identity, provider_arn)


def _exchanged(call: Call, arn: str, identity: WebIdentity, provider_arn: str) -> Mapping[str, Any]:
    refusal = access_denied("Not authorized to perform sts:AssumeRoleWithWebIdentity")
    role = _assumable(call, arn, refusal)
    context = {
        f"{identity.provider_url}:sub": identity.subject,
        f"{identity.provider_url}:aud": identity.audience,
        "sts:RoleSessionName": call.parameters["RoleSessionName"],
    }
    named = names_provider(provider_arn)
    if not is_trusted(role.assume_role_policy_document, "sts:AssumeRoleWithWebIdentity", named, context):
        raise refusal
    check_limits(call, role, chained=False)
    check_policy_arns(call, role)
    return {
        **open_session(call, role)[1],
        "SubjectFromWebIdentityToken": identity.subject,
        "Audience": identity.audience,
        "Provider": provider_arn,
    }


def _provider(call: Call, role_arn: str, identity: WebIdentity) -> str:
    """The provider of the token's issuer in the role's account, if it takes the token's audience."""
    account = call.state.accounts.get(role_arn.split(":")[4])
    if account is None:
        raise access_denied("Not authorized to perform sts:AssumeRoleWithWebIdentity")
    arn = f"arn:{account.partition}:iam::{account.account_id}:oidc-provider/{identity.provider_url}"
    provider = account.open_id_providers.get(arn)
    if provider is None:
        raise AwsError("InvalidIdentityToken", f"No OpenIDConnect provider found in your account for {identity.issuer}")
    if identity.audience not in provider.client_id_list:
        raise AwsError("InvalidIdentityToken", "Incorrect token audience")
    return arn


def _check_role_arn(arn: str) -> None:
    if not ROLE_ARN.fullmatch(arn):
        raise validation_error(f"{arn} is invalid")


def _assumable(call: Call, arn: str, refusal: AwsError) -> Role:
    role = call.state.role_of_arn(arn)
    if role is None or not call.state.is_known_as_principal(role):
        raise refusal
    return role


OPERATIONS: Final[Mapping[str, Operation]] = {
    "AssumeRole": modelled(assume_role, *_SESSION_PARAMETERS, "ExternalId"),
    "AssumeRoleWithWebIdentity": Operation(
        assume_role_with_web_identity,
        frozenset({*_SESSION_PARAMETERS, "WebIdentityToken"}),
        signed=False,
        locked=False,
    ),
    "GetCallerIdentity": modelled(get_caller_identity),
}
