"""Expressions of a template, evaluated.

Source: "Intrinsic function reference" and "Condition functions" in the CloudFormation user guide.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from sandbox.aws.cloudformation.references import (
    PLACEHOLDER,
    Reference,
    attribute_reference,
    function_of,
    substitution,
    variable_reference,
)
from sandbox.aws.errors import AwsError, validation_error

UNKNOWN: Final = "{{changeSet:KNOWN_AFTER_APPLY}}"
"""Stands for what is known only once a resource has been made."""
_FEWEST_OPERANDS: Final = 2
_MOST_OPERANDS: Final = 10


class _NoValue:
    """What `AWS::NoValue` evaluates to: whatever holds it loses it."""


NO_VALUE: Final = _NoValue()


class Scope:
    """Where names in a template get their values from.

    Args:
        values: Parameters and pseudo parameters; lists for those of list types.
        conditions: The template's conditions, unevaluated.
        resource: Tells what `Ref` (no attribute) or `Fn::GetAtt` gives for a resource.
    """

    def __init__(
        self, values: Mapping[str, Any], conditions: Mapping[str, Any], resource: Callable[[Reference], str]
    ) -> None:
        self._values = values
        self._conditions = conditions
        self._resource = resource

    def evaluate(self, value: Any) -> Any:
        """The value with all its functions applied; members that are `AWS::NoValue` are left out.

        Raises:
            AwsError: `ValidationError` for arguments that do not fit, `NotModelled` for unknown functions.
        """
        function = function_of(value)
        if function is not None:
            return self._apply(*function)
        if isinstance(value, dict):
            members = {key: self.evaluate(member) for key, member in value.items()}
            return {key: member for key, member in members.items() if member is not NO_VALUE}
        if isinstance(value, list):
            return [item for item in map(self.evaluate, value) if item is not NO_VALUE]
        return value

    def holds(self, name: str | None) -> bool:
        """Whether a condition of the template holds; None always does."""
        return name is None or self._decide(self._conditions[name])

    def _apply(self, name: str, argument: Any) -> Any:
        appliers: dict[str, Callable[[Any], Any]] = {
            "Ref": lambda value: self._look_up(Reference(value)),
            "Fn::GetAtt": lambda value: self._look_up(attribute_reference(value)),
            "Fn::If": self._if,
            "Fn::Join": self._join,
            "Fn::Select": self._select,
            "Fn::Split": self._split,
            "Fn::Sub": self._sub,
        }
        if name not in appliers:
            raise validation_error(f"Template error: {name} cannot be used outside the Conditions of a template")
        return appliers[name](argument)

    def _look_up(self, reference: Reference) -> Any:
        if reference.attribute is None and reference.name == "AWS::NoValue":
            return NO_VALUE
        if reference.attribute is None and reference.name in self._values:
            return self._values[reference.name]
        return self._resource(reference)

    def _if(self, argument: Any) -> Any:
        name, then, otherwise = _arguments("Fn::If", argument, 3)
        return self.evaluate(then if self.holds(name) else otherwise)

    def _join(self, argument: Any) -> str:
        delimiter, items = _arguments("Fn::Join", argument, 2)
        return str(delimiter).join(map(text_of, self._list("Fn::Join", items)))

    def _select(self, argument: Any) -> Any:
        index, items = _arguments("Fn::Select", argument, 2)
        position, values = str(self.evaluate(index)), self._list("Fn::Select", items)
        if UNKNOWN in values:
            return UNKNOWN
        if not position.isdigit() or int(position) >= len(values):
            raise validation_error(f"Template error: Fn::Select cannot select nonexistent value at index {position}")
        return values[int(position)]

    def _split(self, argument: Any) -> list[str]:
        delimiter, text = _arguments("Fn::Split", argument, 2)
        whole = text_of(self.evaluate(text))
        return [UNKNOWN] if UNKNOWN in whole else whole.split(str(delimiter))

    def _sub(self, argument: Any) -> str:
        text, variables = substitution(argument)
        given = {name: self.evaluate(value) for name, value in variables.items()}

        def replacement(name: str) -> str:
            return text_of(given[name] if name in given else self._look_up(variable_reference(name)))

        return PLACEHOLDER.sub(lambda match: replacement(match[1]), text).replace("${!", "${")

    def _list(self, function: str, value: Any) -> list[Any]:
        items = self.evaluate(value)
        if not isinstance(items, list):
            raise _unfitting(function)
        return items

    def _decide(self, expression: Any) -> bool:
        name, argument = _condition_function(expression)
        if name == "Condition":
            return self.holds(argument)
        if name == "Fn::Equals":
            left, right = map(self.evaluate, _arguments(name, argument, 2))
            return text_of(left) == text_of(right)
        if name == "Fn::Not":
            return not self._decide(_arguments(name, argument, 1)[0])
        return (all if name == "Fn::And" else any)(map(self._decide, _operands(name, argument)))


def text_of(value: Any) -> str:
    """A scalar as CloudFormation writes it into text; a list, as a comma-delimited one."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return ",".join(map(text_of, value)) if isinstance(value, list) else str(value)


def check_condition(expression: Any) -> set[str]:
    """Check the form of a condition's expression.

    Returns:
        The other conditions it names.

    Raises:
        AwsError: `ValidationError`.
    """
    name, argument = _condition_function(expression)
    if name == "Condition":
        return {str(argument)}
    if name == "Fn::Equals":
        _arguments(name, argument, 2)
        return set()
    inner = _arguments(name, argument, 1) if name == "Fn::Not" else _operands(name, argument)
    return set().union(*map(check_condition, inner))


def _condition_function(expression: Any) -> tuple[str, Any]:
    if isinstance(expression, dict) and set(expression) == {"Condition"}:
        return "Condition", expression["Condition"]
    function = function_of(expression)
    if function is None or function[0] not in {"Fn::And", "Fn::Equals", "Fn::Not", "Fn::Or"}:
        raise validation_error("Template format error: Conditions can only be boolean operations on parameters")
    return function


def _operands(name: str, argument: Any) -> list[Any]:
    if not isinstance(argument, list) or not _FEWEST_OPERANDS <= len(argument) <= _MOST_OPERANDS:
        raise validation_error(
            f"Template error: every {name} object requires a list of at least {_FEWEST_OPERANDS} and at most"
            f" {_MOST_OPERANDS} boolean parameters."
        )
    return argument


def _arguments(name: str, argument: Any, count: int) -> list[Any]:
    if not isinstance(argument, list) or len(argument) != count:
        raise _unfitting(name)
    return argument


def _unfitting(name: str) -> AwsError:
    return validation_error(f"Template error: the arguments of {name} do not fit it")
