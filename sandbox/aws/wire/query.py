"""The query protocol (IAM, STS, CloudFormation): form fields in, XML out.

Source: "AWS Query protocol" in the Smithy documentation.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl
from xml.etree import ElementTree as ET

from botocore.model import ListShape, OperationModel, Shape, StructureShape

from sandbox.aws.errors import AwsError, not_modelled
from sandbox.aws.wire.server import HttpResponse

_ERROR_NAMESPACE = "https://iam.amazonaws.com/doc/2010-05-08/"


def form_fields(body: bytes) -> dict[str, str]:
    """Decode a form body.

    Raises:
        AwsError: `MalformedQueryString` when it is not UTF-8, or a field comes twice.
    """
    try:
        pairs = parse_qsl(body.decode(), keep_blank_values=True, errors="strict")
    except UnicodeDecodeError:
        raise AwsError("MalformedQueryString", "The query string is not in UTF-8.") from None
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise AwsError("MalformedQueryString", "The query string contains a parameter more than once.")
    return fields


def parse(operation: OperationModel, fields: Mapping[str, str]) -> dict[str, Any]:
    """Build the operation's parameters from form fields, typed by its model.

    Args:
        operation: The operation's model.
        fields: Form fields such as `Tags.member.1.Key`, without `Action` and `Version`.

    Raises:
        AwsError: `NotModelled` for a parameter the model does not know (AWS would ignore it), or
            `MalformedInput` for a value that cannot be read.
    """
    tree: dict[str, Any] = {}
    for name, value in fields.items():
        node = tree
        *parents, leaf = name.split(".")
        for part in parents:
            node = node.setdefault(part, {})
            if not isinstance(node, dict):
                raise _malformed(name)
        node[leaf] = value
    shape = operation.input_shape
    if not isinstance(shape, StructureShape):
        return dict(tree)
    return _structure(shape, tree, operation.name)


def _structure(shape: StructureShape, node: Mapping[str, Any], path: str) -> dict[str, Any]:
    unknown = sorted(set(node) - set(shape.members))
    if unknown:
        raise not_modelled(f"parameter {unknown[0]} of {path}")
    return {name: _value(shape.members[name], child, f"{path}.{name}") for name, child in node.items()}


def _value(shape: Shape, node: Any, path: str) -> Any:
    if isinstance(shape, ListShape):
        return _list(shape, node, path)
    if isinstance(shape, StructureShape):
        if not isinstance(node, dict):
            raise _malformed(path)
        return _structure(shape, node, path)
    if not isinstance(node, str):
        raise _malformed(path)
    return _scalar(shape, node, path)


def _list(shape: ListShape, node: Any, path: str) -> list[Any]:
    if node == "":  # how an empty list is sent
        return []
    items = node.get("member") if isinstance(node, dict) and set(node) == {"member"} else None
    if not isinstance(items, dict) or not all(number.isdigit() for number in items):
        raise _malformed(path)
    return [_value(shape.member, items[number], path) for number in sorted(items, key=int)]


def _scalar(shape: Shape, text: str, path: str) -> str | int | bool:
    match shape.type_name:
        case "string":
            return text
        case "integer" if text.lstrip("-").isdigit():
            return int(text)
        case "boolean" if text in {"true", "false"}:
            return text == "true"
        case "integer" | "boolean":
            raise _malformed(path)
        case other:
            raise not_modelled(f"a {other} in {path}")


def _malformed(path: str) -> AwsError:
    return AwsError("MalformedInput", f"The value of {path} cannot be read.")


def render(operation: OperationModel, result: Mapping[str, Any], request_id: str) -> HttpResponse:
    """Answer with a result, shaped by the operation's model.

    Raises:
        KeyError: The result has a member that the model has not: an error in the sandbox.
    """
    root = ET.Element(f"{operation.name}Response", xmlns=operation.service_model.metadata["xmlNamespace"])
    shape = operation.output_shape
    if isinstance(shape, StructureShape):
        wrapper = shape.serialization.get("resultWrapper", f"{operation.name}Result")
        _render_structure(ET.SubElement(root, wrapper), shape, result)
    metadata = ET.SubElement(root, "ResponseMetadata")
    ET.SubElement(metadata, "RequestId").text = request_id
    return _xml(200, root, request_id)


def render_error(error: AwsError, request_id: str) -> HttpResponse:
    """Answer with an error."""
    root = ET.Element("ErrorResponse", xmlns=_ERROR_NAMESPACE)
    details = ET.SubElement(root, "Error")
    ET.SubElement(details, "Type").text = "Sender" if error.status < 500 else "Receiver"  # noqa: PLR2004 -- HTTP
    ET.SubElement(details, "Code").text = error.code
    ET.SubElement(details, "Message").text = error.message
    ET.SubElement(root, "RequestId").text = request_id
    return _xml(error.status, root, request_id)


def _render_structure(parent: ET.Element, shape: StructureShape, value: Mapping[str, Any]) -> None:
    for name, member in value.items():
        if member is not None:
            _render(ET.SubElement(parent, name), shape.members[name], member)


def _render(element: ET.Element, shape: Shape, value: Any) -> None:
    if isinstance(shape, StructureShape):
        _render_structure(element, shape, value)
    elif isinstance(shape, ListShape):
        for item in value:
            _render(ET.SubElement(element, "member"), shape.member, item)
    else:
        element.text = _text(value)


def _text(value: str | float | datetime) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%dT%H:%M:%SZ")
    return str(value)


def _xml(status: int, root: ET.Element, request_id: str) -> HttpResponse:
    headers = {"Content-Type": "text/xml", "x-amzn-RequestId": request_id}
    return HttpResponse(status, ET.tostring(root, encoding="utf-8"), headers)
