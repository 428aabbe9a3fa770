"""One operation of a stack set at a time; others are refused, or wait.

Source: `ManagedExecution` in the CloudFormation API reference, and "Enable or disable automatic deployments for
StackSets in AWS Organizations" in the CloudFormation user guide.
"""

from __future__ import annotations

from datetime import datetime

from sandbox.aws.cloudformation.jobs import Job, Steps
from sandbox.aws.cloudformation.stack_sets.attempts import Field
from sandbox.aws.cloudformation.stack_sets.running import carry_out
from sandbox.aws.cloudformation.stack_sets.stack_set import StackSet, StackSetOperation
from sandbox.aws.errors import AwsError
from sandbox.aws.organizations.organization import Organization
from sandbox.aws.state import State


def check_free(stack_set: StackSet) -> None:
    """Refuse an operation while another goes on, unless it may wait.

    Raises:
        AwsError: `OperationInProgressException`.
    """
    if not stack_set.manages_execution:
        check_idle(stack_set)


def check_idle(stack_set: StackSet) -> None:
    """Refuse what cannot wait while an operation goes on.

    Raises:
        AwsError: `OperationInProgressException`.
    """
    if stack_set.under_way is not None:
        raise AwsError("OperationInProgressException", f"Another Operation on StackSet {stack_set.arn} is in progress")


def enqueue(state: State, organization: Organization, stack_set: StackSet, operation: StackSetOperation) -> None:
    """Carry an operation out as soon as those before it are over."""
    waits = stack_set.under_way is not None
    stack_set.operations.append(operation)
    if not waits:
        _begin(Field(state, organization, stack_set, operation), operation.created)


def _begin(place: Field, time: datetime) -> None:
    place.state.stacks.jobs.begin(time, lambda job: _series(place, job))


def _series(place: Field, job: Job) -> Steps:
    yield from carry_out(place, job)
    with place.state.stacks.lock:
        following = place.stack_set.under_way
        if following is not None:
            next_place = Field(place.state, place.organization, place.stack_set, following)
            _begin(next_place, max(job.time, following.created))
