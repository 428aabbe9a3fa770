"""How a stack's resources differ from what was last applied.

Source: "Detect unmanaged configuration changes to stacks and resources with drift detection" in the CloudFormation
user guide.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from itertools import zip_longest
from typing import Any

from sandbox.aws.cloudformation.changes import same
from sandbox.aws.cloudformation.functions import text_of
from sandbox.aws.cloudformation.jobs import Job, Steps
from sandbox.aws.cloudformation.resources.handler import ResourceFailure, ServiceCall
from sandbox.aws.cloudformation.stack import Stack, StackResource


@dataclass(frozen=True, slots=True)
class Difference:
    """One property that is not as expected; an absent value is None.

    Attributes:
        path: Such as `/MaxSessionDuration`.
        expected: As last applied.
        actual: As it is.
    """

    path: str
    expected: Any
    actual: Any

    @property
    def kind(self) -> str:
        """`ADD`, `REMOVE` or `NOT_EQUAL`."""
        if self.expected is None:
            return "ADD"
        return "REMOVE" if self.actual is None else "NOT_EQUAL"


@dataclass(frozen=True, slots=True)
class ResourceDrift:
    """What was found of one resource.

    Attributes:
        resource: As it was then.
        status: `IN_SYNC`, `MODIFIED`, `DELETED`, `UNKNOWN` or `NOT_CHECKED`.
        time: When it was looked at.
        actual: What it is like; None if it is gone or was not looked at.
        differences: For a modified one.
    """

    resource: StackResource
    status: str
    time: datetime
    actual: Mapping[str, Any] | None = None
    differences: tuple[Difference, ...] = ()
    reason: str | None = None

    def shown(self, stack: Stack) -> dict[str, Any]:
        """As `DescribeStackResourceDrifts` shows it."""
        looked_at = self.status in {"IN_SYNC", "MODIFIED"}
        return {
            "StackId": stack.stack_id,
            "LogicalResourceId": self.resource.logical_id,
            "PhysicalResourceId": self.resource.physical_id,
            "ResourceType": self.resource.declaration.type,
            "ExpectedProperties": _json(self.resource.properties) if looked_at or self.status == "DELETED" else None,
            "ActualProperties": _json(self.actual) if looked_at else None,
            "PropertyDifferences": [_shown_difference(difference) for difference in self.differences],
            "StackResourceDriftStatus": self.status,
            "Timestamp": self.time,
            "DriftStatusReason": self.reason,
        }


@dataclass
class Detection:
    """One detection of a stack's drift.

    Attributes:
        stack: Whose.
        started: When it was asked for.
        status: `DETECTION_IN_PROGRESS`, `DETECTION_COMPLETE` or `DETECTION_FAILED`.
        reason: Why it failed.
        drifts: What was found.
    """

    stack: Stack
    started: datetime
    status: str = "DETECTION_IN_PROGRESS"
    reason: str | None = None
    drifts: list[ResourceDrift] = field(default_factory=list)
    id: str = field(default_factory=lambda: str(uuid.uuid4()))

    @property
    def drifted(self) -> int:
        """How many resources have drifted."""
        return sum(drift.status in {"MODIFIED", "DELETED"} for drift in self.drifts)

    @property
    def stack_status(self) -> str:
        """`DRIFTED` or `IN_SYNC`."""
        return "DRIFTED" if self.drifted else "IN_SYNC"

    def detect(self, job: Job, call: ServiceCall, pause: float, only: frozenset[str]) -> Steps:
        """Look at each resource, one step each.

        Args:
            job: The series of steps.
            call: Reads with the caller's credentials.
            pause: Seconds between steps.
            only: The resources to look at; all if it is empty.
        """
        yield pause
        for resource in list(self.stack.resources.values()):
            if resource.made is not None and (not only or resource.logical_id in only):
                found = detected(resource, call, job.time)
                self.drifts.append(found)
                resource.drift = (found.status, job.time)
                yield pause
        failures = [drift.resource.logical_id for drift in self.drifts if drift.status == "UNKNOWN"]
        self.status = "DETECTION_FAILED" if failures else "DETECTION_COMPLETE"
        if failures:
            self.reason = f"Failed to detect drift on resource [{', '.join(failures)}]"
        self.stack.drift = (self.stack_status, job.time)
        self.stack.latest_drifts = {**self.stack.latest_drifts, **{d.resource.logical_id: d for d in self.drifts}}


def detected(resource: StackResource, call: ServiceCall, time: datetime) -> ResourceDrift:
    """Look at one resource."""
    handler, physical_id = resource.declaration.handler, resource.physical_id
    skipped = resource.drift is not None and resource.drift[0] == "NOT_CHECKED"
    if not handler.detects_drift or physical_id is None or skipped:
        return ResourceDrift(resource, "NOT_CHECKED", time)
    try:
        actual = handler.read(call, physical_id, resource.properties)
    except ResourceFailure as failure:
        return ResourceDrift(resource, "UNKNOWN", time, reason=failure.reason)
    if actual is None:
        return ResourceDrift(resource, "DELETED", time)
    found = tuple(differences(resource.properties, actual))
    return ResourceDrift(resource, "MODIFIED" if found else "IN_SYNC", time, actual, found)


def differences(expected: Any, actual: Any, path: str = "") -> Iterator[Difference]:
    """Where two values differ, as deep as they have the same form."""
    if isinstance(expected, Mapping) and isinstance(actual, Mapping):
        for key in dict.fromkeys([*expected, *actual]):
            yield from differences(expected.get(key), actual.get(key), f"{path}/{key}")
    elif isinstance(expected, list) and isinstance(actual, list):
        for index, (mine, theirs) in enumerate(zip_longest(expected, actual)):
            yield from differences(mine, theirs, f"{path}/{index}")
    elif expected is None or actual is None:
        if expected is not actual:
            yield Difference(path, expected, actual)
    elif not same(expected, actual):
        yield Difference(path, expected, actual)


def _shown_difference(difference: Difference) -> dict[str, str]:
    return {
        "PropertyPath": difference.path,
        "ExpectedValue": _value(difference.expected),
        "ActualValue": _value(difference.actual),
        "DifferenceType": difference.kind,
    }


def _value(value: Any) -> str:
    if value is None:
        return "null"
    return _json(value) if isinstance(value, Mapping | list) else text_of(value)


def _json(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"))
