"""The election: one process leads at a time, whatever befalls requests, clocks, processes and the Lease."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apono_operator.adapters.errors import FencedError
from apono_operator.state.leadership import Lease
from tests.unit.election.cluster import TIMING, Candidate, Cluster

NEVER_RENEWED = Lease("stranger", 15, "long ago", "long ago", 7, "5")


@pytest.fixture
def cluster() -> Cluster:
    """One whose Lease was released: who asks first is elected."""
    return Cluster(lease=Lease(duration=1, version="5"))


def leader_of(cluster: Cluster) -> Candidate:
    """Return a new process that is elected at once."""
    leader = cluster.candidate()
    leader.round()
    assert leader.may_act()
    return leader


def pass_time(cluster: Cluster, seconds: float, *candidates: Candidate) -> None:
    """Let the candidates go on at their pace for that long."""
    end = cluster.now + seconds
    due = {candidate: cluster.now for candidate in candidates if not candidate.is_over}
    while due and min(due.values()) < end:
        candidate = min(due, key=due.__getitem__)
        cluster.now = max(cluster.now, due[candidate])
        pause = candidate.round()
        if candidate.is_over:
            del due[candidate]
        else:
            due[candidate] = cluster.now + pause
    cluster.now = max(cluster.now, end)


# --- one leads, the others wait ---------------------------------------------------------------------------------------


def test_the_first_of_three_leads_and_keeps_leading(cluster: Cluster) -> None:
    leader, *others = candidates = [cluster.candidate() for _ in range(3)]

    pass_time(cluster, 120, *candidates)

    assert cluster.acting() == [leader]
    assert [one.elections for one in others] == [0, 0]
    assert cluster.lease is not None
    assert (cluster.lease.holder, cluster.lease.transitions) == (leader.identity, 1)


def test_a_clean_stop_hands_over_at_the_next_look(cluster: Cluster) -> None:
    leader, heir = leader_of(cluster), cluster.candidate()
    heir.round()

    leader.leave()
    pass_time(cluster, TIMING.retry, heir)

    assert cluster.acting() == [heir]


def test_a_term_counts_from_before_its_renewal_was_sent_however_late_the_answer_comes(cluster: Cluster) -> None:
    leader = cluster.candidate()
    cluster.delay = lambda _: 1.0  # to and fro
    leader.round()
    asked_to_write = cluster.now - 2.0

    cluster.now = asked_to_write + TIMING.renew_deadline - 0.1
    assert leader.may_act()
    cluster.now += 0.1
    assert not leader.may_act()


def test_who_learns_of_its_election_when_the_term_is_over_does_not_begin(cluster: Cluster) -> None:
    sleeper = cluster.candidate()
    cluster.delay, cluster.is_suspending = lambda _: TIMING.renew_deadline / 2, True

    sleeper.round()
    assert (cluster.lease is not None and cluster.lease.holder, sleeper.elections) == (sleeper.identity, 0)
    cluster.delay = lambda _: 0.0
    sleeper.round()
    assert (sleeper.may_act(), sleeper.elections) == (True, 1)


def test_a_killed_leader_is_followed_when_its_lease_has_run_out_and_not_before(cluster: Cluster) -> None:
    leader, heir = leader_of(cluster), cluster.candidate()
    pass_time(cluster, 10, leader, heir)
    leader.is_over = True

    pass_time(cluster, TIMING.duration - TIMING.retry - 0.1, heir)
    assert cluster.acting() == []
    pass_time(cluster, 2 * TIMING.retry + 0.1, heir)
    assert cluster.acting() == [heir]


def test_a_first_lease_is_made_only_after_the_time_that_a_deleted_one_may_last() -> None:
    cluster = Cluster(lease=None)
    first = cluster.candidate()

    pass_time(cluster, TIMING.duration - 0.1, first)
    assert cluster.lease is None
    pass_time(cluster, TIMING.retry + 0.1, first)
    assert cluster.acting() == [first]


def test_clocks_may_show_what_they_like(cluster: Cluster) -> None:
    leader, heir = cluster.candidate(clock=1e6), cluster.candidate(clock=-500.0)
    pass_time(cluster, 60, leader, heir)
    assert cluster.acting() == [leader]
    leader.is_over = True

    pass_time(cluster, TIMING.duration + TIMING.retry, heir)

    assert cluster.acting() == [heir]


# --- what ends a term -------------------------------------------------------------------------------------------------


def test_without_renewal_no_call_leaves_from_the_deadline_on_and_the_process_ends(cluster: Cluster) -> None:
    leader = leader_of(cluster)
    cluster.is_away = True

    pass_time(cluster, TIMING.renew_deadline - 0.1, leader)
    assert leader.may_act()
    pass_time(cluster, 0.2, leader)
    assert not leader.may_act()
    assert leader.is_over


def test_an_api_server_that_comes_back_in_time_costs_nothing(cluster: Cluster) -> None:
    leader = leader_of(cluster)
    cluster.is_away = True
    pass_time(cluster, TIMING.renew_deadline / 2 - 0.1, leader)
    cluster.is_away = False

    pass_time(cluster, 60, leader)

    assert (leader.may_act(), leader.elections) == (True, 1)


def test_a_leader_that_wakes_after_its_deadline_ends_though_nobody_has_taken_its_place(cluster: Cluster) -> None:
    leader = leader_of(cluster)
    cluster.now += TIMING.renew_deadline

    with pytest.raises(FencedError):
        leader.fence.check()
    leader.round()

    assert leader.is_over


def test_a_call_that_was_held_back_ends_the_process_even_if_a_renewal_under_way_then_succeeds(
    cluster: Cluster,
) -> None:
    leader = leader_of(cluster)
    cluster.now += TIMING.renew_deadline - 0.2

    def wakes_late(candidate: Candidate) -> float:
        cluster.now += 0.15
        if cluster.now > 1000 + TIMING.renew_deadline:
            with pytest.raises(FencedError):
                candidate.fence.check()
        return 0.0

    cluster.delay, cluster.is_suspending = wakes_late, True
    leader.round()
    assert not leader.is_over
    leader.round()

    assert leader.is_over


def test_a_leader_goes_as_soon_as_it_sees_that_another_holds_its_lease(cluster: Cluster) -> None:
    leader = leader_of(cluster)
    cluster.lease = NEVER_RENEWED
    cluster.now += TIMING.retry

    assert leader.round() == 0.0  # it could not write, and looks at once
    leader.round()

    assert leader.is_over


@pytest.mark.parametrize("duration", [TIMING.duration, 0], ids=["its holder taken out", "another in its place"])
def test_nobody_takes_a_lease_that_was_emptied_by_hand_while_its_holder_does_not_know(
    cluster: Cluster, duration: int
) -> None:
    leader, heir = leader_of(cluster), cluster.candidate()
    pass_time(cluster, TIMING.retry / 2, leader, heir)
    assert cluster.lease is not None
    cluster.lease = Lease(duration=duration, version="77")

    pass_time(cluster, TIMING.retry / 2, heir)
    assert cluster.acting() == [leader]
    pass_time(cluster, TIMING.duration - TIMING.retry, leader, heir)
    assert (leader.is_over, cluster.acting()) == (True, [])
    pass_time(cluster, 2 * TIMING.retry, heir)
    assert cluster.acting() == [heir]


def test_a_lease_that_others_label_is_renewed_all_the_same(cluster: Cluster) -> None:
    leader = leader_of(cluster)
    assert cluster.lease is not None
    cluster.lease = Lease(**{**cluster.lease.__dict__, "version": "77"})

    pass_time(cluster, 60, leader)

    assert leader.may_act()


def test_a_deleted_lease_is_made_anew_by_its_holder_and_nobody_else(cluster: Cluster) -> None:
    leader, other = leader_of(cluster), cluster.candidate()
    pass_time(cluster, 5, leader, other)
    cluster.lease = None

    pass_time(cluster, 60, other, leader)

    assert cluster.acting() == [leader]
    assert cluster.lease is not None


def test_a_leader_that_has_not_ended_its_calls_keeps_the_lease(cluster: Cluster) -> None:
    leader = leader_of(cluster)

    leader.election.stop(release=False)

    assert cluster.lease is not None
    assert cluster.lease.holder == leader.identity


def test_a_candidate_that_stops_leaves_the_lease_to_its_holder(cluster: Cluster) -> None:
    leader, other = leader_of(cluster), cluster.candidate()
    other.round()

    other.leave()

    assert cluster.lease is not None
    assert cluster.lease.holder == leader.identity


def test_an_election_says_what_is_wrong_with_it(cluster: Cluster) -> None:
    leader, other = leader_of(cluster), cluster.candidate()
    other.round()
    assert (leader.election.complaint(), other.election.complaint()) == (None, None)

    cluster.now += TIMING.renew_deadline + 1
    assert leader.election.complaint() == "the lease could not be renewed, its term ended 1 s ago"
    cluster.now += 2 * TIMING.duration
    assert other.election.complaint() == "the election stands still since 41 s"


# --- whatever happens -------------------------------------------------------------------------------------------------

DELAYS = (0.0, 0.0, 0.01, 0.5, 1.0, 3.0, 4.9, 6.0, 9.0, 12.0, 20.0)
DEEPEST = 4
"""How far what happens while something is under way may go on within itself."""


class Course:
    """What happens, by chance: also while a request or an answer is under way."""

    def __init__(self, data: st.DataObject) -> None:
        self._data = data
        self._depth = 0
        self._in_a_round: list[Candidate] = []
        self.cluster = Cluster(lease=self._one_of(None, Lease(version="5"), NEVER_RENEWED))
        self.cluster.delay = self._on_the_way
        for offset in (0.0, 1e5, -1e5):
            self.cluster.candidate(clock=offset)

    def go_on(self) -> None:
        """Let something happen, and hold what is then against what must always be."""
        unlikely = (self._kill, self._leave, self._delete, self._start, self._label, self._outage)
        self._one_of(*[self._round] * 12, *[self._pass_time] * 4, *unlikely)()
        acting = self.cluster.acting()
        assert len(acting) <= 1
        assert not acting or [one for one in self.cluster.candidates if one.may_be_acting()] == acting

    def _one_of(self, *choices: Any) -> Any:
        return self._data.draw(st.sampled_from(choices))

    def _someone(self) -> Candidate:
        """Someone who is free to do something."""
        free = [one for one in self.cluster.candidates if not one.is_over and one not in self._in_a_round]
        return self._one_of(*free) if free else self.cluster.candidate()

    def _round(self) -> None:
        candidate = self._someone()
        self._in_a_round.append(candidate)
        candidate.round()
        self._in_a_round.remove(candidate)

    def _on_the_way(self, __: Candidate) -> float:
        self._depth += 1
        for _ in range(self._one_of(0, 1, 2) if self._depth < DEEPEST else 0):
            self.go_on()
        self._depth -= 1
        self.cluster.is_suspending = bool(self._one_of(0, 1))
        return float(self._one_of(*DELAYS))

    def _pass_time(self) -> None:
        self.cluster.now += self._one_of(*DELAYS)

    def _kill(self) -> None:
        self._one_of(*self.cluster.candidates).is_over = True

    def _leave(self) -> None:
        self._someone().leave()

    def _delete(self) -> None:
        self.cluster.lease = None

    def _start(self) -> None:
        self.cluster.candidate(clock=self._data.draw(st.floats(-1e5, 1e5)))

    def _label(self) -> None:
        if self.cluster.lease:
            self.cluster.written(self.cluster.lease)

    def _outage(self) -> None:
        self.cluster.is_away = not self.cluster.is_away


@settings(max_examples=80)
@given(data=st.data())
def test_nobody_acts_while_a_call_of_another_leader_may_be_under_way(data: st.DataObject) -> None:
    course = Course(data)
    for _ in range(data.draw(st.integers(5, 25))):
        course.go_on()


@given(data=st.data())
def test_once_all_is_quiet_somebody_leads_again(data: st.DataObject) -> None:
    cluster = Cluster(lease=data.draw(st.sampled_from([None, NEVER_RENEWED, Lease(version="5")])))
    candidates = [cluster.candidate() for _ in range(3)]
    cluster.delay = lambda _: data.draw(st.sampled_from(DELAYS))
    pass_time(cluster, 60, *candidates)
    cluster.delay = lambda _: 0.0
    newcomer = cluster.candidate()

    pass_time(cluster, 3 * TIMING.duration, *candidates, newcomer)

    assert len(cluster.acting()) == 1
