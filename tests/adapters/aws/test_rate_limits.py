"""How many calls leave for a service, in which order, and that nobody waits past a stop."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from apono_operator.adapters.aws.rate_limits import DEFAULT_RATE_LIMITS, RateLimit, RateLimiter, RateLimiters
from apono_operator.adapters.errors import FencedError
from apono_operator.adapters.fence import Fence
from apono_operator.adapters.priority import PRIORITY, Priority
from tests.waiting import until

EXHAUSTED = RateLimit(per_second=0.1, burst=1)
"""After one call, the next has to wait for ten seconds, which no test does."""


MILLISECOND = 0.001
"""How exactly the library counts."""


def times_of(calls: int, limiter: RateLimiter, threads: int = 4) -> list[float]:
    """When each of so many calls left, in seconds since the first was tried, by so many threads at once."""
    began = time.monotonic()

    def call(_: int) -> float:
        limiter.wait()
        return time.monotonic() - began

    with ThreadPoolExecutor(threads) as pool:
        return sorted(pool.map(call, range(calls)))


@pytest.mark.parametrize(
    ("limit", "calls"),
    [(RateLimit(per_second=40, burst=10), 30), (RateLimit(per_second=40, burst=1), 20)],
    ids=["burst", "one at a time"],
)
def test_at_no_time_have_more_calls_left_than_the_burst_and_what_the_rate_allows(limit: RateLimit, calls: int) -> None:
    times = times_of(calls, RateLimiter(limit, Fence()))

    allowed = [limit.burst + limit.per_second * (moment + MILLISECOND) for moment in times]
    assert all(number <= most for number, most in enumerate(allowed, start=1))


def test_the_rate_is_made_use_of_however_many_wait() -> None:
    times = times_of(60, RateLimiter(RateLimit(per_second=40, burst=20), Fence()), threads=12)

    assert times[19] < 0.5
    assert times[-1] < 2.0  # one second by the rate alone


def test_a_fraction_of_a_call_a_second_is_not_rounded() -> None:
    times = times_of(3, RateLimiter(RateLimit(per_second=7.5, burst=1), Fence()))

    assert 2 / 7.5 <= times[-1] < 1.0


def test_a_large_number_is_no_limit() -> None:
    times = times_of(5000, RateLimiter(RateLimit(per_second=1_000_000, burst=1_000_000), Fence()))

    assert times[-1] < 10.0


def test_the_urgent_call_goes_ahead_of_those_that_wait() -> None:
    limiter = RateLimiter(RateLimit(per_second=2, burst=1), Fence())
    left: list[Priority] = []

    def call(priority: Priority) -> None:
        PRIORITY.set(priority)
        limiter.wait()
        left.append(priority)

    limiter.wait()
    with ThreadPoolExecutor(5) as pool:
        for _ in range(4):
            pool.submit(call, Priority.ROUTINE)
        until("the first of them left", lambda: left)
        pool.submit(call, Priority.USER)

    assert left == [Priority.ROUTINE, Priority.USER, *[Priority.ROUTINE] * 3]


def test_a_stop_ends_every_wait_and_lets_nobody_pass() -> None:
    fence = Fence()
    limiter = RateLimiter(EXHAUSTED, fence)
    limiter.wait()

    with ThreadPoolExecutor(8) as pool:
        waiting = [pool.submit(limiter.wait) for _ in range(8)]
        until("all of them wait", lambda: all(one.running() for one in waiting))
        fence.raise_up()
        began = time.monotonic()
        failures = [one.exception(timeout=5) for one in waiting]

    assert time.monotonic() - began < 2
    assert {type(failure) for failure in failures} == {FencedError}


def test_a_limiter_has_no_thread_of_its_own() -> None:
    before = threading.enumerate()

    RateLimiter(RateLimit(per_second=5, burst=10), Fence()).wait()

    assert threading.enumerate() == before


def test_each_service_has_a_limit_of_its_own() -> None:
    fence = Fence()
    limiters = RateLimiters({"iam": EXHAUSTED, "sts": EXHAUSTED}, fence)
    limiters.wait("iam")

    limiters.wait("sts")

    fence.raise_up()
    with pytest.raises(FencedError):
        limiters.wait("iam")


def test_a_service_that_nobody_thought_of_a_limit_for_is_not_called() -> None:
    with pytest.raises(KeyError, match="ec2"):
        RateLimiters(DEFAULT_RATE_LIMITS, Fence()).wait("ec2")
