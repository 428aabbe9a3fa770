"""From findings to what users read: conditions, Ready, and Events on transitions.

Source: Kubernetes API conventions, "Typical status properties"; cli-utils, kstatus.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from apono_operator.state.finding import Finding, Findings, Next, found, unknown
from apono_operator.v1alpha1 import Condition, ConditionStatus, ConditionType, Mode, Reason

Aspects = tuple[ConditionType, ...]

_OF_ORGANIZATIONS: Aspects = (
    ConditionType.ACCEPTED,
    ConditionType.CREDENTIALS_VALID,
    ConditionType.OIDC_PROVIDER_READY,
    ConditionType.ORGANIZATION_READY,
    ConditionType.TOKEN_AVAILABLE,
    ConditionType.CONNECTOR_ROLE_READY,
    ConditionType.TRUSTED_ACCESS_ENABLED,
    ConditionType.MANAGEMENT_STACK_READY,
    ConditionType.DEPLOYMENT_AVAILABLE,
)
_OF_ACCOUNTS: Aspects = (
    ConditionType.ACCEPTED,
    ConditionType.CREDENTIALS_VALID,
    ConditionType.OIDC_PROVIDER_READY,
    ConditionType.TOKEN_AVAILABLE,
    ConditionType.CONNECTOR_ROLE_READY,
    ConditionType.DEPLOYMENT_AVAILABLE,
)
INFORMATIVE: Aspects = (ConditionType.IDENTITY_CENTER_FOUND, ConditionType.MEMBER_ACCOUNTS_READY)
"""What is told beside the aspects of an organization's connector, and does not count for Ready."""


MESSAGE_LIMIT = 1024
"""Characters of a condition's or an Event's message (Kubernetes API reference, Event v1, ``note``)."""


@dataclass(frozen=True)
class Event:
    """Something worth an Event: a condition became another."""

    type: str
    """``Normal`` or ``Warning``."""

    reason: str
    message: str


def aspects_of(mode: Mode | None) -> Aspects:
    """Return what Ready sums up in *mode*, in the order in which things have to succeed.

    Args:
        mode: The connector's; None if nobody can read it, which counts as `Mode.ACCOUNT`.
    """
    return _OF_ACCOUNTS if mode in (None, Mode.ACCOUNT) else _OF_ORGANIZATIONS


def conditions(
    findings: Findings,
    previous: Sequence[Condition],
    generation: int,
    now: datetime,
    aspects: Aspects = _OF_ACCOUNTS,
) -> tuple[Condition, ...]:
    """Return the conditions of the whole connector.

    Args:
        findings: What was found in this pass; an aspect that was not looked at keeps its condition.
        previous: The conditions in the status so far.
        generation: The metadata.generation that the findings speak of.
        now: The present time, with a time zone.
        aspects: What Ready sums up, see `aspects_of`; of others, only those beside them are shown.
    """
    stamp = _Stamp({condition.type: condition for condition in previous}, generation, now)
    parts = {kind: stamp.aspect(kind, findings, aspects) for kind in aspects}
    beside = INFORMATIVE if aspects == _OF_ORGANIZATIONS else ()
    summary = _summary(findings, parts, generation)
    return (
        stamp.condition(ConditionType.READY, summary.status, summary.reason, summary.message),
        *parts.values(),
        *(stamp.aspect(kind, findings, aspects) for kind in beside),
        *_while_true(stamp, summary),
        *_doubt(stamp, findings),
        *stamp.asides(findings),
    )


def deletion_conditions(
    finding: Finding, previous: Sequence[Condition], generation: int, now: datetime
) -> tuple[Condition, ...]:
    """Return the conditions of a connector that is being deleted, and cannot be yet because of *finding*."""
    stamp = _Stamp({condition.type: condition for condition in previous}, generation, now)
    is_blocked = finding.awaits is Next.SOMEBODY
    why = "The condition DeletionBlocked says why it cannot go on." if is_blocked else finding.message
    message = f"The connector is being taken away. {why}"
    ready = stamp.condition(ConditionType.READY, ConditionStatus.FALSE, Reason.DELETING, message)
    aspects = [condition for condition in previous if condition.type in {*_OF_ORGANIZATIONS, *INFORMATIVE}]
    if not is_blocked:
        return (ready, *aspects)
    blocked = stamp.condition(ConditionType.DELETION_BLOCKED, ConditionStatus.TRUE, finding.reason, finding.message)
    return (ready, *aspects, blocked)


def events(previous: Sequence[Condition], current: Sequence[Condition]) -> tuple[Event, ...]:
    """Return an Event for each condition that has another status or reason than before."""
    before = {condition.type: condition for condition in previous}
    return tuple(
        Event(_event_type(condition), condition.reason, condition.message)
        for condition in current
        if _is_news(condition, before.get(condition.type))
    )


def _is_news(condition: Condition, before: Condition | None) -> bool:
    """Reconciling and Stalled repeat Ready; Ready repeats an aspect unless it is True. A doubt is no news yet.

    That an aspect is fine from the start goes without saying, but for what was made.
    """
    if before is not None and (before.status, before.reason) == (condition.status, condition.reason):
        return False
    if condition.type == ConditionType.READY:
        return condition.status is ConditionStatus.TRUE or condition.reason == Reason.DELETING
    if condition.status is ConditionStatus.TRUE and condition.type not in _MADE:
        return before is not None and before.reason != Reason.WAITING and condition.type not in _REPEATING
    return condition.type not in _REPEATING and condition.reason != Reason.WAITING


_MADE = frozenset(
    {
        ConditionType.CONNECTOR_ROLE_READY,
        ConditionType.MANAGEMENT_STACK_READY,
        ConditionType.DEPLOYMENT_AVAILABLE,
        ConditionType.DRIFTED,
        ConditionType.SUSPENDED,
        ConditionType.DELETION_BLOCKED,
    }
)
_BAD_WHEN_TRUE = frozenset({ConditionType.DELETION_BLOCKED, ConditionType.DRIFTED})
_REPEATING = frozenset({ConditionType.RECONCILING, ConditionType.STALLED, ConditionType.UNCONFIRMED})
_PROGRESS = frozenset(
    {
        Reason.ROLLOUT_IN_PROGRESS,
        Reason.PROPAGATING,
        Reason.RECONCILING,
        Reason.STACK_IN_PROGRESS,
        Reason.DELETING,
    }
)


def _event_type(condition: Condition) -> str:
    bad = condition.type in _BAD_WHEN_TRUE or condition.status is not ConditionStatus.TRUE
    return "Warning" if bad and condition.reason not in _PROGRESS else "Normal"


@dataclass(frozen=True)
class _Stamp:
    previous: dict[str, Condition]
    generation: int
    now: datetime

    def condition(self, kind: ConditionType, status: ConditionStatus, reason: Reason, message: str) -> Condition:
        before = self.previous.get(kind)
        unchanged = before is not None and before.status is status
        return Condition(
            type=kind,
            status=status,
            reason=reason,
            message=one_line(message),
            last_transition_time=before.last_transition_time if before and unchanged else timestamp(self.now),
            observed_generation=self.generation,
        )

    def aspect(self, kind: ConditionType, findings: Findings, aspects: Aspects) -> Condition:
        finding = findings.get(kind)
        if finding:
            return self.condition(kind, finding.status, finding.reason, finding.message)
        return self.previous.get(kind) or self.condition(
            kind, ConditionStatus.UNKNOWN, Reason.WAITING, f"Waits for {_first_bad(findings, aspects)}."
        )

    def asides(self, findings: Findings) -> Iterator[Condition]:
        """Yield what does not count for Ready. Drift stays told as long as nobody could look for it anew."""
        for kind in (ConditionType.DRIFTED, ConditionType.SUSPENDED):
            finding = findings.get(kind)
            if finding:
                yield self.condition(kind, finding.status, finding.reason, finding.message)
        drifted = self.previous.get(ConditionType.DRIFTED)
        if drifted and not findings.keys() & {ConditionType.DRIFTED, ConditionType.CONNECTOR_ROLE_READY}:
            yield drifted


def one_line(message: str) -> str:
    """Return *message* without line breaks and control characters, of a length for people.

    It may quote what other people wrote, and ends up in terminals.
    """
    plain = "".join(character if character.isprintable() else " " for character in message)
    words = " ".join(plain.split())
    return words if len(words) <= MESSAGE_LIMIT else f"{words[: MESSAGE_LIMIT - 1]}…"


def timestamp(now: datetime) -> str:
    """Return *now* as the Kubernetes API writes times."""
    return now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _first_bad(findings: Findings, aspects: Aspects) -> str:
    return next((kind.value for kind in aspects if kind in findings and not findings[kind].passes), "a first look")


def _summary(findings: Findings, parts: Mapping[ConditionType, Condition], generation: int) -> Finding:
    """Return what Ready says: the first aspect that is not as asked, or that nobody has seen as asked yet."""
    bad = next((findings[kind] for kind in parts if kind in findings and not findings[kind].passes), None)
    if bad:
        return Finding(ConditionStatus.FALSE, bad.reason, bad.message, bad.awaits)
    for kind, condition in parts.items():
        if kind not in findings and not _passed(condition, generation):
            return unknown(Reason.WAITING, f"Waits for a look at {kind.value}.")
    return found(Reason.CONNECTOR_READY, "The connector runs with its role.")


def _passed(condition: Condition, generation: int) -> bool:
    """Tell whether the aspect kept nothing from being Ready when it was last looked at, for this very manifest."""
    unverified = condition.status is ConditionStatus.UNKNOWN and condition.reason == Reason.ACCESS_DENIED
    passed = condition.status is ConditionStatus.TRUE or unverified
    return passed and condition.observed_generation == generation


def _while_true(stamp: _Stamp, summary: Finding) -> Iterator[Condition]:
    """Yield what tells a Ready that is not True from one that will be.

    Never beside a Ready that is True: kstatus looks at these two first, and would contradict it.
    """
    if summary.awaits is Next.TIME:
        yield stamp.condition(ConditionType.RECONCILING, ConditionStatus.TRUE, summary.reason, summary.message)
    elif summary.status is not ConditionStatus.TRUE:
        yield stamp.condition(ConditionType.STALLED, ConditionStatus.TRUE, summary.reason, summary.message)


def _doubt(stamp: _Stamp, findings: Findings) -> Iterator[Condition]:
    doubt = next((finding.doubt for finding in findings.values() if finding.doubt), None)
    if doubt:
        yield stamp.condition(ConditionType.UNCONFIRMED, ConditionStatus.TRUE, doubt.reason, doubt.message)
