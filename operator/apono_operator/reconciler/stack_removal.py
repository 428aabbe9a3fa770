"""The management-account stack of a connector towards nothing. Needs no valid spec: the status tells where it is."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

import structlog

from apono_operator.adapters.aws.cloudformation import CloudFormation
from apono_operator.reconciler.environment import Environment, StackMemory
from apono_operator.state import stack as machine
from apono_operator.state.finding import Finding, stuck, waits
from apono_operator.state.management_accounts import SETTING
from apono_operator.state.management_sessions import Entrance
from apono_operator.state.resources import Cluster, Owner
from apono_operator.state.stack import History, Meaning, ObservedStack, Ownership, Tell
from apono_operator.v1alpha1 import Reason

log: structlog.stdlib.BoundLogger = structlog.get_logger()

RETRY_SECONDS = 60.0
"""After which a deletion that failed is tried again."""

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
        accounts = self.environment.administration.management_accounts
        account = next((one for one in accounts if one.account_id == account_id), None)
        if account is None:
            return _shut_out(self.arn)
        entrance = replace(Entrance.to(account, name, self.owner.uid), region=region)
        stacks = self.environment.management.enter(entrance).stacks
        observed = stacks.observe(self.arn if unique else name)
        if observed and self._is_foreign(observed):
            return None
        return self._step(stacks, observed)

    def _is_foreign(self, observed: ObservedStack) -> bool:
        """A stack of our name that is not ours stays; an empty one has no tags yet, and a name that nobody else has."""
        if observed.meaning in (Meaning.EMPTY, Meaning.GONE):
            return False
        return machine.stack_conflict(observed, Ownership(self.cluster, self.owner)) is not None

    def _step(self, stacks: CloudFormation, observed: ObservedStack | None) -> Finding | None:
        memory = self._learn(stacks, observed)
        may_retry = memory.failed_at is not None and self._moment() >= memory.failed_at + RETRY_SECONDS
        step = machine.plan_stack_deletion(observed, History(may_retry=may_retry, failure=memory.failure))
        if step is None:
            return None
        if isinstance(step, Tell):
            return step.finding
        log.info("deleting the stack", stack=step.stack_id)
        stacks.delete(step)
        if may_retry:
            self.environment.stacks[self.owner.uid] = replace(memory, failed_at=self._moment())
        return waits(Reason.DELETING, f"Stack {step.stack_id} is being deleted.")

    def _learn(self, stacks: CloudFormation, observed: ObservedStack | None) -> StackMemory:
        """Look up what blocks a deletion, once for each time that it failed."""
        memory = self.environment.stacks.get(self.owner.uid) or StackMemory("")
        stuck_at = (
            machine.failure_of(observed, None) if observed and observed.meaning is Meaning.DELETION_STUCK else None
        )
        if stuck_at is None or observed is None or stuck_at == memory.failed:
            return memory
        failure = stacks.first_failure(observed.stack_id)
        memory = replace(memory, failed=stuck_at, failure=failure, failed_at=self._moment())
        self.environment.stacks[self.owner.uid] = memory
        return memory

    def _moment(self) -> float:
        return self.environment.monotonic()


def _shut_out(arn: str) -> Finding:
    """A stack in an account that the operator may not enter any more must not be forgotten."""
    return stuck(
        Reason.NOT_PERMITTED,
        f"stack {arn} is in a management account that the operator may not enter any more. Configure the account again "
        f"({SETTING}), or set spec.deletionPolicy to Retain to leave the stack.",
    )
