"""When roles without a connector are looked for."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from typing import cast

import pytest

from apono_operator.adapters.errors import DeniedError, FencedError
from apono_operator.adapters.priority import PRIORITY, Priority
from apono_operator.handlers.orphan_rounds import OrphanRounds
from apono_operator.reconciler import OrphanSearch
from apono_operator.state.orphans import Orphan
from apono_operator.v1alpha1 import Reason
from tests.builders import an_owner

PATIENCE = 10.0
NEVER = 1e6
ORPHAN = Orphan("arn:aws:iam::123456789012:role/apono-connector-x", an_owner())
DENIED = DeniedError(Reason.ACCESS_DENIED, "iam:ListRoles")


class ScriptedSearch:
    """A search that answers as it is told, and notes what is asked of it; the last answer holds for ever."""

    def __init__(self, *answers: tuple[Orphan, ...] | Exception) -> None:
        self.asked: list[str] = []
        self.awaited = 0
        self.enough = threading.Event()
        self.priorities: list[Priority] = []
        self.threads: set[str] = set()
        self._answers: Iterator[tuple[Orphan, ...] | Exception] = iter(answers)
        self._answer: tuple[Orphan, ...] | Exception = ()

    def find(self) -> tuple[Orphan, ...]:
        """Answer."""
        self._note("find")
        self.priorities.append(PRIORITY.get())
        self.threads.add(threading.current_thread().name)
        self._answer = next(self._answers, self._answer)
        if isinstance(self._answer, Exception):
            raise self._answer
        return self._answer

    def tell(self, orphans: tuple[Orphan, ...]) -> None:
        """Note what is told."""
        self._note(f"tell {len(orphans)}")

    def complain(self, failure: Exception) -> None:
        """Note what is complained of."""
        self._note(f"complain of {type(failure).__name__}")

    def _note(self, what: str) -> None:
        self.asked.append(what)
        if len(self.asked) >= self.awaited:
            self.enough.set()


def asked(search: ScriptedSearch, count: int, **times: float) -> list[str]:
    """Return the first *count* things that rounds at *times* ask of *search*, then cancel them."""

    async def run() -> list[str]:
        search.awaited = count
        rounds = asyncio.create_task(OrphanRounds(cast(OrphanSearch, search), **times).run())
        assert await asyncio.to_thread(search.enough.wait, PATIENCE)
        rounds.cancel()
        with pytest.raises(asyncio.CancelledError):
            await rounds
        return search.asked[:count]

    return asyncio.run(run())


def test_a_search_is_made_at_once_and_then_in_each_period() -> None:
    assert asked(ScriptedSearch(), 3, period=0.01) == ["find"] * 3


def test_what_is_found_is_told_when_iam_has_settled() -> None:
    assert asked(ScriptedSearch((ORPHAN, ORPHAN)), 3, settling=0.01, period=0.01) == ["find", "tell 2", "find"]


def test_nothing_is_told_before() -> None:
    search = ScriptedSearch((ORPHAN,))

    assert asked(search, 1, settling=NEVER) == ["find"]
    assert search.asked == ["find"]


def test_a_search_that_fails_is_told_and_made_again_before_the_period_is_over() -> None:
    search = ScriptedSearch(DENIED, RuntimeError("nobody foresaw it"), ())

    assert asked(search, 5, period=NEVER, retry=0.01) == [
        "find",
        "complain of DeniedError",
        "find",
        "complain of RuntimeError",
        "find",
    ]


@pytest.mark.parametrize(("failures", "pause"), [(1, 300.0), (2, 600.0), (5, 4800.0), (9, 76_800.0), (10, 86_400.0)])
def test_a_search_that_goes_on_to_fail_is_made_ever_more_seldom_down_to_daily(failures: int, pause: float) -> None:
    rounds = OrphanRounds(cast(OrphanSearch, ScriptedSearch()))

    assert rounds._pause(failures) == pause  # noqa: SLF001 -- a day is too long to wait for


def test_searches_that_succeed_are_a_day_apart_or_a_little_more() -> None:
    rounds = OrphanRounds(cast(OrphanSearch, ScriptedSearch()))

    assert all(86_400 <= rounds._pause(0) <= 95_040 for _ in range(100))  # noqa: SLF001 -- as above


def test_a_stop_is_no_failure() -> None:
    search = ScriptedSearch(FencedError("stopping"))

    assert asked(search, 1, period=NEVER, retry=0.0) == ["find"]
    assert search.asked == ["find"]


def test_searches_run_beside_the_loop_and_let_all_else_go_first() -> None:
    search = ScriptedSearch()

    asked(search, 2, period=0.01)

    assert threading.current_thread().name not in search.threads
    assert set(search.priorities) == {Priority.ROUTINE}
