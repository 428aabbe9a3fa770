"""The few requests that the control plane itself sends to its API server, with a client certificate."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import urllib3

from sandbox.controlplane.errors import ControlPlaneError

if TYPE_CHECKING:
    from sandbox.controlplane.components import Layout

Json = dict[str, Any]
SECONDS = 10
CONNECTIONS = 16
# A kept connection may have been closed by a restart of the API server.
RETRIES = urllib3.Retry(total=2, status=0, redirect=0)


class ApiError(ControlPlaneError):
    """The API server did not answer or refused; the message tells which request and why."""


class ApiServer:
    """JSON over HTTPS to the API server, as the administrator; safe to share between threads."""

    def __init__(self, layout: Layout) -> None:
        self._server = layout.server
        self._pool = urllib3.PoolManager(
            ca_certs=str(layout.pki("ca.crt")),
            cert_file=str(layout.pki("admin.crt")),
            key_file=str(layout.pki("admin.key")),
            retries=RETRIES,
            timeout=SECONDS,
            maxsize=CONNECTIONS,
        )

    def ready(self) -> bool:
        """Whether /readyz says so.

        Raises:
            ApiError: it says no, or nobody answers.
        """
        self._request("GET", "/readyz", None, accepted=HTTPStatus.OK)
        return True

    def get(self, path: str) -> Json | None:
        """The resource at that path, None if there is none.

        Raises:
            ApiError: no answer, or another refusal.
        """
        return self._json("GET", path, None, accepted=HTTPStatus.NOT_FOUND)

    def create(self, path: str, resource: Json) -> Json | None:
        """Create a resource in the collection at that path; None if it is already there.

        Raises:
            ApiError: no answer, or another refusal.
        """
        return self._json("POST", path, resource, accepted=HTTPStatus.CONFLICT)

    def _json(self, method: str, path: str, body: Json | None, accepted: HTTPStatus) -> Json | None:
        answer = self._request(method, path, body, accepted)
        if answer.status == accepted:
            return None
        content: Json = answer.json()
        return content

    def _request(self, method: str, path: str, body: Json | None, accepted: HTTPStatus) -> urllib3.BaseHTTPResponse:
        try:
            answer = self._pool.request(method, f"{self._server}{path}", json=body)
        except urllib3.exceptions.HTTPError as error:
            raise ApiError(f"{method} {path}: {error}") from error
        if answer.status >= HTTPStatus.BAD_REQUEST and answer.status != accepted:
            raise ApiError(f"{method} {path}: {answer.status} {answer.data.decode(errors='replace')}")
        return answer
