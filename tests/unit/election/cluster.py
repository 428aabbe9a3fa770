"""Candidates for one Lease, in a time of their own: nobody waits, and whatever takes time is chosen by the test."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from apono_operator.adapters.errors import ConflictError, TransientError
from apono_operator.adapters.fence import Fence
from apono_operator.election import Election, LeaseLostError
from apono_operator.state.leadership import ElectionTiming, Lease
from apono_operator.v1alpha1 import Reason

T = TypeVar("T")

TIMING = ElectionTiming(duration=15, renew_deadline=10.0, retry=2.0)

Delay = Callable[["Candidate"], float]
"""How long a request or an answer of a candidate is under way; others may act meanwhile."""


@dataclass
class Cluster:
    """The API server with its Lease, and the true time.

    Attributes:
        delay: How long what is on its way takes.
        is_away: Whether the API server refuses connections.
        is_suspending: Whether answers are taken however late: who waits for them is suspended meanwhile.
    """

    now: float = 1000.0
    lease: Lease | None = None
    delay: Delay = field(default=lambda _: 0.0)
    is_away: bool = False
    is_suspending: bool = False
    candidates: list[Candidate] = field(default_factory=list)
    _versions: int = 0

    def candidate(self, *, clock: float = 0.0) -> Candidate:
        """Return a new process, whose clock shows that much more than the true time."""
        candidate = Candidate(self, f"process-{len(self.candidates)}", clock)
        self.candidates.append(candidate)
        return candidate

    def written(self, lease: Lease) -> Lease:
        """Write it, if it was not written since it was read."""
        if lease.version != (self.lease.version if self.lease else ""):
            raise ConflictError(Reason.RECONCILING, "the Lease was written meanwhile")
        self._versions += 1
        self.lease = replace(lease, version=str(self._versions))
        return self.lease

    def acting(self) -> list[Candidate]:
        """Who may begin a call now."""
        return [candidate for candidate in self.candidates if candidate.may_act()]


class Candidate:
    """One process.

    Attributes:
        elections: How often it was elected.
        is_over: Whether it has ended.
    """

    def __init__(self, cluster: Cluster, identity: str, clock: float) -> None:
        self._cluster = cluster
        self._offset = clock
        self.identity = identity
        self.elections = 0
        self.is_over = False
        self.fence = Fence(self.clock)
        leases: Any = self
        self.election = Election(
            leases,
            TIMING,
            self.fence,
            identity=identity,
            on_elected=self._on_elected,
            on_lost=self._on_lost,
            clock=self.clock,
        )

    def clock(self) -> float:
        return self._cluster.now + self._offset

    def round(self) -> float:
        """Let it look and act once; return how long it pauses."""
        try:
            return self.election.round()
        except LeaseLostError:
            self.is_over = True
            return 0.0

    def leave(self) -> None:
        """End it cleanly."""
        self.fence.raise_up()
        self.is_over = True
        self.election.stop(release=True)

    def may_act(self) -> bool:
        """Whether it leads and a call would leave."""
        return self.election.leads and self.fence.lets_pass() and not self.is_over

    def may_be_acting(self) -> bool:
        """Whether a call that left while it led can still be under way."""
        return self.election.leads and self.fence.remaining() > 0 and not self.is_over

    # --- what the election asks of the API server ---------------------------------------------------------------------

    def get(self, timeout: float) -> Lease | None:
        return self._answered(timeout, lambda: self._cluster.lease)

    def put(self, lease: Lease, timeout: float) -> Lease:
        return self._answered(timeout, lambda: self._cluster.written(lease))

    def __str__(self) -> str:
        return "apono/apono-operator"

    def _answered(self, timeout: float, act: Callable[[], T]) -> T:
        began = self._cluster.now
        self._take_time()
        if self._cluster.is_away:
            raise TransientError(Reason.KUBERNETES_UNAVAILABLE, "no answer")
        answer = act()
        self._take_time()
        if self._cluster.now - began > timeout and not self._cluster.is_suspending:
            raise TransientError(Reason.KUBERNETES_UNAVAILABLE, "no answer in time")
        return answer

    def _take_time(self) -> None:
        seconds = self._cluster.delay(self)  # others change the time meanwhile
        self._cluster.now += seconds

    def _on_elected(self) -> None:
        self.elections += 1

    def _on_lost(self) -> None:
        self.is_over = True
