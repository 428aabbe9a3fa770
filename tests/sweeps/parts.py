"""Fewer points at a time: for tests that share a sweep, and for operations that do."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import cycle
from typing import TypeVar

from tests.sweeps.line import Call

P = TypeVar("P")
PointsOf = Callable[[list[Call]], Iterable[P]]


def part(points_of: PointsOf[P], number: int, *, of: int) -> PointsOf[P]:
    """Every point of which *number* is the remainder, so that *of* tests have all of them between them."""
    return lambda recording: list(points_of(recording))[number::of]


def by_turns(points_of: PointsOf[P], *, of: int, first: int = 0) -> PointsOf[P]:
    """One of *of* parts for each recording, another for the next: for operations that are much alike.

    Which one is for the first recording, *first* tells, so that another test can have the others.
    They do need each other: one there and one back again cost no more than one of them with its preparation.
    """
    turns = cycle(range(of))
    return lambda recording: list(points_of(recording))[(next(turns) + first) % of :: of]
