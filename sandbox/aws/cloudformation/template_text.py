"""The text of a template, JSON or YAML with the short forms of functions, into plain data.

Source: "CloudFormation template formats" and "Intrinsic function reference" in the CloudFormation user guide.
"""

from __future__ import annotations

import json
from collections.abc import Hashable
from typing import Any, Final

import yaml

from sandbox.aws.errors import not_modelled, validation_error

_TIMESTAMP: Final = "tag:yaml.org,2002:timestamp"


class _Loader(yaml.SafeLoader):
    """YAML as CloudFormation reads it: no aliases, no dates, functions by tag."""

    yaml_implicit_resolvers = {  # noqa: RUF012 -- as in the base class # `Version: 2012-10-17` is text
        first: [(tag, pattern) for tag, pattern in resolvers if tag != _TIMESTAMP]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            raise validation_error("Template error: YAML aliases are not allowed in CloudFormation templates")
        return super().compose_node(parent, index)

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:  # noqa: FBT001, FBT002 -- the base class' signature
        names = [self.construct_object(key, deep=True) for key, _ in node.value]
        if len(set(names)) != len(names):
            raise not_modelled("a key that a template has twice")
        return super().construct_mapping(node, deep)


def _function(loader: _Loader, tag: str, node: yaml.Node) -> dict[str, Any]:
    value = _argument(loader, node)
    if tag in {"Ref", "Condition"}:
        return {tag: value}
    if tag == "GetAtt" and isinstance(value, str):
        return {"Fn::GetAtt": value.split(".", 1)}
    return {f"Fn::{tag}": value}


def _argument(loader: _Loader, node: yaml.Node) -> Any:
    if isinstance(node, yaml.SequenceNode):
        return loader.construct_sequence(node, deep=True)
    if isinstance(node, yaml.MappingNode):
        return loader.construct_mapping(node, deep=True)
    return loader.construct_scalar(node)  # type: ignore[arg-type]  # the third kind of node there is


_Loader.add_multi_constructor("!", _function)


def parse(text: str) -> dict[str, Any]:
    """Read a template's text.

    Args:
        text: JSON if it begins with a brace, else YAML.

    Raises:
        AwsError: `ValidationError` when it is neither, or not an object.
    """
    data = _parsed_json(text) if text.lstrip().startswith("{") else _parsed_yaml(text)
    if not isinstance(data, dict):
        raise validation_error("Template format error: unsupported structure.")
    return data


def _parsed_json(text: str) -> Any:
    try:
        return json.loads(text, object_pairs_hook=_without_duplicates)
    except json.JSONDecodeError as error:
        where = f"(line {error.lineno}, column {error.colno})"
        raise validation_error(f"Template format error: JSON not well-formed. {where}") from None


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise not_modelled("a key that a template has twice")
    return members


def _parsed_yaml(text: str) -> Any:
    try:
        return yaml.load(text, _Loader)  # noqa: S506 -- derived from the safe loader
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        where = f" (line {mark.line + 1}, column {mark.column + 1})" if mark else ""
        raise validation_error(f"Template format error: YAML not well-formed.{where}") from None
    except yaml.YAMLError:
        raise validation_error("Template format error: YAML not well-formed.") from None
