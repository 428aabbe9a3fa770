"""Passes over one connector follow each other, whatever becomes of the task that waits for them."""

from __future__ import annotations

import asyncio
import contextvars
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from prometheus_client import REGISTRY

from apono_operator.handlers.work_items import WorkItems
from apono_operator.state.resources import Owner
from apono_operator.telemetry.heartbeats import Workers

OWNER = Owner("team-a", "production", "uid-1")
OTHER = Owner("team-a", "staging", "uid-2")
PATIENCE = 10.0
"""Seconds after which a thread that should have moved has failed."""

connector: contextvars.ContextVar[str] = contextvars.ContextVar("connector", default="none")


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(4) as pool:
        yield pool


@pytest.fixture
def items(pool: ThreadPoolExecutor) -> WorkItems:
    return WorkItems(pool)


class HeldPass:
    """A pass that tells when it has started, and ends when it is let."""

    def __init__(self, log: list[str] | None = None, failure: Exception | None = None) -> None:
        self.started = threading.Event()
        self._let = threading.Event()
        self._log = log if log is not None else []
        self._failure = failure

    def __call__(self) -> None:
        """Run, in a thread of the pool."""
        self._log.append("held pass starts")
        self.started.set()
        assert self._let.wait(PATIENCE)
        self._log.append("held pass ends")
        if self._failure:
            raise self._failure

    async def wait_until_started(self) -> None:
        """Wait, without holding up the loop."""
        assert await asyncio.to_thread(self.started.wait, PATIENCE)

    def let_end(self) -> None:
        """Let it end."""
        self._let.set()


def noting(log: list[str], text: str) -> Callable[[], None]:
    return lambda: log.append(text)


def test_a_pass_runs_in_a_thread_and_returns_its_result(items: WorkItems) -> None:
    async def scenario() -> str:
        return await items.in_thread(items.of(OWNER), lambda: threading.current_thread().name)

    assert asyncio.run(scenario()) != threading.current_thread().name


def test_passes_over_one_connector_follow_each_other_while_others_go_on(items: WorkItems) -> None:
    log: list[str] = []
    held = HeldPass(log)

    async def scenario() -> None:
        first = asyncio.create_task(items.in_thread(items.of(OWNER), held))
        await held.wait_until_started()
        second = asyncio.create_task(items.in_thread(items.of(OWNER), noting(log, "second pass")))
        await items.in_thread(items.of(OTHER), noting(log, "other connector"))
        held.let_end()
        await asyncio.gather(first, second)

    asyncio.run(scenario())

    assert log == ["held pass starts", "other connector", "held pass ends", "second pass"]


def test_as_many_connectors_are_worked_on_at_once_as_the_pool_has_threads() -> None:
    meeting = threading.Barrier(3)

    async def scenario(items: WorkItems) -> None:
        owners = [Owner("team-a", f"connector-{number}", f"uid-{number}") for number in range(3)]
        await asyncio.gather(*(items.in_thread(items.of(owner), lambda: meeting.wait(PATIENCE)) for owner in owners))

    with ThreadPoolExecutor(3) as pool:
        asyncio.run(scenario(WorkItems(pool)))

    assert not meeting.broken


def test_a_cancelled_task_does_not_give_its_turn_back_before_its_thread_has_ended(items: WorkItems) -> None:
    log: list[str] = []
    held = HeldPass(log)

    async def scenario() -> None:
        item = items.of(OWNER)
        task = asyncio.create_task(items.in_thread(item, held))
        await held.wait_until_started()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert item.lock.locked()
        following = asyncio.create_task(items.in_thread(item, noting(log, "following pass")))
        await items.in_thread(items.of(OTHER), noting(log, "other connector"))
        held.let_end()
        await following

    asyncio.run(scenario())

    assert log == ["held pass starts", "other connector", "held pass ends", "following pass"]


def test_a_task_that_is_cancelled_while_it_waits_for_its_turn_runs_nothing(items: WorkItems) -> None:
    log: list[str] = []
    held = HeldPass(log)

    async def scenario() -> None:
        item = items.of(OWNER)
        first = asyncio.create_task(items.in_thread(item, held))
        await held.wait_until_started()
        waiting = asyncio.create_task(items.in_thread(item, noting(log, "cancelled pass")))
        await items.in_thread(items.of(OTHER), noting(log, "other connector"))
        waiting.cancel()
        held.let_end()
        await first
        await items.in_thread(item, noting(log, "last pass"))

    asyncio.run(scenario())

    assert log == ["held pass starts", "other connector", "held pass ends", "last pass"]


def test_the_failure_of_a_pass_comes_out_and_gives_the_turn_back(items: WorkItems) -> None:
    def fail() -> None:
        raise LookupError("not there")

    async def scenario() -> None:
        item = items.of(OWNER)
        with pytest.raises(LookupError, match="not there"):
            await items.in_thread(item, fail)
        await asyncio.wait_for(items.in_thread(item, lambda: None), PATIENCE)

    asyncio.run(scenario())


def test_the_failure_of_a_pass_that_nobody_waits_for_any_more_is_no_news(
    items: WorkItems, caplog: pytest.LogCaptureFixture
) -> None:
    held = HeldPass(failure=LookupError("not there"))

    async def scenario() -> None:
        item = items.of(OWNER)
        task = asyncio.create_task(items.in_thread(item, held))
        await held.wait_until_started()
        task.cancel()
        held.let_end()
        await items.in_thread(item, lambda: None)

    asyncio.run(scenario())

    assert caplog.messages == []


def test_a_pass_knows_the_context_of_its_task_and_keeps_its_own_to_itself(items: WorkItems) -> None:
    def work() -> str:
        seen = connector.get()
        connector.set("changed in the thread")
        return seen

    async def scenario() -> tuple[str, str]:
        connector.set("production")
        return await items.in_thread(items.of(OWNER), work), connector.get()

    assert asyncio.run(scenario()) == ("production", "production")


def test_once_the_pool_is_shut_down_a_pass_is_refused_and_the_turn_is_free(
    items: WorkItems, pool: ThreadPoolExecutor
) -> None:
    pool.shutdown()

    async def scenario() -> bool:
        item = items.of(OWNER)
        with pytest.raises(RuntimeError, match="cannot schedule new futures after shutdown"):
            await items.in_thread(item, lambda: None)
        return item.lock.locked()

    assert asyncio.run(scenario()) is False


def test_a_pass_that_waits_in_the_pool_when_it_shuts_down_is_cancelled() -> None:
    held = HeldPass()

    async def scenario(items: WorkItems, pool: ThreadPoolExecutor) -> None:
        running = asyncio.create_task(items.in_thread(items.of(OWNER), held))
        await held.wait_until_started()
        waiting = asyncio.create_task(items.in_thread(items.of(OTHER), lambda: None))
        await asyncio.sleep(0)  # let it take its turn, and its place in the pool
        pool.shutdown(wait=False, cancel_futures=True)
        with pytest.raises(asyncio.CancelledError):
            await waiting
        held.let_end()
        await running

    with ThreadPoolExecutor(1) as pool:
        asyncio.run(scenario(WorkItems(pool), pool))


def test_a_pass_that_outlives_the_loop_ends_in_peace(caplog: pytest.LogCaptureFixture) -> None:
    log: list[str] = []
    held = HeldPass(log)

    async def scenario(items: WorkItems) -> None:
        task = asyncio.create_task(items.in_thread(items.of(OWNER), held))
        await held.wait_until_started()
        task.cancel()

    with ThreadPoolExecutor(1) as pool:
        asyncio.run(scenario(WorkItems(pool)))
        held.let_end()

    assert log == ["held pass starts", "held pass ends"]
    assert caplog.messages == []


def test_a_connector_has_one_item_as_long_as_it_lives(items: WorkItems) -> None:
    assert items.of(OWNER) is items.of(Owner("team-a", "production", "uid-1"))
    assert items.of(OWNER) is not items.of(OTHER)


def test_a_connector_that_is_made_anew_under_its_name_has_a_new_item(items: WorkItems) -> None:
    earlier = items.of(OWNER)
    later = items.of(Owner("team-a", "production", "uid-3"))

    assert earlier is not later
    assert items.labelled("team-a", "production") is later


def test_an_item_is_found_by_the_label_on_the_connectors_children(items: WorkItems) -> None:
    item = items.of(OWNER)

    assert items.labelled("team-a", OWNER.label) is item
    assert items.labelled("team-b", OWNER.label) is None
    assert items.labelled("team-a", "staging") is None


def test_a_long_name_is_found_by_the_shortened_label(items: WorkItems) -> None:
    owner = Owner("team-a", "c" * 200, "uid-4")
    item = items.of(owner)

    assert len(owner.label) <= 63
    assert items.labelled("team-a", owner.label) is item


def test_a_connector_that_is_gone_is_forgotten(items: WorkItems) -> None:
    item = items.of(OWNER)

    items.forget(OWNER)

    assert items.labelled("team-a", "production") is None
    assert items.of(OWNER) is not item


def test_forgetting_an_earlier_connector_leaves_the_later_one_of_its_name(items: WorkItems) -> None:
    items.of(OWNER)
    later = items.of(Owner("team-a", "production", "uid-3"))

    items.forget(OWNER)

    assert items.labelled("team-a", "production") is later


def test_forgetting_a_connector_that_was_never_seen_is_fine(items: WorkItems) -> None:
    items.forget(OWNER)

    assert items.labelled("team-a", "production") is None


def test_the_connectors_that_are_known_are_counted(items: WorkItems) -> None:
    for owner in (OWNER, OTHER, OWNER):
        items.of(owner)
    assert REGISTRY.get_sample_value("apono_operator_connectors") == 2

    items.forget(OWNER)
    assert REGISTRY.get_sample_value("apono_operator_connectors") == 1


def test_a_thread_is_watched_while_it_works(pool: ThreadPoolExecutor) -> None:
    now = [0.0]
    workers = Workers(300, lambda: now[0])
    items = WorkItems(pool, workers)
    held = HeldPass()

    async def scenario() -> None:
        task = asyncio.create_task(items.in_thread(items.of(OWNER), held))
        await held.wait_until_started()
        now[0] = 301
        assert workers.complaint() == "1 passes stand still, one since 301 s"
        held.let_end()
        await task

    asyncio.run(scenario())

    assert workers.complaint() is None
