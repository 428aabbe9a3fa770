"""The sweeps that both modes with an organization have: each point of an operation, in the one world there is."""

from __future__ import annotations

from collections.abc import Callable

from tests.sweeps.deaths import killed_at
from tests.sweeps.disturbances import Disturbed
from tests.sweeps.faults import disturbed_at
from tests.sweeps.line import Point
from tests.sweeps.operations import Operation
from tests.sweeps.organization import OrganizationWorld
from tests.sweeps.organization_changes import STAGED
from tests.sweeps.parts import PointsOf
from tests.sweeps.stages import killed_in, of_its_own, staged
from tests.sweeps.sweeping import sweep, sweep_recordings
from tests.sweeps.tally import Record, Tally

Operations = Callable[[OrganizationWorld], list[Operation]]


def survives(world: OrganizationWorld, operations: Operations, points: PointsOf[Point], record: Record) -> None:
    """Let the operator die at each of *points*.

    Raises:
        AssertionError: not all came out as it does undisturbed.
    """
    tally = Tally(f"{world.mode} deaths")
    sweep([world], operations, points, killed_at, tally)
    tally.record(record)


def lives_through(
    world: OrganizationWorld, operations: Operations, points: PointsOf[Disturbed], record: Record
) -> None:
    """Let a call fail at each of *points*.

    Raises:
        AssertionError: not all came out as it does undisturbed.
    """
    tally = Tally(f"{world.mode} faults")
    sweep([world], operations, points, disturbed_at, tally)
    tally.record(record)


def survives_each_status(world: OrganizationWorld, name: str, record: Record) -> None:
    """Let the operator die in each status that a stack has in an operation of `STATUSES` alone.

    Raises:
        AssertionError: not all came out as it does undisturbed.
    """
    tally = Tally("stack statuses")
    sweep_recordings([world], STAGED[name], (staged, of_its_own(name)), killed_in, tally)
    tally.record(record)
