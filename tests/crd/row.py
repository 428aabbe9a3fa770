"""Rows of the table of constraints: what one constraint admits and what it refuses."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tests.crd.constraints import Constraint

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(frozen=True)
class Row:
    """One constraint by example: values at its path, in an otherwise minimal manifest.

    Attributes:
        sentence: What the constraint demands.
        path: The constrained field, as `tests.crd.manifests.changed` reads it.
        keyword: The schema's keyword, see `tests.crd.constraints`.
        admitted: A value that just passes.
        refused: A value that just doesn't.
        message: Part of the API server's answer to it.
        before: For rules about updates: the value of the stored object.
    """

    sentence: str
    path: str
    keyword: str
    admitted: Any
    refused: Any
    message: str
    before: Any = None

    @property
    def constraint(self) -> Constraint:
        """The constraint that the row covers."""
        return Constraint(self.path, self.keyword)

    @property
    def is_about_updates(self) -> bool:
        """Whether a stored object is needed."""
        return self.before is not None


@dataclass(frozen=True)
class Required:
    """A row for a required property: it is refused when absent."""

    path: str
    name: str
    value: Any

    @property
    def constraint(self) -> Constraint:
        """The constraint that the row covers."""
        return Constraint(self.path, f"required {self.name}")

    @property
    def property_path(self) -> str:
        """The path of the property itself."""
        return f"{self.path}.{self.name}".lstrip(".")


def shown(value: Any) -> str:
    """Return *value* in short, for a test's name."""
    text = json.dumps(value)
    return re.sub(r"(\w)\1{9,}", lambda run: f"{run[1]}*{len(run[0])}", text)


def bounded_text(
    path: str, longest: int, *, shortest: int = 0, letter: str = "a", admitted: str | None = None
) -> Iterator[Row]:
    """Yield the rows of a text's lengths in characters.

    Args:
        path: The constrained field.
        longest: The most characters.
        shortest: The fewest characters.
        letter: A character of which the examples are made.
        admitted: The longest example, where the pattern forbids one of a single letter.
    """
    yield Row(
        f"{path} has at most {longest} characters",
        path,
        "maxLength",
        admitted or letter * longest,
        letter * (longest + 1),
        f"may not be more than {longest} ",
    )
    if shortest:
        yield Row(
            f"{path} has at least {shortest} characters",
            path,
            "minLength",
            letter * shortest,
            letter * (shortest - 1),
            f"should be at least {shortest} chars long",
        )


def pattern(path: str, sentence: str, admitted: str, *refused: str) -> Iterator[Row]:
    """Yield a row for each refused text."""
    for text in refused:
        yield Row(f"{path} {sentence}, unlike {text!r}", path, "pattern", admitted, text, "should match '^")


def dns_subdomain(path: str) -> Iterator[Row]:
    """Yield the rows of an object's name (Kubernetes, "Object Names and IDs")."""
    yield from bounded_text(path, 253, shortest=1)
    yield from pattern(path, "is a DNS subdomain", "a-1.b", "A", "a_b", "-a", "a-", "a..b", "a\n", "ä")


def label_value(path: str) -> Iterator[Row]:
    """Yield the rows of a label's value (Kubernetes, "Labels and Selectors")."""
    yield from bounded_text(path, 63)
    yield from pattern(path, "may be empty", "", " ")
    yield from pattern(path, "is a label value", "A-b_c.9", "-a", "a-", "a b", "a/b", "a\n")


def quantity(path: str) -> Iterator[Row]:
    """Yield the rows of an amount of CPU or memory (Kubernetes API, Quantity)."""
    yield from bounded_text(path, 32, shortest=1, letter="1")
    yield from pattern(path, "is a quantity", "1.5Gi", "1 Gi", "-1", "+1", "1.", ".5", "1gb", "1K", "1e3", "one", "1\n")


def choice(path: str, refused: str, *admitted: str) -> Iterator[Row]:
    """Yield a row for each of the admitted values."""
    for value in admitted:
        yield Row(f"{path} can be {value}, not {refused}", path, "enum", value, refused, "Unsupported value: ")


def at_most(path: str, most: int, unit: str, values: list[Any] | dict[str, Any]) -> Row:
    """Return the row of the longest list or dictionary; *values* has one entry too many."""
    keyword = "maxItems" if isinstance(values, list) else "maxProperties"
    fewer: Any = values[:most] if isinstance(values, list) else dict(list(values.items())[:most])
    return Row(f"{path} has at most {most} {unit}", path, keyword, fewer, values, f"must have at most {most} ")


def numbers(path: str, least: int, most: int | None = None) -> Iterator[Row]:
    """Yield the rows of an integer's range."""
    yield Row(
        f"{path} is at least {least}",
        path,
        "minimum",
        least,
        least - 1,
        f"should be greater than or equal to {least}",
    )
    if most is not None:
        yield Row(
            f"{path} is at most {most}",
            path,
            "maximum",
            most,
            most + 1,
            f"should be less than or equal to {most}",
        )


def rule(path: str, message: str, sentence: str, admitted: Any, *refused: Any, before: Any = None) -> Iterator[Row]:
    """Yield a row for each value that a CEL rule refuses with *message*."""
    for value in refused:
        case = sentence if len(refused) == 1 else f"{sentence}, unlike {shown(value)}"
        yield Row(f"{path} {case}", path, f"rule: {message}", admitted, value, message, before)
