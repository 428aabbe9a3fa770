"""Who goes first: the urgent, and yet nobody waits for ever."""

from __future__ import annotations

from collections import Counter

import pytest

from apono_operator.adapters.priority import WEIGHTS, FairQueue, Priority


def queue_of(*waiting: Priority) -> FairQueue[str]:
    """Each is named by its priority and its place in the line."""
    queue: FairQueue[str] = FairQueue()
    for number, priority in enumerate(waiting):
        queue.put(f"{priority.name} {number}", priority)
    return queue


def popped(queue: FairQueue[str], count: int) -> list[str]:
    return [queue.pop() for _ in range(count)]


def test_the_urgent_go_first_and_those_alike_as_they_came() -> None:
    queue = queue_of(Priority.ROUTINE, Priority.RETRY, Priority.ROUTINE, Priority.USER)

    assert popped(queue, 4) == ["USER 3", "RETRY 1", "ROUTINE 0", "ROUTINE 2"]


def test_an_empty_queue_is_false_and_has_nobody_to_give() -> None:
    queue = queue_of(Priority.USER)
    assert queue
    queue.pop()

    assert not queue
    with pytest.raises(ValueError, match="empty"):
        queue.pop()


def test_who_comes_late_with_something_urgent_goes_ahead_of_a_thousand() -> None:
    queue = queue_of(*[Priority.ROUTINE] * 1000)
    popped(queue, 50)
    queue.put("retry", Priority.RETRY)
    queue.put("user", Priority.USER)
    queue.put("another user", Priority.USER)

    assert popped(queue, 3) == ["user", "another user", "retry"]


def test_while_all_wait_each_priority_has_the_share_of_its_weight() -> None:
    queue = queue_of(*[priority for _ in range(1000) for priority in Priority])

    served = Counter(Priority[name.split()[0]] for name in popped(queue, 10 * sum(WEIGHTS.values())))

    assert all(abs(served[priority] - 10 * weight) <= 1 for priority, weight in WEIGHTS.items())


def test_a_priority_that_was_not_asked_for_does_not_save_its_share_up() -> None:
    queue = queue_of(*[Priority.USER] * 1600)
    popped(queue, 1000)
    for number in range(1600):
        queue.put(f"ROUTINE {number}", Priority.ROUTINE)

    assert Counter(name.split()[0] for name in popped(queue, 170))["ROUTINE"] == pytest.approx(10, abs=1)


def test_who_has_left_is_not_served_and_costs_those_alike_nothing() -> None:
    queue = queue_of(*[Priority.ROUTINE] * 100, Priority.USER)
    for number in range(99):
        queue.remove(f"ROUTINE {number}", Priority.ROUTINE)
    queue.remove("ROUTINE 0", Priority.ROUTINE)

    assert popped(queue, 2) == ["USER 100", "ROUTINE 99"]
    assert not queue
