"""Everything that a structural schema constrains, found by walking it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

Json = dict[str, Any]

_BOUNDS = frozenset(
    {
        "enum",
        "pattern",
        "minLength",
        "maxLength",
        "minItems",
        "maxItems",
        "minProperties",
        "maxProperties",
        "minimum",
        "maximum",
        "x-kubernetes-list-type",
    }
)
_UNCONSTRAINING = frozenset(
    {
        "type",  # has tests of its own, made from the schema
        "description",
        "default",
        "properties",
        "items",
        "additionalProperties",
        "x-kubernetes-list-map-keys",
        "x-kubernetes-map-type",
    }
)
_NUMBER_FORMATS = frozenset({"int32", "int64"})  # a width for clients; minimum and maximum are what binds


@dataclass(frozen=True, order=True)
class Constraint:
    """One keyword at one path; ``[]`` stands for a list's items, ``{}`` for a dictionary's values."""

    path: str
    keyword: str

    def __str__(self) -> str:
        return f"{self.path} {self.keyword}"


@dataclass(frozen=True)
class Node:
    """One node of the schema."""

    path: str
    schema: Json


def nodes(schema: Json, path: str = "") -> Iterator[Node]:
    """Yield *schema* and all nodes below it, but for the object's metadata."""
    yield Node(path, schema)
    for name, child in schema.get("properties", {}).items():
        if (path, name) != ("", "metadata"):
            yield from nodes(child, f"{path}.{name}".lstrip("."))
    if "items" in schema:
        yield from nodes(schema["items"], f"{path}[]")
    if "additionalProperties" in schema:
        yield from nodes(schema["additionalProperties"], f"{path}{{}}")


def constraints(schema: Json) -> Iterator[Constraint]:
    """Yield every constraint of *schema*.

    Raises:
        LookupError: if a keyword is neither a known constraint nor known to be none.
    """
    for node in nodes(schema):
        for keyword, value in node.schema.items():
            for name in _names(keyword, value):
                yield Constraint(node.path, name)


def _names(keyword: str, value: Any) -> list[str]:
    if keyword == "required":
        return [f"required {name}" for name in value]
    if keyword == "x-kubernetes-validations":
        return [f"rule: {rule['message']}" for rule in value]
    if keyword == "format":
        return [] if value in _NUMBER_FORMATS else [f"format {value}"]
    if keyword in _BOUNDS:
        return [keyword]
    if keyword in _UNCONSTRAINING:
        return []
    raise LookupError(f"a keyword without a place in this table: {keyword}")
