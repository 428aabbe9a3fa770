"""The supervisor's control endpoint: HTTP and JSON on the loopback interface, for the holder of a token."""

from __future__ import annotations

import json
import secrets
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from socketserver import TCPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote

import urllib3

from sandbox.controlplane.errors import PartError

if TYPE_CHECKING:
    from collections.abc import Callable

    from sandbox.controlplane.state import State

Json = dict[str, Any]
SECONDS = 300  # a restart of the API server on a busy machine


class ControlServer:
    """Runs commands, one after the other, in the thread that calls `handle_one`.

    `commands` maps a name to a function from the request's argument (text, may be empty) to a JSON object.
    """

    def __init__(self, commands: dict[str, Callable[[str], Json]]) -> None:
        self.token = secrets.token_urlsafe(32)
        self._server = TCPServer(("127.0.0.1", 0), _handler(commands, self.token))
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def handle_one(self, seconds: float) -> None:
        """Wait up to that long for a command and run it."""
        self._server.timeout = seconds
        self._server.handle_request()

    def close(self) -> None:
        """Free the port."""
        self._server.server_close()


class ControlClient:
    """Sends commands to a supervisor."""

    def __init__(self, state: State) -> None:
        self._url = state.control_url
        self._headers = {"Authorization": f"Bearer {state.control_token}"}
        self._pool = urllib3.PoolManager(retries=False, timeout=SECONDS)

    def call(self, command: str, argument: str = "") -> Json:
        """Run a command and return its answer.

        Raises:
            PartError: the command failed, or the supervisor doesn't answer.
        """
        try:
            url = f"{self._url}/{command}/{quote(argument, safe='')}"
            answer = self._pool.request("POST", url, headers=self._headers)
        except urllib3.exceptions.HTTPError as error:
            raise PartError(f"the control plane's supervisor does not answer: {error}") from error
        content: Json = answer.json()
        if answer.status != HTTPStatus.OK:
            raise PartError(content["error"])
        return content

    def close(self) -> None:
        """Close the connections."""
        self._pool.clear()


def _handler(commands: dict[str, Callable[[str], Json]], token: str) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        wbufsize = -1
        timeout = 5  # a silent client must not stop the supervisor

        def do_POST(self) -> None:
            _, name, argument = self.path.split("/", 2)
            given = self.headers.get("Authorization", "")
            if not secrets.compare_digest(given, f"Bearer {token}"):
                self._answer(HTTPStatus.UNAUTHORIZED, {"error": "the control endpoint wants its token"})
            elif name not in commands:
                self._answer(HTTPStatus.NOT_FOUND, {"error": f"no command {name}"})
            else:
                self._run(commands[name], unquote(argument))

        def _run(self, command: Callable[[str], Json], argument: str) -> None:
            try:
                self._answer(HTTPStatus.OK, command(argument))
            except PartError as error:
                self._answer(HTTPStatus.INTERNAL_SERVER_ERROR, {"error": str(error)})

        def _answer(self, status: HTTPStatus, content: Json) -> None:
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.end_headers()
            self.wfile.write(json.dumps(content).encode())

        def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
            """Keep the log to what went wrong."""

    return Handler
