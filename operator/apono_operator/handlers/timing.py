"""When to look again."""

from __future__ import annotations

import math
import random
from dataclasses import dataclass

from apono_operator.reconciler import Outcome
from apono_operator.state.finding import Next

HURRIED_RETRIES = 3
"""Retries without back-off after something changed under our hands."""

PATIENT_AFTER = 12
"""Failures in a row after which what waits for somebody is tried seldom only."""


@dataclass(frozen=True)
class Timing:
    """All in seconds."""

    resync: float
    """Between looks at a connector with which all is well; spread by a tenth."""

    first_retry: float = 1.0
    last_retry: float = 30.0
    """The back-off between these two doubles, with jitter."""

    seldom: float = 300.0
    """Between tries of what has long been waiting for somebody."""

    stack: float = 10.0
    """Between looks at a stack that CloudFormation works on; grows by half each time, up to six times as much.

    Source: AWS re:Post, on "Rate exceeded" of CloudFormation, which asks for a back-off.
    """

    hurry: float = 0.2
    secrets: float = 30.0
    """Between looks at Secrets, which are not watched."""

    def after(self, outcome: Outcome, failures: int) -> float:
        """Return how long AWS can wait for a look, *failures* counting the looks in a row that were not satisfied."""
        delays = [self._after(outcome, failures)]
        if outcome.within is not None:
            delays.append(outcome.within)
        if outcome.stack_moves:
            delays.append(self._spread(self.stack))
        return min(delays)

    def of_children(self, outcome: Outcome, failures: int) -> float:
        """Return how long the children can wait for a pass, *failures* counting those that were not satisfied.

        With children as asked it is for ever: they are watched.
        """
        if outcome.children is Next.NOTHING or outcome.permanent:
            return math.inf
        if outcome.children is Next.SOMEBODY and failures > PATIENT_AFTER:
            return self._spread(self.seldom)
        return self.backoff(failures)

    def backoff(self, failures: int) -> float:
        """Return a wait that doubles with *failures*, up to the last retry's, at least half of it.

        Source: AWS Architecture Blog, "Exponential Backoff And Jitter", equal jitter.
        """
        longest = min(self.first_retry * 2.0 ** min(failures - 1, 32), self.last_retry)
        return longest * random.uniform(0.5, 1.0)  # noqa: S311 -- spreads load, guards nothing

    def _after(self, outcome: Outcome, failures: int) -> float:
        if outcome.hurry:
            return self.hurry if failures <= HURRIED_RETRIES else self.backoff(failures)
        if outcome.awaits is Next.NOTHING or outcome.permanent:
            return self._spread(self.resync)
        if outcome.paced:
            return self._spread(self.stack * min(1.5 ** min(failures, 10), 6.0))
        if outcome.awaits is Next.SOMEBODY and failures > PATIENT_AFTER:
            return self._spread(self.seldom)
        return self.backoff(failures)

    def _spread(self, seconds: float) -> float:
        return seconds * random.uniform(0.9, 1.1)  # noqa: S311 -- as above
