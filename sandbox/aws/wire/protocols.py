"""Which protocol a request speaks, which operation it means, and how an error looks in it.

The query protocol and JSON 1.1 are served; the others are recognised so that a refusal arrives in their shape.
Source: the protocol documents of Smithy, and the `protocol` of each service's model.
"""

from __future__ import annotations

import json
import re
from functools import lru_cache
from typing import Final

from botocore.exceptions import UnknownServiceError
from botocore.model import OperationModel, ServiceModel

from sandbox.aws.errors import AwsError
from sandbox.aws.wire import query
from sandbox.aws.wire.models import service_model
from sandbox.aws.wire.server import HttpRequest, HttpResponse

_JSON_PROTOCOLS: Final = {"json", "rest-json"}


def render_error(service: str, request: HttpRequest, error: AwsError, request_id: str) -> HttpResponse:
    """Answer with an error in the shape that the service's clients read."""
    if not _speaks_json(service, request):
        return query.render_error(error, request_id)
    headers = {
        "Content-Type": request.headers.get("content-type", "application/json"),
        "x-amzn-errortype": error.code,
        "x-amzn-RequestId": request_id,
    }
    body = json.dumps({"__type": error.code, "message": error.message})
    return HttpResponse(error.status, body.encode(), headers)


def named_operation(service: str, request: HttpRequest) -> str:
    """The operation that a request outside the query protocol means, or its method and path."""
    target = request.headers.get("x-amz-target")
    if target is not None:
        return target.rpartition(".")[2]
    model = _model(service)
    path = request.target.partition("?")[0]
    operations = map(model.operation_model, model.operation_names) if model else iter(())
    found = (operation.name for operation in operations if _is_at(operation, request.method, path))
    return next(found, f"{request.method} {path}")


def _speaks_json(service: str, request: HttpRequest) -> bool:
    model = _model(service)
    if model is None:
        return "json" in request.headers.get("content-type", "")
    return model.protocol in _JSON_PROTOCOLS


@lru_cache
def _model(service: str) -> ServiceModel | None:
    try:
        return service_model(service)
    except UnknownServiceError:
        return None


def _is_at(operation: OperationModel, method: str, path: str) -> bool:
    template = re.split(r"\{[^}]+\}", operation.http["requestUri"].partition("?")[0])
    pattern = "[^/]+".join(map(re.escape, template))
    return operation.http["method"] == method and re.fullmatch(pattern, path) is not None
