"""Turns for looks at AWS: a part of the threads, by priority, and each given back once."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from prometheus_client import REGISTRY

from apono_operator.adapters.priority import Priority
from apono_operator.handlers.looks import Looks, Turn, threads_for


def line_up(looks: Looks, count: int, priority: Priority = Priority.ROUTINE) -> list[Turn]:
    return [looks.line_up(priority, lambda: None) for _ in range(count)]


def depth() -> float | None:
    return REGISTRY.get_sample_value("apono_operator_queue_depth")


def given(turns: list[Turn]) -> int:
    return sum(turn.given for turn in turns)


@pytest.mark.parametrize(("threads", "looks"), [(2, 1), (3, 2), (4, 3), (5, 3), (16, 12), (256, 192)])
def test_looks_take_three_quarters_of_the_threads_and_leave_one_at_least(threads: int, looks: int) -> None:
    assert given(line_up(Looks(threads), 300)) == looks < threads


@pytest.mark.parametrize(("workers", "threads"), [(1, 2), (2, 2), (3, 3), (16, 16)])
def test_one_worker_takes_two_threads_so_that_a_look_does_not_stop_all_else(workers: int, threads: int) -> None:
    assert threads_for(workers) == threads


def test_the_line_is_counted_without_those_whose_turn_it_is() -> None:
    looks = Looks(2)
    first, second, third = line_up(looks, 3)
    assert depth() == 2

    first.end()
    assert depth() == 1
    third.end()
    assert depth() == 0
    second.end()
    assert depth() == 0


def test_who_waits_is_told_when_the_turn_is_given() -> None:
    looks, told = Looks(2), list[str]()

    def tells(name: str) -> Callable[[], None]:
        return lambda: told.append(name)

    first = looks.line_up(Priority.ROUTINE, tells("first"))
    second = looks.line_up(Priority.ROUTINE, tells("second"))
    assert (told, first.given, second.given) == (["first"], True, False)

    first.end()
    assert (told, second.given) == (["first", "second"], True)


def test_the_urgent_are_given_the_next_turn() -> None:
    looks = Looks(2)
    (running,) = line_up(looks, 1)
    routine = line_up(looks, 1000)
    retry = line_up(looks, 1, Priority.RETRY)
    user = line_up(looks, 1, Priority.USER)

    running.end()
    assert (given(user), given(retry), given(routine)) == (1, 0, 0)
    user[0].end()
    assert (given(retry), given(routine)) == (1, 0)


def test_a_turn_is_given_back_once_however_often_it_is_ended() -> None:
    looks = Looks(2)
    (running,) = line_up(looks, 1)
    waiting = line_up(looks, 3)

    running.end()
    running.end()

    assert given(waiting) == 1


def test_who_leaves_the_line_is_passed_over() -> None:
    looks = Looks(2)
    (running,) = line_up(looks, 1)
    first, second = line_up(looks, 2)

    first.end()
    running.end()
    first.end()

    assert (first.given, second.given) == (False, True)
