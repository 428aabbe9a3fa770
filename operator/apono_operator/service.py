"""The operator's event loop, on a thread of its own."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable, Coroutine

import structlog

log: structlog.stdlib.BoundLogger = structlog.get_logger()


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
        self._loop = asyncio.new_event_loop()
        self._task: asyncio.Task[None] | None = None
        self._thread = threading.Thread(target=self._run, name="kopf", daemon=True)
        self._lock = threading.Lock()
        self._is_stopped = False

    def start(self) -> None:
        """Start serving; does nothing after a stop, as who is elected meanwhile must not begin."""
        with self._lock:
            if not self._is_stopped:
                self._thread.start()

    def stop(self, seconds: float) -> None:
        """Stop serving, and wait until kopf has let go, but *seconds* at most."""
        with self._lock:
            self._is_stopped = True
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._cancel)
            self._thread.join(seconds)

    def _cancel(self) -> None:
        if self._task is not None:
            self._task.cancel()

    def _run(self) -> None:
        try:
            self._loop.run_until_complete(self._main())
        except Exception:
            self.failed = True
            log.exception("kopf failed")
        finally:
            self.ended.set()

    async def _main(self) -> None:
        if self._is_stopped:
            return
        self._task = asyncio.create_task(self._serve())
        with contextlib.suppress(asyncio.CancelledError):
            await self._task
            self.failed = True  # kopf ends only when it is told to
