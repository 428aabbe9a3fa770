"""The pauses in which CloudFormation is at work on a stack, and what may happen in each of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count, cycle

from sandbox.aws import Fault
from tests.sweeps.disturbances import AWS
from tests.sweeps.line import Death
from tests.sweeps.operations import Operation
from tests.sweeps.organization import OrganizationWorld
from tests.sweeps.sweeping import finished

STEP = 5.0
"""Seconds that each step of a stack takes, and that passes are apart meanwhile: so a pass sees each status."""


STATUSES = {
    "creation": ("REVIEW_IN_PROGRESS", "CREATE_IN_PROGRESS"),
    "creation that fails": ("ROLLBACK_IN_PROGRESS", "ROLLBACK_COMPLETE", "DELETE_IN_PROGRESS"),
    "creation whose rollback fails": ("ROLLBACK_FAILED",),
    "update": ("UPDATE_COMPLETE", "UPDATE_IN_PROGRESS", "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS"),
    "update that fails": (
        "UPDATE_ROLLBACK_IN_PROGRESS",
        "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS",
        "UPDATE_ROLLBACK_COMPLETE",
    ),
    "update whose rollback fails": ("UPDATE_ROLLBACK_FAILED",),
    "deletion": ("DELETE_IN_PROGRESS",),
    "deletion that fails": ("DELETE_FAILED",),
}
"""Which statuses are tried in which operation: those through which it alone leads."""

OF_STACK_SETS = ("creation whose rollback fails", "update whose rollback fails")
"""Those in which it is the StackSet that fails: they are tried in mode ManagementAccount, whose stacks have no role."""


@dataclass(frozen=True)
class Stage:
    """A pause between two passes.

    Attributes:
        number: From 1, among all pauses of the operation.
        name: How far the stack has come then.
    """

    number: int
    name: str

    @property
    def status(self) -> str:
        """The stack's status alone."""
        return self.name.partition(",")[0]

    def __str__(self) -> str:
        return f"pause {self.number} ({self.name})"


@dataclass(frozen=True)
class Struck:
    """A pause, and what befalls the next look at the stack."""

    stage: Stage
    what: str

    def __str__(self) -> str:
        return f"the look after {self.stage} is {self.what}"


def staged(operation: Operation) -> list[Stage]:
    """Do *operation* undisturbed, let it know what is to be expected, and return its pauses, one for each status."""
    operation.begin()
    world, owner = _world(operation), operation.subject.owner
    names: list[str] = []
    with _acting(world, lambda: names.append(world.stage(owner))):
        operation.run()
    operation.expected = operation.outcome()
    before = ["", *names]
    return [Stage(number, name) for number, name in enumerate(names, 1) if name != before[number - 1]]


def each_struck(stages: Sequence[Stage]) -> Iterator[Struck]:
    """One of what may befall a look, by turns, for each pause."""
    turns = cycle(AWS)
    return (Struck(stage, next(turns)) for stage in stages)


def of_its_own(name: str) -> Callable[[Sequence[Stage]], Iterator[Struck]]:
    """Try an operation's own statuses, each of which it has to show; what went there has not to come back as well."""
    tried = set[str]()

    def points(stages: Sequence[Stage]) -> Iterator[Struck]:
        seen = {stage.status for stage in stages}
        assert seen.issuperset(STATUSES[name]), f"{name} shows {seen} alone"
        fresh = [one for one in stages if one.status in STATUSES[name] and one.name not in tried]
        tried.update(stage.name for stage in fresh)
        return each_struck(fresh)

    return points


def killed_in(operation: Operation, point: Struck) -> str | None:
    """Let the operator die in a pause; another takes over that remembers nothing, and whose first look fails."""
    if not _interrupted(operation, point.stage):
        return "the operator did not get there"
    operation.subject.restart()
    world = _world(operation)
    with world.aws.faults.during(_fault(world, point)) as fault, world.stack_steps(STEP):
        failure = finished(operation)
    return failure if fault.fired else "the operator did not look"


def gone_on_after(operation: Operation, stage: Stage) -> str | None:
    """Let what comes next in the operation come in a pause already."""
    if not _interrupted(operation, stage):
        return "the operator did not get there"
    with _world(operation).stack_steps(STEP):
        return finished(operation)


def struck_after(operation: Operation, point: Struck) -> str | None:
    """Let the operation go on to its end, with the look at the stack after a pause disturbed."""
    world = _world(operation)
    fault = _fault(world, point)
    pauses = count(1)

    def strike() -> None:
        if next(pauses) == point.stage.number:
            world.aws.faults.add(fault)

    try:
        with _acting(world, strike):
            failure = finished(operation)
    finally:
        world.aws.faults.remove(fault)
    return failure if fault.fired else "the operator did not look"


def _fault(world: OrganizationWorld, point: Struck) -> Fault:
    return Fault(AWS[point.what], operation="DescribeStacks", account=world.management)


def _interrupted(operation: Operation, stage: Stage) -> bool:
    """Do the operation up to a pause; tell whether it came to that."""
    pauses = count(1)

    def interrupt() -> None:
        if next(pauses) == stage.number:
            raise Death

    try:
        with _acting(_world(operation), interrupt):
            operation.run()
    except Death:
        return True
    return False


@contextmanager
def _acting(world: OrganizationWorld, act: Callable[[], object]) -> Iterator[None]:
    """Let steps of stacks take their time, and do something in each pause."""
    world.line.begin()
    world.between = act
    try:
        with world.stack_steps(STEP):
            yield
    finally:
        world.between = lambda: None


def _world(operation: Operation) -> OrganizationWorld:
    world = operation.world
    assert isinstance(world, OrganizationWorld), "only there are stacks"
    return world
