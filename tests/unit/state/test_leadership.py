"""Who leads: a Lease is left to its holder until it is released, or nobody has written it for as long as it lasts."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apono_operator.state.leadership import (
    Decision,
    ElectionTiming,
    Lease,
    Sighting,
    Term,
    decide,
    held,
    micro_time,
    released,
)

TIMING = ElectionTiming(duration=15, renew_deadline=10.0, retry=2.0)
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
OTHERS = Lease("other", 15, "2026-03-01T11:00:00.000000Z", "2026-03-01T11:59:58.000000Z", 3, "41", "u")
MINE = replace(OTHERS, holder="me")
TERM = Term(deadline=110.0, expiry=115.0)

moments = st.floats(0, 1e6)


def as_candidate(lease: Lease | None, *, since: float, now: float) -> Decision:
    return decide(Sighting(lease, since), "me", None, TIMING, now)


def as_leader(lease: Lease | None, now: float) -> Decision:
    return decide(Sighting(lease, 100.0), "me", TERM, TIMING, now)


# --- candidates -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("waited", "decision"), [(0.0, Decision.WAIT), (14.9, Decision.WAIT), (15.0, Decision.ACQUIRE)]
)
@pytest.mark.parametrize("lease", [OTHERS, None], ids=["held by another", "missing"])
def test_a_lease_that_is_held_or_missing_is_waited_for_as_long_as_it_lasts(
    lease: Lease | None, waited: float, decision: Decision
) -> None:
    assert as_candidate(lease, since=100.0, now=100.0 + waited) is decision


def test_a_released_lease_is_acquired_at_once() -> None:
    assert as_candidate(released(OTHERS, NOON), since=100.0, now=100.0) is Decision.ACQUIRE


def test_a_lease_that_turns_out_to_be_ones_own_is_acquired_at_once() -> None:
    assert as_candidate(MINE, since=100.0, now=100.0) is Decision.ACQUIRE


def test_a_holder_that_asks_for_more_time_than_ones_own_setting_gets_it() -> None:
    lease = replace(OTHERS, duration=60)

    assert as_candidate(lease, since=0.0, now=59.9) is Decision.WAIT
    assert as_candidate(lease, since=0.0, now=60.0) is Decision.ACQUIRE


def test_a_lease_that_would_last_for_longer_than_any_setting_says_does_not() -> None:
    lease = replace(OTHERS, duration=2**31 - 1)

    assert as_candidate(lease, since=0.0, now=599.9) is Decision.WAIT
    assert as_candidate(lease, since=0.0, now=600.0) is Decision.ACQUIRE


@pytest.mark.parametrize("lease", [replace(OTHERS, holder=""), Lease(version="1", uid="u")])
def test_a_lease_that_names_nobody_and_was_not_released_is_waited_for(lease: Lease) -> None:
    assert as_candidate(lease, since=100.0, now=114.9) is Decision.WAIT
    assert as_candidate(lease, since=100.0, now=115.0) is Decision.ACQUIRE


def test_a_holder_that_asks_for_less_is_left_as_long_as_ones_own_setting_says() -> None:
    assert as_candidate(replace(OTHERS, duration=1), since=0.0, now=14.9) is Decision.WAIT


@given(now=moments, waited=moments, wall=st.datetimes(timezones=st.just(UTC)))
def test_what_clocks_on_the_wall_show_decides_nothing(now: float, waited: float, wall: datetime) -> None:
    lease = replace(OTHERS, acquired=micro_time(wall), renewed=micro_time(wall))

    assert as_candidate(lease, since=now, now=now + waited) is as_candidate(OTHERS, since=now, now=now + waited)


# --- leaders ----------------------------------------------------------------------------------------------------------


def test_a_leader_renews_until_its_deadline_and_steps_down_then() -> None:
    assert as_leader(MINE, 109.9) is Decision.RENEW
    assert as_leader(MINE, 110.0) is Decision.STEP_DOWN


@pytest.mark.parametrize("lease", [OTHERS, released(MINE, NOON)], ids=["taken", "released by hand"])
def test_a_leader_steps_down_at_once_when_the_lease_is_not_its_own(lease: Lease) -> None:
    assert as_leader(lease, 101.0) is Decision.STEP_DOWN


def test_a_leader_whose_lease_was_deleted_makes_it_anew() -> None:
    assert as_leader(None, 101.0) is Decision.RENEW


# --- what is known of a Lease -----------------------------------------------------------------------------------------


def test_a_lease_that_stays_the_same_is_known_since_it_was_first_seen_so() -> None:
    assert Sighting(OTHERS, 100.0).then(OTHERS, 105.0) == Sighting(OTHERS, 100.0)
    assert Sighting(None, 100.0).then(None, 105.0) == Sighting(None, 100.0)


@pytest.mark.parametrize("lease", [None, replace(OTHERS, renewed="x"), replace(OTHERS, version="42")])
def test_a_lease_that_was_written_or_deleted_is_waited_for_anew(lease: Lease | None) -> None:
    assert Sighting(OTHERS, 100.0).then(lease, 105.0) == Sighting(lease, 105.0)


# --- what is written --------------------------------------------------------------------------------------------------


def test_a_new_lease_has_had_no_transition() -> None:
    assert held(None, "me", TIMING, NOON) == Lease(
        "me", 15, "2026-03-01T12:00:00.000000Z", "2026-03-01T12:00:00.000000Z", 0, ""
    )


def test_an_acquired_lease_counts_the_transition_and_keeps_the_version_it_was_seen_with() -> None:
    assert held(OTHERS, "me", TIMING, NOON) == Lease(
        "me", 15, "2026-03-01T12:00:00.000000Z", "2026-03-01T12:00:00.000000Z", 4, "41", "u"
    )


def test_a_renewed_lease_changes_in_its_renewal_alone() -> None:
    assert held(MINE, "me", TIMING, NOON) == replace(MINE, renewed="2026-03-01T12:00:00.000000Z")


def test_a_released_lease_has_no_holder_and_keeps_the_rest() -> None:
    assert released(MINE, NOON) == replace(MINE, holder="", duration=1, renewed="2026-03-01T12:00:00.000000Z")


def test_times_are_written_in_utc_to_the_microsecond() -> None:
    moment = datetime(2026, 3, 1, 13, 0, 0, 5, tzinfo=timezone(timedelta(hours=1)))

    assert micro_time(moment) == "2026-03-01T12:00:00.000005Z"


@given(sent=moments)
def test_a_term_counts_from_before_its_renewal_was_sent_and_calls_have_the_margin_to_end(sent: float) -> None:
    term = TIMING.term(sent)

    assert (term.deadline, term.expiry) == (sent + 10.0, sent + 15.0)
    assert TIMING.margin == 5.0
