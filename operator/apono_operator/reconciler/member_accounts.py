"""The roles in member accounts: counted and told. They are made by the stack's StackSet, and by CloudFormation later.

Whatever is the matter there: it keeps the connector from nothing else, and costs no look at anything else.
"""

from __future__ import annotations

from collections.abc import Callable

from apono_operator.adapters.aws.cloudformation import CloudFormation
from apono_operator.adapters.aws.management import ManagementAccess
from apono_operator.adapters.errors import AdapterError
from apono_operator.reconciler.course import Course
from apono_operator.reconciler.environment import Environment, MembersMemory
from apono_operator.reconciler.failures import finding_of
from apono_operator.reconciler.report import record_events
from apono_operator.state.conditions import Event
from apono_operator.state.finding import Finding, unverified
from apono_operator.state.management_stack import unit_of
from apono_operator.state.member_accounts import (
    StackSetPlace,
    counted,
    members_finding,
    named,
    no_members_finding,
)
from apono_operator.state.resources import Owner, look_asked_for
from apono_operator.state.stack import ObservedStack, stack_set_of
from apono_operator.v1alpha1 import ConditionType, Reason

WORKING_SECONDS = 60.0
"""Between looks while the StackSet is at work: an operation takes minutes."""

TROUBLED_SECONDS = 300.0
"""Between looks while an account fails, or nobody may look, so that mending it shows."""

Access = Callable[[], ManagementAccess]


def look_at_members(course: Course, access: Access, place: StackSetPlace | None) -> None:
    """Count the accounts, if it is time, and note what was found.

    Args:
        course: The pass.
        access: Gives the way into the management account.
        place: Where the roles come from; None in a pass that spares AWS.

    Raises:
        FencedError: the operator is stopping.
    """
    memory = _current(course, access, place)
    if memory is None:
        return
    course.findings[ConditionType.MEMBER_ACCOUNTS_READY] = memory.finding
    course.facts["memberAccounts"] = memory.counts
    course.look_within(_pace(memory.finding))


def tell_leaving(
    environment: Environment, owner: Owner, access: ManagementAccess, stack: ObservedStack, unit_id: str
) -> None:
    """Post an Event about the accounts that lose their role when the unit of *stack* becomes *unit_id*.

    One call for each hundred accounts, and two for each unit in the one to come. Nothing waits for it: if AWS does not
    say, that is told.
    """
    stack_set = stack_set_of(stack)
    if stack_set is None or not unit_of(stack.parameters):
        return
    try:
        accounts = _leaving(access, stack_set, unit_id) or "none"
    except AdapterError as error:
        accounts = f"AWS does not say which ({error.message})"
    what = f"The unit becomes {unit_id}. Member accounts outside of it, which lose their role: {accounts}."
    record_events(environment, owner, [Event("Normal", Reason.UNIT_CHANGES, what)])


def accounts_left(stacks: CloudFormation, stack: ObservedStack) -> str:
    """Return, in words, the member accounts that still have something of a stack that could not be deleted.

    Raises:
        AdapterError: if AWS does not say.
    """
    stack_set = stack_set_of(stack)
    instances = stacks.stack_instances(stack_set) if stack_set else None
    if not instances:
        return ""
    return f" Member accounts in which something is left: {named(sorted({one.account_id for one in instances}))}."


def _leaving(access: ManagementAccess, stack_set: str, unit_id: str) -> str:
    instances = access.stacks.stack_instances(stack_set) or ()
    staying = access.organizations.accounts_below(unit_id)
    return named(sorted({one.account_id for one in instances} - staying))


def _current(course: Course, access: Access, place: StackSetPlace | None) -> MembersMemory | None:
    """Return what is known, looked up anew if that is due; None if nobody has looked yet."""
    memories, uid = course.environment.members, course.owner.uid
    known = memories.get(uid)
    if course.quick or place is None or (known and _holds(course, known, place)):
        return known
    memories[uid] = _looked(course, access(), place)
    return memories[uid]


def _holds(course: Course, memory: MembersMemory, place: StackSetPlace) -> bool:
    if (memory.place, memory.asked) != (place, look_asked_for(course.connector)):
        return False
    seconds = _pace(memory.finding) or course.environment.thorough_seconds
    return course.environment.monotonic() < memory.seen + seconds


def _looked(course: Course, access: ManagementAccess, place: StackSetPlace) -> MembersMemory:
    finding, counts = _look(course, access, place)
    return MembersMemory(place, look_asked_for(course.connector), course.environment.monotonic(), finding, counts)


def _look(course: Course, access: ManagementAccess, place: StackSetPlace) -> tuple[Finding, dict[str, int] | None]:
    if place.name is None:
        return no_members_finding(), None
    try:
        instances = access.stacks.stack_instances(place.name)
    except AdapterError as error:
        told = finding_of(error, course.environment)
        return unverified(told.reason, told.message), course.status.get("memberAccounts")
    if instances is None:
        return no_members_finding(), None
    return members_finding(place.name, place.region, instances), counted(instances).model_dump(by_alias=True)


def _pace(finding: Finding) -> float | None:
    """Return the seconds until the next look, None for the usual ones: nobody can hasten what somebody has to set."""
    if finding.good or finding.reason is Reason.MEMBER_ROLES_NOT_MADE:
        return None
    return WORKING_SECONDS if finding.reason is Reason.MEMBER_ROLES_IN_PROGRESS else TROUBLED_SECONDS
