"""How the tests are dealt out to the workers of pytest-xdist: each begins with its share of the long ones.

Left to themselves, workers begin with equal numbers of tests and take some from each other in the end (``--dist
worksteal``). One would have all the long ones then, and be left alone with the last of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import Protocol, TypeVar

LONG: Mapping[str, float] = {
    "tests/benchmarks/": 5,
    "tests/controlplane/": 2,
    "tests/passes/": 1.5,
    "tests/rbac/": 1,
    "tests/releases/": 35,
    "tests/replicas/": 5,
    "tests/scenarios/": 5,
    "tests/sweeps/": 10,
    "tests/unit/cli/": 4,
}
"""Seconds that a test of a folder takes, about; those of all others are short."""


class Test(Protocol):
    """A collected test, as far as it matters here."""

    @property
    def nodeid(self) -> str:
        """The file, from the project's root, and the name."""


T = TypeVar("T", bound=Test)


def dealt(tests: Sequence[T], workers: int) -> list[T]:
    """Return *tests* in an order of which each worker's part begins with its share of the long ones.

    Tests of one file stay together, as they may share what is dear. The parts are what `worksteal` gives the workers
    at first: as many tests each, one after the other.
    """
    shares = _shares(tests, workers)
    short = [test for test in tests if not _seconds(test)]
    order: list[T] = []
    for number, share in enumerate(shares):
        size = (len(tests) - len(order)) // (workers - number)
        fill = max(0, size - len(share))
        order += [*share, *short[:fill]]
        short = short[fill:]
    return [*order, *short]


def _shares(tests: Sequence[T], workers: int) -> list[list[T]]:
    """Give each file, the longest one first, to whoever has least to do."""
    shares: list[list[T]] = [[] for _ in range(workers)]
    for file in sorted(_files(tests), key=_total, reverse=True):
        min(shares, key=_total).extend(file)
    return shares


def _files(tests: Iterable[T]) -> Iterator[list[T]]:
    long = (test for test in tests if _seconds(test))
    for _, file in groupby(long, key=lambda test: test.nodeid.partition("::")[0]):
        yield list(file)


def _total(tests: Iterable[Test]) -> float:
    return sum(map(_seconds, tests))


def _seconds(test: Test) -> float:
    return next((seconds for folder, seconds in LONG.items() if test.nodeid.startswith(folder)), 0)
