"""The vocabulary with which the models speak to the API server: list types, CEL rules, strictness.

Whatever the API server checks beyond types and bounds is said twice here, side by side: for the API server in
CEL, and for the model in Python, so that a spec that went around the API server's checks is refused as well.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Self

from pydantic import BaseModel, ConfigDict, GetCoreSchemaHandler, GetJsonSchemaHandler, model_validator
from pydantic.alias_generators import to_camel
from pydantic_core import CoreSchema, core_schema

JsonSchema = dict[str, Any]


@dataclass(frozen=True)
class Rule:
    """A CEL rule (``x-kubernetes-validations``), as annotation of a type or in `ApiModel.rules`.

    Attributes:
        rule: The rule in CEL.
        message: What to write instead.
        holds: The same rule in Python; none for a rule about updates, as only the API server knows the old object.
    """

    rule: str
    message: str
    holds: Callable[[Any], bool] | None = None

    def check(self, value: Any) -> Any:
        """Return *value*.

        Raises:
            ValueError: if the rule does not hold.
        """
        if self.holds is not None and not self.holds(value):
            raise ValueError(self.message)
        return value

    def add_to(self, schema: JsonSchema) -> None:
        """Add the rule to *schema*."""
        schema.setdefault("x-kubernetes-validations", []).append({"rule": self.rule, "message": self.message})

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_after_validator_function(self.check, handler(source))

    def __get_pydantic_json_schema__(self, core: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchema:
        schema: JsonSchema = handler(core)
        self.add_to(schema)
        return schema


@dataclass(frozen=True)
class ListType:
    """How server-side apply merges a list, and so what may not occur in it twice; an annotation of a list type.

    Source: Kubernetes documentation, "Server-Side Apply", merge strategy.

    A set takes scalars alone: the API server stores a set of objects, but cannot apply it.

    Attributes:
        keys: The fields that identify an item, as the manifest calls them; none makes the list a set.
    """

    keys: tuple[str, ...] = ()

    def check(self, items: Sequence[Any]) -> Sequence[Any]:
        """Return *items*.

        Raises:
            ValueError: if one occurs twice.
        """
        identities = [tuple(getattr(item, key) for key in self.keys) if self.keys else item for item in items]
        if len(set(identities)) < len(identities):
            raise ValueError("an item occurs twice: remove one")
        return items

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_after_validator_function(self.check, handler(source))

    def __get_pydantic_json_schema__(self, core: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchema:
        schema: JsonSchema = handler(core)
        schema["x-kubernetes-list-type"] = "map" if self.keys else "set"
        if self.keys:
            schema["x-kubernetes-list-map-keys"] = list(self.keys)
        return schema


class ApiModel(BaseModel):
    """A strict, frozen value with camelCase names on the wire; unknown fields are refused."""

    model_config = ConfigDict(
        alias_generator=to_camel,
        populate_by_name=True,
        extra="forbid",
        frozen=True,
        regex_engine="rust-regex",
    )

    rules: ClassVar[tuple[Rule, ...]] = ()

    @model_validator(mode="after")
    def _rules_hold(self) -> Self:
        for rule in self.rules:
            rule.check(self)
        return self

    @classmethod
    def __get_pydantic_json_schema__(cls, core: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchema:
        schema: JsonSchema = handler(core)
        resolved: JsonSchema = handler.resolve_ref_schema(schema)
        for rule in cls.rules:
            rule.add_to(resolved)
        return schema
