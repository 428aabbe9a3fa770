"""A threaded HTTP/1.1 server on a free port, with control over the connection itself."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, cast

from sandbox.aws.errors import ConnectionDroppedError

LOOPBACK = "127.0.0.1"

# Linger on, for zero seconds: closing then sends a reset instead of an orderly end.
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """One request: header names in lower case, path with its query string as sent."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class HttpResponse:
    """One answer; the length header is added when it is sent."""

    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)


Application = Callable[[HttpRequest], HttpResponse]


class HttpServer:
    """Serves an application from threads of its own until closed.

    Args:
        application: Called for every request, from many threads at once. Raising
            `ConnectionDroppedError` resets the connection without an answer.
        address: Of this machine, where it listens.
    """

    def __init__(self, application: Application, address: str = LOOPBACK) -> None:
        self._server = _Server(application, address)
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, name="sandbox-aws", daemon=True
        )
        self._thread.start()

    @property
    def url(self) -> str:
        """Where it listens, such as `http://127.0.0.1:40123`."""
        address, port = self._server.server_address[:2]
        return f"http://{address!s}:{port}"

    def close(self) -> None:
        """Stop listening, end open connections and wait for the threads."""
        self._server.shutdown()
        self._thread.join()
        self._server.end_connections()
        self._server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = False  # so that closing waits for them
    request_queue_size = 128

    def __init__(self, application: Application, address: str) -> None:
        self.application = application
        self._open: set[socket.socket] = set()
        self._open_lock = threading.Lock()
        super().__init__((address, 0), _Handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        with self._open_lock:
            self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        with self._open_lock:
            self._open.discard(request)
        if request.getsockopt(socket.SOL_SOCKET, socket.SO_LINGER, 8) == _RESET_ON_CLOSE:
            self.close_request(request)
        else:
            super().shutdown_request(request)

    def end_connections(self) -> None:
        """Wake the threads that wait for a next request on a kept-alive connection."""
        with self._open_lock:
            for connection in self._open:
                connection.shutdown(socket.SHUT_RD)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is none of our concern; the application reports its own errors."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # Headers and body leave in one segment, at once: else delayed acknowledgements cost 40 ms a call.
    wbufsize = -1
    disable_nagle_algorithm = True

    def do_POST(self) -> None:
        self._serve()

    do_GET = do_PUT = do_DELETE = do_HEAD = do_PATCH = do_POST  # noqa: N815 -- as above

    def _serve(self) -> None:
        if "Transfer-Encoding" in self.headers:  # no SDK sends these services a body in chunks
            self.send_error(HTTPStatus.NOT_IMPLEMENTED)
            return
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        headers = {name.lower(): value for name, value in self.headers.items()}
        request = HttpRequest(self.command, self.path, headers, body)
        try:
            response = cast("_Server", self.server).application(request)
        except ConnectionDroppedError:
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
            self.close_connection = True
            return
        self._send(response)

    def _send(self, response: HttpResponse) -> None:
        self.send_response(response.status)
        for name, value in response.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(response.body)))
        self.end_headers()
        self.wfile.write(response.body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 -- the base class names it so
        """Nothing is printed: the call log tells more."""
