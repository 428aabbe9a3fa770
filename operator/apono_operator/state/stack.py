"""The management-account stack: as it should be, as it is seen, what its statuses mean, and what can be done to it.

Sources: CloudFormation User Guide, "Stack status codes" and "Update a stack using change sets"; CloudFormation API
reference, ``Stack``, ``DescribeChangeSet``.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum

ROLE_TYPE = "AWS::IAM::Role"
ROLE_OUTPUT = "ManagementAccountRoleArnOutput"
STACK_SET_OUTPUT = "MemberStackSetNameOutput"
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
    """``Add``, ``Modify``, ``Remove`` …; with ``SyncWithActual`` CloudFormation takes note of what is there already."""

    logical_id: str
    resource_type: str
    replacement: str = "False"
    """``True``, ``False`` or ``Conditional``."""

    properties: tuple[str, ...] = ()
    """The names of the properties that it would change, each once."""

    @property
    def words(self) -> str:
        """What is not as the template has it, empty if nothing would change."""
        match self.action:
            case "SyncWithActual":
                return ""
            case "Add":
                return f"{self.logical_id} is missing"
            case "Remove":
                return f"there is {self.logical_id}"
            case _:
                return f"{self.logical_id} is another ({', '.join(self.properties) or self.action})"

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
    def differences(self) -> tuple[str, ...]:
        """What it would put right, in words, a line for each resource."""
        return tuple(change.words for change in self.changes if change.words)

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


StackChange = MakeChangeSet | ExecuteChangeSet | DiscardChangeSet | DeleteStack | ContinueRollback


def failure_of(observed: ObservedStack | None, change_set: ChangeSet | None) -> str | None:
    """Return what tells this failure from any other, None if nothing has failed."""
    if change_set and change_set.failed and change_set.meaning is ChangeSetMeaning.USELESS:
        return change_set.change_set_id
    if observed and observed.meaning in _FAILED:
        return f"{observed.stack_id} {observed.status} {observed.updated}"
    return None


def is_settled(desired: Stack, observed: ObservedStack | None, unchanged: str | None) -> bool:
    """Tell whether the stack rests and is as *desired*, as far as its description shows.

    Args:
        desired: The stack as it should be.
        observed: The stack as it is.
        unchanged: The `ObservedStack.updated` for which CloudFormation said that there is nothing to change.
    """
    if observed is None or observed.meaning not in (Meaning.HEALTHY, Meaning.ROLLED_BACK):
        return False
    if unchanged is not None and unchanged == observed.updated:
        return True
    undone = observed.meaning is Meaning.ROLLED_BACK and is_result_of(desired, observed)
    return not undone and not stack_differences(desired, observed)


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


def stack_set_of(observed: ObservedStack) -> str | None:
    """Return the name of the StackSet of roles in member accounts as the stack tells it, None if it has none."""
    return observed.outputs.get(STACK_SET_OUTPUT)


def role_arn_of(observed: ObservedStack | None) -> str | None:
    """Return the management role's ARN as the stack tells it."""
    return observed.outputs.get(ROLE_OUTPUT) if observed else None


_FAILED = frozenset({Meaning.NEVER_MADE, Meaning.ROLLED_BACK, Meaning.ROLLBACK_STUCK, Meaning.DELETION_STUCK})


def _differences(desired: Stack, observed: ObservedStack) -> Iterator[str]:
    for name, value in sorted(desired.parameters.items()):
        if observed.parameters.get(name) != value:
            yield f"the parameter {name} is {observed.parameters.get(name, 'missing')} instead of {value}"
    for key, value in sorted(desired.tags.items()):
        if observed.tags.get(key) != value:
            yield "the template is another" if key == TEMPLATE_TAG else f"the tag {key} is not {value}"
    if observed.service_role_arn != desired.service_role_arn:
        yield f"the service role is {observed.service_role_arn or 'missing'} instead of {desired.service_role_arn}"
    if not is_result_of(desired, observed):
        yield "it was last changed by somebody else"


def is_result_of(desired: Stack, observed: ObservedStack) -> bool:
    """Tell whether it was the change to *desired* that was carried out last."""
    return desired.change_set_name in observed.change_set_id.split("/")
