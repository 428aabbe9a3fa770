"""IAM policy documents, compared by what they mean.

IAM gives a document back in another shape than it was sent: lists of one become scalars, the order changes.
Everything is normalised once, in the constructor, so that drift is ``!=``.

Source: IAM User Guide, "Grammar of the IAM JSON policy language".
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

Document = Mapping[str, Any]

POLICY_VERSION = "2012-10-17"
_ACCOUNT_ROOT = re.compile(r"^arn:aws[a-z-]*:iam::(\d{12}):root$")


@dataclass(frozen=True)
class PolicyDocument:
    """A policy document; two are equal if they grant the same by the same words.

    Statement order, ``Sid``, scalars against lists, the order inside lists, the case of actions and condition
    keys, and the two ways to write an account principal make no difference.
    """

    meaning: str
    """The canonical form as JSON: sorted, without white space. This alone is compared."""

    document: Document = field(compare=False, repr=False)
    """The document as it was given."""

    @classmethod
    def of(cls, document: Document) -> PolicyDocument:
        """Make one from a parsed document.

        Raises:
            ValueError: if the document has no ``Statement``, or one that is not an object.
        """
        return cls(meaning=_compact(_canonical(document)), document=document)

    @property
    def statements(self) -> tuple[str, ...]:
        """The statements in canonical form, each as JSON without white space, sorted; none of one nobody can read."""
        return tuple(json.loads(self.meaning)["Statement"]) if self.meaning else ()

    @property
    def json(self) -> str:
        """The document as IAM takes it: JSON without white space, statements in the given order."""
        return json.dumps(self.document, separators=(",", ":"))


def _compact(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), sort_keys=True)


def _canonical(document: Document) -> Document:
    statements = document.get("Statement")
    if not statements:
        raise ValueError("a policy document needs at least one Statement")
    return {
        "Version": document.get("Version", "2008-10-17"),
        "Statement": sorted({_compact(_statement(one)) for one in _as_list(statements)}),
    }


def _statement(statement: Any) -> Document:
    if not isinstance(statement, Mapping):
        raise ValueError("a policy Statement must be an object")  # noqa: TRY004 -- the document is data, not an argument
    return {key: _ELEMENTS.get(key, _verbatim)(value) for key, value in statement.items() if key != "Sid"}


def _as_list(value: Any) -> list[Any]:
    return list(value) if isinstance(value, (list, tuple)) else [value]


def _verbatim(value: Any) -> Any:
    return value


def _strings(value: Any) -> list[str]:
    return sorted({_text(item) for item in _as_list(value)})


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _actions(value: Any) -> list[str]:
    return sorted({str(item).lower() for item in _as_list(value)})


def _principal(value: Any) -> Any:
    if value == "*":
        value = {"AWS": "*"}
    return {kind: sorted({_principal_name(item) for item in _as_list(names)}) for kind, names in value.items()}


def _principal_name(name: Any) -> str:
    root = _ACCOUNT_ROOT.match(str(name))
    return root.group(1) if root else str(name)


def _conditions(value: Any) -> Any:
    """Pairs, not a mapping: of two keys that differ in case alone, none may hide the other."""
    return {
        operator: sorted([str(key).lower(), _strings(values)] for key, values in keys.items())
        for operator, keys in value.items()
    }


_ELEMENTS = {
    "Action": _actions,
    "NotAction": _actions,
    "Resource": _strings,
    "NotResource": _strings,
    "Principal": _principal,
    "NotPrincipal": _principal,
    "Condition": _conditions,
}
