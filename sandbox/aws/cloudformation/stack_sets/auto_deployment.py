"""Stacks that follow accounts which come, go, or change places.

Movements are noticed when the next call to CloudFormation comes in, and followed as of when they took place. What
becomes of a stack whose account moves between two targets of the same stack set is not documented; here, it stays.

Source: "Enable or disable automatic deployments for StackSets in AWS Organizations" in the CloudFormation user guide.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from datetime import datetime

from sandbox.aws.cloudformation.stack_sets.preferences import Preferences
from sandbox.aws.cloudformation.stack_sets.queue import enqueue
from sandbox.aws.cloudformation.stack_sets.stack_set import StackInstance, StackSet, StackSetOperation
from sandbox.aws.cloudformation.stack_sets.targets import covering_unit
from sandbox.aws.organizations.organization import Movement, Organization
from sandbox.aws.state import State


def follow_accounts(state: State, now: datetime) -> None:
    """Begin, or queue, what the movements of accounts up to now call for."""
    for stack_set in list(state.stacks.stack_sets):
        organization = state.organizations.of_account(stack_set.home.account_id)
        if organization is not None and stack_set.is_active:
            _follow(state, organization, stack_set, now)


def _follow(state: State, organization: Organization, stack_set: StackSet, now: datetime) -> None:
    follows = stack_set.automatic.enabled and organization.stacksets_access == "ENABLED"
    for movement in organization.movements[stack_set.noticed :]:
        if movement.time > now:
            return
        stack_set.noticed += 1
        if follows and movement.account_id != organization.management_account_id:
            for operation in _operations(stack_set, movement):
                enqueue(state, organization, stack_set, operation)


def _operations(stack_set: StackSet, movement: Movement) -> Iterator[StackSetOperation]:
    targets = list(stack_set.targets)
    left, entered = covering_unit(targets, movement.before), covering_unit(targets, movement.after)
    mine = [instance for instance in stack_set.instances.values() if instance.account_id == movement.account_id]
    if entered is None and left is not None and mine:
        operation = _operation("DELETE", movement)
        operation.retains = stack_set.automatic.retains
        operation.include(mine)
        yield operation
    elif entered is not None and left is None:
        operation = _operation("CREATE", movement)
        operation.include([_instance(stack_set, movement, entered, region) for region in stack_set.targets[entered]])
        yield operation


def _operation(action: str, movement: Movement) -> StackSetOperation:
    return StackSetOperation(str(uuid.uuid4()), action, movement.time, Preferences())


def _instance(stack_set: StackSet, movement: Movement, unit_id: str, region: str) -> StackInstance:
    instance = StackInstance(movement.account_id, region, unit_id)
    return stack_set.instances.setdefault(instance.key, instance)
