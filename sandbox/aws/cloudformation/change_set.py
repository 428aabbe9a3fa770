"""A change set: what would change, until it is executed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sandbox.aws.cloudformation.changes import ResourceChange
    from sandbox.aws.cloudformation.events import Operation
    from sandbox.aws.cloudformation.stack import Deployment, Stack


@dataclass
class ChangeSet:
    """A change set.

    Attributes:
        id: Its ARN.
        name: Unique within its stack.
        type: `CREATE` or `UPDATE`.
        stack: Whose it is.
        deployment: What the stack would be told to be.
        created: When it was made.
        operation: Its making, which the events of early validation belong to.
        given: The parameters it was made with, to recognise a repeated request.
        role_arn: The service role to take up.
        reverts_drift: Whether it compares with what there really is.
        status: `CREATE_PENDING`, `CREATE_IN_PROGRESS`, `CREATE_COMPLETE` or `FAILED`.
        execution_status: `UNAVAILABLE`, `AVAILABLE`, `EXECUTE_IN_PROGRESS`, `EXECUTE_COMPLETE`,
            `EXECUTE_FAILED` or `OBSOLETE`.
        actual: With `reverts_drift`, what each resource really is like; None for one that is gone.
    """

    id: str
    name: str
    type: str
    stack: Stack
    deployment: Deployment
    created: datetime
    operation: Operation
    given: Mapping[str, Any]
    role_arn: str | None = None
    description: str | None = None
    on_stack_failure: str | None = None
    reverts_drift: bool = False
    validates: bool = True
    status: str = "CREATE_PENDING"
    reason: str | None = None
    execution_status: str = "UNAVAILABLE"
    changes: list[ResourceChange] = field(default_factory=list)
    actual: Mapping[str, Mapping[str, Any] | None] = field(default_factory=dict)
