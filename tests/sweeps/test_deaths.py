"""The operator dies before and after each of its calls, and another takes over that remembers nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import pytest

from tests.sweeps.changes import NAMES, changes, creation, life, retaining_deletion
from tests.sweeps.deaths import killed_at, killed_twice
from tests.sweeps.line import Call, Point, after_writes, distinct_points
from tests.sweeps.operations import Operation, directions
from tests.sweeps.sweeping import sweep
from tests.sweeps.tally import Record, Tally
from tests.sweeps.world import World

pytestmark = pytest.mark.timeout(600)  # many points each

LAG = 8.0
"""Seconds for which IAM does not show a new role; less than the operator waits before it believes it."""

Points = Callable[[list[Call]], Iterable[Point]]


def survives(
    worlds: list[World], operations: Callable[[World], list[Operation]], points_of: Points, record: Record
) -> None:
    tally = Tally("deaths")
    sweep(worlds, operations, points_of, killed_at, tally)
    tally.record(record)


def test_a_creation_survives_a_death_at_any_call(worlds: list[World], record: Record) -> None:
    survives(worlds, creation, distinct_points, record)


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
    sweep(worlds, operations, after_writes, killed_twice, tally)
    tally.record(record)


@pytest.mark.parametrize(
    ("lag", "points_of"), [(0.0, distinct_points), (LAG, after_writes)], ids=["IAM shows all at once", "IAM lags"]
)
def test_nothing_is_left_of_a_connector_that_is_deleted_after_a_death_at_any_call(
    worlds: list[World], lag: float, points_of: Points, record: Record
) -> None:
    for world in worlds:
        world.aws.new_role_read_delay = lag
    try:
        survives(worlds, life, points_of, record)
    finally:
        for world in worlds:
            world.aws.new_role_read_delay = 0.0


def test_a_deletion_that_retains_the_role_survives_a_death_at_any_call(worlds: list[World], record: Record) -> None:
    survives(worlds, retaining_deletion, distinct_points, record)
