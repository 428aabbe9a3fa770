"""The fence: once it is up, no further call leaves this process."""

from __future__ import annotations

import threading

from apono_operator.adapters.errors import FencedError


class Fence:
    """Asked before every external call; raised once, at the start of a stop."""

    def __init__(self) -> None:
        self._up = threading.Event()

    def raise_up(self) -> None:
        """Let no further call pass."""
        self._up.set()

    def check(self) -> None:
        """Pass, or not.

        Raises:
            FencedError: if the fence is up.
        """
        if self._up.is_set():
            raise FencedError("the operator is stopping")
