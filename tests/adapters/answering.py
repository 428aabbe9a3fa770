"""A server that gives the answers it is told to, whatever is asked: for what no real server says on demand."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Answering:
    """What is answered, and what was asked.

    Attributes:
        body: The answer, or what makes it from the path that is asked for.
        paths: The paths asked for, with their queries.
        authorizations: The headers of that name.
        accepts: The headers of that name.
    """

    status: int = 200
    body: bytes | Callable[[str], bytes] = b"{}"
    headers: dict[str, str] = field(default_factory=dict)
    paths: list[str] = field(default_factory=list)
    authorizations: list[str] = field(default_factory=list)
    accepts: list[str] = field(default_factory=list)
    url: str = ""


@contextmanager
def answering_server() -> Iterator[Answering]:
    """Serve on a port of this machine while the block lasts."""
    answer = Answering()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            answer.paths.append(self.path)
            answer.authorizations.append(self.headers["Authorization"])
            answer.accepts.append(self.headers["Accept"])
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            body = answer.body if isinstance(answer.body, bytes) else answer.body(self.path)
            self.send_response(answer.status)
            for name, value in answer.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_DELETE = do_PATCH = do_POST = do_GET  # noqa: N815 -- the names that http.server asks for

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    answer.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield answer
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextmanager
def unreachable() -> Iterator[str]:
    """Host and port to which no connection comes about, though nothing refuses it: its queue is full."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as server:
        address = server.getsockname()
        waiting = [socket.socket() for _ in range(4)]
        for one in waiting:
            one.setblocking(False)  # noqa: FBT003 -- the socket's own way
            one.connect_ex(address)
        yield f"{address[0]}:{address[1]}"
        for one in waiting:
            one.close()
