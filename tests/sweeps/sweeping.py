"""The sweep itself: record a run that nothing disturbs, then do it again for each point of the recording."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import zip_longest
from typing import TypeVar

from tests.sweeps.driving import NotConvergedError
from tests.sweeps.line import Call
from tests.sweeps.operations import Operation
from tests.sweeps.tally import Tally, Trouble
from tests.sweeps.world import World

P = TypeVar("P")
R = TypeVar("R")
W = TypeVar("W", bound=World)


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
    worlds: Sequence[W],
    operations_of: Callable[[W], Iterable[Operation]],
    points_of: Callable[[list[Call]], Iterable[P]],
    disturbed: Callable[[Operation, P], str | None],
    tally: Tally,
) -> None:
    """Try every point of every operation once, the worlds sharing the work.

    Args:
        worlds: Where; they work side by side, because the API server lets each wait.
        operations_of: What is done in a world. Done by turns: one may prepare the other.
        points_of: What to try, given the calls of an undisturbed run.
        disturbed: Does the operation, disturbed at a point, and to its end; returns what kept it from that.
        tally: Where the result goes.
    """
    sweep_recordings(worlds, operations_of, (recorded, points_of), disturbed, tally)


def sweep_recordings(
    worlds: Sequence[W],
    operations_of: Callable[[W], Iterable[Operation]],
    trying: tuple[Callable[[Operation], R], Callable[[R], Iterable[P]]],
    disturbed: Callable[[Operation, P], str | None],
    tally: Tally,
) -> None:
    """The same, with recordings of any kind.

    Args:
        worlds: Where.
        operations_of: What is done in a world.
        trying: What does an operation undisturbed, lets it know what is to be expected, and returns a recording; and
            what to try, given that.
        disturbed: As above.
        tally: Where the result goes.
    """
    recording_of, points_of = trying

    def share(number: int) -> Tally:
        own = Tally(tally.sweep)
        operations = list(operations_of(worlds[number]))
        queues = [[(one, point) for point in points_of(recording_of(one))] for one in operations]
        for rank in list(zip_longest(*queues))[number :: len(worlds)]:
            for operation, point in filter(None, rank):
                _try(operation, point, disturbed, own)
        return own

    with ThreadPoolExecutor(len(worlds)) as pool:
        for done in pool.map(share, range(len(worlds))):
            tally.add(done)


def finished(operation: Operation) -> str | None:
    """Do *operation* to its end; return what kept it from that."""
    try:
        operation.run()
    except NotConvergedError as error:
        return str(error)
    return None


def _try(operation: Operation, point: P, disturbed: Callable[[Operation, P], str | None], tally: Tally) -> None:
    _begin(operation)
    tally.points += 1
    _judge(operation, f"{operation.name}: {point}", disturbed(operation, point), tally)


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
