"""Turns for looks at AWS: a part of the threads is theirs, the rest serves passes that spare AWS."""

from __future__ import annotations

from collections.abc import Callable

from apono_operator.adapters.priority import FairQueue, Priority
from apono_operator.telemetry.metrics import QUEUE_DEPTH


def threads_for(workers: int) -> int:
    """Return how many threads *workers* take: one alone could not both look at AWS and serve anybody beside."""
    return max(workers, 2)


class Turn:
    """A place in the line of looks, then a look's right to a thread.

    Attributes:
        priority: How urgent it is.
        given: Whether its time has come.
    """

    def __init__(self, looks: Looks, priority: Priority, notify: Callable[[], None]) -> None:
        self.priority = priority
        self.given = False
        self.notify = notify
        self._looks = looks
        self._ended = False

    def end(self) -> None:
        """Give the turn back, or leave the line; once is enough."""
        if not self._ended:
            self._ended = True
            self._looks.end(self)


class Looks:
    """Who may look at AWS next; for the event loop's thread alone.

    Args:
        threads: How many there are in all; three quarters of them, rounded down, may look at once.
    """

    def __init__(self, threads: int) -> None:
        self._free = max(threads * 3 // 4, 1)
        self._queue: FairQueue[Turn] = FairQueue()

    def line_up(self, priority: Priority, notify: Callable[[], None]) -> Turn:
        """Return a turn, which may be given already; *notify* is called when it is."""
        turn = Turn(self, priority, notify)
        self._queue.put(turn, priority)
        self._hand_on()
        return turn

    def end(self, turn: Turn) -> None:
        """Take *turn* back, see `Turn.end`."""
        if turn.given:
            self._free += 1
        else:
            self._queue.remove(turn, turn.priority)
        self._hand_on()

    def _hand_on(self) -> None:
        while self._free and self._queue:
            self._free -= 1
            turn = self._queue.pop()
            turn.given = True
            turn.notify()
        QUEUE_DEPTH.set(len(self._queue))
