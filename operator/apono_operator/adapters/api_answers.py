"""What the API server's answers mean: every HTTP status has one reaction.

Source: Kubernetes API conventions, "HTTP status codes".
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from apono_operator.adapters.errors import (
    AdapterError,
    ConflictError,
    DeniedError,
    RejectedError,
    TransientError,
)
from apono_operator.v1alpha1 import Reason

_MESSAGE_LIMIT = 1024


class NotFoundError(RejectedError):
    """The API server says that the object does not exist, or its namespace."""


class UnservedError(TransientError):
    """Nobody serves the path: the API server does not know the kind (any more), or another server has answered.

    It tells nothing of the object.
    """


class NotAllowedError(DeniedError):
    """The API server knows who we are, and does not allow it: a grant is missing, or was withdrawn."""


@dataclass(frozen=True)
class Refusal:
    """What an HTTP status of the API server makes us do, and what to add to its message."""

    kind: type[AdapterError]
    reason: Reason
    advice: str = ""


_INVALID = Refusal(RejectedError, Reason.REJECTED)
_UNAVAILABLE = Refusal(TransientError, Reason.KUBERNETES_UNAVAILABLE)
_CHANGED = Refusal(ConflictError, Reason.RECONCILING)
_GONE = Refusal(NotFoundError, Reason.REJECTED)

REFUSALS: Mapping[int, Refusal] = {
    # wait
    **dict.fromkeys((408, 429, 500, 502, 503, 504), _UNAVAILABLE),
    404: Refusal(UnservedError, Reason.KUBERNETES_UNAVAILABLE),
    409: _CHANGED,
    410: _CHANGED,
    # tell
    401: Refusal(DeniedError, Reason.FORBIDDEN, ". Check the operator's token, or the user in its kubeconfig."),
    403: Refusal(NotAllowedError, Reason.FORBIDDEN),
    # stop
    **dict.fromkeys((400, 405, 406, 413, 415, 422), _INVALID),
}
"""What each status makes us do; of one that is not here, its hundred decides.

A 404 that the API server gives for the very object is a `NotFoundError` instead.
"""

_ERROR, _NOT_FOUND, _SERVER_ERROR = 400, 404, 500


def understood(method: str, path: str, status: int, data: bytes) -> dict[str, Any]:
    """Return the document in the answer to *method* on *path*.

    Raises:
        NotFoundError: the API server says that what *path* names does not exist.
        AdapterError: of the kind of `REFUSALS`, or a wait if somebody else has answered.
    """
    if status < _ERROR:
        return _document(method, path, data)
    told = _json_object(data)
    refusal = _GONE if status == _NOT_FOUND and _says_gone(told, path) else _refusal(status)
    raise refusal.kind(refusal.reason, f"{method} {path}: {_message(told)}{refusal.advice}")


def _refusal(status: int) -> Refusal:
    return REFUSALS.get(status, _UNAVAILABLE if status >= _SERVER_ERROR else _INVALID)


def _document(method: str, path: str, data: bytes) -> dict[str, Any]:
    document = _json_object(data)
    if document is None:  # something between us and the API server has answered
        raise TransientError(Reason.KUBERNETES_UNAVAILABLE, f"{method} {path}: the answer is no JSON object")
    return document


def _json_object(data: bytes) -> dict[str, Any] | None:
    try:
        document = json.loads(data)
    except ValueError:
        return None
    return document if isinstance(document, dict) else None


def _says_gone(told: Mapping[str, Any] | None, path: str) -> bool:
    """Tell whether it is the API server's word that our object, or its namespace, does not exist.

    Proxies answer 404 as well, and so does the API server for paths that it does not serve.
    """
    if told is None or (told.get("kind"), told.get("reason")) != ("Status", "NotFound"):
        return False
    details = told.get("details")
    name = details.get("name") if isinstance(details, dict) else None
    return not name or name in path.split("/")


def _message(told: Mapping[str, Any] | None) -> str:
    """Return the message of a Status object; never the whole answer."""
    return "the answer is no Status object" if told is None else one_line(str(told.get("message", "")))


def one_line(text: str) -> str:
    """Return *text* as a line of sane length."""
    return " ".join(text.split())[:_MESSAGE_LIMIT]
