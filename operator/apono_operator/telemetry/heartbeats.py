"""Heartbeats: what has to go on beats while it does, and a probe learns what has not for too long."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

Clock = Callable[[], float]


class Heartbeat:
    """That of one loop. It counts from its first beat on.

    Args:
        what: What it is, for people.
        limit: Seconds without a beat that are too long.
        clock: Seconds.
    """

    def __init__(self, what: str, limit: float, clock: Clock = time.monotonic) -> None:
        self._what, self._limit, self._clock = what, limit, clock
        self._last: float | None = None

    def beat(self) -> None:
        """Go on."""
        self._last = self._clock()

    def complaint(self) -> str | None:
        """Return what is wrong, None if nothing is."""
        silent = 0.0 if self._last is None else self._clock() - self._last
        return f"{self._what} stands still since {silent:.0f} s" if silent > self._limit else None


class Workers:
    """Those of threads while they are busy.

    Args:
        limit: Seconds without a beat that are too long.
        clock: Seconds.
    """

    def __init__(self, limit: float = 300.0, clock: Clock = time.monotonic) -> None:
        self._limit, self._clock = limit, clock
        self._last: dict[int, float] = {}

    @contextmanager
    def busy(self) -> Iterator[None]:
        """Have this thread watched while the block lasts."""
        self._last[threading.get_ident()] = self._clock()
        try:
            yield
        finally:
            del self._last[threading.get_ident()]

    def beat(self) -> None:
        """Go on, if this thread is watched."""
        if threading.get_ident() in self._last:
            self._last[threading.get_ident()] = self._clock()

    def complaint(self) -> str | None:
        """Return what is wrong, None if nothing is."""
        now = self._clock()
        stuck = [now - last for last in self._last.copy().values() if now - last > self._limit]
        return f"{len(stuck)} passes stand still, one since {max(stuck):.0f} s" if stuck else None
