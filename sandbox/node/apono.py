"""A stand-in for Apono's API, as far as the stand-in for its connector (`connector/connector.py`) talks to it.

Apono's own protocol is not public. What this one shares with it: a token lets a connector in, and the API tells which
management account's role to take.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Document = dict[str, Any]


@dataclass(frozen=True)
class Report:
    """What a connector says it did, and by which token.

    Attributes:
        token: The token that it came with.
        pod: The name of its pod.
        identities: The ARN of its session by what it is of: `connector`, and `management` if it was to take that role.
    """

    token: str
    pod: str
    identities: Mapping[str, str]


@dataclass
class AponoApi:
    """The API's memory; safe to use from the test's thread, for each piece of it is replaced as a whole.

    Attributes:
        aws_endpoint_url: Where connectors find AWS.
        tokens: Those that let a connector in.
        management_roles: The management account's role that a connector is to take, by connector id.
        reports: The latest report of each connector, by connector id.
    """

    aws_endpoint_url: str
    tokens: frozenset[str] = frozenset()
    management_roles: Mapping[str, str] = field(default_factory=dict)
    reports: Mapping[str, Report] = field(default_factory=dict)

    def answer(self, connector: str, path: str, token: str, body: Document) -> Document | None:
        """Answer a request; None if the token lets nobody in."""
        if token not in self.tokens:
            return None
        if path == "report":
            self.reports = {**self.reports, connector: Report(token, body["pod"], body["identities"])}
        return {
            "aws_endpoint_url": self.aws_endpoint_url,
            "management_role_arn": self.management_roles.get(connector),
        }


@contextmanager
def serving(api: AponoApi, address: str) -> Iterator[str]:
    """Serve *api* at a free port of *address*; gives host and port, as the operator's setting has them."""
    server = ThreadingHTTPServer((address, 0), _handler(api))
    thread = threading.Thread(target=server.serve_forever, name="apono-api", daemon=True)
    thread.start()
    try:
        yield f"{address}:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _handler(api: AponoApi) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        wbufsize = -1

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            _, _, connector, path = self.path.split("/")
            answer = api.answer(connector, path, self.headers["Authorization"].removeprefix("Bearer "), body)
            self.send_response(HTTPStatus.UNAUTHORIZED if answer is None else HTTPStatus.OK)
            self.end_headers()
            self.wfile.write(json.dumps(answer).encode())

        def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
            """Reports tell enough."""

    return Handler
