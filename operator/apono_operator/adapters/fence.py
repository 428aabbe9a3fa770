"""The fence: once it is up, no further call leaves this process."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable

from apono_operator.adapters.errors import FencedError
from apono_operator.state.leadership import Term


def elapsed() -> float:
    """Return seconds of a clock that also runs while the machine is suspended (clock_gettime(2), CLOCK_BOOTTIME)."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


class Fence:
    """Asked before every external call; raised once, at the start of a stop or by whoever asks after the term.

    Args:
        clock: Seconds; the terms' moments are by it.
        heartbeat: Called by whoever asks, who therefore still goes on.
    """

    def __init__(self, clock: Callable[[], float] = elapsed, *, heartbeat: Callable[[], None] = lambda: None) -> None:
        self._heartbeat = heartbeat
        self._up = threading.Event()
        self._clock = clock
        self._term: Term | None = None
        self._overrun = False

    @property
    def overrun(self) -> bool:
        """Whether something was not let out because the term had ended; it stays so, whatever term comes then."""
        return self._overrun

    def raise_up(self) -> None:
        """Let no further call pass."""
        self._up.set()

    def extend(self, term: Term) -> None:
        """Let calls pass until the deadline of *term*; before the first term there is no deadline."""
        self._term = term

    def check(self) -> None:
        """Pass, or not.

        Raises:
            FencedError: if the fence is up, or the term has ended.
        """
        self._heartbeat()
        if self._is_past_deadline():
            self._overrun = True
            self.raise_up()
        if self._up.is_set():
            raise FencedError("the operator is stopping, or leads no longer")

    def lets_pass(self) -> bool:
        """Tell whether a call would pass; unlike `check`, this leaves no trace."""
        return not self._up.is_set() and not self._is_past_deadline()

    def remaining(self) -> float:
        """Return the seconds for which a call may be under way: until somebody else may lead."""
        return max(self._term.expiry - self._clock(), 0.0) if self._term else math.inf

    def _is_past_deadline(self) -> bool:
        return self._term is not None and self._clock() >= self._term.deadline
