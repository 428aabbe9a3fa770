"""One operation on one stack, as its steps see it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sandbox.aws.cloudformation.changes import scope_for
from sandbox.aws.cloudformation.credentials import Credentials
from sandbox.aws.cloudformation.events import Operation
from sandbox.aws.cloudformation.functions import Scope
from sandbox.aws.cloudformation.jobs import Job
from sandbox.aws.cloudformation.resources.handler import ServiceCall
from sandbox.aws.cloudformation.stack import Stack, StackResource
from sandbox.aws.state import State

_LEAST_PATIENCE: Final = 0.05


@dataclass(frozen=True, slots=True)
class Run:
    """What the steps of an operation work with.

    Attributes:
        state: The front door's.
        stack: What is operated on.
        operation: What its events belong to.
        credentials: In whose name resources are made.
        job: The series of steps.
    """

    state: State
    stack: Stack
    operation: Operation
    credentials: Credentials
    job: Job

    @property
    def time(self) -> datetime:
        """When the present step takes place."""
        return self.job.time

    @property
    def pause(self) -> float:
        """Seconds until the next step."""
        return self.state.stacks.step_seconds

    @property
    def patience(self) -> float:
        """Seconds until one looks again at something that goes on elsewhere, perhaps in another thread."""
        return max(self.pause, _LEAST_PATIENCE)

    @property
    def call(self) -> ServiceCall:
        """Calls a service in the stack's name."""
        return self.credentials.service_call

    @property
    def scope(self) -> Scope:
        """The names that expressions of the present deployment can use."""
        return scope_for(self.stack, self.stack.told)

    def set_status(self, status: str, reason: str | None = None, detail: str | None = None) -> None:
        """Change the stack's status."""
        self.stack.set_status(self.operation, self.time, status, reason, detail)

    def set_resource_status(
        self,
        resource: StackResource,
        status: str,
        reason: str | None = None,
        properties: Mapping[str, Any] | None = None,
    ) -> None:
        """Change a resource's status; the event shows the given properties, or those last applied."""
        self.stack.set_resource_status(self.operation, self.time, resource, status, reason, properties)
