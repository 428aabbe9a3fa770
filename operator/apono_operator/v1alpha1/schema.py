"""The vocabulary with which the models speak to the API server: list types, CEL rules, strictness."""

from __future__ import annotations

from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel

JsonSchema = dict[str, Any]

LIST_SET: JsonSchema = {"x-kubernetes-list-type": "set"}
ATOMIC_MAP: JsonSchema = {"x-kubernetes-map-type": "atomic"}


def list_map(*keys: str) -> JsonSchema:
    """Return the schema extension of a list that server-side apply merges by *keys*.

    Source: Kubernetes documentation, "Server-Side Apply", merge strategy.
    """
    return {"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": list(keys)}


def cel(rule: str, message: str, **extra: str) -> JsonSchema:
    """Return one CEL rule (``x-kubernetes-validations``) whose *message* tells what to write instead."""
    return {"rule": rule, "message": message, **extra}


class ApiModel(BaseModel):
    """A strict, frozen value with camelCase names on the wire; unknown fields are refused."""

    model_config = ConfigDict(
        alias_generator=to_camel,
        populate_by_name=True,
        extra="forbid",
        frozen=True,
        regex_engine="rust-regex",
    )

    schema_extension: ClassVar[JsonSchema] = {}

    @classmethod
    def __get_pydantic_json_schema__(cls, core_schema: Any, handler: Any) -> JsonSchema:
        schema: JsonSchema = handler(core_schema)
        resolved: JsonSchema = handler.resolve_ref_schema(schema)
        resolved.update(cls.schema_extension)
        return schema
