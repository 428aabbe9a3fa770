"""The fence: calls pass until a stop, or until the term of who leads has ended."""

from __future__ import annotations

import math
import time

import pytest

from apono_operator.adapters.errors import FencedError
from apono_operator.adapters.fence import Fence, elapsed
from apono_operator.state.leadership import Term
from tests.clock import Clock


@pytest.fixture
def clock() -> Clock:
    return Clock()


def is_passed(fence: Fence) -> bool:
    try:
        fence.check()
    except FencedError:
        return False
    return True


def test_without_a_term_calls_pass_for_as_long_as_they_like(clock: Clock) -> None:
    fence = Fence(clock)
    clock.now += 1e9

    assert is_passed(fence)
    assert fence.remaining() == math.inf


def test_calls_pass_until_the_deadline_and_may_last_until_the_expiry(clock: Clock) -> None:
    fence = Fence(clock)
    fence.extend(Term(deadline=110.0, expiry=115.0))

    clock.now = 109.9
    assert is_passed(fence)
    assert fence.remaining() == pytest.approx(5.1)
    clock.now = 110.0
    assert not is_passed(fence)
    clock.now = 116.0
    assert fence.remaining() == 0.0


def test_another_term_lets_calls_pass_for_longer(clock: Clock) -> None:
    fence = Fence(clock)
    fence.extend(Term(110.0, 115.0))
    fence.extend(Term(112.0, 117.0))

    clock.now = 111.0
    assert is_passed(fence)


def test_who_once_asked_too_late_is_let_out_by_no_later_term(clock: Clock) -> None:
    fence = Fence(clock)
    fence.extend(Term(110.0, 115.0))
    clock.now = 110.0
    assert not is_passed(fence)
    assert fence.overrun

    fence.extend(Term(120.0, 125.0))

    assert not is_passed(fence)


def test_to_look_whether_calls_pass_leaves_no_trace(clock: Clock) -> None:
    fence = Fence(clock)
    fence.extend(Term(110.0, 115.0))
    clock.now = 110.0
    assert not fence.lets_pass()

    fence.extend(Term(120.0, 125.0))

    assert fence.lets_pass()
    assert not fence.overrun


def test_a_stop_holds_back_everything_and_is_no_overrun(clock: Clock) -> None:
    fence = Fence(clock)
    fence.extend(Term(110.0, 115.0))
    fence.raise_up()

    assert not is_passed(fence)
    assert (fence.lets_pass(), fence.overrun) == (False, False)


def test_who_asks_still_goes_on(clock: Clock) -> None:
    beats: list[float] = []
    fence = Fence(clock, heartbeat=lambda: beats.append(clock.now))
    fence.raise_up()

    assert not is_passed(fence)

    assert beats == [100.0]


def test_its_clock_runs_on_while_the_machine_is_suspended() -> None:
    before = time.clock_gettime(time.CLOCK_BOOTTIME)
    assert before <= elapsed() <= time.clock_gettime(time.CLOCK_BOOTTIME)
