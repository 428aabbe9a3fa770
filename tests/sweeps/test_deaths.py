"""The operator dies before and after each of its calls, and another takes over that remembers nothing."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable

import pytest

from tests.sweeps.changes import NAMES, changes, creation, life, retaining_deletion
from tests.sweeps.line import Call, Death, Point, distinct_points, points
from tests.sweeps.operations import Operation, directions
from tests.sweeps.sweeping import finished, sweep
from tests.sweeps.tally import Record, Tally
from tests.sweeps.world import World

pytestmark = pytest.mark.timeout(600)  # many points each

LAG = 8.0
"""Seconds for which IAM does not show a new role; less than the operator waits before it believes it."""

CALLS_OF_A_PASS = 12
"""As many as any pass makes, at least."""

Points = Callable[[list[Call]], Iterable[Point]]


def survives(
    worlds: list[World], operations: Callable[[World], list[Operation]], points_of: Points, record: Record
) -> None:
    tally = Tally("deaths")
    sweep(worlds, operations, points_of, killed_at, tally)
    tally.record(record)


def killed_at(operation: Operation, point: Point) -> str | None:
    """Do the operation, die on the way, and let another operator finish it."""
    line = operation.world.line
    line.begin(cut=point)
    if not _dies(operation):
        return "the operator did not get there"
    operation.subject.restart()
    line.begin()
    return finished(operation)


def killed_twice(operation: Operation, point: Point) -> str | None:
    """The same, but the second operator dies as well, at a call that is chance's, the same in every run."""
    line = operation.world.line
    line.begin(cut=point)
    if not _dies(operation):
        return "the operator did not get there"
    operation.subject.restart()
    number = random.Random(str(point)).randint(1, CALLS_OF_A_PASS)  # noqa: S311 -- chooses a test case
    line.begin(cut=Point(Call(number, "any"), "after"))
    if not _dies(operation):
        return "the second operator did not get there"
    operation.subject.restart()
    line.begin()
    return finished(operation)


def _dies(operation: Operation) -> bool:
    try:
        operation.run()
    except Death:
        return True
    operation.world.line.begin()
    return False


def test_a_creation_survives_a_death_at_any_call(worlds: list[World], record: Record) -> None:
    survives(worlds, creation, points, record)


@pytest.mark.parametrize("name", NAMES)
def test_a_change_survives_a_death_at_any_call(worlds: list[World], name: str, record: Record) -> None:
    survives(worlds, lambda world: directions(world, changes(world.account)[name]), distinct_points, record)


@pytest.mark.parametrize(
    "operations",
    [creation, lambda world: directions(world, changes(world.account)["everything"])],
    ids=["creation", "change of everything"],
)
def test_a_second_death_on_the_way_to_recovery_changes_nothing(
    worlds: list[World], operations: Callable[[World], list[Operation]], record: Record
) -> None:
    tally = Tally("two deaths")
    sweep(worlds, operations, distinct_points, killed_twice, tally)
    tally.record(record)


@pytest.mark.parametrize("lag", [0.0, LAG], ids=["IAM shows all at once", "IAM lags"])
def test_nothing_is_left_of_a_connector_that_is_deleted_after_a_death_at_any_call(
    worlds: list[World], lag: float, record: Record
) -> None:
    for world in worlds:
        world.aws.new_role_read_delay = lag
    try:
        survives(worlds, life, distinct_points, record)
    finally:
        for world in worlds:
            world.aws.new_role_read_delay = 0.0


def test_a_deletion_that_retains_the_role_survives_a_death_at_any_call(worlds: list[World], record: Record) -> None:
    survives(worlds, retaining_deletion, points, record)
