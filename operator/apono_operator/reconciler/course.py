"""The course of one pass: what was found so far, and what that says about the next pass."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from apono_operator.adapters.errors import ConflictError, FencedError, TransientError
from apono_operator.reconciler.environment import Environment
from apono_operator.reconciler.failures import finding_of
from apono_operator.reconciler.report import conditions_of, status_of
from apono_operator.state.finding import Finding, Next, found, retained
from apono_operator.state.resources import Manifest, Owner
from apono_operator.v1alpha1 import ConditionStatus, ConditionType, Reason

REASONS: Mapping[str, Reason] = {reason.value: reason for reason in Reason}

_CHILDREN = ConditionType.DEPLOYMENT_AVAILABLE
_OF_AWS = (ConditionType.CONNECTOR_ROLE_READY, ConditionType.MANAGEMENT_STACK_READY)

T = TypeVar("T")
Step = Callable[[], tuple[Finding, "T | None"]]


@dataclass(frozen=True)
class Outcome:
    """What a pass says about the next one."""

    awaits: Next
    """What has to happen before a look at AWS can find anything else."""

    children: Next = Next.NOTHING
    """What has to happen before the children can be found otherwise, which costs no call to AWS."""

    hurry: bool = False
    """Something changed under our hands: look again at once."""

    permanent: bool = False
    """Only another manifest or another setting can change the finding."""

    within: float | None = None
    """Look again within so many seconds, even if all is well."""

    paced: bool = False
    """CloudFormation is at work, and nothing else is waited for: it is looked at in its own time."""

    stack_moves: bool = False
    """CloudFormation is at work on what nothing waits for: look again in its own time, even if all is well."""

    read: Manifest | None = field(default=None, repr=False, compare=False)
    """The connector as the pass read it."""


@dataclass
class Course:
    """The course of one pass.

    Attributes:
        connector: The connector; newer than at the start, if its status had to be written meanwhile.
        quick: Spare AWS: be content with what the last look found there.
        findings: What was found, by aspect.
        facts: The status fields that the pass came to know.
        hurry: Whether something changed under our hands.
        within: Seconds within which to look again, even if all is well.
        stack_moves: Whether CloudFormation is at work on something that nothing waits for.
    """

    environment: Environment
    connector: Manifest
    owner: Owner
    quick: bool = False
    findings: dict[ConditionType, Finding] = field(default_factory=dict)
    facts: dict[str, Any] = field(default_factory=dict)
    hurry: bool = False
    within: float | None = None
    stack_moves: bool = False

    @property
    def status(self) -> dict[str, Any]:
        """The connector's status, empty if there is none."""
        return status_of(self.connector)

    @property
    def has_role(self) -> bool:
        """Whether there may be a role, as far as the status tells."""
        return "connectorRoleArn" in self.status

    def look_within(self, seconds: float | None) -> None:
        """Have the next look come within so many seconds, None for no matter when."""
        self.within = min((one for one in (self.within, seconds) if one is not None), default=None)

    def outcome(self) -> Outcome:
        """Return what all of it says about the next pass."""
        permanent = not self.findings[ConditionType.ACCEPTED].good
        return Outcome(
            self._awaits_of_aws(),
            self._awaits_of_children(),
            self.hurry,
            permanent,
            self.within,
            self._is_paced(),
            self.stack_moves,
        )

    def _is_paced(self) -> bool:
        of_aws = (finding for kind, finding in self.findings.items() if kind is not _CHILDREN)
        return {finding.reason for finding in of_aws if finding.awaits is Next.TIME} == {Reason.STACK_IN_PROGRESS}

    def do(self, aspect: ConditionType, step: Step[T], *, in_doubt: T | None = None) -> T | None:
        """Take a step and note its finding; *in_doubt* is what it gives if it was fine and cannot be confirmed."""
        try:
            self.findings[aspect], result = step()
        except FencedError:
            raise
        except Exception as failure:  # noqa: BLE001 -- the ladder of `failures` tells and logs them all
            finding = self._judged(aspect, failure)
            self.findings[aspect] = finding
            return in_doubt if finding.good else None
        return result

    def _judged(self, aspect: ConditionType, failure: Exception) -> Finding:
        """What may pass by itself does not make an aspect false that was true for this very generation."""
        finding = finding_of(failure, self.environment)
        remembered = self.quick and aspect in _OF_AWS
        self.hurry = self.hurry or (isinstance(failure, ConflictError) and not remembered)
        before = self.before(aspect) if isinstance(failure, (TransientError, ConflictError)) else None
        return retained(before, finding.reason, finding.message) if before else finding

    def before(self, aspect: ConditionType, *, of_any_generation: bool = False) -> Finding | None:
        """Return what the status says of *aspect*, if it is True, and of the present generation unless told else."""
        generation = self.connector["metadata"]["generation"]
        for condition in conditions_of(self.connector):
            if condition.type == aspect and condition.status is ConditionStatus.TRUE:
                reason = REASONS.get(condition.reason)
                current = of_any_generation or condition.observed_generation == generation
                return found(reason, condition.message) if reason and current else None
        return None

    def _awaits_of_aws(self) -> Next:
        """What is the matter with the children costs AWS no look, unless it kept us from one."""
        looked = ConditionType.CONNECTOR_ROLE_READY in self.findings
        return self._awaits(self.findings.keys() - ({_CHILDREN} if looked else set()))

    def _awaits_of_children(self) -> Next:
        """A pass that spares AWS and did not get to the children has to be made again, whatever was in its way."""
        unreached = self.quick and _CHILDREN not in self.findings
        return self._awaits(self.findings.keys() if unreached else {_CHILDREN})

    def _awaits(self, kinds: Collection[ConditionType]) -> Next:
        waiting = {finding.awaits for kind, finding in self.findings.items() if kind in kinds}
        return next((one for one in (Next.TIME, Next.SOMEBODY) if one in waiting), Next.NOTHING)
