"""Every single change of a document, one at a time: whatever is compared has to notice each of them."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from typing import Any

Json = dict[str, Any]
Path = tuple[str | int, ...]

_OPPOSITES = {
    "Action": "NotAction",
    "NotAction": "Action",
    "Resource": "NotResource",
    "NotResource": "Resource",
    "Principal": "NotPrincipal",
    "StringEquals": "StringNotEquals",
    "StringLike": "StringNotLike",
}
_CASELESS = frozenset({"Action", "NotAction"})


def mutations(document: Mapping[str, Any]) -> Iterator[tuple[str, Json]]:
    """Yield each change of a policy document that gives it another meaning, with a name for it.

    Statements without a ``Sid`` are expected to differ in their resources.
    """
    for path in _paths(document["Statement"], ("Statement",)):
        name = ".".join(str(part) for part in path)
        yield from _changes_of_policy(document, path, name)


def _changes_of_policy(document: Mapping[str, Any], path: Path, name: str) -> Iterator[tuple[str, Json]]:
    value = _at(document, path)
    if path[-1] == "Sid":
        return
    if isinstance(value, str):
        yield f"{name}: another text", _with(document, path, f"{value}x")
        if value.swapcase() != value and not _CASELESS & set(path):
            yield f"{name}: another case", _with(document, path, value.swapcase())
    if isinstance(value, list):
        yield f"{name}: one more", _with(document, path, [*value, _one_more(path)])
    if path != ("Statement",) and (len(path), len(document["Statement"])) != (2, 1):
        yield f"{name}: gone", _without(document, path)
    if path[-1] in _OPPOSITES:
        yield f"{name}: the opposite", _renamed(document, path, _OPPOSITES[str(path[-1])])


def _one_more(path: Path) -> Any:
    return {"Effect": "Deny", "Action": "x:y", "Resource": "*"} if path == ("Statement",) else "x:y"


def altered(desired: Any, stored: Json) -> Iterator[tuple[Path, Json]]:
    """Yield *stored* with each value another that *desired* asks for, with the path to it."""
    for path in _leaves(desired):
        yield path, _with(stored, path, _another(path, _at(desired, path)))


def lacking(desired: Any, stored: Json) -> Iterator[tuple[Path, Json]]:
    """Yield *stored* without each value that *desired* asks for, with the path to it."""
    for path in _leaves(desired):
        yield path, _without(stored, path)


def _another(path: Path, value: Any) -> Any:
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return value + 1
    return "123" if {"requests", "limits"} & set(path) else f"{value}x"


def _leaves(value: Any) -> Iterator[Path]:
    """The paths to what is neither a container nor empty: the API server does not store what is empty."""
    for path in _paths(value, ()):
        found = _at(value, path)
        if not isinstance(found, (dict, list)) and found not in ("", None):
            yield path


def _paths(value: Any, path: Path) -> Iterator[Path]:
    """The paths to everything within *value*, itself included."""
    if path:
        yield path
    children = value.items() if isinstance(value, Mapping) else enumerate(value) if isinstance(value, list) else ()
    for key, child in children:
        yield from _paths(child, (*path, key))


def _at(document: Any, path: Path) -> Any:
    for part in path:
        document = document[part]
    return document


def _with(document: Any, path: Path, value: Any) -> Any:
    """Copy what lies on the way alone: there are many changes of a large document."""
    first, rest = path[0], path[1:]
    copied = copy.copy(document)
    copied[first] = _with(document[first], rest, value) if rest else value
    return copied


def _without(document: Any, path: Path) -> Any:
    holder = copy.copy(_at(document, path[:-1]))
    del holder[path[-1]]
    return _with(document, path[:-1], holder) if path[:-1] else holder


def _renamed(document: Any, path: Path, name: str) -> Any:
    holder = {name if key == path[-1] else key: value for key, value in _at(document, path[:-1]).items()}
    return _with(document, path[:-1], holder)
