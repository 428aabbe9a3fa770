"""One operation of a stack set at a time; others are refused, or wait.

Source: `ManagedExecution` in the CloudFormation API reference, and "Enable or disable automatic deployments for
StackSets in AWS Organizations" in the CloudFormation user guide.
"""

from __future__ import annotations

from datetime import datetime

from sandbox.aws.cloudformation.jobs import Job, Steps
from sandbox.aws.cloudformation.stack_sets.attempts import StackSetRun
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
        _begin(StackSetRun(state, organization, stack_set, operation), operation.created)


def _begin(run: StackSetRun, time: datetime) -> None:
    run.state.stacks.jobs.begin(time, lambda job: _series(run, job))


def _series(run: StackSetRun, job: Job) -> Steps:
    yield from carry_out(run, job)
    with run.state.stacks.lock:
        following = run.stack_set.under_way
        if following is not None:
            next_run = StackSetRun(run.state, run.organization, run.stack_set, following)
            _begin(next_run, max(job.time, following.created))
