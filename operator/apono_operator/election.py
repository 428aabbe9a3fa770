"""The election: on a thread of its own, it gets the Lease, keeps it, and tells when it is lost.

Whoever leads may act until its term's deadline, which the fence knows; that holds whatever becomes of this thread.
"""

from __future__ import annotations

import os
import random
import socket
import threading
import uuid
from collections.abc import Callable
from datetime import UTC, datetime

import structlog

from apono_operator.adapters.api_server import SHORTEST_TIMEOUT
from apono_operator.adapters.errors import AdapterError, ConflictError
from apono_operator.adapters.fence import Fence, elapsed
from apono_operator.adapters.leases import Leases
from apono_operator.state.leadership import Decision, ElectionTiming, Lease, Sighting, Term, decide, held, released
from apono_operator.telemetry.heartbeats import Heartbeat

log: structlog.stdlib.BoundLogger = structlog.get_logger()


class LeaseLostError(Exception):
    """The process led and may do so no longer."""


def new_identity() -> str:
    """Return what no other process is called: the pod's name, and something by chance, as it may start again."""
    return f"{socket.gethostname()}_{uuid.uuid4()}"


class Election:
    """A candidate for the Lease, then its holder.

    Args:
        leases: The Lease.
        timing: How long what takes.
        fence: Learns of each term.
        identity: See `new_identity`.
        on_elected: Called once, on the election's thread.
        on_lost: Called at most once, on that thread; the process must end then. By default it ends at once.
        clock: Seconds; the fence's.
    """

    def __init__(
        self,
        leases: Leases,
        timing: ElectionTiming,
        fence: Fence,
        *,
        identity: str,
        on_elected: Callable[[], None],
        on_lost: Callable[[], None] = lambda: os._exit(1),
        clock: Callable[[], float] = elapsed,
    ) -> None:
        self._leases, self._timing, self._fence, self._identity = leases, timing, fence, identity
        self._on_elected, self._on_lost = on_elected, on_lost
        self._clock = clock
        self._rounds = Heartbeat("the election", limit=2 * timing.duration + timing.renew_deadline, clock=clock)
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self.run, name="election", daemon=True)
        self._sighting: Sighting | None = None
        self._is_current = False
        self._term: Term | None = None
        self._told: str | None = None

    def complaint(self) -> str | None:
        """Return what is wrong, None if nothing is."""
        late = self._clock() - self._term.deadline if self._term else 0.0
        if late > 0:
            return f"the lease could not be renewed, its term ended {late:.0f} s ago"
        return self._rounds.complaint()

    @property
    def leads(self) -> bool:
        """Whether this process was elected."""
        return self._term is not None

    def start(self) -> None:
        """Begin, on a thread of its own."""
        self._thread.start()

    def stop(self, *, release: bool) -> None:
        """End; with *release*, which only who makes no more calls may ask for, another can lead at once."""
        self._stopped.set()
        if self._thread.is_alive():
            self._thread.join()
        if release and self.leads:
            self._release()

    def run(self) -> None:
        """Be a candidate, then lead, until stopped or lost."""
        pause = 0.0
        try:
            while not self._stopped.wait(pause):
                pause = self.round()
        except LeaseLostError as loss:
            log.error("the lease is lost, the process ends", lease=str(self._leases), cause=str(loss))  # noqa: TRY400 -- one line
            self._lose()
        except Exception:
            log.exception("the election failed, the process ends")
            self._lose()

    def round(self) -> float:
        """Look and act once; return how many seconds later to do so again.

        Raises:
            LeaseLostError: this process leads no longer.
        """
        self._rounds.beat()
        try:
            self._act(self._seen())
        except ConflictError as conflict:
            self._is_current = False
            if self.leads:  # who wrote the Lease that is ours? Until that is known, time may be over
                log.warning("somebody else wrote the lease", error=conflict.message)
                return 0.0
        except AdapterError as error:
            self._is_current = False
            log.warning("no use of the lease", lease=str(self._leases), error=error.message)
        return self._pause()

    def _seen(self) -> Sighting:
        """Return the Lease as it is; its holder knows that without looking, unless it could not write."""
        self._check_term()
        if self._sighting and self._is_current:
            return self._sighting
        return self._see(self._leases.get(self._timeout()))

    def _see(self, lease: Lease | None) -> Sighting:
        now = self._clock()
        self._sighting = sighting = self._sighting.then(lease, now) if self._sighting else Sighting(lease, now)
        self._is_current = self.leads
        return sighting

    def _act(self, sighting: Sighting) -> None:
        match decide(sighting, self._identity, self._term, self._timing, self._clock()):
            case Decision.ACQUIRE | Decision.RENEW:
                self._write(sighting.lease)
            case Decision.STEP_DOWN:
                self._check_term()
                raise LeaseLostError(f"its holder is {sighting.lease.holder if sighting.lease else 'unknown'}")
            case Decision.WAIT:
                self._tell(sighting.lease.holder if sighting.lease else "")

    def _write(self, lease: Lease | None) -> None:
        sent = self._clock()
        self._see(self._leases.put(held(lease, self._identity, self._timing, datetime.now(UTC)), self._timeout()))
        term = self._timing.term(sent)
        if self._clock() >= term.deadline:
            return  # the answer took so long that nothing is left of the term
        is_new, self._term, self._is_current = not self.leads, term, True
        self._fence.extend(term)
        if is_new:
            log.info("elected", lease=str(self._leases), identity=self._identity)
            self._on_elected()

    def _check_term(self) -> None:
        if self._term and (self._fence.overrun or self._clock() >= self._term.deadline):
            raise LeaseLostError("it could not be renewed in time")

    def _timeout(self) -> float:
        """Return the seconds that a request may take: never longer than the term.

        When less is left than a time-out can be, the answer will be too late, and that is found out then.
        """
        left = self._term.deadline - self._clock() if self._term else self._timing.renew_deadline
        return max(min(left, self._timing.renew_deadline / 2), SHORTEST_TIMEOUT)

    def _pause(self) -> float:
        """Candidates look at times of their own, twice as often as a holder writes: a release is soon seen."""
        if not self._term:
            return self._timing.retry * random.uniform(0.375, 0.5)  # noqa: S311 -- spreads load, guards nothing
        return max(min(self._timing.retry, self._term.deadline - self._clock()), 0.0)

    def _tell(self, holder: str) -> None:
        if holder != self._told:
            self._told = holder
            what = "another leads, waiting" if holder else "there is no lease, waiting as if another led"
            log.info(what, lease=str(self._leases), holder=holder, identity=self._identity)

    def _lose(self) -> None:
        self._fence.raise_up()
        self._on_lost()

    def _release(self) -> None:
        try:
            lease = self._seen().lease
            if lease and lease.holder == self._identity:
                self._leases.put(released(lease, datetime.now(UTC)), self._timeout())
                log.info("the lease is released", lease=str(self._leases))
        except (AdapterError, LeaseLostError) as error:
            log.warning("the lease is not released, others wait for its end", error=str(error))
