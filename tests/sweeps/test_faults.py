"""Each call of the operator fails once, in every way: it tries again by itself, and all comes out as without."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import pytest

from tests.sweeps.changes import NAMES, changes, creation, deletion, retaining_deletion
from tests.sweeps.disturbances import Disturbed, of_calls, of_writes
from tests.sweeps.line import Call
from tests.sweeps.operations import Operation, directions
from tests.sweeps.sweeping import finished, sweep
from tests.sweeps.tally import Record, Tally
from tests.sweeps.world import World

pytestmark = pytest.mark.timeout(600)  # many points each

PASSES = 4
"""Passes within which an undisturbed operation makes all its calls."""

Points = Callable[[list[Call]], Iterable[Disturbed]]


def lives_through(
    worlds: list[World], operations: Callable[[World], list[Operation]], points: Points, record: Record
) -> None:
    tally = Tally("faults")
    sweep(worlds, operations, points, disturbed_at, tally)
    tally.record(record)


def restarted_after(operation: Operation, point: Disturbed) -> str | None:
    """Begin the operation, restart the operator after the pass that was disturbed, and let it finish."""
    operation.world.line.begin()
    with point.in_force(operation.world) as has_happened:
        for _ in range(PASSES):
            if not has_happened():
                operation.subject.step()
        if not has_happened():
            return "the operator did not get there"
    operation.subject.restart()
    return finished(operation)


def disturbed_at(operation: Operation, point: Disturbed) -> str | None:
    """Do the operation to its end, with one call disturbed."""
    operation.world.line.begin()
    with point.in_force(operation.world) as has_happened:
        failure = finished(operation)
        return failure if has_happened() else "the operator did not get there"


def test_a_creation_lives_through_a_fault_at_any_call(worlds: list[World], record: Record) -> None:
    lives_through(worlds, creation, of_calls, record)


@pytest.mark.parametrize("name", NAMES)
def test_a_change_lives_through_a_fault_at_any_write(worlds: list[World], name: str, record: Record) -> None:
    lives_through(worlds, lambda world: directions(world, changes(world.account)[name]), of_writes, record)


@pytest.mark.parametrize("name", ["everything", "role deleted"])
def test_a_change_lives_through_a_fault_at_any_write_and_a_restart(
    worlds: list[World], name: str, record: Record
) -> None:
    tally = Tally("faults and restarts")
    sweep(worlds, lambda world: directions(world, changes(world.account)[name]), of_writes, restarted_after, tally)
    tally.record(record)


def test_a_deletion_lives_through_a_fault_at_any_call(worlds: list[World], record: Record) -> None:
    lives_through(worlds, deletion, of_calls, record)


def test_a_deletion_that_retains_the_role_lives_through_a_fault_at_any_call(
    worlds: list[World], record: Record
) -> None:
    lives_through(worlds, retaining_deletion, of_calls, record)
