"""The sweep itself: record a run that nothing disturbs, then do it again for each point of the recording."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import zip_longest
from typing import TypeVar

from tests.sweeps.driving import NotConvergedError
from tests.sweeps.line import Call
from tests.sweeps.operations import Operation
from tests.sweeps.tally import Tally, Trouble

P = TypeVar("P")


def recorded(operation: Operation) -> list[Call]:
    """Do *operation* undisturbed; return its calls, and let it know what is to be expected."""
    operation.begin()
    line = operation.world.line
    line.begin()
    operation.run()
    calls = line.recording()
    operation.expected = operation.outcome()
    return calls


def sweep(
    operations: Iterable[Operation],
    points_of: Callable[[list[Call]], Iterable[P]],
    disturbed: Callable[[Operation, P], str | None],
    tally: Tally,
) -> None:
    """Try every point of every operation, by turns: one may prepare the other.

    Args:
        operations: What is done.
        points_of: What to try, given the calls of an undisturbed run.
        disturbed: Does the operation, disturbed at a point, and to its end; returns what kept it from that.
        tally: Where the result goes.
    """
    queues = [[(operation, point) for point in points_of(recorded(operation))] for operation in operations]
    for rank in zip_longest(*queues):
        for operation, point in filter(None, rank):
            _begin(operation)
            tally.points += 1
            _judge(operation, f"{operation.name}: {point}", disturbed(operation, point), tally)


def finished(operation: Operation) -> str | None:
    """Do *operation* to its end; return what kept it from that."""
    try:
        operation.run()
    except NotConvergedError as error:
        return str(error)
    return None


def _begin(operation: Operation) -> None:
    operation.begin()
    if operation.expected is None:  # it is about another connector now
        operation.run()
        operation.expected = operation.outcome()
        operation.begin()


def _judge(operation: Operation, what: str, failure: str | None, tally: Tally) -> None:
    if failure:
        tally.blame(Trouble.NOT_CONVERGED, f"{what}: {failure}")
    well = not failure and tally.compare(what, operation.expected or {}, operation.outcome())
    if not well:
        operation.abandon()
