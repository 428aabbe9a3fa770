"""Of several operators one acts, and when it goes another goes on: nothing is done twice or left undone."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime

from sandbox.aws import Call
from tests.replicas.replicas import LEASE_SECONDS, SETTLED, Replicas
from tests.waiting import until

DEFAULTS = {
    "APONO_OPERATOR_LEASE_DURATION_SECONDS": "15",
    "APONO_OPERATOR_LEASE_RENEW_DEADLINE_SECONDS": "10",
    "APONO_OPERATOR_LEASE_RETRY_SECONDS": "2",
}


LOOKS_IN_A_LEASE = 28
"""After so many looks, each at least 0.15 seconds after the one before, a Lease of 4 seconds would be over."""


def creations(replicas: Replicas, role: str) -> list[str]:
    """What came of each attempt to create the role."""
    calls = replicas.calls().of(operation="CreateRole", parameters={"RoleName": role})
    return [call.outcome for call in calls]


def keys(replicas: Replicas, mark: int) -> set[str | None]:
    """With which sessions AWS was called since *mark*: each process has its own."""
    return {call.access_key_id for call in replicas.calls(mark)}


def test_of_three_one_acts_and_all_of_them_tell_how_they_are(replicas: Replicas) -> None:
    leader, *others = replicas.leader(), replicas.standby(), replicas.standby()
    mark = replicas.aws.calls.mark()

    replicas.apply("of-three")
    role = replicas.ready("of-three").document["RoleName"]

    assert creations(replicas, role) == ["ok"]
    assert len(keys(replicas, mark)) == 1
    assert [other.serves for other in others] == [False, False]
    for replica in (leader, *others):
        assert replica.told("/healthz") == (200, "ok")
        assert replica.told("/readyz") == (200, "ok")
    leading = [f"apono_operator_is_leader {'1.0' if one is leader else '0.0'}" for one in (leader, *others)]
    assert [line in one.told("/metrics")[1] for one, line in zip((leader, *others), leading, strict=True)] == [True] * 3
    assert 'apono_operator_aws_calls_total{outcome="ok",service="iam"}' in leader.told("/metrics")[1]


def test_a_stop_is_taken_by_the_thread_that_waits_for_it_and_kills_no_other(replicas: Replicas) -> None:
    leader = replicas.leader()
    leader.told("/healthz")  # all threads are there

    open_to_it = [thread for thread, blocked in leader.blocked_signals() if not blocked >> (signal.SIGTERM - 1) & 1]

    assert len(leader.blocked_signals()) > 3
    assert open_to_it == []


def test_who_waits_goes_without_a_trace(replicas: Replicas) -> None:
    leader, other = replicas.leader(), replicas.standby()

    other.process.signal(signal.SIGTERM)

    assert other.process.wait(10) == 0
    assert "released" not in other.log
    assert replicas.lease["holderIdentity"] in leader.log


def test_a_clean_stop_hands_over_in_less_than_three_seconds(
    replicas: Replicas, record_property: Callable[[str, object], None]
) -> None:
    leader, heir = replicas.leader(**DEFAULTS), replicas.standby(**DEFAULTS)
    replicas.apply("handed-over")
    replicas.ready("handed-over")

    began = time.monotonic()
    leader.process.signal(signal.SIGTERM)
    replicas.apply("meanwhile")
    heir.serves_within(3.0)
    replicas.ready("meanwhile")
    seconds = time.monotonic() - began
    record_property("seconds from SIGTERM until a connector applied meanwhile is Ready", round(seconds, 2))

    assert leader.process.wait(10) == 0
    assert seconds < 3.0


def test_a_killed_leader_is_followed_within_the_lease(
    replicas: Replicas, record_property: Callable[[str, object], None]
) -> None:
    leader, heir = replicas.leader(), replicas.standby()

    leader.process.kill()
    seconds = heir.serves_within(LEASE_SECONDS + SETTLED)
    record_property("seconds from SIGKILL until another leads, with a Lease of 4 seconds", round(seconds, 2))
    replicas.apply("after-a-kill")

    role = replicas.ready("after-a-kill").document["RoleName"]
    assert creations(replicas, role) == ["ok"]


def test_a_leader_that_wakes_late_sends_nothing_more_than_what_was_under_way(replicas: Replicas) -> None:
    leader, heir = replicas.leader(), replicas.standby()
    held, go_on = threading.Event(), threading.Event()

    def hold(_: Call) -> None:
        if not held.is_set():
            held.set()
            assert go_on.wait(60)

    replicas.aws.hooks.before(hold, operation="CreateRole", account=replicas.installation.account)
    mark = replicas.aws.calls.mark()
    replicas.apply("half-made")
    assert held.wait(20)
    leader.process.signal(signal.SIGSTOP)
    asleep = keys(replicas, mark)
    heir.serves_within(LEASE_SECONDS + SETTLED)
    role = replicas.ready("half-made")
    mark = replicas.aws.calls.mark()
    go_on.set()
    leader.process.signal(signal.SIGCONT)

    assert leader.process.wait(10) == 1
    assert asleep
    late = [call for call in replicas.calls(mark) if call.access_key_id in asleep]
    assert [(call.operation, call.outcome) for call in late] == [("CreateRole", "EntityAlreadyExists")]
    assert creations(replicas, role.document["RoleName"]).count("ok") == 1
    assert replicas.ready("half-made") == role
    assert "the lease is lost" in leader.log


def test_what_clocks_on_the_wall_show_keeps_nobody_from_the_lease_and_gives_it_to_nobody(replicas: Replicas) -> None:
    replicas.write_lease(holderIdentity="stranger", leaseDurationSeconds=1, renewTime="1970-01-01T00:00:00.000000Z")
    waiting = replicas.standby()

    for minute in range(LOOKS_IN_A_LEASE // 2):  # an old clock that goes on is a holder that goes on
        replicas.write_lease(renewTime=f"1970-01-01T00:{minute:02}:01.000000Z")
        replicas.until_looked_at_lease(2)
    assert not waiting.serves
    replicas.write_lease(renewTime="2099-01-01T00:00:00.000000Z")  # and one that shows the future and then stands still

    seconds = waiting.serves_within(LEASE_SECONDS + SETTLED)

    assert seconds > LEASE_SECONDS - 0.5
    assert str(replicas.lease["renewTime"]).startswith(datetime.now(UTC).strftime("%Y-%m-%d"))


def test_a_deleted_lease_is_made_anew_by_who_leads(replicas: Replicas) -> None:
    leader, other = replicas.leader(), replicas.standby()
    holder = replicas.lease["holderIdentity"]

    replicas.delete_lease()
    until("the Lease is there again", lambda: replicas.lease_is_there, 5)

    assert replicas.lease["holderIdentity"] == holder
    replicas.apply("after-a-deletion")
    role = replicas.ready("after-a-deletion").document["RoleName"]
    assert creations(replicas, role) == ["ok"]
    assert (leader.process.exit_status, other.serves) == (None, False)


def test_an_api_server_that_is_away_for_longer_ends_the_leader_and_another_goes_on(
    replicas_of_their_own: Replicas,
) -> None:
    replicas = replicas_of_their_own
    leader, heir = replicas.leader(), replicas.standby()
    replicas.apply("before")
    replicas.ready("before")

    with replicas.api_server_paused():
        assert leader.process.wait(LEASE_SECONDS + SETTLED) == 1
        mark = replicas.aws.calls.mark()
        assert heir.told("/healthz") == (200, "ok")
        assert len(replicas.calls(mark)) == 0
    heir.serves_within(10.0)
    replicas.apply("after")

    role = replicas.ready("after").document["RoleName"]
    assert creations(replicas, role) == ["ok"]
    assert replicas.aws.calls.since(mark).of(operation="DeleteRole").operations == []
