"""Whether a policy document alone allows a request.

Source: IAM User Guide, "Policy evaluation logic": a Deny that matches wins, an Allow is needed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sandbox.aws.policy.conditions import holds, like
from sandbox.aws.policy.documents import as_list, statements


@dataclass(frozen=True)
class Request:
    """What somebody asks of AWS."""

    action: str
    resource: str = "*"
    context: Mapping[str, str] = field(default_factory=dict)
    """Condition keys and their values; a key that is not in the request is left out."""

    def __str__(self) -> str:
        return f"{self.action} {self.resource.rpartition(':')[2]}".strip()


def allows(document: Mapping[str, Any], request: Request) -> bool:
    """Tell whether *document* allows *request*."""
    effects = {one["Effect"] for one in statements(document) if _matches(one, request)}
    return effects == {"Allow"}


def _matches(statement: Mapping[str, Any], request: Request) -> bool:
    context = {key.lower(): [value] for key, value in request.context.items()}
    return (
        _action_matches(statement, request.action)
        and any(like(request.resource, pattern) for pattern in as_list(statement["Resource"]))
        and holds(statement.get("Condition", {}), context)
    )


def _action_matches(statement: Mapping[str, Any], action: str) -> bool:
    patterns = as_list(statement["Action"] if "Action" in statement else statement["NotAction"])
    listed = any(like(action.lower(), pattern.lower()) for pattern in patterns)
    return listed == ("Action" in statement)
