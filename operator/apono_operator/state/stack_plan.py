"""The management-account stack as a state machine: what is seen decides the one next step.

A CloudFormation operation takes minutes, and whoever started it may be gone by then. So nothing is waited for: each
visit describes, decides, and takes one step that is safe to take twice.

Sources: CloudFormation User Guide, "Stack status codes", "Update a stack using change sets" and "Using drift-aware
change sets".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from apono_operator.state.finding import Finding, found, stuck, waits
from apono_operator.state.resources import Cluster, Owner
from apono_operator.state.stack import (
    REPLACEMENT_CONSENT,
    ROLE_OUTPUT,
    ChangeSet,
    ChangeSetMeaning,
    ContinueRollback,
    DeleteStack,
    DiscardChangeSet,
    ExecuteChangeSet,
    MakeChangeSet,
    Meaning,
    ObservedStack,
    ResourceChange,
    Stack,
    StackChange,
    is_result_of,
    is_settled,
    role_arn_of,
    stack_differences,
)
from apono_operator.v1alpha1 import Reason


@dataclass(frozen=True)
class History:
    """What is known of earlier visits.

    Attributes:
        may_retry: Whether what failed may be tried again now.
        may_lose_role: Whether the manifest allows the role to be replaced or removed by this very change set.
        unchanged: The `ObservedStack.updated` for which CloudFormation said that there is nothing to change.
        failure: The first failure among the stack's events, empty if nobody looked.
    """

    may_retry: bool = False
    may_lose_role: bool = False
    unchanged: str | None = None
    failure: str = ""


@dataclass(frozen=True)
class Ownership:
    """Whose a stack has to be."""

    cluster: Cluster
    owner: Owner


@dataclass(frozen=True)
class Tell:
    """Nothing to do: say how it stands."""

    finding: Finding


StackStep = StackChange | Tell


def needs_change_set(desired: Stack, observed: ObservedStack | None) -> bool:
    """Tell whether the next step depends on the change set, which costs a call to look at."""
    if observed is None:
        return False
    if observed.meaning in (Meaning.EMPTY, Meaning.ROLLED_BACK):
        return True
    return observed.meaning is Meaning.HEALTHY and bool(stack_differences(desired, observed))


def is_propagating(failure: str) -> bool:
    """Tell whether something failed only because IAM did not know a new principal everywhere yet."""
    return "Invalid principal" in failure


def words_of(step: StackChange) -> str:
    """Return what *step* does, for people."""
    return _WORDS[type(step)]


def plan_stack(
    desired: Stack, observed: ObservedStack | None, change_set: ChangeSet | None, history: History, ownership: Ownership
) -> StackStep:
    """Return the one next step towards *desired*.

    Args:
        desired: The stack as it should be.
        observed: The stack of that name, None if there is none.
        change_set: The change set of `Stack.change_set_name`, None if there is none.
        history: What is known of earlier visits.
        ownership: Whose stack it has to be.
    """
    if observed is None or observed.meaning is Meaning.GONE:
        return MakeChangeSet("CREATE")
    conflict = None if observed.meaning is Meaning.EMPTY else stack_conflict(observed, ownership)
    if conflict:
        return Tell(conflict)
    return _ongoing(observed) or _failed(desired, observed, history) or _towards(desired, observed, change_set, history)


@dataclass(frozen=True)
class Compared:
    """What CloudFormation says of a stack that rests: all that differs from the template, whoever changed it.

    Attributes:
        change_set: What would put it right.
        failure: Why CloudFormation could not compare, in words; empty if it could.
    """

    change_set: ChangeSet
    failure: str = ""


def plan_comparison(change_set: ChangeSet | None, failure: str) -> MakeChangeSet | DiscardChangeSet | Tell | Compared:
    """Return the next step of a comparison of a stack that rests with what it was asked to be, or what came of it.

    A change set that heeds drift compares what is asked for, what was carried out last, and what there is.

    Args:
        change_set: The change set of `Stack.change_set_name`, None if there is none.
        failure: What CloudFormation says of a change set that failed, empty if nobody looked.
    """
    if change_set is None:
        return MakeChangeSet("UPDATE")
    match change_set.meaning:
        case ChangeSetMeaning.READY | ChangeSetMeaning.UNCHANGED:
            return Compared(change_set)
        case ChangeSetMeaning.USELESS if change_set.status == "FAILED":
            return Compared(change_set, failure or change_set.status_reason or change_set.status)
        case ChangeSetMeaning.USELESS:
            return DiscardChangeSet(change_set.change_set_id)
        case _:
            return Tell(_unfinished(change_set))


def plan_correction(change_set: ChangeSet, history: History) -> ExecuteChangeSet | Tell:
    """Return the step that puts right what *change_set*, which is ready, was found to differ in."""
    lost = [change for change in change_set.changes if change.loses_role]
    if lost and not history.may_lose_role:
        return Tell(_would_lose(change_set, lost))
    return ExecuteChangeSet(change_set.change_set_id)


def plan_stack_deletion(observed: ObservedStack | None, history: History) -> DeleteStack | Tell | None:
    """Return the one next step towards nothing, None when there is nothing."""
    if observed is None or observed.meaning is Meaning.GONE:
        return None
    if observed.meaning in (Meaning.BUSY, Meaning.DELETING, Meaning.UNKNOWN):
        return Tell(waits(Reason.STACK_IN_PROGRESS, f"Stack {observed.name} is {observed.status}."))
    if observed.termination_protected:
        return Tell(_protected(observed))
    if observed.meaning is Meaning.DELETION_STUCK and not history.may_retry:
        return Tell(stuck(Reason.STACK_FAILED, _failure(observed, history)))
    return DeleteStack(observed.stack_id)


def stack_conflict(observed: ObservedStack, ownership: Ownership) -> Finding | None:
    """Return the conflict if the stack that is there does not carry the owner's tags."""
    if ownership.cluster.owns(observed.tags, ownership.owner):
        return None
    return stuck(
        Reason.NAME_CONFLICT,
        f"stack {observed.name} exists and does not carry the tags of this connector; it is left alone. Delete it, "
        "or name the connector differently.",
    )


_WORDS: Mapping[type, str] = {
    MakeChangeSet: "a change set is being made",
    ExecuteChangeSet: "the change set is being executed",
    DiscardChangeSet: "a change set of no use is being deleted",
    DeleteStack: "it is being deleted, to be made anew",
    ContinueRollback: "its rollback goes on",
}


def _ongoing(observed: ObservedStack) -> Tell | None:
    """Wait for what goes on by itself, whoever began it."""
    match observed.meaning:
        case Meaning.BUSY | Meaning.DELETING:
            return Tell(waits(Reason.STACK_IN_PROGRESS, f"Stack {observed.name} is {observed.status}."))
        case Meaning.UNKNOWN:
            message = f"Stack {observed.name} is {observed.status}, which this version of the operator does not know."
            return Tell(waits(Reason.STACK_IN_PROGRESS, message))
        case _:
            return None


def _failed(desired: Stack, observed: ObservedStack, history: History) -> StackStep | None:
    """Get out of a dead end, now and then: what failed once mostly fails again at once."""
    match observed.meaning:
        case Meaning.NEVER_MADE | Meaning.DELETION_STUCK if history.may_retry and not observed.termination_protected:
            return DeleteStack(observed.stack_id)
        case Meaning.NEVER_MADE if _failed_at_another(desired, observed):
            return DeleteStack(observed.stack_id)
        case Meaning.ROLLBACK_STUCK if history.may_retry:
            return ContinueRollback(observed.stack_id)
        case Meaning.NEVER_MADE | Meaning.ROLLBACK_STUCK | Meaning.DELETION_STUCK:
            return Tell(stuck(Reason.STACK_FAILED, _failure(observed, history)))
        case _:
            return None


def _failed_at_another(desired: Stack, observed: ObservedStack) -> bool:
    """Tell whether it was another wish whose creation failed: the present one is not made to wait for that."""
    known = bool(observed.change_set_id) and not observed.termination_protected
    return known and not is_result_of(desired, observed)


def _towards(desired: Stack, observed: ObservedStack, change_set: ChangeSet | None, history: History) -> StackStep:
    if is_settled(desired, observed, history.unchanged):
        return Tell(_complete(observed))
    undone = observed.meaning is Meaning.ROLLED_BACK and is_result_of(desired, observed)
    if change_set:
        return _judge(change_set, history)
    if undone and not history.may_retry:
        return Tell(stuck(Reason.STACK_FAILED, _failure(observed, history)))
    return MakeChangeSet("CREATE" if observed.meaning is Meaning.EMPTY else "UPDATE")


def _judge(change_set: ChangeSet, history: History) -> StackStep:
    match change_set.meaning:
        case ChangeSetMeaning.READY:
            return plan_correction(change_set, history)
        case ChangeSetMeaning.UNCHANGED:
            return DiscardChangeSet(change_set.change_set_id, unchanged=True)
        case ChangeSetMeaning.USELESS if history.may_retry or not change_set.failed:
            return DiscardChangeSet(change_set.change_set_id)
        case ChangeSetMeaning.USELESS:
            why = history.failure or change_set.status_reason or f"{change_set.status}, {change_set.execution_status}"
            return Tell(stuck(Reason.STACK_FAILED, f"The change set failed: {why}"))
        case _:
            return Tell(_unfinished(change_set))


def _unfinished(change_set: ChangeSet) -> Finding:
    message = f"The change set is {change_set.status}, {change_set.execution_status}."
    return waits(Reason.STACK_IN_PROGRESS, message)


def _complete(observed: ObservedStack) -> Finding:
    arn = role_arn_of(observed)
    if arn is None:
        message = f"Stack {observed.name} has no output {ROLE_OUTPUT}. Use a template that has it."
        return stuck(Reason.STACK_FAILED, message)
    return found(Reason.STACK_IN_SYNC, f"Stack {observed.name} is as asked; the management role is {arn}.")


def _failure(observed: ObservedStack, history: History) -> str:
    why = history.failure or observed.status_reason or "its events tell why"
    return f"Stack {observed.name} is {observed.status}: {why}"


def _protected(observed: ObservedStack) -> Finding:
    return stuck(
        Reason.STACK_PROTECTED,
        f"stack {observed.name} is protected against termination by somebody else. Take the protection off "
        "(aws cloudformation update-termination-protection --no-enable-termination-protection --stack-name "
        f"{observed.name}), "
        "or set spec.deletionPolicy to Retain.",
    )


def _would_lose(change_set: ChangeSet, lost: list[ResourceChange]) -> Finding:
    names = ", ".join(f"{change.logical_id} ({change.action})" for change in lost)
    return stuck(
        Reason.ROLE_WOULD_BE_REPLACED,
        f"the change would replace or remove a role: {names}. Trusts elsewhere would no longer know it. If that is "
        f"meant, annotate the connector with {REPLACEMENT_CONSENT}={change_set.change_set_id.split('/')[1]}.",
    )
