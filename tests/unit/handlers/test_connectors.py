"""The loop over one connector: when it makes a pass, when it looks at AWS, and how it ends."""

from __future__ import annotations

import asyncio
import queue
import threading
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import Any, cast

import pytest

from apono_operator.adapters.errors import TransientError
from apono_operator.adapters.priority import Priority
from apono_operator.handlers.connectors import ConnectorHandlers
from apono_operator.handlers.looks import Looks
from apono_operator.handlers.timing import Timing
from apono_operator.handlers.work_items import Allowance, WorkItems
from apono_operator.reconciler import Outcome, Reconciler, Remainder
from apono_operator.state.finding import Next, waits
from apono_operator.state.resources import Owner
from apono_operator.v1alpha1 import Reason

OWNER = Owner("team-a", "production", "uid-1")
DONE = Outcome(Next.NOTHING)
BLOCKED = Outcome(Next.SOMEBODY)
PATIENCE = 10.0


class ScriptedReconciler:
    """Answers passes as told, and tells which passes were asked for."""

    def __init__(self, answer: Callable[[], Outcome | None] = lambda: DONE) -> None:
        self.passes: queue.Queue[str] = queue.Queue()
        self.remainders: list[Remainder | None] = [None]
        self._answer = answer

    def reconcile(self, owner: Owner, *, quick: bool = False) -> Outcome | None:
        assert owner == OWNER
        self.passes.put("quick" if quick else "look")
        return self._answer()

    def finalize(self, owner: Owner, *, quick: bool = False) -> Remainder | None:
        assert owner == OWNER
        self.passes.put("finalize quickly" if quick else "finalize")
        return self.remainders.pop(0)

    def secrets_changed(self, owner: Owner) -> bool:
        return owner != OWNER

    def generation(self, owner: Owner) -> int | None:
        return 1 if owner == OWNER else None

    def forget(self, owner: Owner) -> None:
        self.passes.put(f"forget {owner.name}")

    async def next(self) -> str:
        return await asyncio.to_thread(self.passes.get, timeout=PATIENCE)


def connector(generation: int = 1, **metadata: Any) -> dict[str, Any]:
    own = {"namespace": "team-a", "name": "production", "uid": "uid-1", "generation": generation}
    return {"metadata": {**own, **metadata}}


CHILD = {"metadata": {"namespace": "team-a", "name": "x", "labels": {"apono.io/connector": "production"}}}


class Loop:
    """A running daemon, and the handlers that wake it."""

    def __init__(self, handlers: ConnectorHandlers, reconciler: ScriptedReconciler) -> None:
        self.handlers: Any = handlers
        self.reconciler = reconciler

    async def news(self, generation: int, kind: str | None = "MODIFIED", **metadata: Any) -> None:
        await self.handlers._on_connector(type=kind, body=connector(generation, **metadata))  # noqa: SLF001

    async def child_news(self, kind: str | None = "MODIFIED") -> None:
        await self.handlers._on_child(type=kind, body=CHILD)  # noqa: SLF001


@asynccontextmanager
async def running(reconciler: ScriptedReconciler, timing: Timing | None = None) -> AsyncIterator[Loop]:
    with ThreadPoolExecutor(2) as pool:
        handlers: Any = ConnectorHandlers(
            cast(Reconciler, reconciler), WorkItems(pool), Looks(2), timing or Timing(resync=600.0)
        )
        await handlers._on_connector(type=None, body=connector())  # noqa: SLF001
        daemon = asyncio.create_task(handlers._reconcile(body=connector()))  # noqa: SLF001
        assert await reconciler.next() == "look"
        yield Loop(handlers, reconciler)
        daemon.cancel()
        await daemon


def test_news_of_children_makes_a_pass_that_spares_aws() -> None:
    async def story() -> None:
        async with running(ScriptedReconciler()) as loop:
            await loop.child_news()
            assert await loop.reconciler.next() == "quick"

    asyncio.run(story())


@pytest.mark.parametrize(
    "metadata",
    [
        {"generation": 2},
        {"generation": 1, "annotations": {"apono.io/reconcile-at": "now"}},
        {"generation": 1, "finalizers": ["apono.io/connector-cleanup"]},
    ],
    ids=["spec", "annotation", "finalizer"],
)
def test_news_of_the_connector_makes_a_look_at_everything(metadata: dict[str, Any]) -> None:
    async def story() -> None:
        async with running(ScriptedReconciler()) as loop:
            await loop.news(**metadata)
            assert await loop.reconciler.next() == "look"

    asyncio.run(story())


def test_our_own_status_is_no_news() -> None:
    async def story() -> None:
        async with running(ScriptedReconciler()) as loop:
            await loop.news(1, resourceVersion="2")
            await loop.child_news()
            assert await loop.reconciler.next() == "quick"
            assert loop.reconciler.passes.empty()

    asyncio.run(story())


def test_news_of_children_does_not_shorten_the_back_off_towards_aws() -> None:
    async def story() -> None:
        timing = Timing(resync=600.0, first_retry=60.0, last_retry=60.0)
        async with running(ScriptedReconciler(lambda: BLOCKED), timing) as loop:
            for _ in range(3):
                await loop.child_news()
                assert await loop.reconciler.next() == "quick"

    asyncio.run(story())


def test_a_pass_that_fails_is_tried_again() -> None:
    answers: list[Exception | Outcome] = [TransientError(Reason.KUBERNETES_UNAVAILABLE, "GET"), ValueError("?"), DONE]

    def answer() -> Outcome:
        given = answers.pop(0)
        if isinstance(given, Exception):
            raise given
        return given

    async def story() -> None:
        timing = Timing(resync=600.0, first_retry=0.01, last_retry=0.01)
        async with running(ScriptedReconciler(answer), timing) as loop:
            assert await loop.reconciler.next() == "look"
            assert await loop.reconciler.next() == "look"

    asyncio.run(story())


def test_a_flood_of_edits_causes_few_looks_at_aws() -> None:
    async def story() -> None:
        async with running(ScriptedReconciler()) as loop:
            seen = []
            for generation in range(2, 12):
                await loop.news(generation)
                seen.append(await loop.reconciler.next())
            assert seen == ["look"] * 4 + ["quick"] * 6

    asyncio.run(story())


def test_an_allowance_gives_some_looks_at_once_and_then_one_every_few_seconds() -> None:
    allowance = Allowance()

    assert [allowance.take(100.0) for _ in range(6)] == [0.0] * 5 + [5.0]
    assert allowance.take(104.0) == pytest.approx(1.0)
    assert allowance.take(105.0) == 0.0
    assert allowance.take(106.0) == pytest.approx(4.0)


def test_a_deletion_lasts_until_nothing_is_left() -> None:
    async def story() -> None:
        reconciler = ScriptedReconciler()
        going_on = waits(Reason.DELETING, "pods")
        needs_aws = Remainder(going_on, 1, needs_aws=True)
        reconciler.remainders = [Remainder(going_on, 1), needs_aws, Remainder(going_on, 1), needs_aws, None]
        timing = Timing(resync=600.0, first_retry=0.01)
        with ThreadPoolExecutor(2) as pool:
            handlers: Any = ConnectorHandlers(cast(Reconciler, reconciler), WorkItems(pool), Looks(2), timing)
            await handlers._finalize(body=connector())  # noqa: SLF001
        steps = [reconciler.passes.get_nowait() for _ in range(5)]
        assert steps == ["finalize quickly", *["finalize quickly", "finalize"] * 2]

    asyncio.run(story())


def test_a_deletion_that_can_do_without_aws_does_not_wait_for_a_turn() -> None:
    async def story() -> None:
        reconciler = ScriptedReconciler()
        with ThreadPoolExecutor(2) as pool:
            looks = Looks(1)
            looks.line_up(Priority.USER, lambda: None)  # and keeps the only turn
            handlers: Any = ConnectorHandlers(cast(Reconciler, reconciler), WorkItems(pool), looks, Timing(600.0))
            await asyncio.wait_for(handlers._finalize(body=connector()), PATIENCE)  # noqa: SLF001
        assert reconciler.passes.get_nowait() == "finalize quickly"

    asyncio.run(story())


def test_an_edit_during_the_wait_for_a_turn_is_acted_upon_without_aws() -> None:
    async def story() -> None:
        reconciler = ScriptedReconciler()
        reconciler.remainders = [Remainder(waits(Reason.DELETING, "role"), 0, needs_aws=True), None]
        timing = Timing(resync=600.0, first_retry=0.01)
        with ThreadPoolExecutor(2) as pool:
            looks = Looks(1)
            looks.line_up(Priority.USER, lambda: None)
            handlers: Any = ConnectorHandlers(cast(Reconciler, reconciler), WorkItems(pool), looks, timing)
            await asyncio.wait_for(handlers._finalize(body=connector()), PATIENCE)  # noqa: SLF001
        assert [reconciler.passes.get_nowait() for _ in range(2)] == ["finalize quickly"] * 2

    asyncio.run(story())


def test_a_connector_that_is_gone_is_forgotten() -> None:
    async def story() -> None:
        async with running(ScriptedReconciler()) as loop:
            await loop.news(1, "DELETED")
            assert await loop.reconciler.next() == "forget production"
            await loop.child_news()
            assert loop.reconciler.passes.empty()

    asyncio.run(story())


def test_news_that_a_look_has_read_already_costs_no_other_look() -> None:
    async def story() -> None:
        finalized = connector(1, finalizers=["apono.io/connector-cleanup"])
        async with running(ScriptedReconciler(lambda: Outcome(Next.NOTHING, read=finalized))) as loop:
            await loop.child_news()
            assert await loop.reconciler.next() == "quick"
            await loop.news(1, finalizers=["apono.io/connector-cleanup"])
            await loop.child_news()
            assert await loop.reconciler.next() == "quick"

    asyncio.run(story())


def test_news_that_came_during_a_look_and_that_it_has_read_cost_no_other_look() -> None:
    async def story() -> None:
        going_on = threading.Event()
        read = [connector(1), connector(2)]

        def answer() -> Outcome:
            if len(read) == 1:
                assert going_on.wait(PATIENCE)
            return Outcome(Next.NOTHING, read=read.pop(0) if len(read) > 1 else read[0])

        async with running(ScriptedReconciler(answer)) as loop:
            await loop.news(1, annotations={"apono.io/reconcile-at": "now"})
            assert await loop.reconciler.next() == "look"
            await loop.news(2)
            going_on.set()
            assert await loop.reconciler.next() == "quick"

    asyncio.run(story())


def test_what_the_children_wait_for_costs_no_look_at_aws() -> None:
    async def story() -> None:
        rolling_out = ScriptedReconciler(lambda: Outcome(Next.NOTHING, children=Next.TIME))
        async with running(rolling_out, Timing(resync=600.0, first_retry=0.01)) as loop:
            assert [await loop.reconciler.next() for _ in range(3)] == ["quick"] * 3

    asyncio.run(story())


def test_when_everything_is_listed_anew_the_children_are_looked_at() -> None:
    async def story() -> None:
        async with running(ScriptedReconciler(lambda: Outcome(Next.NOTHING, read=connector(1)))) as loop:
            await loop.child_news()
            assert await loop.reconciler.next() == "quick"
            await loop.news(1, kind=None)
            assert await loop.reconciler.next() == "quick"

    asyncio.run(story())


def test_a_first_look_that_fails_does_not_keep_the_loop_busy() -> None:
    async def story() -> None:
        def answer() -> Outcome:
            raise TransientError(Reason.KUBERNETES_UNAVAILABLE, "no answer")

        reconciler = ScriptedReconciler(answer)
        timing = Timing(resync=600.0, first_retry=0.01, last_retry=0.05)
        with ThreadPoolExecutor(2) as pool:
            looks = Looks(1)
            handlers: Any = ConnectorHandlers(cast(Reconciler, reconciler), WorkItems(pool), looks, timing)
            await handlers._on_connector(type=None, body=connector())  # noqa: SLF001
            daemon = asyncio.create_task(handlers._reconcile(body=connector()))  # noqa: SLF001
            assert await reconciler.next() == "look"
            given, later = asyncio.Event(), asyncio.Event()
            taken = looks.line_up(Priority.USER, given.set)  # so that its retry has to wait in line
            await asyncio.wait_for(given.wait(), PATIENCE)
            asyncio.get_running_loop().call_later(0.2, later.set)  # which a busy loop does not come to
            await asyncio.wait_for(later.wait(), PATIENCE)
            taken.end()
            assert await reconciler.next() == "look"
            daemon.cancel()
            await daemon

    asyncio.run(story())


def test_a_finalizer_that_comes_back_is_looked_at_though_an_earlier_look_has_read_the_same() -> None:
    """Whatever replaces the object whole, takes it off while a look is to be tried again."""
    finalizers = ["apono.io/connector-cleanup"]
    interrupted = Outcome(Next.TIME, hurry=True, read=connector(finalizers=finalizers))
    answers: list[Outcome | None] = [interrupted, None, DONE]

    async def story() -> None:
        timing = Timing(resync=600.0, first_retry=0.01, last_retry=0.01, hurry=600.0)
        async with running(ScriptedReconciler(lambda: answers.pop(0)), timing) as loop:
            await loop.news(1, finalizers=finalizers)
            await loop.news(1)
            assert await loop.reconciler.next() == "look"
            await loop.news(1, finalizers=finalizers)
            assert await loop.reconciler.next() == "look"

    asyncio.run(story())
