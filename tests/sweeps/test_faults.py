"""Each call of the operator fails once, in every way: it tries again by itself, and all comes out as without."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import pytest

from tests.sweeps.changes import NAMES, changes, creation, deletion, retaining_deletion
from tests.sweeps.disturbances import Disturbed, of_calls, of_writes, of_writes_and_aws
from tests.sweeps.faults import disturbed_at, restarted_after
from tests.sweeps.line import Call
from tests.sweeps.operations import Operation, directions
from tests.sweeps.parts import part
from tests.sweeps.sweeping import sweep
from tests.sweeps.tally import Record, Tally
from tests.sweeps.world import World

pytestmark = pytest.mark.timeout(600)  # many points each

Points = Callable[[list[Call]], Iterable[Disturbed]]


def lives_through(
    worlds: list[World], operations: Callable[[World], list[Operation]], points: Points, record: Record
) -> None:
    tally = Tally("faults")
    sweep(worlds, operations, points, disturbed_at, tally)
    tally.record(record)


@pytest.mark.parametrize("number", [0, 1])
def test_a_creation_lives_through_a_fault_at_any_call(worlds: list[World], number: int, record: Record) -> None:
    lives_through(worlds, creation, part(of_calls, number, of=2), record)


@pytest.mark.parametrize("name", [name for name in NAMES if name != "everything"])
def test_a_change_lives_through_a_fault_at_any_write(worlds: list[World], name: str, record: Record) -> None:
    lives_through(worlds, lambda world: directions(world, changes(world.account)[name]), of_writes, record)


def test_a_change_of_everything_lives_through_a_fault_at_any_write_or_look_at_aws(
    worlds: list[World], record: Record
) -> None:
    def operations(world: World) -> list[Operation]:
        return directions(world, changes(world.account)["everything"])

    lives_through(worlds, operations, of_writes_and_aws, record)


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
