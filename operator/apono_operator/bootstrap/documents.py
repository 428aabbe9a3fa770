"""Policy documents with blanks, and how the blanks are filled: by an example's values, or by those of a template.

A blank is a name in braces, as in ``arn:{partition}:iam::{account}:role/x``. A text that is one blank alone may
become anything: a list, or a function of CloudFormation.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from apono_operator.state.iam_policy import POLICY_VERSION

Document = dict[str, Any]
Blanks = Mapping[str, Any]

_BLANK = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True)
class Right:
    """One statement of a policy of the operator: what it calls in AWS, and why.

    Attributes:
        sid: The statement's name.
        calls: Actions, as IAM names them, each with its reason.
        resources: Where, with blanks.
        condition: The statement's condition, with blanks.
        implied: Actions that no call of ours is named by, but that AWS asks for beside one; each with its reason.
    """

    sid: str
    calls: Mapping[str, str]
    resources: tuple[str, ...] = ("*",)
    condition: Mapping[str, Any] = field(default_factory=dict)
    implied: Mapping[str, str] = field(default_factory=dict)

    @property
    def reasons(self) -> Mapping[str, str]:
        """All actions of the statement, each with its reason."""
        return {**self.calls, **self.implied}

    @property
    def statement(self) -> Document:
        """The statement, with blanks."""
        return allow(self.sid, self.reasons, self.resources, self.condition)


def allow(
    sid: str, actions: Iterable[str], resources: Iterable[str] = ("*",), condition: Mapping[str, Any] | None = None
) -> Document:
    """Return a statement that allows *actions*."""
    return _statement("Allow", sid, {"Action": _short(actions)}, resources, condition)


def allow_all_but(sid: str, actions: Iterable[str]) -> Document:
    """Return a statement that allows, everywhere, all but *actions*."""
    return _statement("Allow", sid, {"NotAction": _short(actions)})


def deny(sid: str, actions: Iterable[str], resources: Iterable[str] = ("*",)) -> Document:
    """Return a statement that denies *actions*."""
    return _statement("Deny", sid, {"Action": _short(actions)}, resources)


def deny_all_but(sid: str, actions: Iterable[str], resources: Iterable[str]) -> Document:
    """Return a statement that denies, on *resources*, all but *actions*."""
    return _statement("Deny", sid, {"NotAction": _short(actions)}, resources)


def policy(statements: Iterable[Document]) -> Document:
    """Return a policy document of *statements*."""
    return {"Version": POLICY_VERSION, "Statement": list(statements)}


def let_in(sid: str, principal: Mapping[str, Any], actions: Iterable[str], condition: Mapping[str, Any]) -> Document:
    """Return a statement of a trust policy."""
    return {"Sid": sid, "Effect": "Allow", "Principal": principal, "Action": _short(actions), "Condition": condition}


def filled(document: Any, blanks: Blanks) -> Any:
    """Return *document* with its blanks filled, in keys as well.

    Raises:
        KeyError: if there is no value for one of them.
    """
    if isinstance(document, str):
        alone = _BLANK.fullmatch(document)
        return blanks[alone[1]] if alone else _BLANK.sub(lambda blank: str(blanks[blank[1]]), document)
    if isinstance(document, Mapping):
        return {filled(key, blanks): filled(value, blanks) for key, value in document.items()}
    if isinstance(document, (list, tuple)):
        return [filled(item, blanks) for item in document]
    return document


def _statement(
    effect: str,
    sid: str,
    actions: Mapping[str, Any],
    resources: Iterable[str] = ("*",),
    condition: Mapping[str, Any] | None = None,
) -> Document:
    statement: Document = {"Sid": sid, "Effect": effect, **actions, "Resource": _short(resources)}
    return {**statement, "Condition": condition} if condition else statement


def _short(values: Iterable[str]) -> Any:
    """Return a list, sorted, or its only item: a boundary has to be short."""
    items = sorted(values)
    return items[0] if len(items) == 1 else items
