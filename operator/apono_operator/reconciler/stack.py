"""The management-account stack of a connector: look, decide the one next step, take it if that is allowed, remember."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import structlog

from apono_operator.adapters.aws.management import ManagementAccess
from apono_operator.adapters.errors import AdapterError
from apono_operator.reconciler.environment import Environment, StackMemory
from apono_operator.reconciler.member_accounts import tell_leaving
from apono_operator.reconciler.report import announce, record_correction, was_drifted
from apono_operator.reconciler.stack_comparison import StackComparison
from apono_operator.reconciler.template import template_of
from apono_operator.state import drift, stack_plan
from apono_operator.state import stack as machine
from apono_operator.state.drift import Mandate
from apono_operator.state.finding import Finding, Refusal, stuck, waits
from apono_operator.state.management_accounts import ManagementAccount
from apono_operator.state.management_sessions import Entrance
from apono_operator.state.management_stack import StackInputs, management_stack, unit_of
from apono_operator.state.member_accounts import StackSetPlace
from apono_operator.state.resources import TAG_UID, Cluster, IamRole, Manifest, Owner, look_asked_for
from apono_operator.state.stack import (
    ChangeSet,
    ContinueRollback,
    DiscardChangeSet,
    ExecuteChangeSet,
    Meaning,
    ObservedStack,
    Stack,
    StackChange,
)
from apono_operator.state.stack_plan import History, Ownership, Tell
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
        place: Where the roles in member accounts come from, once the stack is there.
        facts: The status fields that the look came to know.
        differences: What is not as asked and was left so, in words.
        mandate: What may be done about a difference, once it is known what is asked for.
        memory: What is remembered, with what this look has learnt.
        moves: Whether CloudFormation is at work though nothing is waited for, so that the next look comes soon.
    """

    environment: Environment
    connector: Manifest
    owner: Owner
    cluster: Cluster
    account: ManagementAccount
    spec: AponoConnectorSpec
    applied: str
    quick: bool
    place: StackSetPlace | None = None
    facts: dict[str, Any] = field(default_factory=dict)
    differences: tuple[str, ...] = ()
    mandate: Mandate = field(default_factory=lambda: Mandate(carried_out=False))
    memory: StackMemory = field(default_factory=lambda: StackMemory(""))
    moves: bool = False

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
        self.memory = last if last and last.digest == desired.digest else self._first_memory(desired, last)
        try:
            finding = self._step(desired, role)
        except AdapterError as failure:
            self._remember(failure, {**self.memory.facts, **self.facts})
            raise
        self._remember(finding, self.facts)
        return finding

    def _first_memory(self, desired: Stack, last: StackMemory | None) -> StackMemory:
        """Spare what an earlier process left complete a comparison until it is due: one restart finds thousands."""
        asked, owner = look_asked_for(self.connector), self.owner
        fine = last is None and asked is None and self.mandate.carried_out and not was_drifted(self.connector)
        compared = self.environment.monotonic() - self.environment.since_due(owner) if fine else None
        return StackMemory(desired.digest, asked=asked, compared=compared, new_wish=last is not None)

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
        if stack_plan.needs_change_set(desired, observed):
            change_set = stacks.change_set(desired.name, desired.change_set_name)
        self._learn(observed, change_set)
        ownership, history = Ownership(self.cluster, self.owner), self._history(desired, observed)
        step = stack_plan.plan_stack(desired, observed, change_set, history, ownership)
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
        if observed.meaning is Meaning.HEALTHY:
            self.place = StackSetPlace(machine.stack_set_of(observed), self.account.region, observed.updated)
        arn = machine.role_arn_of(observed)
        told = {"managementStackId": observed.stack_id, "managementStackStatus": observed.status}
        self.facts |= {**told, "managementAccountRoleArn": arn}

    def _is_anothers(self, observed: ObservedStack) -> bool:
        """Tell whether the stack is foreign, or one that an earlier connector left and that is not taken up."""
        if observed.meaning is Meaning.EMPTY:
            return False
        if stack_plan.stack_conflict(observed, Ownership(self.cluster, self.owner)):
            return True
        left = observed.tags.get(TAG_UID) != self.owner.uid
        return left and not self.mandate.changes and "managementStackId" not in self.connector.get("status", {})

    def _learn(self, observed: ObservedStack | None, change_set: ChangeSet | None) -> None:
        """Look up what failed first, once for each failure, and note since when it is known."""
        failure = machine.failure_of(observed, change_set)
        if failure is not None and failure != self.memory.failed:
            words = self._reason(observed, change_set)
            self.memory = replace(self.memory, failed=failure, failure=words, failed_at=self.environment.monotonic())

    def _reason(self, observed: ObservedStack | None, change_set: ChangeSet | None = None) -> str:
        """Return the failure in words, empty if nobody tells: that must not keep us from getting over it."""
        stacks = self.access.stacks
        try:
            if change_set and change_set.status == "FAILED":
                return stacks.validation_failure(change_set.change_set_id)
            return stacks.first_failure(observed.stack_id) if observed else ""
        except AdapterError as error:
            log.warning("the reason of a failure was not told", error=error.message)
            return ""

    def _history(self, desired: Stack, observed: ObservedStack | None) -> History:
        annotations = self.connector["metadata"].get("annotations", {})
        return History(
            may_retry=self.mandate.changes and self._may_retry(observed),
            may_lose_role=annotations.get(machine.REPLACEMENT_CONSENT) == desired.change_set_name,
            unchanged=self.memory.unchanged,
            failure=self.memory.failure,
        )

    def _may_retry(self, observed: ObservedStack | None) -> bool:
        if self.memory.failed_at is None:
            return False
        if self.memory.continued and observed and observed.meaning is Meaning.ROLLED_BACK:
            return True
        if self.memory.new_wish or self.memory.asked != look_asked_for(self.connector):
            return True
        first = PROPAGATION_SECONDS if stack_plan.is_propagating(self.memory.failure) else RETRY_SECONDS
        wait = min(first * 2.0 ** min(self.memory.retries, 16), LONGEST_RETRY_SECONDS)
        return self.environment.monotonic() >= self.memory.failed_at + wait

    def _told(self, finding: Finding, desired: Stack, observed: ObservedStack | None, role: IamRole) -> Finding:
        if observed is None or not machine.is_settled(desired, observed, self.memory.unchanged):
            return finding
        if self.mandate.changes and finding.good:
            self.applied = desired.digest
        self.memory = replace(self.memory, retries=0, failed_at=None)
        comparison = self._comparison(desired, observed)
        found = comparison.run(role)
        self.memory, self.moves = comparison.memory, comparison.moves
        if isinstance(found, ExecuteChangeSet):
            self.differences = comparison.differences
            return self._take(found, desired, observed)
        self.differences = self.memory.drift
        return found or self._settled(finding, desired, observed)

    def _comparison(self, desired: Stack, observed: ObservedStack) -> StackComparison:
        return StackComparison(
            environment=self.environment,
            access=self.access,
            inputs=self._inputs,
            desired=desired,
            observed=observed,
            mandate=self.mandate,
            history=self._history(desired, observed),
            asked=look_asked_for(self.connector),
            explain=self._reason,
            memory=self.memory,
        )

    def _settled(self, finding: Finding, desired: Stack, observed: ObservedStack) -> Finding:
        """Tell of a stack that is as asked, as far as anybody knows, and of what was put right."""
        if not finding.good:
            return finding
        memory = self.memory
        self.memory = replace(memory, compared_of=memory.compared_of or observed.updated, correcting=())
        record_correction(self.environment, self.owner, memory.correcting)
        if memory.drift:
            return drift.untouched_stack_finding(self.mandate, desired.name, missing=False)
        if not memory.incomparable:
            return finding
        doubt = f" CloudFormation could not look for what others changed in it: {memory.incomparable}"
        return replace(finding, message=finding.message + doubt)

    def _take(self, step: StackChange, desired: Stack, observed: ObservedStack | None) -> Finding:
        if not self.mandate.carried_out:
            self.applied = ""
        self._announce(desired, observed)
        log.info("changing the stack", step=type(step).__name__, stack=desired.name)
        stacks = self.access.stacks
        if (
            isinstance(step, ExecuteChangeSet)
            and observed
            and unit_of(observed.parameters) != unit_of(desired.parameters)
        ):
            tell_leaving(self.environment, self.owner, self.access, observed, unit_of(desired.parameters))
        stacks.apply(step, desired)
        self._count(step, observed)
        self.differences = ()
        self._note(stacks.observe(desired.name))
        return waits(Reason.STACK_IN_PROGRESS, f"Stack {desired.name}: {stack_plan.words_of(step)}.")

    def _count(self, step: StackChange, observed: ObservedStack | None) -> None:
        """Remember what was tried; to clear a change set away that is of no use is no try yet."""
        moment, memory = self.environment.monotonic(), self.memory
        if self.mandate.corrects:
            memory = replace(memory, correcting=memory.correcting or self.differences)
        if isinstance(step, ExecuteChangeSet):
            memory = memory.compared_now(moment)
        if isinstance(step, DiscardChangeSet):
            if not step.unchanged or observed is None:
                return
            memory = replace(memory.compared_now(moment, observed.updated), unchanged=observed.updated, correcting=())
        elif self._may_retry(observed):
            memory = replace(memory, retries=memory.retries + 1, failed_at=moment)
        continued = isinstance(step, ContinueRollback)
        self.memory = replace(memory, asked=look_asked_for(self.connector), new_wish=False, continued=continued)

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
