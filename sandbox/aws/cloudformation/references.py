"""What an expression in a template refers to, found without evaluating it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from sandbox.aws.errors import not_modelled, validation_error

MODELLED_FUNCTIONS: Final = {
    "Ref",
    "Fn::And",
    "Fn::Equals",
    "Fn::GetAtt",
    "Fn::If",
    "Fn::Join",
    "Fn::Not",
    "Fn::Or",
    "Fn::Select",
    "Fn::Split",
    "Fn::Sub",
}
PLACEHOLDER: Final = re.compile(r"\$\{(?!!)\s*([^}\s]+)\s*\}")
"""A variable within `Fn::Sub`; `${!Literal}` is none."""


@dataclass(frozen=True, slots=True)
class Reference:
    """A name that an expression depends on.

    Attributes:
        name: A parameter, a pseudo parameter or a resource.
        attribute: What `Fn::GetAtt` asks of a resource; None for `Ref`.
    """

    name: str
    attribute: str | None = None


def function_of(value: Any) -> tuple[str, Any] | None:
    """The function that an expression applies, with its argument; None for plain data.

    Raises:
        AwsError: `NotModelled` for a function that is not evaluated here, `ValidationError` for one that is
            not alone in its object.
    """
    if not isinstance(value, dict):
        return None
    names = [key for key in value if isinstance(key, str) and (key.startswith("Fn::") or key == "Ref")]
    if not names:
        return None
    if len(value) > 1:
        raise validation_error(f"Template error: {names[0]} has to be the only key of its object")
    if names[0] not in MODELLED_FUNCTIONS:
        raise not_modelled(f"the function {names[0]} in a template")
    return names[0], value[names[0]]


def references(value: Any) -> Iterator[Reference]:
    """Every name that a value refers to, however deep."""
    function = function_of(value)
    if function is not None:
        yield from _of_function(*function)
    elif isinstance(value, dict):
        for member in value.values():
            yield from references(member)
    elif isinstance(value, list):
        for item in value:
            yield from references(item)


def condition_names(value: Any) -> Iterator[str]:
    """The conditions that a value chooses by with `Fn::If`."""
    function = function_of(value)
    if function is not None and function[0] == "Fn::If" and isinstance(function[1], list) and function[1]:
        yield str(function[1][0])
        yield from condition_names(function[1][1:])
    elif isinstance(value, Mapping):
        for member in value.values():
            yield from condition_names(member)
    elif isinstance(value, list):
        for item in value:
            yield from condition_names(item)


def attribute_reference(argument: Any) -> Reference:
    """What `Fn::GetAtt` refers to.

    Raises:
        AwsError: `ValidationError`.
    """
    parts = argument.split(".", 1) if isinstance(argument, str) else argument
    if not isinstance(parts, list) or len(parts) != 2 or not all(isinstance(part, str) for part in parts):  # noqa: PLR2004 -- resource and attribute
        raise validation_error(
            "Template error: every Fn::GetAtt object requires two non-empty parameters, the resource name and the"
            " resource attribute"
        )
    return Reference(parts[0], parts[1])


def substitution(argument: Any) -> tuple[str, Mapping[str, Any]]:
    """The text of `Fn::Sub`, and the variables it brings along.

    Raises:
        AwsError: `ValidationError`.
    """
    if isinstance(argument, str):
        return argument, {}
    if isinstance(argument, list) and len(argument) == 2:  # noqa: PLR2004 -- text and variables
        text, variables = argument
        if isinstance(text, str) and isinstance(variables, dict):
            return text, variables
    raise validation_error(
        "Template error: One or more Fn::Sub intrinsic functions don't specify expected arguments. Specify a string"
        " as first argument, and an optional second argument to specify a mapping of values to replace in the string"
    )


def variable_reference(name: str) -> Reference:
    """What a variable of `Fn::Sub` refers to: `Name`, or `Resource.Attribute`."""
    resource, _, attribute = name.partition(".")
    return Reference(resource, attribute or None)


def _of_function(name: str, argument: Any) -> Iterator[Reference]:
    if name == "Ref":
        if not isinstance(argument, str):
            raise validation_error("Template error: every Ref object must have a single String value.")
        yield Reference(argument)
    elif name == "Fn::GetAtt":
        yield attribute_reference(argument)
    elif name == "Fn::Sub":
        yield from _of_substitution(argument)
    elif name == "Fn::If" and isinstance(argument, list):
        yield from references(argument[1:])
    else:
        yield from references(argument)


def _of_substitution(argument: Any) -> Iterator[Reference]:
    text, variables = substitution(argument)
    yield from references(variables)
    for variable in PLACEHOLDER.findall(text):
        if variable not in variables:
            yield variable_reference(variable)
