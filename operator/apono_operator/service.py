"""The operator's event loop, on a thread of its own."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable, Coroutine

import structlog

log: structlog.stdlib.BoundLogger = structlog.get_logger()

_LEFT_SECONDS = 1.0
"""How long tasks that nobody waited for may take to end."""


class Service:
    """kopf on a thread of its own, where it leaves the signals to us: the fence has to come before kopf's stop.

    Args:
        serve: The coroutine function to run.

    Attributes:
        ended: Set when it runs no longer.
        failed: Whether it ended although nobody stopped it.
    """

    def __init__(self, serve: Callable[[], Coroutine[None, None, None]]) -> None:
        self.ended = threading.Event()
        self.failed = False
        self._serve = serve
        self._thread = threading.Thread(target=self._run, name="kopf", daemon=True)
        self._lock = threading.Lock()
        self._is_stopped = False
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Start serving; does nothing after a stop, as who is elected meanwhile must not begin."""
        with self._lock:
            if not self._is_stopped:
                self._thread.start()

    def stop(self, seconds: float) -> None:
        """Stop serving, and wait until kopf has let go, but *seconds* at most."""
        with self._lock:
            self._is_stopped = True
            if self._task:
                self._task.get_loop().call_soon_threadsafe(self._task.cancel)
        if self._thread.is_alive():
            self._thread.join(seconds)

    def _run(self) -> None:
        loop = asyncio.new_event_loop()
        try:
            loop.run_until_complete(self._main())
        except Exception:
            self.failed = True
            log.exception("kopf failed")
        finally:
            self._close(loop)
            self.ended.set()

    async def _main(self) -> None:
        with self._lock:
            if self._is_stopped:
                return
            self._task = asyncio.create_task(self._serve())
        with contextlib.suppress(asyncio.CancelledError):
            await self._task
            self.failed = True  # kopf ends only when it is told to

    def _close(self, loop: asyncio.AbstractEventLoop) -> None:
        """Let go of the loop; threads that were started from it go on."""
        with self._lock:
            self._task = None
        left = asyncio.all_tasks(loop)
        for task in left:
            task.cancel()
        if left:
            loop.run_until_complete(asyncio.wait(left, timeout=_LEFT_SECONDS))
        loop.close()
