"""Who leads: what a Lease says, when it was seen to say so, and what a process does about it.

Moments are seconds of one process's own clock and are never compared with those of another. Times that a Lease holds
are by the clocks of whoever wrote them: they are shown to people, and here only tell that it was written again.

Source: Kubernetes documentation, "Leases"; the decisions are those of client-go's package leaderelection, except for
a Lease that is missing, was emptied, or asks for more time than any setting allows.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import Enum

RELEASED_SECONDS = 1
"""What a Lease lasts that its holder released, as client-go writes it; others without a holder were emptied by hand."""

LONGEST_SECONDS = 600
"""What a Lease lasts at most: what says more was written by hand, and would keep everybody waiting."""


@dataclass(frozen=True)
class Term:
    """How long a process leads by its last renewal; both count from before that was sent.

    Attributes:
        deadline: The moment from which on it may not begin anything.
        expiry: The moment before which nobody else leads, so that what was begun has to be over by then.
    """

    deadline: float
    expiry: float


@dataclass(frozen=True)
class ElectionTiming:
    """All in seconds, each larger than the next.

    Attributes:
        duration: For how long others leave a Lease alone that is not renewed; a Lease holds whole seconds.
        renew_deadline: For how long its holder leads without renewing it.
        retry: Between looks and renewals.
    """

    duration: int
    renew_deadline: float
    retry: float

    @property
    def margin(self) -> float:
        """How long after its deadline a leader's calls may be under way."""
        return self.duration - self.renew_deadline

    def term(self, sent: float) -> Term:
        """Return the term that a renewal gives which was *sent* at that moment."""
        return Term(sent + self.renew_deadline, sent + self.duration)


@dataclass(frozen=True)
class Lease:
    """What a Lease object says.

    Attributes:
        holder: The identity of who leads; empty: nobody.
        duration: The seconds for which its holder asks others to wait.
        acquired: When the holder began to lead, as text.
        renewed: When it last said that it does, as text.
        transitions: How often the holder changed.
        version: The object's resourceVersion; empty: there is no object yet.
        uid: The object's uid, which another of the same name does not have.
    """

    holder: str = ""
    duration: int = 0
    acquired: str = ""
    renewed: str = ""
    transitions: int = 0
    version: str = ""
    uid: str = ""


@dataclass(frozen=True)
class Sighting:
    """A Lease as it was seen, and since when it says the same; None: there is none."""

    lease: Lease | None
    since: float

    def then(self, lease: Lease | None, now: float) -> Sighting:
        """Return what is known once *lease* was seen, too."""
        return Sighting(lease, self.since if lease == self.lease else now)


class Decision(Enum):
    """What to do next."""

    WAIT = "wait"
    ACQUIRE = "acquire"
    RENEW = "renew"
    STEP_DOWN = "step down"


def decide(sighting: Sighting, identity: str, term: Term | None, timing: ElectionTiming, now: float) -> Decision:
    """Return what the process of *identity* does at the moment *now*.

    Args:
        sighting: The Lease as it was last seen.
        identity: The process's own; no other has it, nor had it before.
        term: Its term if it leads.
        timing: Its settings.
        now: After all of these.
    """
    if term is None:
        return Decision.ACQUIRE if _is_free(sighting, identity, timing, now) else Decision.WAIT
    if now >= term.deadline or _is_of_another(sighting.lease, identity):
        return Decision.STEP_DOWN
    return Decision.RENEW


def _is_of_another(lease: Lease | None, identity: str) -> bool:
    """Whoever is called leader by nobody but itself goes; a Lease that was deleted is made anew by its holder."""
    return lease is not None and lease.holder != identity


def _is_free(sighting: Sighting, identity: str, timing: ElectionTiming, now: float) -> bool:
    """Tell whether nobody else can be leading.

    A Lease that is missing, or names nobody, may have been deleted or emptied under its holder, who learns of that when
    it renews: it is waited for as one that is held, unless it was released.
    """
    lease = sighting.lease or Lease()
    if lease.holder == identity or (not lease.holder and lease.duration == RELEASED_SECONDS):
        return True
    return now - sighting.since >= max(min(lease.duration, LONGEST_SECONDS), timing.duration)


def held(lease: Lease | None, identity: str, timing: ElectionTiming, now: datetime) -> Lease:
    """Return what the Lease shall say of a holder; *now* is what the clock on the wall shows."""
    before = lease or Lease()
    if before.holder == identity:
        return replace(before, duration=timing.duration, renewed=micro_time(now))
    transitions = before.transitions + 1 if lease else 0
    began = micro_time(now)
    return Lease(identity, timing.duration, began, began, transitions, before.version, before.uid)


def released(lease: Lease, now: datetime) -> Lease:
    """Return what the Lease shall say once its holder has gone; *now* is what the clock on the wall shows."""
    return replace(lease, holder="", duration=RELEASED_SECONDS, renewed=micro_time(now))


def micro_time(moment: datetime) -> str:
    """Return *moment*, which has a time zone, as a Lease holds it (Kubernetes API reference, "MicroTime")."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
