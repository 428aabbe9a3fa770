"""What was found about one aspect of a connector: the common currency between looking and telling."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

from apono_operator.v1alpha1 import ConditionStatus, ConditionType, Reason


class Next(Enum):
    """What has to happen before the aspect can change."""

    NOTHING = "nothing"
    """It is as asked."""

    TIME = "time"
    """Work goes on, or a failure may pass by itself: look again soon."""

    SOMEBODY = "somebody"
    """A person has to correct something; looking again early is of no use."""


@dataclass(frozen=True)
class Refusal:
    """Why a manifest is not acted on."""

    reason: Reason
    message: str


@dataclass(frozen=True)
class Doubt:
    """Why a finding could not be confirmed."""

    reason: Reason
    message: str


@dataclass(frozen=True)
class Finding:
    """The state of one aspect, and what it waits for."""

    status: ConditionStatus
    reason: Reason
    message: str
    awaits: Next
    doubt: Doubt | None = None

    def doubted(self) -> Finding:
        """Return the doubt as a finding of its own: the aspect is not known to be as asked any more."""
        doubt = self.doubt or Doubt(self.reason, self.message)
        return unknown(doubt.reason, doubt.message)

    @property
    def good(self) -> bool:
        """Whether the aspect is as asked."""
        return self.status is ConditionStatus.TRUE

    @property
    def unverified(self) -> bool:
        """Whether nobody may look, and things go on without."""
        return self.status is ConditionStatus.UNKNOWN and self.awaits is Next.NOTHING

    @property
    def passes(self) -> bool:
        """Whether the aspect keeps nothing from being Ready."""
        return self.good or self.unverified


Findings = Mapping[ConditionType, Finding]


def found(reason: Reason, message: str) -> Finding:
    """Return the finding that the aspect is as asked."""
    return Finding(ConditionStatus.TRUE, reason, message, Next.NOTHING)


def waits(reason: Reason, message: str) -> Finding:
    """Return the finding that the aspect is not as asked yet."""
    return Finding(ConditionStatus.FALSE, reason, message, Next.TIME)


def stuck(reason: Reason, message: str) -> Finding:
    """Return the finding that the aspect is wrong until somebody corrects it."""
    return Finding(ConditionStatus.FALSE, reason, message, Next.SOMEBODY)


def unknown(reason: Reason, message: str) -> Finding:
    """Return the finding that nobody could look."""
    return Finding(ConditionStatus.UNKNOWN, reason, message, Next.TIME)


def unverified(reason: Reason, message: str) -> Finding:
    """Return the finding that nobody may look, which is told and keeps nothing from going on."""
    return Finding(ConditionStatus.UNKNOWN, reason, message, Next.NOTHING)


def retained(before: Finding, reason: Reason, message: str) -> Finding:
    """Return *before*, which nobody could confirm just now because of *reason*."""
    return Finding(before.status, before.reason, before.message, Next.TIME, Doubt(reason, message))
