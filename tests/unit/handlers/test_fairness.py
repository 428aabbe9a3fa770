"""Who is served while AWS is slow: users' changes go first, and passes that spare AWS wait for no look."""

from __future__ import annotations

import asyncio
import queue
import threading
from collections.abc import AsyncIterator, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager
from typing import Any, cast

import pytest

from apono_operator.adapters.errors import TransientError
from apono_operator.adapters.priority import PRIORITY, Priority
from apono_operator.handlers.connectors import URGENT_RETRIES, ConnectorHandlers
from apono_operator.handlers.looks import Looks, threads_for
from apono_operator.handlers.timing import Timing
from apono_operator.handlers.work_items import Allowance, WorkItems
from apono_operator.reconciler import Outcome, Reconciler, Remainder
from apono_operator.state.finding import Next, waits
from apono_operator.state.resources import Owner
from apono_operator.v1alpha1 import Reason

PATIENCE = 10.0
NEWCOMER = "newcomer"


class SlowAws:
    """A reconciler whose looks take until they are let end; tells what has begun, as `look name`."""

    def __init__(self) -> None:
        self.begun: queue.Queue[str] = queue.Queue()
        self.priorities: dict[str, Priority] = {}
        self.failing: set[str] = set()
        self.slow = threading.Event()
        self._lets = threading.Semaphore(0)
        self._ending = threading.Event()

    def reconcile(self, owner: Owner, *, quick: bool = False) -> Outcome | None:
        self._begin("quick" if quick else "look", owner)
        if not quick:
            self._take_long()
        if owner.name in self.failing:
            raise TransientError(Reason.AWS_UNAVAILABLE, "iam:GetRole: no answer")
        return Outcome(Next.NOTHING)

    def finalize(self, owner: Owner, *, quick: bool = False) -> Remainder | None:
        if quick:
            return Remainder(waits(Reason.DELETING, "The role."), 1, needs_aws=True)
        self._begin("finalize", owner)
        self._take_long()
        return None

    def generation(self, owner: Owner) -> int | None:
        return 1 if owner.name else None

    def secrets_changed(self, owner: Owner) -> bool:
        return owner.name == "with a new Secret"

    def forget(self, owner: Owner) -> None:
        self._begin("forget", owner)

    def let_one_end(self) -> None:
        self._lets.release()

    def let_all_end(self) -> None:
        self.slow.clear()
        self._ending.set()

    async def next(self) -> str:
        return await asyncio.to_thread(self.begun.get, timeout=PATIENCE)

    async def next_of(self, count: int) -> list[str]:
        return [await self.next() for _ in range(count)]

    def _begin(self, what: str, owner: Owner) -> None:
        self.priorities[owner.name] = PRIORITY.get()
        self.begun.put(f"{what} {owner.name}")

    def _take_long(self) -> None:
        if self.slow.is_set():
            while not self._ending.is_set() and not self._lets.acquire(timeout=0.01):
                pass


def condition(status: str, generation: int) -> dict[str, Any]:
    told = {"reason": "Ready", "message": "", "lastTransitionTime": "2026-01-01T00:00:00Z"}
    return {"type": "Ready", "status": status, "observedGeneration": generation, **told}


def connector(name: str, generation: int = 1, ready: str | None = None, **metadata: Any) -> dict[str, Any]:
    """A connector as the API server tells it; *ready* is what its status says of generation 1."""
    own = {"namespace": "team-a", "name": name, "uid": f"uid of {name}", "generation": generation}
    status = {"conditions": [condition(ready, 1)]} if ready else {}
    return {"metadata": {**own, **metadata}, "status": status}


async def settled() -> None:
    """Let every task run as far as it can by itself."""
    for _ in range(20):
        await asyncio.sleep(0)


class Operator:
    """Running daemons, and the events that come in."""

    def __init__(self, aws: SlowAws, handlers: ConnectorHandlers, items: WorkItems) -> None:
        self.aws = aws
        self.items = items
        self._handlers: Any = handlers
        self._tasks: list[asyncio.Task[None]] = []

    async def _appear(self, body: Mapping[str, Any], kind: str | None) -> None:
        await self._handlers._on_connector(type=kind, body=body)  # noqa: SLF001
        self._tasks.append(asyncio.create_task(self._handlers._reconcile(body=body)))  # noqa: SLF001

    async def news(self, body: Mapping[str, Any], kind: str | None = "MODIFIED") -> None:
        await self._handlers._on_connector(type=kind, body=body)  # noqa: SLF001
        await settled()

    async def child_news(self, name: str, kind: str | None = "MODIFIED") -> None:
        labels = {"apono.io/connector": name}
        body = {"metadata": {"namespace": "team-a", "name": "x", "labels": labels}}
        await self._handlers._on_child(type=kind, body=body)  # noqa: SLF001
        await settled()

    async def add(self, body: Mapping[str, Any], kind: str | None = "ADDED") -> None:
        """A connector comes into sight, and kopf starts its daemon."""
        await self._appear(body, kind)
        await settled()

    async def delete(self, body: Mapping[str, Any]) -> None:
        self._tasks.append(asyncio.create_task(self._handlers._finalize(body=body)))  # noqa: SLF001
        await settled()

    async def start_with(self, count: int) -> list[str]:
        """The operator starts with healthy connectors; return the looks that have begun."""
        self.aws.slow.set()
        for number in range(count):
            await self._appear(connector(f"healthy-{number}", ready="True"), None)
        await settled()
        return await self.aws.next_of(3)

    async def end(self) -> None:
        self.aws.let_all_end()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


@contextmanager
def pool_of(threads: int) -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(threads) as pool:
        yield pool


@asynccontextmanager
async def running(workers: int = 4, timing: Timing | None = None) -> AsyncIterator[Operator]:
    aws = SlowAws()
    threads = threads_for(workers)
    with pool_of(threads) as pool:
        items = WorkItems(pool)
        handlers = ConnectorHandlers(cast(Reconciler, aws), items, Looks(threads), timing or Timing(resync=600.0))
        operator = Operator(aws, handlers, items)
        try:
            yield operator
        finally:
            await operator.end()


async def served(operator: Operator, name: str) -> None:
    """Let a connector have its first look."""
    await operator.add(connector(name))
    assert await operator.aws.next() == f"look {name}"


# --- passes that spare AWS ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("workers", [1, 2, 4, 16])
def test_news_of_children_is_served_while_every_look_waits_for_aws(workers: int) -> None:
    async def story() -> None:
        async with running(workers) as operator:
            await served(operator, "settled")
            operator.aws.slow.set()
            for number in range(20):
                await operator.add(connector(f"new-{number}"))
            looks = threads_for(workers) * 3 // 4
            assert await operator.aws.next_of(looks) == [f"look new-{number}" for number in range(looks)]

            for _ in range(3):
                await operator.child_news("settled")
                assert await operator.aws.next() == "quick settled"
            assert operator.aws.begun.empty()

    asyncio.run(story())


def test_a_connector_whose_look_is_in_line_is_served_news_of_its_children_meanwhile() -> None:
    async def story() -> None:
        async with running() as operator:
            await served(operator, "settled")
            await operator.start_with(10)
            await operator.news(connector("settled"), None)  # watched anew, so it is to be looked at

            await operator.child_news("settled")
            assert await operator.aws.next() == "quick settled"

    asyncio.run(story())


def test_no_pass_can_do_without_the_first_look() -> None:
    async def story() -> None:
        async with running() as operator:
            await operator.start_with(10)
            await operator.child_news("healthy-9", None)  # one that was there before
            operator.aws.let_one_end()

            assert await operator.aws.next() == "look healthy-3"

    asyncio.run(story())


# --- what goes ahead ----------------------------------------------------------------------------------------------


def test_a_new_connector_goes_ahead_of_a_thousand_healthy_ones_after_a_start() -> None:
    async def story() -> None:
        async with running() as operator:
            await operator.start_with(1000)
            await operator.add(connector(NEWCOMER))
            operator.aws.let_one_end()

            assert await operator.aws.next() == f"look {NEWCOMER}"
            assert operator.aws.priorities[NEWCOMER] is Priority.USER

    asyncio.run(story())


@pytest.mark.parametrize(
    "change",
    [
        connector("healthy-500", generation=2, ready="True"),
        connector("healthy-500", ready="True", annotations={"apono.io/reconcile-at": "now"}),
    ],
    ids=["spec", "annotation"],
)
def test_a_users_change_takes_its_connector_to_the_head_of_the_line(change: Mapping[str, Any]) -> None:
    async def story() -> None:
        async with running() as operator:
            await operator.start_with(1000)
            await operator.news(change)
            operator.aws.let_one_end()

            assert await operator.aws.next() == "look healthy-500"
            assert operator.aws.priorities["healthy-500"] is Priority.USER

    asyncio.run(story())


def test_a_deletion_goes_ahead_of_routine() -> None:
    async def story() -> None:
        async with running() as operator:
            await operator.start_with(1000)
            await operator.delete(connector("going"))
            operator.aws.let_one_end()

            assert await operator.aws.next() == "finalize going"

    asyncio.run(story())


@pytest.mark.parametrize(
    ("body", "priority"),
    [
        (connector("one", ready="True"), Priority.ROUTINE),
        (connector("one", ready="False"), Priority.RETRY),
        (connector("one", ready="Unknown"), Priority.RETRY),
        (connector("one", generation=2, ready="True"), Priority.USER),
        (connector("one"), Priority.USER),
    ],
    ids=["ready", "not ready", "in doubt", "changed meanwhile", "never looked at"],
)
def test_the_status_tells_how_urgent_the_first_look_after_a_start_is(
    body: Mapping[str, Any], priority: Priority
) -> None:
    async def story() -> None:
        async with running() as operator:
            await operator.add(body, None)
            await operator.aws.next()
            assert operator.aws.priorities["one"] is priority

    asyncio.run(story())


def test_what_happens_to_the_children_of_a_connector_in_line_takes_it_ahead_of_routine() -> None:
    async def story() -> None:
        async with running() as operator:
            await operator.start_with(1000)
            await operator.child_news("healthy-700", "DELETED")
            operator.aws.let_one_end()

            assert await operator.aws.next() == "look healthy-700"
            assert operator.aws.priorities["healthy-700"] is Priority.RETRY

    asyncio.run(story())


def test_routine_has_its_share_while_users_keep_changing_things() -> None:
    async def story() -> None:
        async with running() as operator:
            await operator.start_with(30)
            for number in range(60):
                await operator.add(connector(f"new-{number}"))
            begun = []
            for _ in range(40):
                operator.aws.let_one_end()
                begun.append(await operator.aws.next())

            assert sum(name.startswith("look healthy") for name in begun) == 2

    asyncio.run(story())


# --- what fails ---------------------------------------------------------------------------------------------------


def test_what_fails_is_urgent_for_some_tries_and_routine_after_them() -> None:
    async def story() -> None:
        async with running(timing=Timing(resync=600.0, first_retry=0.01, last_retry=0.01)) as operator:
            operator.items.of(Owner("team-a", "one", "uid of one")).allowance = Allowance(burst=100.0, every=0.001)
            operator.aws.failing.add("one")
            operator.aws.slow.set()
            await operator.add(connector("one"))
            seen = []
            for _ in range(URGENT_RETRIES + 3):
                assert await operator.aws.next() == "look one"
                seen.append(operator.aws.priorities["one"])
                operator.aws.let_one_end()

            assert seen == [Priority.USER, *[Priority.RETRY] * URGENT_RETRIES, *[Priority.ROUTINE] * 2]

    asyncio.run(story())


def test_a_correction_is_looked_at_at_once_however_long_the_back_off() -> None:
    async def story() -> None:
        async with running(timing=Timing(resync=600.0, first_retry=500.0, last_retry=500.0)) as operator:
            operator.aws.failing.add("one")
            await served(operator, "one")

            await operator.news(connector("one", generation=2))

            assert await operator.aws.next() == "look one"
            assert operator.aws.priorities["one"] is Priority.USER

    asyncio.run(story())


def test_connectors_that_hang_or_fail_leave_turns_to_all_others() -> None:
    async def story() -> None:
        async with running(workers=12, timing=Timing(resync=600.0, first_retry=0.01, last_retry=0.01)) as operator:
            operator.aws.failing |= {"failing-0", "failing-1"}
            operator.aws.slow.set()
            for number in range(5):
                await operator.add(connector(f"hanging-{number}"))
            await operator.aws.next_of(5)
            operator.aws.slow.clear()
            for number in range(2):
                await operator.add(connector(f"failing-{number}"))
            for number in range(40):
                await operator.add(connector(f"good-{number}"))

            waiting = {f"look good-{number}" for number in range(40)}
            while waiting:
                waiting.discard(await operator.aws.next())

    asyncio.run(story())


# --- a turn is given back -----------------------------------------------------------------------------------------


def test_a_daemon_that_is_cancelled_leaves_the_line() -> None:
    async def story() -> None:
        async with running() as operator:
            await operator.start_with(5)
            for task in operator._tasks[3:4]:  # noqa: SLF001
                task.cancel()
            await settled()
            operator.aws.let_one_end()

            assert await operator.aws.next() == "look healthy-4"

    asyncio.run(story())
