"""A stack set: what its stacks are told to be, and which stacks it has.

Source: "StackSets concepts" in the CloudFormation user guide, and `StackSet` and `StackInstance` in the API reference.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sandbox.aws.cloudformation.home import Home
from sandbox.aws.cloudformation.stack import Deployment, Stack
from sandbox.aws.cloudformation.stack_sets.preferences import Preferences

InstanceKey = tuple[str, str]
"""Account and region."""


@dataclass
class StackInstance:
    """A stack of a stack set, there or wanted.

    Attributes:
        account_id: Twelve digits.
        region: Such as `us-east-1`.
        unit_id: The unit or root that was named as target and holds the account.
        overrides: Parameters whose values are not those of the stack set.
        status: `CURRENT`, `OUTDATED` or `INOPERABLE`.
        detailed_status: Such as `SUCCEEDED`.
        reason: In words; None when all is well.
        stack: None as long as none could be made.
        last_operation_id: None before the first.
    """

    account_id: str
    region: str
    unit_id: str
    overrides: Mapping[str, str] = field(default_factory=dict)
    status: str = "OUTDATED"
    detailed_status: str = "PENDING"
    reason: str | None = None
    stack: Stack | None = None
    last_operation_id: str | None = None

    @property
    def key(self) -> InstanceKey:
        """Its account and region."""
        return self.account_id, self.region

    def set_status(self, status: str, detailed_status: str, reason: str | None = None) -> None:
        """Change the status."""
        self.status, self.detailed_status, self.reason = status, detailed_status, reason


@dataclass
class Result:
    """What has become of one instance in one operation.

    Attributes:
        instance: Whose.
        status: `PENDING`, `RUNNING`, `SUCCEEDED`, `FAILED` or `CANCELLED`.
        reason: In words.
    """

    instance: StackInstance
    status: str = "PENDING"
    reason: str | None = None

    def set_status(self, status: str, reason: str | None = None) -> None:
        """Change the status."""
        self.status, self.reason = status, reason


@dataclass
class StackSetOperation:
    """Something done to the instances of a stack set from beginning to end.

    Attributes:
        id: Given by the caller, or made up.
        action: `CREATE`, `UPDATE` or `DELETE`.
        created: When it was asked for.
        preferences: How it proceeds.
        targets: `DeploymentTargets` as given; None if there were none.
        retains: Whether a deletion leaves the stacks where they are.
        given: The call and its parameters, to recognise a repeated one; None for an automatic one.
        status: `QUEUED`, `RUNNING`, `SUCCEEDED`, `FAILED`, `STOPPING` or `STOPPED`.
        ended: None while it goes on.
        results: By account and region.
    """

    id: str
    action: str
    created: datetime
    preferences: Preferences
    targets: Mapping[str, Any] | None = None
    retains: bool = False
    given: tuple[str, Mapping[str, Any]] | None = None
    status: str = "QUEUED"
    ended: datetime | None = None
    results: dict[InstanceKey, Result] = field(default_factory=dict)

    @property
    def is_over(self) -> bool:
        """Whether nothing more comes of it."""
        return self.ended is not None

    @property
    def failures(self) -> int:
        """How many instances have failed."""
        return sum(result.status == "FAILED" for result in self.results.values())

    def include(self, instances: Iterable[StackInstance]) -> None:
        """Let it be about some instances."""
        for instance in instances:
            self.results[instance.key] = Result(instance)
            instance.last_operation_id = self.id
            instance.set_status(instance.status, "PENDING")


@dataclass(frozen=True, slots=True)
class AutoDeployment:
    """Whether stacks follow accounts that come and go.

    Attributes:
        enabled: Whether they do.
        retains: Whether a stack stays where it is when its account goes.
    """

    enabled: bool = False
    retains: bool = False


@dataclass
class StackSet:
    """A stack set, alive or deleted.

    Attributes:
        id: Its name and a UUID.
        name: Unique among the living ones of an account and region.
        home: Where it is.
        deployment: What its stacks are told to be.
        given: The parameters it was made with, to recognise a repeated request.
        automatic: Whether stacks follow accounts.
        manages_execution: Whether operations that come while another goes on are queued.
        status: `ACTIVE` or `DELETED`.
        targets: Every unit or root that was named as target, with its regions.
        instances: By account and region.
        operations: The oldest first.
        noticed: How many of the organization's movements it has followed.
    """

    id: str
    name: str
    home: Home
    deployment: Deployment
    given: Mapping[str, Any]
    description: str | None = None
    automatic: AutoDeployment = AutoDeployment()
    manages_execution: bool = False
    status: str = "ACTIVE"
    targets: dict[str, list[str]] = field(default_factory=dict)
    instances: dict[InstanceKey, StackInstance] = field(default_factory=dict)
    operations: list[StackSetOperation] = field(default_factory=list)
    noticed: int = 0

    @property
    def is_active(self) -> bool:
        """Whether it has not been deleted."""
        return self.status == "ACTIVE"

    @property
    def arn(self) -> str:
        """Its ARN."""
        return self.home.arn(f"stackset/{self.id}")

    @property
    def under_way(self) -> StackSetOperation | None:
        """The operation that goes on, or waits for its turn."""
        return next((operation for operation in self.operations if not operation.is_over), None)

    def target(self, unit_ids: Sequence[str], regions: Sequence[str]) -> None:
        """Remember targets."""
        for unit_id in unit_ids:
            known = self.targets.setdefault(unit_id, [])
            known.extend(region for region in regions if region not in known)

    def untarget(self, unit_ids: Sequence[str], regions: Sequence[str]) -> None:
        """Forget targets."""
        for unit_id in unit_ids:
            left = [region for region in self.targets.get(unit_id, []) if region not in regions]
            self.targets.pop(unit_id, None)
            if left:
                self.targets[unit_id] = left
