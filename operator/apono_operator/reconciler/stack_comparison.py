"""A closer look at a stack that rests as asked: is its role of use, and has nobody changed what the stack has made?

Descriptions of a stack tell nothing of its resources, nor of a template that somebody else put in its place. So hourly,
and when there is reason to, CloudFormation is made to compare, by a change set that heeds drift and that is carried out
only if it has something to put right.

Source: CloudFormation User Guide, "Using drift-aware change sets".
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from apono_operator.adapters.aws.management import ManagementAccess
from apono_operator.reconciler.environment import SETTLING_SECONDS, Environment, StackMemory
from apono_operator.state import stack_plan
from apono_operator.state.drift import Mandate
from apono_operator.state.finding import Finding, stuck, waits
from apono_operator.state.management_stack import (
    StackInputs,
    management_role_arn_finding,
    management_role_finding,
)
from apono_operator.state.resources import IamRole
from apono_operator.state.stack import (
    ChangeSet,
    ChangeSetMeaning,
    DiscardChangeSet,
    ExecuteChangeSet,
    ObservedStack,
    Stack,
    role_arn_of,
)
from apono_operator.state.stack_plan import Compared, History, Tell


@dataclass
class StackComparison:
    """One such look, which takes at most one step.

    Attributes:
        desired: The stack as it should be.
        observed: The stack, which rests and shows no difference.
        asked: The annotation by which a look is asked for.
        explain: Tells why a change set failed, empty if nobody says.
        memory: What is remembered, with what this look has learnt.
        moves: Whether CloudFormation is at work on the comparison, so that the next look comes soon.
        differences: What differs from the template, in words, where that is to be put right.
    """

    environment: Environment
    access: ManagementAccess
    inputs: StackInputs
    desired: Stack
    observed: ObservedStack
    mandate: Mandate
    history: History
    asked: str | None
    explain: Callable[[ObservedStack, ChangeSet], str]
    memory: StackMemory
    moves: bool = False
    differences: tuple[str, ...] = ()

    def run(self, role: IamRole) -> Finding | ExecuteChangeSet | None:
        """Return the step that puts right what differs, or what is the matter; None if nothing is known to be.

        *role* is the connector's.

        Raises:
            AdapterError: AWS does not say.
        """
        trouble = self._note_trouble(self._role_trouble(role))
        if self.mandate.suspended or not self._is_due(trouble):
            return self._known(trouble)
        change_set = self.access.stacks.change_set(self.desired.name, self.desired.change_set_name)
        step = stack_plan.plan_comparison(change_set, self._failure(change_set))
        if isinstance(step, Compared):
            return self._conclude(step, trouble)
        if not isinstance(step, Tell):
            self.access.stacks.apply(step, self.desired)
        self.memory = replace(self.memory, comparing=True, asked=self.asked)
        self.moves = True
        return self._known(trouble)

    def _failure(self, change_set: ChangeSet | None) -> str:
        """Return why a comparison could not be made; that there is nothing to change is no failure."""
        if change_set is None or not change_set.failed or change_set.meaning is ChangeSetMeaning.UNCHANGED:
            return ""
        return self.explain(self.observed, change_set)

    @property
    def _moment(self) -> float:
        return self.environment.monotonic()

    def _is_due(self, trouble: Finding | None) -> bool:
        memory = self.memory
        if memory.comparing or memory.compared is None or memory.asked != self.asked:
            return True
        if memory.compared_of not in ("", self.observed.updated) or (memory.drift and self.mandate.changes):
            return True
        lasts = memory.trouble_since is not None and self._moment >= memory.trouble_since + SETTLING_SECONDS
        if trouble and lasts and memory.compared_trouble != trouble.message:
            return True
        return self._moment >= memory.compared + self.environment.thorough_seconds

    def _conclude(self, compared: Compared, trouble: Finding | None) -> Finding | ExecuteChangeSet | None:
        change_set = compared.change_set
        ready = change_set.meaning is ChangeSetMeaning.READY
        if ready and self.mandate.changes:
            step = stack_plan.plan_correction(change_set, self.history)
            if isinstance(step, Tell):
                return step.finding
            self.differences = self._in_words(change_set)
            return step
        self.access.stacks.apply(DiscardChangeSet(change_set.change_set_id), self.desired)
        self.memory = replace(
            self.memory.compared_now(self._moment, self.observed.updated),
            drift=self._in_words(change_set) if ready else (),
            incomparable=compared.failure,
            asked=self.asked,
            compared_trouble=trouble.message if trouble else "",
        )
        return self._known(trouble)

    def _in_words(self, change_set: ChangeSet) -> tuple[str, ...]:
        return tuple(f"stack {self.desired.name}: {line}" for line in change_set.differences)

    def _known(self, trouble: Finding | None) -> Finding | None:
        """What CloudFormation cannot put right, or may not, does not pass by itself; before, it may."""
        if trouble is None:
            return None
        lasts = trouble.message == self.memory.compared_trouble or not self.mandate.changes
        return (stuck if lasts else waits)(trouble.reason, trouble.message)

    def _note_trouble(self, trouble: Finding | None) -> Finding | None:
        if trouble is None:
            self.memory = replace(self.memory, trouble_since=None, compared_trouble="")
        elif self.memory.trouble_since is None:
            self.memory = replace(self.memory, trouble_since=self._moment)
        return trouble

    def _role_trouble(self, role: IamRole) -> Finding | None:
        """Return what keeps the connector's *role* from assuming the management role, which is read back hourly."""
        arn = role_arn_of(self.observed)
        if arn is None:
            return None
        trouble = management_role_arn_finding(self.inputs.account, arn)
        if trouble:
            return trouble
        if arn == role.arn:
            return None  # the connector's own role is in the management account, and looked after there
        about = f"{self.observed.updated} {role.role_id} {self.asked}"
        seen = self.memory.role_seen
        if (
            seen is not None
            and self._moment < seen + self.environment.thorough_seconds
            and self.memory.role_of == about
        ):
            return None
        read_back = self.access.role(arn.rpartition("/")[2])
        trouble = management_role_finding(self.inputs, arn, read_back, role.role_id)
        self.memory = replace(self.memory, role_seen=None if trouble else self._moment, role_of=about)
        return trouble
