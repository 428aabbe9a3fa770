"""The operator dies before and after each of its calls, and another takes over that remembers nothing."""

from __future__ import annotations

import pytest

from tests.sweeps.changes import NAMES, asked, changes, everything
from tests.sweeps.line import Death, Point, points
from tests.sweeps.operations import Creation, Deletion, Operation, directions
from tests.sweeps.sweeping import finished, sweep
from tests.sweeps.tally import Record, Tally
from tests.sweeps.world import World

pytestmark = pytest.mark.timeout(600)  # many points each


def survives(operations: list[Operation], record_property: Record) -> None:
    tally = Tally("deaths")
    sweep(operations, points, killed_at, tally)
    tally.record(record_property)


def killed_at(operation: Operation, point: Point) -> str | None:
    """Do the operation, die on the way, and let another operator finish it."""
    line = operation.world.line
    line.begin(cut=point)
    if not _dies(operation):
        return "the operator did not get there"
    operation.subject.restart()
    line.begin()
    return finished(operation)


def _dies(operation: Operation) -> bool:
    try:
        operation.run()
    except Death:
        return True
    return False


def test_a_creation_survives_a_death_at_any_call(world: World, record_property: Record) -> None:
    survives([Creation(world, "creation", everything(world.account))], record_property)


@pytest.mark.parametrize("name", NAMES)
def test_a_change_survives_a_death_at_any_call(world: World, name: str, record_property: Record) -> None:
    survives(directions(world, changes(world.account)[name]), record_property)


def test_a_deletion_survives_a_death_at_any_call(world: World, record_property: Record) -> None:
    survives([Deletion(world, "deletion", everything(world.account))], record_property)


def test_a_deletion_that_retains_the_role_survives_a_death_at_any_call(world: World, record_property: Record) -> None:
    survives([Deletion(world, "deletion", asked(deletionPolicy="Retain"))], record_property)
