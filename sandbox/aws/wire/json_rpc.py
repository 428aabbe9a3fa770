"""The JSON protocols of RPC style (Organizations): a JSON object in, one out.

Source: "AWS JSON 1.1 protocol" in the Smithy documentation.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from botocore.model import ListShape, OperationModel, Shape, StructureShape

from sandbox.aws.errors import AwsError, not_modelled
from sandbox.aws.wire.server import HttpResponse

_TYPES: Final[Mapping[str, type]] = {"string": str, "integer": int, "boolean": bool}


def parse(operation: OperationModel, body: bytes) -> dict[str, Any]:
    """Read the operation's parameters, typed by its model.

    Raises:
        AwsError: `SerializationException` for what cannot be read, `NotModelled` for a parameter that the
            model does not know (AWS would ignore it).
    """
    try:
        data = json.loads(body or b"{}")
    except ValueError:
        raise _unreadable(operation.name) from None
    shape = operation.input_shape
    if not isinstance(shape, StructureShape):
        return dict(data)
    return _structure(shape, data, operation.name)


def render(result: Mapping[str, Any], request_id: str) -> HttpResponse:
    """Answer with a result; members without a value are left out, times are seconds since 1970."""
    headers = {"Content-Type": "application/x-amz-json-1.1", "x-amzn-RequestId": request_id}
    return HttpResponse(200, json.dumps(_present(result)).encode(), headers)


def _structure(shape: StructureShape, node: Any, path: str) -> dict[str, Any]:
    if not isinstance(node, dict):
        raise _unreadable(path)
    unknown = sorted(set(node) - set(shape.members))
    if unknown:
        raise not_modelled(f"parameter {unknown[0]} of {path}")
    return {name: _value(shape.members[name], child, f"{path}.{name}") for name, child in node.items()}


def _value(shape: Shape, node: Any, path: str) -> Any:
    if isinstance(shape, StructureShape):
        return _structure(shape, node, path)
    if isinstance(shape, ListShape):
        if not isinstance(node, list):
            raise _unreadable(path)
        return [_value(shape.member, item, path) for item in node]
    kind = _TYPES.get(shape.type_name)
    if kind is None:
        raise not_modelled(f"a {shape.type_name} in {path}")
    if type(node) is not kind:
        raise _unreadable(path)
    return node


def _unreadable(path: str) -> AwsError:
    return AwsError("SerializationException", f"The value of {path} cannot be read.")


def _present(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _present(member) for name, member in value.items() if member is not None}
    if isinstance(value, list):
        return [_present(item) for item in value]
    return value.timestamp() if isinstance(value, datetime) else value
