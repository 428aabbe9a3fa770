"""The management-account stack as a state machine: what is seen decides the one next step.

A CloudFormation operation takes minutes, and whoever started it may be gone by then. So nothing is waited for: each
visit describes, decides, and takes one step that is safe to take twice.

Sources: CloudFormation User Guide, "Stack status codes" and "Update a stack using change sets"; CloudFormation API
reference, ``Stack``, ``DescribeChangeSet``.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum

from apono_operator.state.finding import Finding, found, stuck, waits
from apono_operator.state.resources import Cluster, Owner
from apono_operator.v1alpha1 import Reason

ROLE_TYPE = "AWS::IAM::Role"
ROLE_OUTPUT = "ManagementAccountRoleArnOutput"
TEMPLATE_TAG = "apono.io/template"
"""The tag that tells of which template a stack was made: a digest of it."""

REPLACEMENT_CONSENT = "apono.io/replace-management-role"
"""The annotation by which a manifest allows one change set, named by it, to replace or remove the role."""

UNCHANGED_MESSAGES = ("didn't contain changes", "No updates are to be performed")
"""What CloudFormation says of a change set that would change nothing."""


class Meaning(Enum):
    """What a stack's status means to us."""

    BUSY = "an operation is under way"
    DELETING = "it is being deleted"
    GONE = "it was deleted"
    EMPTY = "there is a name and nothing else: a change set was made and not executed"
    HEALTHY = "it is as it was last asked for"
    ROLLED_BACK = "the last change failed and was undone; the next may succeed"
    NEVER_MADE = "its creation failed: it can only be deleted"
    ROLLBACK_STUCK = "a change failed, and so did undoing it"
    DELETION_STUCK = "its deletion failed"
    UNKNOWN = "this version does not know the status"


MEANINGS: Mapping[str, Meaning] = {
    "CREATE_IN_PROGRESS": Meaning.BUSY,
    "CREATE_COMPLETE": Meaning.HEALTHY,
    "CREATE_FAILED": Meaning.NEVER_MADE,
    "ROLLBACK_IN_PROGRESS": Meaning.BUSY,
    "ROLLBACK_COMPLETE": Meaning.NEVER_MADE,
    "ROLLBACK_FAILED": Meaning.NEVER_MADE,
    "DELETE_IN_PROGRESS": Meaning.DELETING,
    "DELETE_COMPLETE": Meaning.GONE,
    "DELETE_FAILED": Meaning.DELETION_STUCK,
    "UPDATE_IN_PROGRESS": Meaning.BUSY,
    "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS": Meaning.BUSY,
    "UPDATE_COMPLETE": Meaning.HEALTHY,
    "UPDATE_FAILED": Meaning.ROLLED_BACK,  # with rollback switched off by others; the next change may succeed
    "UPDATE_ROLLBACK_IN_PROGRESS": Meaning.BUSY,
    "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS": Meaning.BUSY,
    "UPDATE_ROLLBACK_COMPLETE": Meaning.ROLLED_BACK,
    "UPDATE_ROLLBACK_FAILED": Meaning.ROLLBACK_STUCK,
    "REVIEW_IN_PROGRESS": Meaning.EMPTY,
    "IMPORT_IN_PROGRESS": Meaning.BUSY,
    "IMPORT_COMPLETE": Meaning.HEALTHY,
    "IMPORT_ROLLBACK_IN_PROGRESS": Meaning.BUSY,
    "IMPORT_ROLLBACK_COMPLETE": Meaning.ROLLED_BACK,
    "IMPORT_ROLLBACK_FAILED": Meaning.ROLLBACK_STUCK,
}
"""Every ``StackStatus`` of the API, and what it means; one that is not here is told, and waited on."""


class ChangeSetMeaning(Enum):
    """What a change set's status means to us."""

    BEING_MADE = "it is being made"
    READY = "it can be executed"
    BEING_EXECUTED = "it is being executed"
    UNCHANGED = "it would change nothing"
    USELESS = "it failed, was overtaken, or was executed"
    UNKNOWN = "this version does not know the status"


CHANGE_SET_STATUSES: Mapping[str, ChangeSetMeaning | None] = {
    "CREATE_PENDING": ChangeSetMeaning.BEING_MADE,
    "CREATE_IN_PROGRESS": ChangeSetMeaning.BEING_MADE,
    "CREATE_COMPLETE": None,  # the execution status tells
    "DELETE_PENDING": ChangeSetMeaning.BEING_MADE,
    "DELETE_IN_PROGRESS": ChangeSetMeaning.BEING_MADE,
    "DELETE_COMPLETE": ChangeSetMeaning.USELESS,
    "DELETE_FAILED": ChangeSetMeaning.USELESS,
    "FAILED": ChangeSetMeaning.USELESS,
}
"""Every ``ChangeSetStatus`` of the API."""

EXECUTION_STATUSES: Mapping[str, ChangeSetMeaning] = {
    "UNAVAILABLE": ChangeSetMeaning.BEING_MADE,
    "AVAILABLE": ChangeSetMeaning.READY,
    "EXECUTE_IN_PROGRESS": ChangeSetMeaning.BEING_EXECUTED,
    "EXECUTE_COMPLETE": ChangeSetMeaning.USELESS,
    "EXECUTE_FAILED": ChangeSetMeaning.USELESS,
    "OBSOLETE": ChangeSetMeaning.USELESS,
}
"""Every ``ExecutionStatus`` of the API."""


@dataclass(frozen=True)
class Template:
    """Where a stack's template comes from.

    Attributes:
        digest: A fingerprint of its content, or of its URL where the content is not ours to know.
        url: An ``https://`` URL that CloudFormation reads it from; None if it is sent.
        body: The text that is sent; None if it is read from a URL.
    """

    digest: str
    url: str | None = None
    body: str | None = field(default=None, repr=False)


@dataclass(frozen=True)
class Stack:
    """A stack as it should be."""

    name: str
    account_id: str
    region: str
    template: Template
    parameters: Mapping[str, str]
    capabilities: tuple[str, ...]
    service_role_arn: str
    tags: Mapping[str, str]

    @property
    def digest(self) -> str:
        """A fingerprint of all that is asked for; the change set that brings it about is named by it."""
        asked = [self.template.digest, dict(self.parameters), list(self.capabilities), self.service_role_arn, self.tags]
        return hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()[:16]

    @property
    def change_set_name(self) -> str:
        """The name of the change set that brings the stack to this; the same however often it is made."""
        return f"apono-{self.digest}"


@dataclass(frozen=True)
class ObservedStack:
    """A stack as CloudFormation describes it."""

    stack_id: str
    name: str
    status: str
    status_reason: str
    parameters: Mapping[str, str]
    outputs: Mapping[str, str]
    tags: Mapping[str, str]
    service_role_arn: str | None
    termination_protected: bool = False
    change_set_id: str = ""
    """The ARN of the change set that the last operation executed, empty if it executed none."""

    updated: str = ""
    """When it was last created or updated, as CloudFormation says it."""

    @property
    def meaning(self) -> Meaning:
        """What its status means."""
        return MEANINGS.get(self.status, Meaning.UNKNOWN)


@dataclass(frozen=True)
class ResourceChange:
    """What a change set would do to one resource."""

    action: str
    """``Add``, ``Modify``, ``Remove`` …"""

    logical_id: str
    resource_type: str
    replacement: str = "False"
    """``True``, ``False`` or ``Conditional``."""

    @property
    def loses_role(self) -> bool:
        """Whether a role would be another one afterwards, or none: trusts elsewhere would no longer know it."""
        replaced = self.action == "Modify" and self.replacement != "False"
        return self.resource_type == ROLE_TYPE and (replaced or self.action == "Remove")


@dataclass(frozen=True)
class ChangeSet:
    """A change set of our name as CloudFormation describes it."""

    change_set_id: str
    status: str
    execution_status: str
    status_reason: str = ""
    changes: tuple[ResourceChange, ...] = ()
    tags: Mapping[str, str] = field(default_factory=dict)

    @property
    def failed(self) -> bool:
        """Whether it, or its execution, went wrong, so that the next one may as well."""
        return self.status in ("FAILED", "DELETE_FAILED") or self.execution_status == "EXECUTE_FAILED"

    @property
    def meaning(self) -> ChangeSetMeaning:
        """What its status means."""
        if self.status == "FAILED" and any(text in self.status_reason for text in UNCHANGED_MESSAGES):
            return ChangeSetMeaning.UNCHANGED
        meaning = CHANGE_SET_STATUSES.get(self.status, ChangeSetMeaning.UNKNOWN)
        return meaning or EXECUTION_STATUSES.get(self.execution_status, ChangeSetMeaning.UNKNOWN)


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
class MakeChangeSet:
    """Make the change set of the desired stack's name: ``CREATE`` where there is no stack, else ``UPDATE``."""

    kind: str


@dataclass(frozen=True)
class ExecuteChangeSet:
    """Carry the change set out."""

    change_set_id: str


@dataclass(frozen=True)
class DiscardChangeSet:
    """Delete a change set that is of no use."""

    change_set_id: str
    unchanged: bool = False
    """Whether it would have changed nothing, which is worth remembering."""


@dataclass(frozen=True)
class DeleteStack:
    """Delete the stack."""

    stack_id: str


@dataclass(frozen=True)
class ContinueRollback:
    """Go on undoing a change that failed."""

    stack_id: str


@dataclass(frozen=True)
class Tell:
    """Nothing to do: say how it stands."""

    finding: Finding


StackChange = MakeChangeSet | ExecuteChangeSet | DiscardChangeSet | DeleteStack | ContinueRollback
StackStep = StackChange | Tell


def needs_change_set(desired: Stack, observed: ObservedStack | None) -> bool:
    """Tell whether the next step depends on the change set, which costs a call to look at."""
    if observed is None:
        return False
    if observed.meaning in (Meaning.EMPTY, Meaning.ROLLED_BACK):
        return True
    return observed.meaning is Meaning.HEALTHY and bool(stack_differences(desired, observed))


def failure_of(observed: ObservedStack | None, change_set: ChangeSet | None) -> str | None:
    """Return what tells this failure from any other, None if nothing has failed."""
    if change_set and change_set.failed and change_set.meaning is ChangeSetMeaning.USELESS:
        return change_set.change_set_id
    if observed and observed.meaning in _FAILED:
        return f"{observed.stack_id} {observed.status} {observed.updated}"
    return None


def is_propagating(failure: str) -> bool:
    """Tell whether something failed only because IAM did not know a new principal everywhere yet."""
    return "Invalid principal" in failure


def words_of(step: StackChange) -> str:
    """Return what *step* does, for people."""
    return _WORDS[type(step)]


def differences_in_words(desired: Stack, observed: ObservedStack | None) -> tuple[str, ...]:
    """Return what is not as *desired*, a line for each, with the stack's name."""
    if observed is None or observed.meaning in (Meaning.GONE, Meaning.EMPTY):
        return (f"stack {desired.name} is missing",)
    return tuple(f"stack {desired.name}: {line}" for line in stack_differences(desired, observed))


def arn_beginning(desired: Stack, partition: str) -> str:
    """Return the stack's ARN as far as it is known before there is one: without its unique id."""
    return f"arn:{partition}:cloudformation:{desired.region}:{desired.account_id}:stack/{desired.name}"


def stack_differences(desired: Stack, observed: ObservedStack) -> tuple[str, ...]:
    """Return what is not as *desired*, in words; parameters and tags of others make no difference."""
    return tuple(_differences(desired, observed))


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
    return _ongoing(observed) or _failed(observed, history) or _towards(desired, observed, change_set, history)


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


def role_arn_of(observed: ObservedStack | None) -> str | None:
    """Return the management role's ARN as the stack tells it."""
    return observed.outputs.get(ROLE_OUTPUT) if observed else None


_FAILED = frozenset({Meaning.NEVER_MADE, Meaning.ROLLED_BACK, Meaning.ROLLBACK_STUCK, Meaning.DELETION_STUCK})
_WORDS: Mapping[type, str] = {
    MakeChangeSet: "a change set is being made",
    ExecuteChangeSet: "the change set is being executed",
    DiscardChangeSet: "a change set of no use is being deleted",
    DeleteStack: "it is being deleted, to be made anew",
    ContinueRollback: "its rollback goes on",
}


def _differences(desired: Stack, observed: ObservedStack) -> Iterator[str]:
    for name, value in sorted(desired.parameters.items()):
        if observed.parameters.get(name) != value:
            yield f"the parameter {name} is {observed.parameters.get(name, 'missing')} instead of {value}"
    for key, value in sorted(desired.tags.items()):
        if observed.tags.get(key) != value:
            yield "the template is another" if key == TEMPLATE_TAG else f"the tag {key} is not {value}"
    if observed.service_role_arn != desired.service_role_arn:
        yield f"the service role is {observed.service_role_arn or 'missing'} instead of {desired.service_role_arn}"
    if not _tried(desired, observed):
        yield "it was last changed by somebody else"


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


def _failed(observed: ObservedStack, history: History) -> StackStep | None:
    """Get out of a dead end, now and then: what failed once mostly fails again at once."""
    match observed.meaning:
        case Meaning.NEVER_MADE | Meaning.DELETION_STUCK if history.may_retry and not observed.termination_protected:
            return DeleteStack(observed.stack_id)
        case Meaning.ROLLBACK_STUCK if history.may_retry:
            return ContinueRollback(observed.stack_id)
        case Meaning.NEVER_MADE | Meaning.ROLLBACK_STUCK | Meaning.DELETION_STUCK:
            return Tell(stuck(Reason.STACK_FAILED, _failure(observed, history)))
        case _:
            return None


def _towards(desired: Stack, observed: ObservedStack, change_set: ChangeSet | None, history: History) -> StackStep:
    differences = stack_differences(desired, observed)
    known_unchanged = history.unchanged is not None and history.unchanged == observed.updated
    undone = observed.meaning is Meaning.ROLLED_BACK and _tried(desired, observed) and not known_unchanged
    if observed.meaning is not Meaning.EMPTY and not undone and (not differences or known_unchanged):
        return Tell(_complete(observed))
    if change_set:
        return _judge(change_set, history)
    if undone and not history.may_retry:
        return Tell(stuck(Reason.STACK_FAILED, _failure(observed, history)))
    return MakeChangeSet("CREATE" if observed.meaning is Meaning.EMPTY else "UPDATE")


def _judge(change_set: ChangeSet, history: History) -> StackStep:
    lost = [change for change in change_set.changes if change.loses_role]
    match change_set.meaning:
        case ChangeSetMeaning.READY if lost and not history.may_lose_role:
            return Tell(_would_lose(change_set, lost))
        case ChangeSetMeaning.READY:
            return ExecuteChangeSet(change_set.change_set_id)
        case ChangeSetMeaning.UNCHANGED:
            return DiscardChangeSet(change_set.change_set_id, unchanged=True)
        case ChangeSetMeaning.USELESS if history.may_retry or not change_set.failed:
            return DiscardChangeSet(change_set.change_set_id)
        case ChangeSetMeaning.USELESS:
            why = history.failure or change_set.status_reason or f"{change_set.status}, {change_set.execution_status}"
            return Tell(stuck(Reason.STACK_FAILED, f"The change set failed: {why}"))
        case _:
            message = f"The change set is {change_set.status}, {change_set.execution_status}."
            return Tell(waits(Reason.STACK_IN_PROGRESS, message))


def _tried(desired: Stack, observed: ObservedStack) -> bool:
    """Tell whether it was the change to *desired* that failed."""
    return desired.change_set_name in observed.change_set_id.split("/")


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
