"""Whether a role's trust policy lets somebody assume it.

Source: IAM User Guide, "AWS JSON policy elements: Principal".
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from sandbox.aws.identity.callers import Caller
from sandbox.aws.policy.documents import as_list
from sandbox.aws.policy.evaluation import Grant
from sandbox.aws.policy.statements import Request, policy_of

Naming = Callable[[Mapping[str, Any]], Grant]
"""Tells how closely a `Principal` element, in its stored form, names the one who asks; `NOTHING` if it does not."""

_ANYBODY: Final = {"AWS": "*"}


def granted(trust: str, request: Request, naming: Naming) -> Grant:
    """Evaluate a trust policy.

    Args:
        trust: The policy as stored, see `sandbox.aws.policy.principals`.
        request: What is asked, with all of its condition keys.
        naming: Tells whom a principal element names.

    Raises:
        AwsError: `NotModelled` for condition keys or operators that are not evaluated.
    """
    widest = Grant.NOTHING
    for statement in policy_of(trust).statements:
        named = naming(_ANYBODY if statement.principal == "*" else statement.principal)
        if named is Grant.NOTHING or not statement.matches(request):
            continue
        if statement.effect == "Deny":
            return Grant.DENIED
        widest = max(widest, named)
    return widest


def is_trusted(trust: str, action: str, naming: Naming, context: Mapping[str, Any]) -> bool:
    """Whether a trust policy allows an action to whoever it names, and does not deny it.

    Args:
        trust: The policy as stored.
        action: Such as `sts:AssumeRoleWithWebIdentity`.
        naming: Tells whom a principal element names.
        context: Condition keys.

    Raises:
        AwsError: `NotModelled` for condition keys or operators that are not evaluated.
    """
    return granted(trust, Request(action, context=context), naming) > Grant.NOTHING


def names_caller(caller: Caller) -> Naming:
    """How closely principals name a caller: its session, its role or user (or anybody), its account."""
    identifiers = {
        f"arn:{caller.partition}:iam::{caller.account_id}:root": Grant.ACCOUNT,
        "*": Grant.PRINCIPAL,
        caller.user_id: Grant.SESSION if caller.session else Grant.PRINCIPAL,
    }
    if caller.session:
        identifiers[caller.session.role_id] = Grant.PRINCIPAL
    return lambda principal: max(
        (identifiers.get(name, Grant.NOTHING) for name in as_list(principal.get("AWS", []))), default=Grant.NOTHING
    )


def names_provider(provider_arn: str) -> Naming:
    """Whether principals name an identity provider."""
    return _naming("Federated", provider_arn)


def names_service(service: str) -> Naming:
    """Whether principals name a service, such as `cloudformation.amazonaws.com`."""
    return _naming("Service", service)


def _naming(kind: str, name: str) -> Naming:
    return lambda principal: Grant.PRINCIPAL if name in as_list(principal.get(kind, [])) else Grant.NOTHING
