"""The stacks that calls name, and answers that come in pages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from sandbox.aws.cloudformation.home import Home
from sandbox.aws.cloudformation.stack import Stack
from sandbox.aws.cloudformation.stack_sets.stack_set import StackSet
from sandbox.aws.errors import AwsError, not_modelled, validation_error
from sandbox.aws.state import Call

_PAGE: Final = 100


def home_of(call: Call) -> Home:
    """The account and region that a call acts in."""
    return Home(call.signer.account_id, call.signer.partition, call.region)


def find_stack(call: Call, name_or_id: str) -> Stack | None:
    """The living stack of a name, or the stack of an id."""
    return call.state.stacks.find(home_of(call), name_or_id)


def existing_stack(call: Call, complaint: str = "Stack with id {} does not exist") -> Stack:
    """The stack that a call names.

    Args:
        call: The call.
        complaint: How the operation at hand says that there is none.

    Raises:
        AwsError: `ValidationError`.
    """
    name_or_id = call.parameters["StackName"]
    stack = find_stack(call, name_or_id)
    if stack is None:
        raise validation_error(complaint.format(name_or_id))
    return stack


def living_stack(call: Call) -> Stack:
    """The stack that a call names, to be operated on.

    Raises:
        AwsError: `ValidationError` when there is none, or no more.
    """
    stack = existing_stack(call, "Stack [{}] does not exist")
    if stack.is_deleted:
        raise validation_error(f"Stack [{call.parameters['StackName']}] does not exist")
    return stack


def living_stack_set(call: Call) -> StackSet:
    """The stack set that a call names, to be operated on.

    Raises:
        AwsError: `StackSetNotFoundException` when there is none, or no more.
    """
    stack_set = existing_stack_set(call)
    if not stack_set.is_active:
        raise _missing_stack_set(stack_set.name)
    return stack_set


def existing_stack_set(call: Call) -> StackSet:
    """The stack set that a call names: a living one by its name, any one by its id.

    Raises:
        AwsError: `StackSetNotFoundException`; `NotModelled` for delegated administrators.
    """
    if call.parameters.get("CallAs", "SELF") != "SELF":
        raise not_modelled("CallAs DELEGATED_ADMIN")
    name_or_id = call.parameters["StackSetName"]
    stack_set = call.state.stacks.find_stack_set(home_of(call), name_or_id)
    if stack_set is None:
        raise _missing_stack_set(name_or_id)
    return stack_set


def page(call: Call, member: str, items: Sequence[Any], size: int = _PAGE) -> Mapping[str, Any]:
    """One page of items, as the call's `NextToken` and `MaxResults` want it.

    Raises:
        AwsError: `ValidationError` for a token that was not handed out.
    """
    token, size = call.parameters.get("NextToken", "0"), call.parameters.get("MaxResults", size)
    if not token.isdigit() or int(token) > len(items):
        raise validation_error("The provided NextToken is invalid")
    start, end = int(token), int(token) + size
    return {member: list(items[start:end]), "NextToken": str(end) if end < len(items) else None}


def page_backwards(call: Call, member: str, items: Sequence[Any]) -> Mapping[str, Any]:
    """One page of items, the last first: pages stay as they are when items are added meanwhile.

    Raises:
        AwsError: `ValidationError` for a token that was not handed out.
    """
    token = call.parameters.get("NextToken", str(len(items)))
    if not token.isdigit() or int(token) > len(items):
        raise validation_error("The provided NextToken is invalid")
    end = int(token)
    start = max(0, end - _PAGE)
    return {member: list(reversed(items[start:end])), "NextToken": str(start) if start else None}


def _missing_stack_set(name: str) -> AwsError:
    return AwsError("StackSetNotFoundException", f"StackSet {name} not found")
