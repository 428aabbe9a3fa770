"""CloudFormation templates as data: the functions that they are made of, and their text.

Source: CloudFormation User Guide, "Intrinsic function reference" and "Template anatomy".
"""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

import yaml

Template = Mapping[str, Any]

WIDTH = 120
NO_VALUE: Mapping[str, Any] = {"Ref": "AWS::NoValue"}


def ref(name: str) -> dict[str, Any]:
    """Return a reference to a parameter or a resource."""
    return {"Ref": name}


def attribute(resource: str, name: str) -> dict[str, Any]:
    """Return an attribute of a resource."""
    return {"Fn::GetAtt": [resource, name]}


def sub(text: str) -> dict[str, Any]:
    """Return *text* with its ``${…}`` to be filled in."""
    return {"Fn::Sub": text}


def if_(condition: str, then: Any, otherwise: Any = NO_VALUE) -> dict[str, Any]:
    """Return *then* where the template's *condition* holds; without *otherwise*, nothing is left elsewhere."""
    return {"Fn::If": [condition, then, otherwise]}


def is_given(parameter: str) -> dict[str, Any]:
    """Return the condition that a text parameter is not empty."""
    return {"Fn::Not": [{"Fn::Equals": [ref(parameter), ""]}]}


def account_in(parameter: str) -> dict[str, Any]:
    """Return the account's id in the ARN that a parameter holds."""
    return {"Fn::Select": [4, {"Fn::Split": [":", ref(parameter)]}]}


def substituted(value: Any) -> Any:
    """Return *value* with every text in it that holds ``${…}`` to be filled in; keys cannot be."""
    if isinstance(value, str):
        return sub(value) if "${" in value else value
    if isinstance(value, Mapping) and "Fn::Sub" not in value:
        return {key: substituted(member) for key, member in value.items()}
    if isinstance(value, (list, tuple)):
        return [substituted(item) for item in value]
    return value


def text_parameter(description: str, constraint: str = "", **bounds: Any) -> dict[str, Any]:
    """Return a parameter that holds a text.

    Args:
        description: What it is, for who fills it in.
        constraint: What is told of a value that is out of bounds; not needed for ``AllowedValues``.
        bounds: ``AllowedPattern``, ``AllowedValues``, ``MinLength``, ``MaxLength``, ``Default``, ``Type``.
    """
    told = {"ConstraintDescription": constraint} if constraint else {}
    return {"Type": "String", "Description": description, **bounds, **told}


def as_yaml(template: Template, header: str, notes: Mapping[str, str] | None = None) -> str:
    """Return *template* as YAML.

    Args:
        template: Its sections, in the order in which they are written.
        header: A comment for the top; its lines are kept.
        notes: Comments for the end of sections, by section; wrapped.
    """
    sections = (_section(name, content, (notes or {}).get(name, "")) for name, content in template.items())
    return "\n".join([_comment(header.splitlines()), *sections])


def _section(name: str, content: Any, note: str) -> str:
    text = yaml.dump({name: content}, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=WIDTH)
    return text + (_comment(textwrap.wrap(note, WIDTH - 4), indent="  ") if note else "")


def _comment(lines: Sequence[str], indent: str = "") -> str:
    return "".join(f"{indent}# {line}".rstrip() + "\n" for line in lines)


class _Dumper(yaml.SafeDumper):
    """Writes what comes twice twice, lists inside their keys, and texts of several lines as such."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002 -- PyYAML's signature
        return True

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:  # noqa: ARG002, FBT001, FBT002 -- as above
        super().increase_indent(flow, indentless=False)


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


_Dumper.add_representer(str, _text)
