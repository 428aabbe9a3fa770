"""The management-account stack of a connector: look, decide the one next step, take it if that is allowed, remember."""

from __future__ import annotations

from collections.abc import Mapping
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
from apono_operator.state.finding import Finding, Refusal, stuck, waits
from apono_operator.state.management_accounts import ManagementAccount
from apono_operator.state.management_sessions import Entrance
from apono_operator.state.management_stack import (
    StackInputs,
    management_role_arn_finding,
    management_role_finding,
    management_stack,
)
from apono_operator.state.resources import TAG_UID, Cluster, IamRole, Manifest, Owner, look_asked_for
from apono_operator.state.stack import ChangeSet, History, Meaning, ObservedStack, Ownership, Stack, Tell
from apono_operator.v1alpha1 import AponoConnectorSpec, Reason

log: structlog.stdlib.BoundLogger = structlog.get_logger()

RETRY_SECONDS = 300.0
"""After which what failed is tried again; doubled with each failure, up to an hour."""

PROPAGATION_SECONDS = 30.0
"""The same for a stack that failed because IAM did not know its principal yet."""

LONGEST_RETRY_SECONDS = 3600.0


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
        memory: What is remembered, with what this look has learnt.
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
    memory: StackMemory = field(default_factory=lambda: StackMemory(""))

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
        elsewhere = self._elsewhere(desired)
        if elsewhere:
            return elsewhere
        self.mandate = Mandate.of(self.spec, carried_out=desired.digest == self.applied)
        return self._run(desired, role)

    def _elsewhere(self, desired: Stack) -> Finding | None:
        """A stack that was made in another account or region must not be forgotten for a new one."""
        known = str(self.connector.get("status", {}).get("managementStackId", ""))
        if not known or known.startswith(machine.arn_beginning(desired, self.cluster.partition)):
            return None
        message = (
            f"this connector's stack is {known}, but the management account that it is to be in is "
            f"{desired.account_id}, region {desired.region}. Configure the account as before, or delete the connector "
            "and make another."
        )
        return stuck(Reason.ACCOUNT_MISMATCH, message)

    def _run(self, desired: Stack, role: IamRole) -> Finding:
        last = self.environment.stacks.get(self.owner.uid)
        if self.quick:
            return self._recall(last, desired)
        self.memory = last if last and last.digest == desired.digest else self._first_memory(desired)
        try:
            finding = self._step(desired, role)
        except AdapterError as failure:
            self._remember(failure, {**self.memory.facts, **self.facts})
            raise
        self._remember(finding, self.facts)
        return finding

    def _first_memory(self, desired: Stack) -> StackMemory:
        return StackMemory(desired.digest, asked=look_asked_for(self.connector))

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
        if last.verdict.good and self.mandate.changes:
            self.applied = desired.digest
        return last.verdict

    def _step(self, desired: Stack, role: IamRole) -> Finding:
        stacks = self.access.stacks
        observed = stacks.observe(desired.name)
        self._note(observed)
        change_set = None
        if machine.needs_change_set(desired, observed):
            change_set = stacks.change_set(desired.name, desired.change_set_name)
        self._learn(observed, change_set)
        ownership = Ownership(self.cluster, self.owner)
        step = machine.plan_stack(desired, observed, change_set, self._history(desired), ownership)
        if isinstance(step, Tell):
            return self._told(step.finding, desired, observed, role)
        self.differences = machine.differences_in_words(desired, observed)
        if not self.mandate.changes:
            missing = observed is None or observed.meaning in (Meaning.GONE, Meaning.EMPTY)
            return drift.untouched_stack_finding(self.mandate, desired.name, missing=missing)
        return self._take(step, desired, observed)

    def _note(self, observed: ObservedStack | None) -> None:
        """Note what the status is to tell of the stack, unless it is somebody else's."""
        if observed is None or observed.meaning is Meaning.GONE:
            self.facts |= {"managementStackStatus": None, "managementAccountRoleArn": None}
            return
        if self._is_anothers(observed):
            return
        arn = machine.role_arn_of(observed)
        told = {"managementStackId": observed.stack_id, "managementStackStatus": observed.status}
        self.facts |= {**told, "managementAccountRoleArn": arn}

    def _is_anothers(self, observed: ObservedStack) -> bool:
        """Tell whether the stack is foreign, or one that an earlier connector left and that is not taken up."""
        if observed.meaning is Meaning.EMPTY:
            return False
        if machine.stack_conflict(observed, Ownership(self.cluster, self.owner)):
            return True
        left = observed.tags.get(TAG_UID) != self.owner.uid
        return left and not self.mandate.changes and "managementStackId" not in self.connector.get("status", {})

    def _learn(self, observed: ObservedStack | None, change_set: ChangeSet | None) -> None:
        """Look up what failed first, once for each failure, and note since when it is known."""
        failure = machine.failure_of(observed, change_set)
        if failure is not None and failure != self.memory.failed:
            words = self._reason(observed, change_set)
            self.memory = replace(self.memory, failed=failure, failure=words, failed_at=self.environment.monotonic())

    def _reason(self, observed: ObservedStack | None, change_set: ChangeSet | None) -> str:
        """Return the failure in words, empty if nobody tells: that must not keep us from getting over it."""
        stacks = self.access.stacks
        try:
            if change_set and change_set.status == "FAILED":
                return stacks.validation_failure(change_set.change_set_id)
            return stacks.first_failure(observed.stack_id) if observed else ""
        except AdapterError as error:
            log.warning("the reason of a failure was not told", error=error.message)
            return ""

    def _history(self, desired: Stack) -> History:
        annotations = self.connector["metadata"].get("annotations", {})
        return History(
            may_retry=self.mandate.changes and self._may_retry(),
            may_lose_role=annotations.get(machine.REPLACEMENT_CONSENT) == desired.change_set_name,
            unchanged=self.memory.unchanged,
            failure=self.memory.failure,
        )

    def _may_retry(self) -> bool:
        if self.memory.failed_at is None:
            return False
        if self.memory.asked != look_asked_for(self.connector):
            return True
        first = PROPAGATION_SECONDS if machine.is_propagating(self.memory.failure) else RETRY_SECONDS
        wait = min(first * 2.0 ** min(self.memory.retries, 16), LONGEST_RETRY_SECONDS)
        return self.environment.monotonic() >= self.memory.failed_at + wait

    def _told(self, finding: Finding, desired: Stack, observed: ObservedStack | None, role: IamRole) -> Finding:
        if not finding.good or observed is None:
            return finding
        if self.mandate.changes:
            self.applied = desired.digest
        self.memory = replace(self.memory, retries=0, failed_at=None)
        return self._role_trouble(observed, role) or finding

    def _role_trouble(self, observed: ObservedStack, role: IamRole) -> Finding | None:
        """Return what keeps the connector's *role* from assuming the management role, which is read back hourly."""
        arn, moment = machine.role_arn_of(observed) or "", self.environment.monotonic()
        trouble = management_role_arn_finding(self.account, arn)
        if trouble:
            return trouble
        about = f"{observed.updated} {role.role_id}"
        seen = self.memory.role_seen
        if seen is not None and moment < seen + self.environment.thorough_seconds and self.memory.role_of == about:
            return None
        read_back = self.access.role(arn.rpartition("/")[2])
        trouble = management_role_finding(self._inputs, arn, read_back, role.role_id)
        self.memory = replace(self.memory, role_seen=None if trouble else moment, role_of=about)
        return trouble

    def _take(self, step: machine.StackChange, desired: Stack, observed: ObservedStack | None) -> Finding:
        if not self.mandate.carried_out:
            self.applied = ""
        self._announce(desired, observed)
        log.info("changing the stack", step=type(step).__name__, stack=desired.name)
        stacks = self.access.stacks
        stacks.apply(step, desired)
        self._count(step, observed)
        self.differences = ()
        self._note(stacks.observe(desired.name))
        return waits(Reason.STACK_IN_PROGRESS, f"Stack {desired.name}: {machine.words_of(step)}.")

    def _count(self, step: machine.StackChange, observed: ObservedStack | None) -> None:
        if isinstance(step, machine.DiscardChangeSet) and step.unchanged and observed:
            self.memory = replace(self.memory, unchanged=observed.updated)
        if self._may_retry():
            retries, moment = self.memory.retries + 1, self.environment.monotonic()
            self.memory = replace(self.memory, retries=retries, failed_at=moment)
        self.memory = replace(self.memory, asked=look_asked_for(self.connector))

    def _announce(self, desired: Stack, observed: ObservedStack | None) -> None:
        """Tell where there is, or may be, a stack, and that another is not as applied, before anything is begun."""
        applied = replace(
            drift.Digest.parse(self.connector.get("status", {}).get("lastAppliedHash")), stack=self.applied
        )
        living = observed is not None and observed.meaning is not Meaning.GONE
        place = observed.stack_id if observed and living else machine.arn_beginning(desired, self.cluster.partition)
        facts = {"managementStackId": place, "lastAppliedHash": str(applied)}
        self.connector = announce(self.environment, self.connector, self.owner, facts)

    def _remember(self, verdict: Finding | AdapterError, facts: Mapping[str, Any]) -> None:
        self.environment.stacks[self.owner.uid] = replace(
            self.memory, verdict=verdict, differences=self.differences, facts=dict(facts)
        )
