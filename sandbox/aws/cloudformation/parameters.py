"""Parameters: what a template declares, and what a caller gives for them.

Source: "Parameters" in the CloudFormation user guide.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sandbox.aws.cloudformation.functions import text_of
from sandbox.aws.errors import AwsError, not_modelled, validation_error

_TYPES: Final = {"String", "Number", "List<Number>", "CommaDelimitedList"}
_KEYS: Final = {
    "AllowedPattern",
    "AllowedValues",
    "ConstraintDescription",
    "Default",
    "Description",
    "MaxLength",
    "MaxValue",
    "MinLength",
    "MinValue",
    "NoEcho",
    "Type",
}
_MOST: Final = 200
_LARGEST: Final = 4096
_NUMBER: Final = re.compile(r"-?\d+(\.\d+)?")
MASK: Final = "****"


@dataclass(frozen=True, slots=True)
class Declaration:
    """A parameter as the template declares it; bounds that are absent are None."""

    name: str
    type: str
    default: str | None
    description: str | None
    no_echo: bool
    allowed_values: tuple[str, ...]
    allowed_pattern: str | None
    length: tuple[int | None, int | None]
    value: tuple[float | None, float | None]
    constraint_description: str | None

    @property
    def is_list(self) -> bool:
        """Whether its value is a list, written with commas."""
        return self.type in {"List<Number>", "CommaDelimitedList"}

    def typed(self, text: str) -> str | list[str]:
        """A value as functions see it."""
        return [item.strip() for item in text.split(",")] if self.is_list and text else [] if self.is_list else text


def read_declarations(section: Any) -> dict[str, Declaration]:
    """Read a template's `Parameters`.

    Raises:
        AwsError: `ValidationError`, or `NotModelled` for types that need more than text.
    """
    if not isinstance(section, dict):
        raise validation_error("Template format error: [/Parameters] must be an object")
    if len(section) > _MOST:
        raise validation_error(
            f"Template format error: Number of parameters, {len(section)}, is greater than maximum allowed, {_MOST}"
        )
    return {name: _declaration(str(name), body) for name, body in section.items()}


def parameter_values(
    declarations: Mapping[str, Declaration], given: Sequence[Mapping[str, Any]], previous: Mapping[str, str]
) -> dict[str, str]:
    """The value of every declared parameter.

    Args:
        declarations: What the template declares.
        given: `Parameters` of the call.
        previous: The stack's values up to now; empty when it is made.

    Raises:
        AwsError: `ValidationError` for parameters that are unknown, missing or out of bounds.
    """
    chosen = given_values(given, previous)
    unknown = [name for name in chosen if name not in declarations]
    if unknown and not declarations:
        raise validation_error("Parameter values specified for a template which does not require them.")
    if unknown:
        raise validation_error(f"Parameters: [{', '.join(unknown)}] do not exist in the template")
    values = {name: chosen.get(name, declared.default) for name, declared in declarations.items()}
    missing = [name for name, value in values.items() if value is None]
    if missing:
        raise validation_error(f"Parameters: [{', '.join(missing)}] must have values")
    found = {name: value for name, value in values.items() if value is not None}
    for name, value in found.items():
        check_value(declarations[name], value)
    return found


def given_values(given: Sequence[Mapping[str, Any]], previous: Mapping[str, str]) -> dict[str, str]:
    """The values that a call gives, previous ones where it wants them.

    Raises:
        AwsError: `ValidationError` for a key that is missing or comes twice, or has no value.
    """
    values: dict[str, str] = {}
    for parameter in given:
        name = parameter.get("ParameterKey")
        if name is None or name in values:
            raise validation_error(f"Parameters have to have keys, each its own: {name}")
        values[name] = _given_value(name, parameter, previous)
    return values


def shown_parameters(declarations: Mapping[str, Declaration], values: Mapping[str, str]) -> list[dict[str, Any]]:
    """Parameters as the describing operations show them: secret ones masked."""
    return [
        {"ParameterKey": name, "ParameterValue": MASK if declarations[name].no_echo else value}
        for name, value in values.items()
    ]


def check_value(declared: Declaration, value: str) -> None:
    """Hold a value against its declaration.

    Raises:
        AwsError: `ValidationError`, with the declaration's own description of the constraint if it has one.
    """
    if len(value.encode()) > _LARGEST:
        raise validation_error(f"Parameter '{declared.name}' exceeds the limit of {_LARGEST} bytes")
    items = declared.typed(value) if declared.is_list else [value]
    broken = next((reason for item in items for reason in _broken(declared, item)), None)
    if broken is None:
        return
    if declared.constraint_description:
        broken = f"failed to satisfy constraint: {declared.constraint_description}"
    raise validation_error(f"Parameter '{declared.name}' {broken}")


def _broken(declared: Declaration, value: str) -> Iterable[str]:
    shortest, longest = declared.length
    if declared.allowed_values and value not in declared.allowed_values:
        yield "must be one of AllowedValues"
    if declared.allowed_pattern and not re.fullmatch(declared.allowed_pattern, value, re.ASCII):
        yield f"must match pattern {declared.allowed_pattern}"
    if shortest is not None and len(value) < shortest:
        yield f"must contain at least {shortest} characters"
    if longest is not None and len(value) > longest:
        yield f"must contain at most {longest} characters"
    if declared.type in {"Number", "List<Number>"}:
        yield from _broken_number(declared, value)


def _broken_number(declared: Declaration, value: str) -> Iterable[str]:
    least, most = declared.value
    if not _NUMBER.fullmatch(value):
        yield "must be a number"
    elif least is not None and float(value) < least:
        yield f"must be a number not less than {least:g}"
    elif most is not None and float(value) > most:
        yield f"must be a number not greater than {most:g}"


def _given_value(name: str, parameter: Mapping[str, Any], previous: Mapping[str, str]) -> str:
    if not parameter.get("UsePreviousValue"):
        if "ParameterValue" not in parameter:
            raise validation_error(f"Parameters: [{name}] must have values")
        return str(parameter["ParameterValue"])
    if "ParameterValue" in parameter:
        raise _invalid(name, "and non empty value for a parameter")
    if name not in previous:
        raise _invalid(name, "for a parameter key not in the previous template")
    return previous[name]


def _invalid(name: str, why: str) -> AwsError:
    return validation_error(f"Invalid input for parameter key {name}. Cannot specify usePreviousValue as true {why}")


def _declaration(name: str, body: Any) -> Declaration:
    if not name.isalnum():
        raise validation_error(f"Template format error: Parameter name {name} is non alphanumeric.")
    if not isinstance(body, dict) or "Type" not in body:
        raise validation_error("Template format error: Every Parameters object must contain a Type member.")
    unknown = set(body) - _KEYS
    if unknown:
        raise validation_error(f"Invalid template parameter property '{min(unknown)}'")
    kind = str(body["Type"])
    if kind not in _TYPES:
        if kind.startswith(("AWS::", "List<AWS::")):
            raise not_modelled(f"the parameter type {kind}")
        raise validation_error(f"Template format error: Unrecognized parameter type: {kind}")
    declared = _read(name, kind, body)
    if declared.default is not None:
        check_value(declared, declared.default)
    return declared


def _read(name: str, kind: str, body: Mapping[str, Any]) -> Declaration:
    def text(key: str) -> str | None:
        return text_of(body[key]) if key in body else None

    def bound(key: str) -> float | None:
        return float(body[key]) if key in body else None

    def length(key: str) -> int | None:
        return int(body[key]) if key in body else None

    return Declaration(
        name=name,
        type=kind,
        default=text("Default"),
        description=text("Description"),
        no_echo=text("NoEcho") == "true",
        allowed_values=tuple(map(text_of, body.get("AllowedValues", []))),
        allowed_pattern=text("AllowedPattern"),
        length=(length("MinLength"), length("MaxLength")),
        value=(bound("MinValue"), bound("MaxValue")),
        constraint_description=text("ConstraintDescription"),
    )
