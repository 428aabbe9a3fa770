"""When to look again."""

from __future__ import annotations

import random
from dataclasses import dataclass

from tenacity import RetryCallState, Retrying
from tenacity.wait import wait_exponential, wait_random_exponential

from apono_operator.reconciler import Outcome
from apono_operator.state.finding import Next


@dataclass(frozen=True)
class Timing:
    """All in seconds."""

    resync: float
    """Between looks at a connector with which all is well; spread by a tenth."""

    first_retry: float = 1.0
    last_retry: float = 30.0
    """The back-off between these two doubles, with jitter."""

    hurry: float = 0.2
    secrets: float = 30.0
    """Between looks at Secrets, which are not watched."""

    def after(self, outcome: Outcome, failures: int) -> float:
        """Return how long to wait after a pass, *failures* counting the passes in a row that were not satisfied."""
        if outcome.hurry and failures <= _HURRIED_RETRIES:
            return self.hurry
        if outcome.awaits is Next.NOTHING or outcome.permanent:
            return self.resync * random.uniform(0.9, 1.1)  # noqa: S311 -- spreads load, guards nothing
        return self.backoff(failures)

    def backoff(self, failures: int) -> float:
        """Return a wait that doubles with *failures*, up to the last retry's, at least half of it."""
        state = RetryCallState(Retrying(), None, (), {})
        state.attempt_number = failures
        half = wait_exponential(multiplier=self.first_retry / 2, max=self.last_retry / 2)
        spread = wait_random_exponential(multiplier=self.first_retry / 2, max=self.last_retry / 2)
        return half(state) + spread(state)


_HURRIED_RETRIES = 3
