"""Who goes first where threads and calls are scarce: by priority, and yet nobody waits for ever."""

from __future__ import annotations

from collections.abc import Mapping
from contextvars import ContextVar
from enum import IntEnum
from typing import Generic, TypeVar

T = TypeVar("T")


class Priority(IntEnum):
    """Why AWS is looked at; the smaller number is the more urgent."""

    USER = 0
    """Somebody made, changed or deleted something and waits for it."""

    RETRY = 1
    """A connector is not as asked, and was not a moment ago."""

    ROUTINE = 2
    """All is well as far as is known."""


PRIORITY: ContextVar[Priority] = ContextVar("PRIORITY", default=Priority.ROUTINE)
"""That of the work at hand, for the calls that it makes; what nobody put in a line is routine."""

BEGUN: ContextVar[int] = ContextVar("BEGUN", default=0)
"""When the work at hand began, as a number that grows: what began first is to end first."""

WEIGHTS: Mapping[Priority, int] = {Priority.USER: 16, Priority.RETRY: 4, Priority.ROUTINE: 1}
"""How many are served of each priority while one of another's weight is, as long as both wait."""


class FairQueue(Generic[T]):
    """A queue with a share for each priority, and an order within each; for one thread at a time.

    Strict priorities would let a flood of edits keep all else waiting for ever.
    Source: Waldspurger and Weihl, "Stride Scheduling: Deterministic Proportional-Share Resource Management".
    """

    def __init__(self) -> None:
        self._waiting: dict[Priority, dict[T, int]] = {priority: {} for priority in Priority}
        self._due = dict.fromkeys(Priority, 0.0)
        self._now = 0.0

    def __len__(self) -> int:
        return sum(len(waiting) for waiting in self._waiting.values())

    def put(self, one: T, priority: Priority, order: int = 0) -> None:
        """Let *one* wait behind those of its priority with a lesser *order*, or with the same and there before."""
        if not self._waiting[priority]:  # what was not asked for in time is not saved up
            self._due[priority] = max(self._due[priority], self._now + 1 / WEIGHTS[priority])
        self._waiting[priority][one] = order

    def pop(self) -> T:
        """Return who is next.

        Raises:
            ValueError: nobody waits.
        """
        priority = min((one for one in Priority if self._waiting[one]), key=lambda one: (self._due[one], one))
        self._now = self._due[priority]
        self._due[priority] += 1 / WEIGHTS[priority]
        waiting = self._waiting[priority]
        first = min(waiting, key=waiting.__getitem__)
        del waiting[first]
        return first

    def remove(self, one: T, priority: Priority) -> None:
        """Let *one* wait no longer, if it does."""
        self._waiting[priority].pop(one, None)
