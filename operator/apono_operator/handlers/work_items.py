"""One work item for each connector: what wakes its loop, whose turn it is, how often it failed.

The lock makes passes over one connector follow each other. It is released by the thread itself: a cancelled task
leaves its thread running, and nothing may work beside it.
"""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import itertools
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, TypeVar

from apono_operator.adapters.priority import BEGUN, PRIORITY, Priority
from apono_operator.handlers.looks import Turn
from apono_operator.state.resources import Owner
from apono_operator.telemetry.heartbeats import Workers
from apono_operator.telemetry.metrics import CONNECTORS

T = TypeVar("T")

_WORKS = itertools.count(1)


@dataclass
class Allowance:
    """How many looks at AWS one connector may cause: some at once, then one every few seconds (a token bucket).

    Whoever may write a connector could otherwise spend the whole account's rate by editing it.
    """

    burst: float = 5.0
    every: float = 5.0
    """Seconds after which there is one look more."""

    _left: float = 5.0
    _at: float = 0.0

    def take(self, now: float) -> float:
        """Take a look if there is one left and return 0, else return the seconds until there is one."""
        self._left = min(self.burst, self._left + (now - self._at) / self.every)
        self._at = now
        if self._left < 1.0:
            return (1.0 - self._left) * self.every
        self._left -= 1.0
        return 0.0


@dataclass
class WorkItem:
    """What the operator keeps in memory about one connector; all of it may be lost."""

    owner: Owner
    wake: asyncio.Event = field(default_factory=asyncio.Event)
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    failures: int = 0
    """Looks at AWS in a row that were not satisfied."""

    unready: int = 0
    """Passes in a row that did not find the children as asked."""

    look: bool = True
    """Whether AWS is to be looked at as well."""

    priority: Priority = Priority.ROUTINE
    """How urgent that is, as far as news tell."""

    turn: Turn | None = None
    """The place in the line of looks, while there is one."""

    looked: bool = False
    """Whether there was a look, so that passes can do without."""

    allowance: Allowance = field(default_factory=Allowance)

    news: tuple[Any, ...] | None = None
    """The part of the object that is worth a pass, as last heard of."""

    read: tuple[Any, ...] | None = None
    """The same, as the last look read it."""

    def demand_look(self, priority: Priority) -> None:
        """Have AWS looked at as soon as *priority* lets it; what is more urgent already stays so."""
        self.look = True
        self.priority = min(self.priority, priority)
        self.wake.set()

    def leave_line(self) -> None:
        """Give up the place in the line of looks, if there is one."""
        if self.turn:
            self.turn.end()
        self.turn = None


class WorkItems:
    """All work items, by the connector's uid: names come back, uids do not.

    Args:
        pool: Where passes run; its size bounds how many run at once.
        workers: Learns which of the threads are busy.
    """

    def __init__(self, pool: ThreadPoolExecutor, workers: Workers | None = None) -> None:
        self._pool = pool
        self._workers = workers or Workers()
        self._by_uid: dict[str, WorkItem] = {}
        self._uid_by_label: dict[tuple[str, str], str] = {}

    def of(self, owner: Owner) -> WorkItem:
        """Return the work item of *owner*, a new one at first sight."""
        item = self._by_uid.get(owner.uid)
        if item is None:
            item = self._by_uid[owner.uid] = WorkItem(owner)
            CONNECTORS.set(len(self._by_uid))
        self._uid_by_label[owner.namespace, owner.label] = owner.uid
        return item

    def labelled(self, namespace: str, label: str) -> WorkItem | None:
        """Return the work item of the connector whose children carry *label* in *namespace*."""
        return self._by_uid.get(self._uid_by_label.get((namespace, label), ""))

    def forget(self, owner: Owner) -> None:
        """Drop the work item of a connector that is gone."""
        self._by_uid.pop(owner.uid, None)
        CONNECTORS.set(len(self._by_uid))
        if self._uid_by_label.get((owner.namespace, owner.label)) == owner.uid:
            del self._uid_by_label[owner.namespace, owner.label]

    async def in_thread(self, item: WorkItem, work: Callable[[], T], turn: Turn | None = None) -> T:
        """Run *work* in the pool when it is this connector's turn; its exceptions come out here.

        Args:
            item: The connector's.
            work: What to do.
            turn: For a look at AWS, a turn that was given; it ends with the work.
        """
        with contextlib.ExitStack() as unless_submitted:
            if turn:
                unless_submitted.callback(turn.end)
            await item.lock.acquire()
            unless_submitted.callback(item.lock.release)
            running = self._pool.submit(_context(turn).run, self._watched, work)  # raises if the pool is shut down
            giving_back = unless_submitted.pop_all()
        loop = asyncio.get_running_loop()
        running.add_done_callback(lambda _: _soon(loop, giving_back.close))
        ended = asyncio.wrap_future(running, loop=loop)
        ended.add_done_callback(_retrieve)
        return await asyncio.shield(ended)

    def _watched(self, work: Callable[[], T]) -> T:
        with self._workers.busy():
            return work()


def _context(turn: Turn | None) -> contextvars.Context:
    """Return the task's context, with the turn's priority for the calls to come."""
    context = contextvars.copy_context()
    if turn:
        context.run(PRIORITY.set, turn.priority)
        context.run(BEGUN.set, next(_WORKS))
    return context


def _soon(loop: asyncio.AbstractEventLoop, give_back: Callable[[], None]) -> None:
    with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
        loop.call_soon_threadsafe(give_back)


def _retrieve(ended: asyncio.Future[Any]) -> None:
    """Look at the failure: asyncio complains of one that nobody waits for, as after a cancellation."""
    if not ended.cancelled():
        ended.exception()
