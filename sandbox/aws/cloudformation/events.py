"""What is remembered of an operation: itself, and each change of status it brought about."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

STACK_TYPE: Final = "AWS::CloudFormation::Stack"


@dataclass
class Operation:
    """Something done to a stack from beginning to end.

    Attributes:
        type: `CREATE_STACK`, `UPDATE_STACK`, `DELETE_STACK`, `CONTINUE_ROLLBACK`, `ROLLBACK` or
            `CREATE_CHANGESET`.
        token: The caller's `ClientRequestToken`, which all its events bear.
        change_set_id: Set for `CREATE_CHANGESET`.
        id: Its own, made up.
    """

    type: str
    token: str | None = None
    change_set_id: str | None = None
    id: str = field(default_factory=lambda: str(uuid.uuid4()))


@dataclass(frozen=True, slots=True)
class Validation:
    """What early validation found.

    Attributes:
        name: Such as `NAME_CONFLICT_VALIDATION`.
        status: `FAILED`, or `SKIPPED` when it could not be told.
        mode: `FAIL` or `WARN`.
        reason: In words.
        path: Where in the template.
    """

    name: str
    status: str
    mode: str
    reason: str
    path: str


@dataclass(frozen=True, slots=True)
class Event:
    """One change of status of a stack or of a resource in it."""

    operation: Operation
    time: datetime
    stack_id: str
    stack_name: str
    logical_id: str
    physical_id: str | None
    type: str
    status: str
    reason: str | None = None
    detailed_status: str | None = None
    properties: Mapping[str, Any] | None = None
    validation: Validation | None = None
    event_id: str = field(default_factory=lambda: str(uuid.uuid4()))

    @property
    def is_of_stack(self) -> bool:
        """Whether it tells of the stack itself."""
        return self.physical_id == self.stack_id

    def as_stack_event(self) -> dict[str, Any]:
        """The event as `DescribeStackEvents` shows it."""
        return {
            "StackId": self.stack_id,
            "EventId": self.event_id if self.is_of_stack else f"{self.logical_id}-{self.status}-{self.event_id}",
            "StackName": self.stack_name,
            "OperationId": self.operation.id,
            "LogicalResourceId": self.logical_id,
            "PhysicalResourceId": self.physical_id or "",
            "ResourceType": self.type,
            "Timestamp": self.time,
            "ResourceStatus": self.status,
            "ResourceStatusReason": self.reason,
            "ResourceProperties": self._shown_properties(),
            "ClientRequestToken": self.operation.token,
            "DetailedStatus": self.detailed_status,
        }

    @property
    def is_failure(self) -> bool:
        """Whether `DescribeEvents` counts it among the failed ones."""
        return self.validation is not None or (not self.is_of_stack and self.status.endswith("_FAILED"))

    def as_operation_event(self) -> dict[str, Any]:
        """The event as `DescribeEvents` shows it."""
        shown = {
            "EventId": self.event_id,
            "StackId": self.stack_id,
            "OperationId": self.operation.id,
            "OperationType": self.operation.type,
            "EventType": self._kind(),
            "LogicalResourceId": self.logical_id,
            "PhysicalResourceId": self.physical_id or "",
            "ResourceType": self.type,
            "Timestamp": self.time,
            "ResourceProperties": self._shown_properties(),
            "ClientRequestToken": self.operation.token,
        }
        if self.validation is None:
            status = {"ResourceStatus": self.status, "ResourceStatusReason": self.reason}
            return {**shown, **status, "DetailedStatus": self.detailed_status}
        return {
            **shown,
            "ValidationFailureMode": self.validation.mode,
            "ValidationName": self.validation.name,
            "ValidationStatus": self.validation.status,
            "ValidationStatusReason": self.validation.reason,
            "ValidationPath": self.validation.path,
        }

    def _kind(self) -> str:
        if self.validation is not None:
            return "VALIDATION_ERROR"
        if self.is_failure:
            return "PROVISIONING_ERROR"
        return "STACK_EVENT" if self.is_of_stack else "PROGRESS_EVENT"

    def _shown_properties(self) -> str | None:
        return json.dumps(self.properties, separators=(",", ":")) if self.properties is not None else None
