"""The management-account stack of a connector towards nothing. Needs no valid spec: the status tells where it is."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

import structlog

from apono_operator.adapters.aws.cloudformation import CloudFormation
from apono_operator.reconciler.environment import Environment, StackMemory
from apono_operator.reconciler.member_accounts import accounts_left
from apono_operator.reconciler.stack import LONGEST_RETRY_SECONDS
from apono_operator.state import stack_plan
from apono_operator.state.finding import Finding, Next, stuck, waits
from apono_operator.state.management_accounts import SETTING
from apono_operator.state.management_sessions import Entrance
from apono_operator.state.resources import Cluster, Owner
from apono_operator.state.stack import Meaning, ObservedStack, failure_of
from apono_operator.state.stack_plan import History, Ownership, Tell
from apono_operator.v1alpha1 import Reason

log: structlog.stdlib.BoundLogger = structlog.get_logger()

RETRY_SECONDS = 60.0
"""After which a deletion that failed is tried again; doubled with each failure, up to an hour."""

ABSENCE_SECONDS = 10.0
"""For how long CloudFormation must not find a stack that was announced, before there is believed to be none."""

_STACK_ARN = re.compile(r"arn:[a-z-]+:cloudformation:([a-z0-9-]+):([0-9]{12}):stack/([A-Za-z][A-Za-z0-9-]*)(/.+)?")


@dataclass(frozen=True)
class StackRemoval:
    """One step of a stack towards nothing.

    Args:
        arn: The stack's ARN as the status has it; without its unique id, if nobody learned of that.
    """

    environment: Environment
    owner: Owner
    cluster: Cluster
    arn: str

    def run(self) -> Finding | None:
        """Take one step; return what the deletion waits for, None when nothing of the stack is left.

        Raises:
            AdapterError: a call failed.
        """
        place = _STACK_ARN.fullmatch(self.arn)
        if place is None:
            return None
        region, account_id, name, unique = place.groups()
        if name != self.cluster.stack_name(self.owner):  # nobody but us writes the status, and yet
            return _not_ours(self.arn)
        accounts = self.environment.administration.management_accounts
        account = next((one for one in accounts if one.account_id == account_id), None)
        if account is None:
            return _shut_out(self.arn)
        entrance = replace(Entrance.to(account, name, self.owner.uid), region=region)
        stacks = self.environment.management.enter(entrance).stacks
        observed = self._observe(stacks, name, unique)
        if observed is None:
            return None if unique else self._absent(name)
        self.environment.absences.pop(self._absence, None)
        if self._is_foreign(observed):
            return _without_tags(observed) if observed.stack_id == self.arn else None
        return self._step(stacks, observed)

    def _observe(self, stacks: CloudFormation, name: str, unique: str | None) -> ObservedStack | None:
        """Look at the very stack, and at one of its name, which may have been made after it."""
        known = stacks.observe(self.arn) if unique else None
        return known if known and known.meaning is not Meaning.GONE else stacks.observe(name)

    def _absent(self, name: str) -> Finding | None:
        """A stack that was announced and whose creation was not answered may show a moment later."""
        since = self.environment.absences.setdefault(self._absence, self._moment())
        if self._moment() - since >= ABSENCE_SECONDS:
            return None
        return waits(Reason.DELETING, f"Making sure that there is no stack {name}.")

    @property
    def _absence(self) -> str:
        return f"{self.owner.uid} stack"

    def _is_foreign(self, observed: ObservedStack) -> bool:
        """An empty one has no tags yet, and a name that nobody else has."""
        if observed.meaning in (Meaning.EMPTY, Meaning.GONE):
            return False
        return stack_plan.stack_conflict(observed, Ownership(self.cluster, self.owner)) is not None

    def _step(self, stacks: CloudFormation, observed: ObservedStack | None) -> Finding | None:
        memory = self._learn(stacks, observed)
        wait = min(RETRY_SECONDS * 2.0 ** min(memory.retries, 16), LONGEST_RETRY_SECONDS)
        may_retry = memory.failed_at is not None and self._moment() >= memory.failed_at + wait
        step = stack_plan.plan_stack_deletion(observed, History(may_retry=may_retry, failure=memory.failure))
        if step is None:
            return None
        if isinstance(step, Tell):
            return _still_blocked(step.finding, memory)
        log.info("deleting the stack", stack=step.stack_id)
        stacks.delete(step)
        if may_retry:
            memory = replace(memory, failed="", retries=memory.retries + 1, failed_at=self._moment())
            self.environment.stacks[self.owner.uid] = memory
        return _still_blocked(waits(Reason.STACK_IN_PROGRESS, f"Stack {step.stack_id} is being deleted."), memory)

    def _learn(self, stacks: CloudFormation, observed: ObservedStack | None) -> StackMemory:
        """Look up what blocks a deletion, once for each time that it failed."""
        memory = self.environment.stacks.get(self.owner.uid) or StackMemory("")
        stuck_at = failure_of(observed, None) if observed and observed.meaning is Meaning.DELETION_STUCK else None
        if stuck_at is None or observed is None or stuck_at == memory.failed:
            return memory
        failure = stacks.first_failure(observed.stack_id) or observed.status_reason or observed.status
        failure += accounts_left(stacks, observed)
        retries = memory.retries if memory.blocked else 0  # those of its creation do not count
        memory = replace(
            memory, failed=stuck_at, failure=failure, failed_at=self._moment(), blocked=failure, retries=retries
        )
        self.environment.stacks[self.owner.uid] = memory
        return memory

    def _moment(self) -> float:
        return self.environment.monotonic()


def _still_blocked(finding: Finding, memory: StackMemory) -> Finding:
    """A deletion that failed stays told until it succeeds: an attempt that goes on is no success yet."""
    if finding.awaits is Next.SOMEBODY or not memory.blocked:
        return finding
    return stuck(Reason.STACK_FAILED, f"{finding.message} The last attempt failed: {memory.blocked}")


def _not_ours(arn: str) -> Finding:
    return stuck(
        Reason.NAME_CONFLICT,
        f"stack {arn}, which the status names, is not called as this connector's is. Correct the status, or set "
        "spec.deletionPolicy to Retain to leave the stack.",
    )


def _without_tags(observed: ObservedStack) -> Finding:
    return stuck(
        Reason.NAME_CONFLICT,
        f"stack {observed.name} is this connector's by its id, but its tags were taken off or changed, so it is not "
        "deleted. Put them back, or set spec.deletionPolicy to Retain to leave the stack.",
    )


def _shut_out(arn: str) -> Finding:
    """A stack in an account that the operator may not enter any more must not be forgotten."""
    return stuck(
        Reason.NOT_PERMITTED,
        f"stack {arn} is in a management account that the operator may not enter any more. Configure the account again "
        f"({SETTING}), or set spec.deletionPolicy to Retain to leave the stack.",
    )
