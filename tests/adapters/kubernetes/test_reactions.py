"""Every HTTP status with which the API server can answer has one reaction, whatever was asked."""

from __future__ import annotations

import json
from collections.abc import Callable
from http import HTTPStatus

import pytest

from apono_operator.adapters.api_answers import REFUSALS, NotAllowedError, UnservedError
from apono_operator.adapters.errors import AdapterError, ConflictError, DeniedError, RejectedError, TransientError
from apono_operator.adapters.kubernetes import Kubernetes
from apono_operator.state.conditions import Event
from apono_operator.state.resources import ObjectKey, Owner
from apono_operator.v1alpha1 import Reason
from tests.adapters.answering import Answering
from tests.adapters.kubernetes.conftest import connected_to
from tests.builders import NOW

SECRET = ObjectKey("Secret", "team-a", "apono-token")
OWNER = Owner("team-a", "production", "uid")
EVENT = Event("Normal", Reason.DELETED, "Everything is gone.")

STATUSES: list[tuple[int, type[AdapterError], Reason]] = [
    (400, RejectedError, Reason.REJECTED),
    (401, DeniedError, Reason.FORBIDDEN),
    (403, NotAllowedError, Reason.FORBIDDEN),
    (404, UnservedError, Reason.KUBERNETES_UNAVAILABLE),
    (405, RejectedError, Reason.REJECTED),
    (406, RejectedError, Reason.REJECTED),
    (408, TransientError, Reason.KUBERNETES_UNAVAILABLE),
    (409, ConflictError, Reason.RECONCILING),
    (410, ConflictError, Reason.RECONCILING),
    (413, RejectedError, Reason.REJECTED),
    (415, RejectedError, Reason.REJECTED),
    (422, RejectedError, Reason.REJECTED),
    (429, TransientError, Reason.KUBERNETES_UNAVAILABLE),
    (500, TransientError, Reason.KUBERNETES_UNAVAILABLE),
    (502, TransientError, Reason.KUBERNETES_UNAVAILABLE),
    (503, TransientError, Reason.KUBERNETES_UNAVAILABLE),
    (504, TransientError, Reason.KUBERNETES_UNAVAILABLE),
]
"""Each status, and what it has to become."""

UNKNOWN_STATUSES: list[tuple[int, type[AdapterError], Reason]] = [
    (418, RejectedError, Reason.REJECTED),
    (507, TransientError, Reason.KUBERNETES_UNAVAILABLE),
]
"""A webhook's, or a proxy's."""

OF_THE_API_SERVER = frozenset(
    {
        HTTPStatus.BAD_REQUEST,
        HTTPStatus.UNAUTHORIZED,
        HTTPStatus.FORBIDDEN,
        HTTPStatus.NOT_FOUND,
        HTTPStatus.METHOD_NOT_ALLOWED,
        HTTPStatus.NOT_ACCEPTABLE,
        HTTPStatus.CONFLICT,
        HTTPStatus.GONE,
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
        HTTPStatus.UNPROCESSABLE_ENTITY,
        HTTPStatus.TOO_MANY_REQUESTS,
        HTTPStatus.INTERNAL_SERVER_ERROR,
        HTTPStatus.SERVICE_UNAVAILABLE,
        HTTPStatus.GATEWAY_TIMEOUT,
    }
)
"""Kubernetes API reference, "Status", the codes of its reasons."""

CALLS: dict[str, Callable[[Kubernetes], object]] = {
    "reading an object": lambda adapter: adapter.get(SECRET),
    "reading several": lambda adapter: adapter.get_all([SECRET]),
    "listing pods": lambda adapter: adapter.pods(OWNER),
    "listing connectors": lambda adapter: adapter.check_connectors_listable("team-a"),
    "reading the issuer": lambda adapter: adapter.issuer(),
    "writing an object": lambda adapter: adapter.apply(
        {"kind": "Secret", "metadata": {"namespace": "team-a", "name": "apono-token"}}
    ),
    "writing the status": lambda adapter: adapter.apply_status(OWNER, {}, resource_version="1"),
    "changing the status": lambda adapter: adapter.change_status(OWNER, {}, resource_version="1"),
    "deleting an object": lambda adapter: adapter.delete(SECRET, "uid"),
    "posting an Event": lambda adapter: adapter.post(EVENT, OWNER, NOW),
}


def refuse(answering: Answering, status: int) -> None:
    """Let every call be refused as the API server does, with the advice to come back in a minute."""
    answering.status, answering.body = status, json.dumps({"kind": "Status", "message": "Of\nsomething."}).encode()
    answering.headers = {"Retry-After": "60"}


@pytest.mark.parametrize(("status", "kind", "reason"), [*STATUSES, *UNKNOWN_STATUSES])
def test_a_status_becomes_the_kind_of_error_that_it_needs(
    answering: Answering, status: int, kind: type[AdapterError], reason: Reason
) -> None:
    refuse(answering, status)

    with pytest.raises(AdapterError) as failure:
        connected_to(answering).check_connectors_listable(None)

    assert type(failure.value) is kind
    assert failure.value.reason is reason
    assert failure.value.message.startswith("GET /apis/apono.io/v1alpha1/aponoconnectors: Of something.")
    assert len(answering.paths) == 1


def test_every_status_that_the_operator_knows_is_specified_here() -> None:
    assert {status for status, *_ in STATUSES} == REFUSALS.keys()


def test_every_status_of_the_api_servers_reasons_has_a_reaction() -> None:
    assert OF_THE_API_SERVER - REFUSALS.keys() == set()


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_a_status_means_the_same_whatever_was_asked(answering: Answering, call: Callable[[Kubernetes], object]) -> None:
    adapter = connected_to(answering)
    told = {}
    for status in REFUSALS:
        refuse(answering, status)
        with pytest.raises(AdapterError) as failure:
            call(adapter)
        told[status] = (type(failure.value), failure.value.reason)

    assert told == {status: (refusal.kind, refusal.reason) for status, refusal in REFUSALS.items()}
    assert len(answering.paths) == len(REFUSALS)
