"""What stands still is told, and nothing else."""

from __future__ import annotations

import threading

import pytest

from apono_operator.telemetry.health import Health
from apono_operator.telemetry.heartbeats import Heartbeat, Workers
from tests.clock import Clock


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_a_loop_that_has_not_begun_does_not_stand_still(clock: Clock) -> None:
    heartbeat = Heartbeat("the loop", 30, clock)
    clock.now += 1000

    assert heartbeat.complaint() is None


def test_a_loop_stands_still_when_it_has_not_gone_on_for_longer_than_allowed(clock: Clock) -> None:
    heartbeat = Heartbeat("the loop", 30, clock)
    heartbeat.beat()

    clock.now += 30
    assert heartbeat.complaint() is None
    clock.now += 1
    assert heartbeat.complaint() == "the loop stands still since 31 s"
    heartbeat.beat()
    assert heartbeat.complaint() is None


def test_a_thread_that_works_stands_still_when_it_has_not_gone_on(clock: Clock) -> None:
    workers = Workers(300, clock)
    with workers.busy():
        clock.now += 200
        workers.beat()
        clock.now += 300
        assert workers.complaint() is None
        clock.now += 1
        assert workers.complaint() == "1 passes stand still, one since 301 s"


def test_a_thread_without_work_is_not_looked_at(clock: Clock) -> None:
    workers = Workers(300, clock)
    workers.beat()
    with workers.busy():
        pass
    clock.now += 1000

    assert workers.complaint() is None


def test_a_thread_that_failed_is_not_looked_at_any_more(clock: Clock) -> None:
    workers = Workers(300, clock)
    with pytest.raises(ValueError, match="pass"), workers.busy():
        raise ValueError("pass")
    clock.now += 1000

    assert workers.complaint() is None


def test_who_goes_on_does_not_speak_for_the_other_threads(clock: Clock) -> None:
    workers = Workers(300, clock)
    stuck, free = threading.Event(), threading.Event()

    def work() -> None:
        with workers.busy():
            stuck.set()
            assert free.wait(10)

    thread = threading.Thread(target=work)
    thread.start()
    assert stuck.wait(10)
    with workers.busy():
        clock.now += 301
        workers.beat()
        assert workers.complaint() == "1 passes stand still, one since 301 s"
    free.set()
    thread.join()


def test_health_tells_what_is_wrong_and_only_that() -> None:
    health = Health()
    health.watch(lambda: None)
    health.watch(lambda: "the loop stands still")

    assert health.complaints() == ["the loop stands still"]
