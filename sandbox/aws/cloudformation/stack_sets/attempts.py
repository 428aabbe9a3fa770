"""One operation in one account: its stack made, updated or deleted there, by calls that the account itself sees."""

from __future__ import annotations

import uuid
from collections.abc import Generator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from sandbox.aws.cloudformation.credentials import persistently
from sandbox.aws.cloudformation.home import Home
from sandbox.aws.cloudformation.stack import Deployment, Stack
from sandbox.aws.cloudformation.stack_sets.execution_role import NoExecutionRoleError, execution_key
from sandbox.aws.cloudformation.stack_sets.stack_set import StackInstance, StackSet, StackSetOperation
from sandbox.aws.errors import AwsError
from sandbox.aws.organizations.organization import Organization
from sandbox.aws.state import State

Attempt = Generator[Stack, None, None]
"""What is done in an account: yields the stack that has to come to rest before it goes on."""

_NO_UPDATES: Final = "No updates are to be performed."
_BEYOND_UPDATES: Final = {"CREATE_FAILED", "DELETE_FAILED", "ROLLBACK_COMPLETE", "ROLLBACK_FAILED"}
_DONE: Final = {"CREATE_COMPLETE", "UPDATE_COMPLETE", "DELETE_COMPLETE"}
_LONGEST_NAME: Final = 82


class InstanceFailureError(Exception):
    """An attempt has failed; the message is the instance's status reason."""


@dataclass(frozen=True)
class StackSetRun:
    """One operation of a stack set, as its steps see it.

    Attributes:
        state: The front door's.
        organization: Whose accounts they are.
        stack_set: What is deployed.
        operation: What is done.
    """

    state: State
    organization: Organization
    stack_set: StackSet
    operation: StackSetOperation

    @property
    def pause(self) -> float:
        """Seconds that each step takes."""
        return self.state.stacks.step_seconds

    def attempt(self, instance: StackInstance) -> Attempt:
        """Do to an instance what the operation says.

        Raises:
            InstanceFailureError: It cannot be done.
        """
        try:
            if self.operation.action == "DELETE":
                yield from self._delete(instance)
            else:
                yield from self._deploy(instance)
        except AwsError as error:
            raise InstanceFailureError(error.message) from error
        except NoExecutionRoleError as error:
            raise InstanceFailureError(str(error)) from error

    def _deploy(self, instance: StackInstance) -> Attempt:
        """Update the stack; make one if there is none, or one that is beyond updates.

        What StackSets do with a stack whose creation has failed is not documented; here, they replace it.
        """
        if instance.stack is not None and instance.stack.status in _BEYOND_UPDATES:
            yield from self._delete(instance)
        if instance.stack is None or instance.stack.is_deleted:
            yield from self._create(instance)
        else:
            yield from self._update(instance, instance.stack)

    def _create(self, instance: StackInstance) -> Attempt:
        name = f"StackSet-{self.stack_set.name[:_LONGEST_NAME]}-{uuid.uuid4()}"
        made = self._call(instance, "CreateStack", StackName=name, **self._wanted(instance))
        instance.stack = stack = self._stack(instance, made["StackId"])
        yield from _rested(stack)

    def _update(self, instance: StackInstance, stack: Stack) -> Attempt:
        try:
            self._call(instance, "UpdateStack", StackName=stack.stack_id, **self._wanted(instance))
        except AwsError as error:
            if error.message != _NO_UPDATES:
                raise
            return
        yield from _rested(stack)

    def _delete(self, instance: StackInstance) -> Attempt:
        stack = instance.stack
        if stack is None or stack.is_deleted or self.operation.retains:
            return
        self._call(instance, "DeleteStack", StackName=stack.stack_id)
        yield from _rested(stack)
        instance.stack = None

    def _call(self, instance: StackInstance, operation: str, **parameters: Any) -> Mapping[str, Any]:
        key = execution_key(self.state, self.organization, instance.account_id)
        given = {**parameters, "ClientRequestToken": self.operation.id}
        return persistently(lambda: self.state.perform(key, "cloudformation", instance.region, operation, given))

    def _stack(self, instance: StackInstance, stack_id: str) -> Stack:
        stack = self.state.stacks.find(
            Home(instance.account_id, self.organization.partition, instance.region), stack_id
        )
        if stack is None:
            raise InstanceFailureError(f"Stack {stack_id} is gone")
        return stack

    def _wanted(self, instance: StackInstance) -> dict[str, Any]:
        return wanted(self.stack_set.deployment, instance.overrides)


def wanted(deployment: Deployment, overrides: Mapping[str, str]) -> dict[str, Any]:
    """The parameters of a call that makes a stack what a stack set says."""
    values = {**deployment.parameters, **overrides}
    return {
        "TemplateBody": deployment.template.text,
        "Parameters": [{"ParameterKey": name, "ParameterValue": value} for name, value in values.items()],
        "Capabilities": list(deployment.capabilities),
        "Tags": [{"Key": key, "Value": value} for key, value in deployment.tags.items()],
    }


def _rested(stack: Stack) -> Attempt:
    while stack.in_progress:
        yield stack
    if stack.status not in _DONE:
        raise InstanceFailureError(_reason(stack))


def _reason(stack: Stack) -> str:
    """The first failure of the latest operation, else what the stack itself says."""
    latest = stack.operations[-1]
    for event in list(stack.events):
        reason = event.validation.reason if event.validation else event.reason or ""
        if event.operation is latest and event.is_failure and not reason.endswith("cancelled"):
            whose = f"ResourceLogicalId:{event.logical_id}, ResourceType:{event.type}"
            return f"{whose}, ResourceStatusReason:{reason.rstrip('.')}."
    return stack.reason or stack.status
