"""Whom a trust policy names: checked, stored as unique ids, shown as ARNs.

IAM turns the ARN of a role or user into its unique id when the policy is saved, and shows the ARN again for
as long as that very principal exists; afterwards it shows the id. A principal made anew under the same name
is another one. Source: "AWS JSON policy elements: Principal" in the IAM user guide.
"""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Callable
from typing import Any, Final

from sandbox.aws.errors import malformed_policy, not_modelled
from sandbox.aws.policy.documents import Document, as_list, read, statements
from sandbox.aws.state import State

_ACCOUNT: Final = re.compile(r"\d{12}")
_ROOT: Final = re.compile(r"arn:(?P<partition>[^:]+):iam::(?P<account>\d{12}):root")
_SESSION: Final = re.compile(r"arn:[^:]+:sts::(?P<account>\d{12}):assumed-role/(?P<role>[^/]+)/(?P<session>[^/]+)")
_UNIQUE_ID: Final = re.compile(r"(?P<id>A(?:ROA|IDA)[A-Z0-9]{12,})(?::(?P<session>.+))?")
_SERVICE: Final = re.compile(r"[a-z0-9-]+(?:\.[a-z0-9-]+)*\.amazonaws\.com(?:\.cn)?")
_PROVIDER: Final = re.compile(r"arn:(?P<partition>[^:]+):iam::\d{12}:(?:oidc|saml)-provider/\S+")
_WELL_KNOWN_PROVIDERS: Final = {
    "accounts.google.com",
    "cognito-identity.amazonaws.com",
    "graph.facebook.com",
    "www.amazon.com",
}


def stored(document: Document, state: State, partition: str) -> str:
    """A checked trust policy as it is stored: principals by id, in compact JSON.

    Raises:
        AwsError: `MalformedPolicyDocument` when it names someone who does not exist (or not yet, see
            `State.new_principal_delay`); `NotModelled` for canonical users.
    """
    return _rewritten(document, lambda kind, name: _resolved(kind, name, state, partition))


def shown(text: str, state: State) -> str:
    """A stored trust policy as reads show it: ids of living principals as ARNs."""
    if "AROA" not in text and "AIDA" not in text:
        return text
    return _rewritten(read(text), lambda kind, name: _displayed(name, state) if kind == "AWS" else name)


def _rewritten(document: Document, change: Callable[[str, str], str]) -> str:
    changed = copy.deepcopy(document)
    for statement in statements(changed):
        principal: Any = statement["Principal"]
        if principal == "*":
            continue
        if not isinstance(principal, dict) or not principal:
            raise malformed_policy(f"Invalid principal in policy: {json.dumps(principal)}")
        for kind, names in principal.items():
            if not as_list(names):
                raise malformed_policy(f'Invalid principal in policy: "{kind}":[]')
            values = [change(kind, name) for name in as_list(names)]
            principal[kind] = values[0] if len(values) == 1 else values
    return json.dumps(changed, separators=(",", ":"))


def _resolved(kind: str, name: Any, state: State, partition: str) -> str:
    resolvers = {"AWS": _resolved_aws, "Federated": _resolved_provider, "Service": _resolved_service}
    if kind == "CanonicalUser":
        raise not_modelled("a CanonicalUser principal")
    resolver = resolvers.get(kind)
    resolved = resolver(name, state, partition) if resolver and isinstance(name, str) else None
    if resolved is None:
        label = "SERVICE" if kind == "Service" else kind
        raise malformed_policy(f'Invalid principal in policy: "{label}":"{name}"')
    return resolved


def _resolved_aws(name: str, state: State, partition: str) -> str | None:
    if name == "*":
        return name
    if match := _ROOT.fullmatch(f"arn:{partition}:iam::{name}:root" if _ACCOUNT.fullmatch(name) else name):
        account = state.accounts.get(match["account"])
        return match[0] if account and match["partition"] == account.partition == partition else None
    if match := _UNIQUE_ID.fullmatch(name):
        return name if _displayed(name, state) != name else None
    if not name.startswith(f"arn:{partition}:"):
        return None
    return _unique_id(name, state, partition)


def _unique_id(arn: str, state: State, partition: str) -> str | None:
    if match := _SESSION.fullmatch(arn):
        account = state.accounts.get(match["account"])
        role = account.role(match["role"]) if account and account.partition == partition else None
        return f"{role.id}:{match['session']}" if role and state.is_known_as_principal(role) else None
    for administrator in state.administrators.values():
        if administrator.arn == arn:
            return administrator.user_id
    role = state.role_of_arn(arn)
    return str(role.id) if role and state.is_known_as_principal(role) else None


def _resolved_provider(name: str, _state: State, partition: str) -> str | None:
    match = _PROVIDER.fullmatch(name)
    known = name in _WELL_KNOWN_PROVIDERS or (match is not None and match["partition"] == partition)
    return name if known else None


def _resolved_service(name: str, _state: State, _partition: str) -> str | None:
    return name if _SERVICE.fullmatch(name) else None


def _displayed(name: str, state: State) -> str:
    match = _UNIQUE_ID.fullmatch(name)
    if match is None:
        return name
    role = state.role_of_id(match["id"])
    if role is not None:
        return _session_arn(role, match["session"]) if match["session"] else str(role.arn)
    owners = (owner.arn for owner in state.administrators.values() if owner.user_id == match["id"])
    return next(owners, name)


def _session_arn(role: Any, session: str) -> str:
    return f"arn:{role.partition}:sts::{role.account_id}:assumed-role/{role.name}/{session}"
