"""Whether a role's trust policy lets somebody assume it."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from sandbox.aws.errors import not_modelled
from sandbox.aws.identity.callers import Caller
from sandbox.aws.policy.conditions import Context, holds
from sandbox.aws.policy.documents import Statement, as_list, read, statements

IsNamed = Callable[[Mapping[str, Any]], bool]
"""Tells whether a `Principal` element, in its stored form, names the one who asks."""

# Keys that the sandbox fills in, or knows to be absent here; another one in a trust policy is refused by
# name, for its absence would silently make the condition false (or, negated, true).
_KNOWN_KEYS: Final = {
    "aws:principalaccount",
    "aws:principalarn",
    "aws:principalorgid",
    "aws:principalorgpaths",
    "aws:principaltype",
    "aws:sourceaccount",
    "aws:sourcearn",
    "aws:userid",
    "sts:externalid",
    "sts:rolesessionname",
}
_KNOWN_KEY_PATTERN: Final = re.compile(r".+:(sub|aud)|aws:requesttag/.+")


def is_trusted(trust: str, action: str, is_named: IsNamed, context: Context) -> bool:
    """Evaluate a trust policy: some statement allows and none denies.

    Args:
        trust: The policy as stored, see `sandbox.aws.policy.principals`.
        action: Such as `sts:AssumeRole`.
        is_named: Tells whether a principal element names the one who asks.
        context: Condition keys.

    Raises:
        AwsError: `NotModelled` for condition keys or operators that are not evaluated.
    """
    effects = {
        statement["Effect"] for statement in statements(read(trust)) if _applies(statement, action, is_named, context)
    }
    return effects == {"Allow"}


def names_caller(caller: Caller) -> IsNamed:
    """A test for principals that name a caller: its account, its role or user, its session, or anybody."""
    identifiers = _identifiers(caller)
    return lambda principal: not identifiers.isdisjoint(as_list(principal.get("AWS", [])))


def names_provider(provider_arn: str) -> IsNamed:
    """A test for principals that name an identity provider."""
    return lambda principal: provider_arn in as_list(principal.get("Federated", []))


def names_service(service: str) -> IsNamed:
    """A test for principals that name a service, such as `cloudformation.amazonaws.com`."""
    return lambda principal: service in as_list(principal.get("Service", []))


def caller_context(caller: Caller, **more: str | None) -> Context:
    """The condition keys that a caller brings along.

    Args:
        caller: Who asks.
        more: Further keys, with `_` for the colon; those without a value are absent.
    """
    keys: dict[str, Sequence[str]] = {
        "aws:principalaccount": [caller.account_id],
        "aws:principalarn": [caller.principal_arn],
        "aws:principaltype": ["AssumedRole" if caller.session else "User"],
        "aws:userid": [caller.user_id],
    }
    keys.update({name.replace("_", ":").lower(): [value] for name, value in more.items() if value is not None})
    return keys


def _applies(statement: Statement, action: str, is_named: IsNamed, context: Context) -> bool:
    principal = statement["Principal"]
    named = is_named({"AWS": "*"} if principal == "*" else principal)
    asked = any(fnmatch.fnmatchcase(action.lower(), want.lower()) for want in as_list(statement["Action"]))
    if not (named and asked):
        return False
    condition = statement.get("Condition", {})
    _refuse_unknown_keys(condition)
    return holds(condition, context)


def _refuse_unknown_keys(condition: Mapping[str, Mapping[str, Any]]) -> None:
    for block in condition.values():
        for key in block:
            if key.lower() not in _KNOWN_KEYS and not _KNOWN_KEY_PATTERN.fullmatch(key.lower()):
                raise not_modelled(f"condition key {key} in a trust policy")


def _identifiers(caller: Caller) -> set[str]:
    account = f"arn:{caller.partition}:iam::{caller.account_id}:root"
    own = {caller.session.role_id} if caller.session else set()
    return {"*", account, caller.user_id, *own}
