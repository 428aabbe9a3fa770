"""A stack: what it was last told to be, what it holds, what became of it."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sandbox.aws.cloudformation.events import STACK_TYPE, Event, Operation
from sandbox.aws.cloudformation.jobs import Job
from sandbox.aws.cloudformation.resources.handler import Made, Place
from sandbox.aws.cloudformation.template import Resource, Template

if TYPE_CHECKING:
    from sandbox.aws.cloudformation.change_set import ChangeSet
    from sandbox.aws.cloudformation.drift import ResourceDrift


@dataclass(frozen=True)
class Deployment:
    """What a stack is told to be.

    Attributes:
        template: The template.
        parameters: Every parameter's value, as text.
        tags: The stack's tags.
        capabilities: What the caller acknowledged.
    """

    template: Template
    parameters: Mapping[str, str]
    tags: Mapping[str, str]
    capabilities: tuple[str, ...] = ()


@dataclass
class StackResource:
    """A resource of a stack.

    Attributes:
        declaration: As the template last deployed declares it.
        made: The physical resource; None if there is none (yet, or any more).
        properties: As last applied, evaluated.
        metadata: As last applied, evaluated.
        status: Such as `CREATE_COMPLETE`.
        reason: In words; None when all is well.
        time: When the status changed last.
        half_applied: Properties of a change that failed midway.
        drift: The status that drift detection found last, and when.
    """

    declaration: Resource
    status: str
    time: datetime
    reason: str | None = None
    made: Made | None = None
    properties: Mapping[str, Any] = field(default_factory=dict)
    metadata: Any = None
    half_applied: Mapping[str, Any] | None = None
    drift: tuple[str, datetime] | None = None

    @property
    def logical_id(self) -> str:
        """Its name in the template."""
        return self.declaration.logical_id

    @property
    def physical_id(self) -> str | None:
        """The physical resource's name."""
        return self.made.physical_id if self.made else None


@dataclass(frozen=True)
class Leftover:
    """A physical resource that an update, or its rollback, leaves behind.

    Attributes:
        resource: The resource as it was.
        kept: Whether its policy forbids to delete it.
    """

    resource: StackResource
    kept: bool


@dataclass
class RollbackPoint:
    """The last stable state, to which a failed update goes back.

    Attributes:
        deployment: What the stack was told to be.
        resources: What it held, by logical id.
        outputs: What it gave.
    """

    deployment: Deployment
    resources: Mapping[str, StackResource]
    outputs: Mapping[str, str]


@dataclass
class Stack:
    """A stack, alive or deleted.

    Attributes:
        stack_id: Its ARN.
        name: Its name, unique among the living ones of an account and region.
        account_id: Twelve digits.
        partition: Such as `aws`.
        region: Such as `us-east-1`.
        created: When it was made.
        deployment: What it is told to be; None for a stack that has but change sets.
        status: Such as `CREATE_COMPLETE`.
        role_arn: Its service role, which stays once it is given.
        operations: What was done to it, the oldest first.
        tokens: Each token with the operation and the parameters it came with.
        rollback_point: Set from the beginning of an update until the stack is stable again.
        leftovers: What is to be cleaned up once an update, or its rollback, has succeeded.
    """

    stack_id: str
    name: str
    account_id: str
    partition: str
    region: str
    created: datetime
    deployment: Deployment | None = None
    status: str = ""
    reason: str | None = None
    detailed_status: str | None = None
    updated: datetime | None = None
    deleted: datetime | None = None
    role_arn: str | None = None
    disable_rollback: bool = False
    on_failure: str | None = None
    deletion_mode: str | None = None
    termination_protection: bool = False
    change_set_id: str | None = None
    drift: tuple[str, datetime] | None = None
    latest_drifts: Mapping[str, ResourceDrift] = field(default_factory=dict)
    outputs: Mapping[str, str] = field(default_factory=dict)
    resources: dict[str, StackResource] = field(default_factory=dict)
    events: list[Event] = field(default_factory=list)
    operations: list[Operation] = field(default_factory=list)
    tokens: dict[str, tuple[str, Mapping[str, Any]]] = field(default_factory=dict)
    change_sets: dict[str, ChangeSet] = field(default_factory=dict)
    rollback_point: RollbackPoint | None = None
    leftovers: list[Leftover] = field(default_factory=list)
    job: Job | None = None

    @property
    def told(self) -> Deployment:
        """What it is told to be; only for stacks that are more than a name."""
        if self.deployment is None:
            raise LookupError(f"{self.name} has no template yet")
        return self.deployment

    @property
    def is_deleted(self) -> bool:
        """Whether it is gone."""
        return self.status == "DELETE_COMPLETE"

    @property
    def in_progress(self) -> bool:
        """Whether something is being done to it; a review is not counted."""
        return self.status.endswith("_IN_PROGRESS") and self.status != "REVIEW_IN_PROGRESS"

    def place(self, logical_id: str) -> Place:
        """Where a resource of it is."""
        return Place(self.stack_id, self.name, logical_id, self.region)

    def set_status(
        self, operation: Operation, time: datetime, status: str, reason: str | None = None, detail: str | None = None
    ) -> None:
        """Change the stack's own status, with an event."""
        self.status, self.reason = status, reason
        if detail is not None:
            self.detailed_status = detail
        self.record(
            operation, time, (self.name, self.stack_id, STACK_TYPE), status, reason=reason, detailed_status=detail
        )

    def set_resource_status(
        self,
        operation: Operation,
        time: datetime,
        resource: StackResource,
        status: str,
        reason: str | None = None,
        properties: Mapping[str, Any] | None = None,
    ) -> None:
        """Change a resource's status, with an event that shows the given properties, or those last applied."""
        resource.status, resource.reason, resource.time = status, reason, time
        whose = (resource.logical_id, resource.physical_id, resource.declaration.type)
        self.record(operation, time, whose, status, reason=reason, properties=properties or resource.properties)

    def record(
        self, operation: Operation, time: datetime, whose: tuple[str, str | None, str], status: str, **more: Any
    ) -> None:
        """Remember an event, of whoever has this logical id, physical id and type."""
        logical_id, physical_id, kind = whose
        self.events.append(
            Event(operation, time, self.stack_id, self.name, logical_id, physical_id, kind, status, **more)
        )

    def remember_rollback_point(self) -> None:
        """Hold fast the present state, unless an earlier one is still to be gone back to."""
        if self.rollback_point is None:
            resources = {name: copy.copy(resource) for name, resource in self.resources.items()}
            self.rollback_point = RollbackPoint(self.told, resources, self.outputs)
