"""Deaths of the operator at a point of an operation, and others that take over and remember nothing."""

from __future__ import annotations

import random

from tests.sweeps.line import Call, Death, Point
from tests.sweeps.operations import Operation
from tests.sweeps.sweeping import finished

CALLS_OF_A_PASS = 12
"""As many as any pass makes, at least."""


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
