"""The HTTP endpoints for kubelet and Prometheus: on a thread and an event loop of their own, whatever else hangs."""

from __future__ import annotations

import asyncio
import signal
import socket
import threading

from aiohttp import web
from prometheus_client import REGISTRY
from prometheus_client.exposition import choose_encoder

from apono_operator.telemetry.health import Health


class Endpoints:
    """``/healthz``, ``/readyz`` and ``/metrics``, on all addresses, in plain HTTP, for whoever reaches the port.

    Args:
        health: What the first two tell.
        port: Where; 0: any free one.
    """

    def __init__(self, health: Health, port: int) -> None:
        self._health = health
        self._wanted = port
        self._thread = threading.Thread(target=self._run, name="endpoints", daemon=True)
        self._socket: socket.socket

    @property
    def port(self) -> int:
        """Where they are, once started."""
        return int(self._socket.getsockname()[1])

    def start(self) -> None:
        """Serve from now on, for as long as the process lasts.

        Raises:
            OSError: the port is taken.
        """
        both = socket.has_dualstack_ipv6()
        family = socket.AF_INET6 if both else socket.AF_INET
        self._socket = socket.create_server(("", self._wanted), family=family, dualstack_ipv6=both)
        self._thread.start()

    def _run(self) -> None:
        # A stop is for the main thread to take; this one may be there before that waits for it.
        signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
        asyncio.run(self._serve())

    async def _serve(self) -> None:
        application = web.Application()
        application.add_routes(
            [
                web.get("/healthz", self._healthz),
                web.get("/readyz", self._readyz),
                web.get("/metrics", self._metrics),
            ]
        )
        runner = web.AppRunner(application, access_log=None, handle_signals=False)
        await runner.setup()
        await web.SockSite(runner, self._socket).start()
        await asyncio.Event().wait()

    async def _healthz(self, _: web.Request) -> web.Response:
        complaints = self._health.complaints()
        return web.Response(text="\n".join(complaints) or "ok", status=500 if complaints else 200)

    async def _readyz(self, _: web.Request) -> web.Response:
        ready = self._health.is_ready
        return web.Response(text="ok" if ready else "not ready", status=200 if ready else 503)

    async def _metrics(self, request: web.Request) -> web.Response:
        encode, content_type = choose_encoder(request.headers.get("Accept", ""))
        return web.Response(body=encode(REGISTRY), headers={"Content-Type": content_type})
