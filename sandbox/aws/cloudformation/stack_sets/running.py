"""An operation of a stack set from beginning to end: region after region, some accounts at a time.

Source: "Stack set operation options" in the CloudFormation user guide, and `StackSetOperation` in the API reference.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from sandbox.aws.cloudformation.jobs import Job, Steps
from sandbox.aws.cloudformation.stack import Stack
from sandbox.aws.cloudformation.stack_sets.attempts import Attempt, InstanceFailureError, StackSetRun
from sandbox.aws.cloudformation.stack_sets.stack_set import Result

_EXCEEDED: Final = "Cancelled since failure tolerance has exceeded"
_STOPPED: Final = "Cancelled since the operation was stopped"
_SUSPENDED: Final = (
    "This account is suspended. To remove this instance from the stack set, run DeleteStackInstances with the"
    " RetainStacks parameter."
)
_LEAST_PATIENCE: Final = 0.05


@dataclass
class _Underway:
    """An attempt, and the stack that it waits for."""

    result: Result
    attempt: Attempt
    stack: Stack


@dataclass
class _Region:
    """What is to be done in one region, and how far it has got."""

    pending: list[Result]
    underway: list[_Underway] = field(default_factory=list)
    failures: int = 0
    accounts: int = 0

    def __post_init__(self) -> None:
        self.accounts = len(self.pending)


def carry_out(run: StackSetRun, job: Job) -> Steps:
    """Carry an operation out; its status says in the end what came of it."""
    operation = run.operation
    operation.status = "RUNNING"
    yield run.pause
    _take_in(run)
    _skip_suspended(run)
    failed = False
    regions = list(dict.fromkeys(region for _, region in operation.results))
    for name in operation.preferences.in_order(regions):
        region = _Region([result for (_, of), result in operation.results.items() if of == name])
        if not failed and operation.status == "RUNNING":
            yield from _work_through(run, region)
            failed = region.failures > operation.preferences.tolerance(region.accounts)
        _cancel(region, _EXCEEDED if failed else _STOPPED)
    operation.status = "STOPPED" if operation.status == "STOPPING" else "FAILED" if failed else "SUCCEEDED"
    operation.ended = job.time


def _take_in(run: StackSetRun) -> None:
    """Let the stack set have the instances to be made, which an operation before this one may have deleted."""
    if run.operation.action == "CREATE":
        for key, result in run.operation.results.items():
            result.instance = run.stack_set.instances.setdefault(key, result.instance)


def _skip_suspended(run: StackSetRun) -> None:
    """Leave suspended accounts alone, unless all that is to be done is to forget them."""
    operation = run.operation
    for key, result in list(operation.results.items()):
        if run.organization.is_suspended(result.instance.account_id) and not operation.retains:
            result.instance.set_status("OUTDATED", "SKIPPED_SUSPENDED_ACCOUNT", _SUSPENDED)
            del operation.results[key]


def _work_through(run: StackSetRun, region: _Region) -> Steps:
    """Go on until all is done, or too many accounts have failed; what has begun is seen through to its end."""
    preferences = run.operation.preferences
    while region.underway or region.pending:
        exceeded = region.failures > preferences.tolerance(region.accounts)
        if (exceeded or run.operation.status != "RUNNING") and not region.underway:
            return
        if not exceeded and run.operation.status == "RUNNING":
            _begin_some(run, region)
        if region.underway:
            yield _patience(run, region)
        for one in list(region.underway):
            if not one.stack.in_progress:
                region.underway.remove(one)
                _go_on(run, region, one.result, one.attempt)


def _begin_some(run: StackSetRun, region: _Region) -> None:
    """Begin with as many accounts as may be worked on at once."""
    preferences = run.operation.preferences
    while region.pending and region.failures <= preferences.tolerance(region.accounts):
        if len(region.underway) >= preferences.concurrency(region.accounts, region.failures):
            return
        result = region.pending.pop(0)
        result.set_status("RUNNING")
        result.instance.set_status(result.instance.status, "RUNNING")
        _go_on(run, region, result, run.attempt(result.instance))


def _go_on(run: StackSetRun, region: _Region, result: Result, attempt: Attempt) -> None:
    """Let an attempt go on until it has to wait, or is over."""
    try:
        region.underway.append(_Underway(result, attempt, next(attempt)))
    except StopIteration:
        _succeed(run, result)
    except InstanceFailureError as failure:
        region.failures += 1
        _fail(run, result, str(failure))


def _succeed(run: StackSetRun, result: Result) -> None:
    result.set_status("SUCCEEDED")
    if run.operation.action == "DELETE":
        run.stack_set.instances.pop(result.instance.key, None)
    else:
        result.instance.set_status("CURRENT", "SUCCEEDED")


def _fail(run: StackSetRun, result: Result, reason: str) -> None:
    result.set_status("FAILED", reason)
    if run.operation.action == "DELETE":
        result.instance.set_status("INOPERABLE", "INOPERABLE", reason)
    else:
        result.instance.set_status("OUTDATED", "FAILED", reason)


def _cancel(region: _Region, reason: str) -> None:
    for result in region.pending:
        result.set_status("CANCELLED", reason)
        result.instance.set_status(result.instance.status, "CANCELLED", reason)


def _patience(run: StackSetRun, region: _Region) -> float:
    """Seconds until it is looked again, more than none while another thread is in the midst of what is waited for."""
    jobs = (one.stack.job for one in region.underway)
    return max(run.pause, _LEAST_PATIENCE) if any(job and job.busy for job in jobs) else run.pause
