"""What the probes are answered."""

from __future__ import annotations

from collections.abc import Callable


class Health:
    """What is wrong with this process, asked of its parts.

    Attributes:
        is_ready: Whether it has found all that it needs and is not stopping. Who waits for the Lease is ready, too.
    """

    def __init__(self) -> None:
        self.is_ready = False
        self._complaints: list[Callable[[], str | None]] = []

    def watch(self, complaint: Callable[[], str | None]) -> None:
        """Ask *complaint*, too, which returns None while all is well."""
        self._complaints.append(complaint)

    def complaints(self) -> list[str]:
        """Return what is wrong; nothing of it mends itself, so that the process is better started again."""
        return [told for complaint in self._complaints if (told := complaint())]
