"""The management-account stack of a connector: look, decide the one next step, take it if that is allowed, remember."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import structlog

from apono_operator.adapters.aws.management import ManagementAccess
from apono_operator.adapters.errors import AdapterError
from apono_operator.reconciler.environment import Environment, StackMemory
from apono_operator.reconciler.report import announce
from apono_operator.reconciler.template import template_of
from apono_operator.state import drift
from apono_operator.state import stack as machine
from apono_operator.state.drift import Mandate
from apono_operator.state.finding import Finding, Next, Refusal, stuck, waits
from apono_operator.state.management_accounts import ManagementAccount
from apono_operator.state.management_sessions import Entrance
from apono_operator.state.management_stack import (
    StackInputs,
    management_role_arn_finding,
    management_role_finding,
    management_stack,
)
from apono_operator.state.resources import Cluster, IamRole, Manifest, Owner, look_asked_for
from apono_operator.state.stack import ChangeSet, History, Meaning, ObservedStack, Ownership, Stack, Tell
from apono_operator.v1alpha1 import AponoConnectorSpec, Reason

log: structlog.stdlib.BoundLogger = structlog.get_logger()

RETRY_SECONDS = 300.0
"""After which what failed is tried again; doubled with each failure, up to an hour."""

PROPAGATION_SECONDS = 30.0
"""After which a stack is tried again that failed because IAM did not know its principal yet."""


@dataclass
class StackUpkeep:
    """One look at the stack of a connector.

    Attributes:
        connector: The connector; newer after the run, if its status had to be written.
        spec: What the manifest asks for.
        applied: The fingerprint of the stack that was last carried out; of this one, once it is.
        quick: Make no call to AWS if there was a look before.
        facts: The status fields that the look came to know.
        differences: What is not as asked and was left so, in words.
        mandate: What may be done about a difference, once it is known what is asked for.
    """

    environment: Environment
    connector: Manifest
    owner: Owner
    cluster: Cluster
    account: ManagementAccount
    spec: AponoConnectorSpec
    applied: str
    quick: bool
    facts: dict[str, Any] = field(default_factory=dict)
    differences: tuple[str, ...] = ()
    mandate: Mandate = field(default_factory=lambda: Mandate(carried_out=False))

    def run(self, role: IamRole) -> Finding:
        """Take one step towards what is asked for, or tell why there is none; *role* is the connector's.

        Raises:
            AdapterError: a call failed; that is remembered as well.
        """
        known = self.environment.templates.get(self.account.account_id)
        if self.quick and known is None:
            return waits(Reason.RECONCILING, "The stack will be looked at in a moment.")
        template, summary = (
            known[:2] if self.quick and known else template_of(self.environment, self.account, self.access)
        )
        desired = management_stack(self._inputs, template, summary)
        if isinstance(desired, Refusal):
            return stuck(desired.reason, desired.message)
        self.mandate = Mandate.of(self.spec, carried_out=desired.digest == self.applied)
        return self._run(desired, role)

    def _run(self, desired: Stack, role: IamRole) -> Finding:
        last = self.environment.stacks.get(self.owner.uid)
        if self.quick:
            return self._recall(last, desired)
        memory = last if last and last.digest == desired.digest else None
        try:
            finding, memory = self._step(desired, role, memory)
        except AdapterError as failure:
            self._remember(replace(memory or StackMemory(desired.digest), verdict=failure))
            raise
        self._remember(replace(memory, verdict=finding, differences=self.differences, facts=dict(self.facts)))
        return finding

    @property
    def access(self) -> ManagementAccess:
        """The way into the management account."""
        name = self.cluster.stack_name(self.owner)
        return self.environment.management.enter(Entrance.to(self.account, name, self.owner.uid))

    @property
    def _inputs(self) -> StackInputs:
        return StackInputs(self.spec, self.owner, self.cluster, self.account)

    def _recall(self, last: StackMemory | None, desired: Stack) -> Finding:
        if last is None or last.digest != desired.digest or last.verdict is None:
            return waits(Reason.RECONCILING, "The stack will be looked at in a moment.")
        self.differences, self.facts = last.differences, dict(last.facts)
        if isinstance(last.verdict, AdapterError):
            raise last.verdict
        self._note_applied(last.verdict, desired)
        return last.verdict

    def _step(self, desired: Stack, role: IamRole, memory: StackMemory | None) -> tuple[Finding, StackMemory]:
        stacks = self.access.stacks
        observed = stacks.observe(desired.name)
        self._note(observed)
        change_set = None
        if machine.needs_change_set(desired, observed):
            change_set = stacks.change_set(desired.name, desired.change_set_name)
        memory = self._learn(memory or StackMemory(desired.digest), observed, change_set)
        step = machine.plan_stack(
            desired, observed, change_set, self._history(memory, desired), Ownership(self.cluster, self.owner)
        )
        if isinstance(step, Tell):
            self._note_applied(step.finding, desired)
            return self._told(step.finding, observed, role, memory)
        self.differences = machine.differences_in_words(desired, observed)
        if not self.mandate.changes:
            missing = observed is None or observed.meaning in (Meaning.GONE, Meaning.EMPTY)
            return drift.untouched_stack_finding(self.mandate, desired.name, missing=missing), memory
        return self._take(step, desired, observed, memory)

    def _note_applied(self, finding: Finding, desired: Stack) -> None:
        if finding.good and self.mandate.changes:
            self.applied = desired.digest

    def _note(self, observed: ObservedStack | None) -> None:
        if observed is None:
            return
        self.facts |= {"managementStackId": observed.stack_id, "managementStackStatus": observed.status}
        arn = machine.role_arn_of(observed)
        if arn:
            self.facts["managementAccountRoleArn"] = arn

    def _learn(self, memory: StackMemory, observed: ObservedStack | None, change_set: ChangeSet | None) -> StackMemory:
        """Look up what failed first, once for each failure, and note since when it is known."""
        failure = machine.failure_of(observed, change_set)
        if failure is None or failure == memory.failed:
            return memory
        words = self._reason(observed, change_set)
        return replace(memory, failed=failure, failure=words, failed_at=self.environment.monotonic())

    def _reason(self, observed: ObservedStack | None, change_set: ChangeSet | None) -> str:
        stacks = self.access.stacks
        if change_set and change_set.status == "FAILED":
            return stacks.validation_failure(change_set.change_set_id)
        return stacks.first_failure(observed.stack_id) if observed else ""

    def _history(self, memory: StackMemory, desired: Stack) -> History:
        annotations = self.connector["metadata"].get("annotations", {})
        return History(
            may_retry=self._may_retry(memory),
            may_lose_role=annotations.get(machine.REPLACEMENT_CONSENT) == desired.change_set_name,
            unchanged=memory.unchanged,
            failure=memory.failure,
        )

    def _may_retry(self, memory: StackMemory) -> bool:
        if memory.failed_at is None:
            return False
        if memory.asked != look_asked_for(self.connector):
            return True
        wait = min(RETRY_SECONDS * 2.0**memory.retries, 3600.0)
        if machine.is_propagating(memory.failure):
            wait = PROPAGATION_SECONDS
        return self.environment.monotonic() >= memory.failed_at + wait

    def _told(
        self, finding: Finding, observed: ObservedStack | None, role: IamRole, memory: StackMemory
    ) -> tuple[Finding, StackMemory]:
        if not finding.good or observed is None:
            return finding, memory
        moment = self.environment.monotonic()
        fresh = memory.role_seen is not None and moment < memory.role_seen + self.environment.thorough_seconds
        if fresh and memory.updated == observed.updated:
            return memory.role_finding or finding, memory
        trouble = self._role_trouble(machine.role_arn_of(observed) or "", role)
        seen = None if trouble and trouble.awaits is Next.TIME else moment
        memory = replace(memory, role_seen=seen, updated=observed.updated, role_finding=trouble)
        return trouble or finding, memory

    def _role_trouble(self, arn: str, role: IamRole) -> Finding | None:
        """Read the management role back, and return what keeps the connector's *role* from assuming it."""
        trouble = management_role_arn_finding(self.account, arn)
        if trouble:
            return trouble
        read_back = self.access.role(arn.rpartition("/")[2])
        return management_role_finding(self._inputs, arn, read_back, role.role_id)

    def _take(
        self, step: machine.StackChange, desired: Stack, observed: ObservedStack | None, memory: StackMemory
    ) -> tuple[Finding, StackMemory]:
        if not self.mandate.carried_out:
            self.applied = ""
        self._announce(desired)
        log.info("changing the stack", step=type(step).__name__, stack=desired.name)
        stacks = self.access.stacks
        stacks.apply(step, desired)
        self._note(stacks.observe(desired.name))
        self.differences = ()
        if isinstance(step, machine.DiscardChangeSet) and step.unchanged and observed:
            memory = replace(memory, unchanged=observed.updated)
        if self._may_retry(memory):
            memory = replace(memory, retries=memory.retries + 1, failed_at=self.environment.monotonic())
        memory = replace(memory, asked=look_asked_for(self.connector))
        return waits(Reason.STACK_IN_PROGRESS, f"Stack {desired.name}: {machine.words_of(step)}."), memory

    def _announce(self, desired: Stack) -> None:
        """Tell where there may be a stack, and that another is not as applied, before anything is begun."""
        status = self.connector.get("status", {})
        beginning = machine.arn_beginning(desired, self.cluster.partition)
        known = str(status.get("managementStackId", ""))
        applied = replace(drift.Digest.parse(status.get("lastAppliedHash")), stack=self.applied)
        facts = {
            "managementStackId": known if known.startswith(beginning) else beginning,
            "lastAppliedHash": str(applied),
        }
        self.connector = announce(self.environment, self.connector, self.owner, facts)

    def _remember(self, memory: StackMemory) -> None:
        self.environment.stacks[self.owner.uid] = memory
