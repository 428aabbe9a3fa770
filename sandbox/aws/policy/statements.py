"""Policy documents made ready for evaluation, each once.

Sources: IAM User Guide, "IAM JSON policy elements reference"; "Policy evaluation logic": a Deny that matches wins.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Final, Literal

from sandbox.aws.errors import not_modelled
from sandbox.aws.policy.condition_keys import check_known
from sandbox.aws.policy.conditions import Context, holds
from sandbox.aws.policy.documents import Document, as_list, statements
from sandbox.aws.policy.patterns import like, resource_like

Effect = Literal["Allow", "Deny"]
_REMEMBERED: Final = 4096


@dataclass(frozen=True)
class Request:
    """What somebody asks of AWS.

    Attributes:
        action: Such as `iam:GetRole`.
        resource: An ARN, or `*` for actions that know no resources.
        context: Condition keys and their values; given in any case of letters and with single values as text, kept
            in lower case and with tuples of values. A key that is not in the request is left out.
    """

    action: str
    resource: str = "*"
    context: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        keys: Context = {
            key.lower(): (values,) if isinstance(values, str) else tuple(values) for key, values in self.context.items()
        }
        object.__setattr__(self, "context", keys)

    def __str__(self) -> str:
        return f"{self.action} {self.resource.rpartition(':')[2]}".strip()


class Actions:
    """Patterns of actions, found by the service that they name: a policy may have thousands of them.

    Args:
        patterns: As the elements `Action` and `NotAction` hold them; case does not matter.
    """

    def __init__(self, patterns: Iterable[str]) -> None:
        self._exact: set[str] = set()
        self._by_service: dict[str, list[str]] = {}
        self._anywhere: list[str] = []
        for pattern in map(str.lower, patterns):
            self._add(pattern)

    def match(self, action: str) -> bool:
        """Whether one of them matches an action."""
        name = action.lower()
        of_service = self._by_service.get(name.partition(":")[0], ())
        return name in self._exact or any(like(name, pattern) for pattern in (*of_service, *self._anywhere))

    def _add(self, pattern: str) -> None:
        service = pattern.partition(":")[0]
        if "*" in service or "?" in service:
            self._anywhere.append(pattern)
        elif "*" in pattern or "?" in pattern:
            self._by_service.setdefault(service, []).append(pattern)
        else:
            self._exact.add(pattern)


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement.

    Attributes:
        effect: What it does to what it matches.
        principal: Whom it names, as stored; None in policies that name nobody.
    """

    effect: Effect
    principal: Any
    _actions: Actions
    _all_actions_but: bool
    _resources: tuple[str, ...]
    _all_resources_but: bool
    _condition: Mapping[str, Mapping[str, Any]]

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> Statement:
        """A statement of a checked document; without any resource, as in a trust policy, it is about its owner."""
        return cls(
            document["Effect"],
            document.get("Principal"),
            Actions(as_list(document["Action"] if "Action" in document else document["NotAction"])),
            "Action" not in document,
            tuple(as_list(document.get("Resource", document.get("NotResource", "*")))),
            "NotResource" in document,
            document.get("Condition", {}),
        )

    def matches(self, request: Request) -> bool:
        """Whether it is about a request, whoever asks.

        Raises:
            AwsError: `NotModelled` for policy variables, and for condition keys and operators that are not evaluated.
        """
        if self._actions.match(request.action) == self._all_actions_but or not self._covers(request.resource):
            return False
        if not self._condition:
            return True
        check_known(self._condition, request.context)
        return holds(self._condition, request.context)

    def _covers(self, resource: str) -> bool:
        if any("${" in pattern for pattern in self._resources):
            raise not_modelled("a policy variable in a resource")
        return any(resource_like(resource, pattern) for pattern in self._resources) != self._all_resources_but


@dataclass(frozen=True, slots=True)
class Policy:
    """A policy, ready for evaluation."""

    statements: tuple[Statement, ...]

    def effect(self, request: Request) -> Effect | None:
        """What it alone says to a request; None if it says nothing."""
        return combined(one.effect for one in self.statements if one.matches(request))


def combined(effects: Iterator[Effect]) -> Effect | None:
    """One effect of several: a Deny wins."""
    found: Effect | None = None
    for effect in effects:
        if effect == "Deny":
            return effect
        found = effect
    return found


@lru_cache(maxsize=_REMEMBERED)
def policy_of(text: str) -> Policy:
    """The policy of a checked document in JSON; the same text is read once."""
    document: Document = json.loads(text)
    return Policy(tuple(map(Statement.of, statements(document))))


def allows(document: Mapping[str, Any], request: Request) -> bool:
    """Whether a document alone allows a request."""
    return policy_of(json.dumps(document)).effect(request) == "Allow"
