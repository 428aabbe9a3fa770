"""What a sweep tells: how many points, and what went wrong at which of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum

from tests.scenarios.cluster import Document

Record = Callable[[str, object], None]


class Trouble(StrEnum):
    """What can be wrong in the end."""

    LEAKED = "leaked"
    """Something is left that should be gone."""

    DOUBLED = "doubled"
    """Something was made more often than without the disturbance."""

    NOT_CONVERGED = "not converged"
    """The connector is not as asked, or its deletion not done."""


@dataclass
class Tally:
    """The result of one sweep.

    Attributes:
        sweep: Which sweep it belongs to, such as ``deaths``.
        points: How many points were tried.
        troubles: What was wrong, by kind.
    """

    sweep: str
    points: int = 0
    troubles: dict[Trouble, list[str]] = field(default_factory=lambda: {kind: [] for kind in Trouble})

    def blame(self, trouble: Trouble, what: str) -> None:
        """Note what was wrong at a point."""
        self.troubles[trouble].append(what)

    def add(self, other: Tally) -> None:
        """Add another part of the same sweep."""
        self.points += other.points
        for trouble, blamed in other.troubles.items():
            self.troubles[trouble] += blamed

    def compare(self, point: str, expected: Document, seen: Document) -> bool:
        """Note in what *seen* differs from *expected*; tell whether it does not."""
        trouble = _trouble(expected, seen)
        if trouble:
            self.blame(trouble, f"{point}: {'; '.join(differences(expected, seen))}")
        return trouble is None

    def record(self, record: Record) -> None:
        """Put the figures into the report of the run; `tests/__main__.py` adds them up.

        Raises:
            AssertionError: not all was well.
        """
        record("sweep", self.sweep)
        record("points", self.points)
        for trouble, blamed in self.troubles.items():
            record(trouble.value, len(blamed))
        wrong = [f"{trouble}: {one}" for trouble, blamed in self.troubles.items() for one in blamed]
        assert self.points > 0, "the sweep has tried nothing"
        assert not wrong, f"{len(wrong)} of {self.points} points\n" + "\n".join(wrong)


def differences(expected: object, seen: object, path: str = "") -> list[str]:
    """Name what is different, as far down as it is."""
    if isinstance(expected, dict) and isinstance(seen, dict):
        keys = sorted(expected.keys() | seen.keys())
        return [line for key in keys for line in differences(expected.get(key), seen.get(key), f"{path}/{key}")]
    return [] if expected == seen else [f"{path} is {seen!r}, not {expected!r}"]


def _trouble(expected: Document, seen: Document) -> Trouble | None:
    if expected == seen:
        return None
    if any(made > expected["creations"][what] for what, made in seen["creations"].items()):
        return Trouble.DOUBLED
    gone = [name for name, value in expected.items() if value is None]
    return Trouble.LEAKED if any(seen[name] is not None for name in gone) else Trouble.NOT_CONVERGED
