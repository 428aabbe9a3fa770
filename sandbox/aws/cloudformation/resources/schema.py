"""What properties a type of resource takes, and how a resource's properties break that.

Source: the resource provider schemas of each type, and "Template reference" in the CloudFormation user guide.
"""

from __future__ import annotations

import builtins
import json
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

Properties = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Violation:
    """A property that does not fit.

    Attributes:
        message: As early validation says it.
        handler_message: As it is said when the resource itself is tried.
        property: The property; None for one that is missing.
    """

    message: str
    handler_message: str
    property: str | None = None

    @builtins.property
    def path(self) -> str:
        """Where it is, below the resource."""
        return f"/Properties/{self.property}" if self.property else "/Properties"


Kind = Callable[[Any], bool]


def _is_text(value: Any) -> bool:
    return isinstance(value, str | int | float | bool)


def _is_integer(value: Any) -> bool:
    return str(value).lstrip("-").isdigit()


def _is_object(value: Any) -> bool:
    if isinstance(value, dict):
        return True
    try:
        return isinstance(value, str) and isinstance(json.loads(value), dict)
    except ValueError:
        return False


def _is_texts(value: Any) -> bool:
    return isinstance(value, list) and all(map(_is_text, value))


def _is_tags(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(tag, dict) and set(tag) == {"Key", "Value"} for tag in value)


def _is_policies(value: Any) -> bool:
    return isinstance(value, list) and all(
        isinstance(policy, dict) and set(policy) == {"PolicyName", "PolicyDocument"} for policy in value
    )


def _is_structure(*members: str, required: Collection[str] = ()) -> Kind:
    """A test for objects of some members."""
    return lambda value: isinstance(value, dict) and set(required) <= set(value) <= set(members)


def _is_list_of(kind: Kind) -> Kind:
    return lambda value: isinstance(value, list) and all(map(kind, value))


KINDS: Final[Mapping[str, Kind]] = {
    "String": _is_text,
    "Integer": _is_integer,
    "JSONObject": _is_object,
    "Array of String": _is_texts,
    "Array of Tag": _is_tags,
    "Array of Policy": _is_policies,
    "Array of Parameter": _is_list_of(
        _is_structure("ParameterKey", "ParameterValue", required=("ParameterKey", "ParameterValue"))
    ),
    "Array of StackInstances": _is_list_of(
        _is_structure("DeploymentTargets", "ParameterOverrides", "Regions", required=("DeploymentTargets", "Regions"))
    ),
    "AutoDeployment": _is_structure("DependsOn", "Enabled", "RetainStacksOnAccountRemoval"),
    "ManagedExecution": _is_structure("Active"),
    "OperationPreferences": _is_structure(
        "ConcurrencyMode",
        "FailureToleranceCount",
        "FailureTolerancePercentage",
        "MaxConcurrentCount",
        "MaxConcurrentPercentage",
        "RegionConcurrencyType",
        "RegionOrder",
    ),
}


@dataclass(frozen=True, slots=True)
class Schema:
    """What a type takes and gives.

    Attributes:
        properties: Each with its kind, a key of `KINDS`.
        required: Those that must be there.
        create_only: Those whose change takes a new physical resource.
        unmodelled: Those that AWS has and the sandbox has not; refused by name.
        attributes: What `Fn::GetAtt` can ask for.
        name: The property that names the physical resource; None if it cannot be named.
        capability: What the caller has to acknowledge, if anything.
    """

    properties: Mapping[str, str]
    required: frozenset[str] = frozenset()
    create_only: frozenset[str] = frozenset()
    unmodelled: frozenset[str] = frozenset()
    attributes: frozenset[str] = frozenset()
    name: str | None = None
    capability: str | None = None
    identifiers: tuple[str, ...] = field(default=())

    def violations(self, properties: Properties) -> Iterator[Violation]:
        """How properties, evaluated, break the schema."""
        for name in sorted(self.required - set(properties)):
            yield Violation(f"Required property [{name}] not found", f"#: required key [{name}] not found")
        for name, value in properties.items():
            kind = self.properties.get(name)
            if kind is None:
                yield Violation(
                    f"Unsupported property [{name}]",
                    f"#: extraneous key [{name}] is not permitted",
                    name,
                )
            elif not KINDS[kind](value):
                message = f"expected type: {kind}, found: {type(value).__name__.capitalize()}"
                yield Violation(message, f"#/{name}: {message}", name)
