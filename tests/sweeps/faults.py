"""Operations with one call disturbed, with the same operator to the end or with another after the disturbance."""

from __future__ import annotations

from tests.sweeps.disturbances import Disturbed
from tests.sweeps.operations import Operation
from tests.sweeps.sweeping import finished

PASSES = 4
"""Passes within which an undisturbed operation makes all its calls."""


def restarted_after(operation: Operation, point: Disturbed) -> str | None:
    """Begin the operation, restart the operator after the pass that was disturbed, and let it finish."""
    line = operation.world.line
    line.begin()
    point.prepare(line)
    for _ in range(PASSES):
        if not line.has_struck:
            operation.subject.step()
    if not line.has_struck:
        return "the operator did not get there"
    operation.subject.restart()
    return finished(operation)


def disturbed_at(operation: Operation, point: Disturbed) -> str | None:
    """Do the operation to its end, with one call disturbed."""
    line = operation.world.line
    line.begin()
    point.prepare(line)
    failure = finished(operation)
    return failure if line.has_struck else "the operator did not get there"
