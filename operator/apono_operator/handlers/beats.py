"""One beat for each connector: its bell, its turn, its failures.

The bell wakes the connector's loop; the turn makes passes over one connector follow each other. The turn is
given back by the thread itself: a cancelled task leaves its thread running, and nothing may work beside it.
"""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, TypeVar

from apono_operator.state.resources import Owner

T = TypeVar("T")


@dataclass
class Beat:
    """What the operator keeps in memory about one connector; all of it may be lost."""

    owner: Owner
    bell: asyncio.Event = field(default_factory=asyncio.Event)
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    failures: int = 0
    """Passes in a row that were not satisfied."""

    news: object = None
    """The part of the object that is worth a pass, as last seen."""


class Beats:
    """All beats, by the connector's uid: names come back, uids do not.

    Args:
        pool: Where passes run; its size bounds how many run at once.
    """

    def __init__(self, pool: ThreadPoolExecutor) -> None:
        self._pool = pool
        self._by_uid: dict[str, Beat] = {}
        self._uid_by_label: dict[tuple[str, str], str] = {}

    def of(self, owner: Owner) -> Beat:
        """Return the beat of *owner*, a new one at first sight."""
        beat = self._by_uid.get(owner.uid)
        if beat is None:
            beat = self._by_uid[owner.uid] = Beat(owner)
        self._uid_by_label[owner.namespace, owner.label] = owner.uid
        return beat

    def labelled(self, namespace: str, label: str) -> Beat | None:
        """Return the beat of the connector whose children carry *label* in *namespace*."""
        return self._by_uid.get(self._uid_by_label.get((namespace, label), ""))

    def forget(self, owner: Owner) -> None:
        """Drop the beat of a connector that is gone."""
        self._by_uid.pop(owner.uid, None)
        if self._uid_by_label.get((owner.namespace, owner.label)) == owner.uid:
            del self._uid_by_label[owner.namespace, owner.label]

    async def in_thread(self, beat: Beat, work: Callable[[], T]) -> T:
        """Run *work* in the pool when it is this connector's turn; its exceptions come out here."""
        await beat.turn.acquire()
        loop = asyncio.get_running_loop()
        try:
            running = self._pool.submit(contextvars.copy_context().run, work)
        except RuntimeError:  # the pool is shut down
            beat.turn.release()
            raise
        running.add_done_callback(lambda _: _give_back(loop, beat.turn))
        ended = asyncio.wrap_future(running, loop=loop)
        ended.add_done_callback(_retrieve)
        return await asyncio.shield(ended)


def _give_back(loop: asyncio.AbstractEventLoop, turn: asyncio.Lock) -> None:
    with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits for a turn any more
        loop.call_soon_threadsafe(turn.release)


def _retrieve(ended: asyncio.Future[Any]) -> None:
    """Look at the failure: asyncio complains of one that nobody waits for, as after a cancellation."""
    if not ended.cancelled():
        ended.exception()
