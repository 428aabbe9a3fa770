"""When the operator looks again."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apono_operator.handlers.timing import Timing
from apono_operator.reconciler import Outcome
from apono_operator.state.finding import Next

RESYNC = 600.0
timing = Timing(resync=RESYNC)


def doubled(failures: int, first: float, last: float) -> float:
    """The back-off without its jitter: it doubles up to the last."""
    return last if failures > 64 else min(first * 2.0 ** (failures - 1), last)


@given(st.integers(1, 100_000), st.floats(0.01, 10), st.floats(10, 300))
def test_the_back_off_doubles_up_to_the_last_and_is_at_least_half_of_it(
    failures: int, first: float, last: float
) -> None:
    full = doubled(failures, first, last)

    wait = Timing(resync=RESYNC, first_retry=first, last_retry=last).backoff(failures)

    assert full / 2 <= wait <= full * (1 + 1e-9)


def test_the_back_off_is_jittered_so_that_connectors_do_not_come_in_step() -> None:
    waits = {timing.backoff(10) for _ in range(20)}

    assert len(waits) == 20


@pytest.mark.parametrize(("failures", "least", "most"), [(1, 0.5, 1), (2, 1, 2), (3, 2, 4), (6, 15, 30), (60, 15, 30)])
def test_by_default_the_back_off_goes_from_a_second_to_half_a_minute(failures: int, least: float, most: float) -> None:
    assert all(least <= timing.backoff(failures) <= most for _ in range(100))


@given(st.floats(10, 86_400), st.integers(0, 100))
def test_a_connector_with_which_all_is_well_is_looked_at_after_the_resync_give_or_take_a_tenth(
    resync: float, failures: int
) -> None:
    wait = Timing(resync=resync).after(Outcome(Next.NOTHING), failures)

    assert 0.9 * resync <= wait <= 1.1 * resync


def test_the_resync_spreads_over_the_whole_tenth() -> None:
    waits = [timing.after(Outcome(Next.NOTHING), 0) for _ in range(300)]

    assert min(waits) < 0.95 * RESYNC
    assert max(waits) > 1.05 * RESYNC


@pytest.mark.parametrize("awaits", [Next.SOMEBODY, Next.TIME])
def test_what_only_another_manifest_can_change_waits_for_the_resync(awaits: Next) -> None:
    assert timing.after(Outcome(awaits, permanent=True), 5) >= 0.9 * RESYNC


@pytest.mark.parametrize("awaits", [Next.SOMEBODY, Next.TIME])
def test_what_is_not_as_asked_is_looked_at_after_the_back_off(awaits: Next) -> None:
    assert 0.5 <= timing.after(Outcome(awaits), 1) <= 1


@pytest.mark.parametrize("failures", [0, 1, 2, 3])
@pytest.mark.parametrize("awaits", list(Next))
def test_what_changed_under_our_hands_is_looked_at_at_once(awaits: Next, failures: int) -> None:
    assert timing.after(Outcome(awaits, hurry=True), failures) == timing.hurry


def test_what_keeps_changing_under_our_hands_is_not_hurried_for_ever() -> None:
    assert timing.after(Outcome(Next.TIME, hurry=True), 4) >= 4
    assert 4 <= timing.after(Outcome(Next.NOTHING, hurry=True), 4) <= 8


@pytest.mark.parametrize("outcome", [Outcome(Next.NOTHING), Outcome(Next.SOMEBODY, permanent=True)])
def test_what_cloudformation_works_on_is_looked_at_in_its_own_time_though_nothing_waits(outcome: Outcome) -> None:
    moving = replace(outcome, stack_moves=True)

    assert 0.9 * timing.stack <= timing.after(moving, 0) <= 1.1 * timing.stack
    assert timing.after(replace(moving, within=1.0), 0) == 1.0


def test_children_as_asked_need_no_pass_before_their_next_news() -> None:
    assert timing.of_children(Outcome(Next.TIME), 0) == math.inf
    assert timing.of_children(Outcome(Next.TIME, children=Next.TIME, permanent=True), 3) == math.inf


@pytest.mark.parametrize("awaits", [Next.SOMEBODY, Next.TIME])
def test_children_that_are_not_as_asked_are_looked_at_after_the_back_off(awaits: Next) -> None:
    assert 0.5 <= timing.of_children(Outcome(Next.NOTHING, children=awaits), 1) <= 1
    assert 15 <= timing.of_children(Outcome(Next.NOTHING, children=awaits), 12) <= 30


def test_children_that_have_long_waited_for_somebody_are_looked_at_seldom() -> None:
    assert timing.of_children(Outcome(Next.NOTHING, children=Next.SOMEBODY), 13) >= 0.9 * timing.seldom
    assert timing.of_children(Outcome(Next.NOTHING, children=Next.TIME), 13) <= 30
