"""Drift detected and described."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sandbox.aws.cloudformation.api.lifecycle import credentials_for
from sandbox.aws.cloudformation.api.lookup import existing_stack, living_stack, page
from sandbox.aws.cloudformation.drift import Detection
from sandbox.aws.errors import validation_error
from sandbox.aws.state import Call

_DETECTABLE = {
    "CREATE_COMPLETE",
    "UPDATE_COMPLETE",
    "UPDATE_ROLLBACK_COMPLETE",
    "UPDATE_ROLLBACK_FAILED",
}


def detect_stack_drift(call: Call) -> Mapping[str, Any]:
    """Begin to look at a stack's resources, with the caller's own credentials."""
    stack = living_stack(call)
    if stack.status not in _DETECTABLE:
        raise validation_error(
            f"Drift detection cannot be performed on stack [{stack.stack_id}] while in {stack.status} state"
        )
    only = frozenset(call.parameters.get("LogicalResourceIds", []))
    missing = only - set(stack.resources)
    if missing:
        raise validation_error(f"Resource {min(missing)} does not exist for stack {stack.name}")
    detection = Detection(stack, call.now)
    service_call = credentials_for(call, stack, heeds_role=False).service_call
    stacks = call.state.stacks
    stacks.detections[detection.id] = detection
    stacks.jobs.begin(call.now, lambda job: detection.detect(job, service_call, stacks.step_seconds, only))
    return {"StackDriftDetectionId": detection.id}


def describe_detection(call: Call) -> Mapping[str, Any]:
    """How far a detection has come."""
    wanted = call.parameters["StackDriftDetectionId"]
    detection = call.state.stacks.detections.get(wanted)
    if detection is None or detection.stack.account_id != call.signer.account_id:
        raise validation_error(f"Drift detection id {wanted} does not exist")
    over = detection.status != "DETECTION_IN_PROGRESS"
    return {
        "StackId": detection.stack.stack_id,
        "StackDriftDetectionId": detection.id,
        "StackDriftStatus": detection.stack_status if over else None,
        "DetectionStatus": detection.status,
        "DetectionStatusReason": detection.reason,
        "DriftedStackResourceCount": detection.drifted if over else None,
        "Timestamp": detection.started,
    }


def describe_stack_resource_drifts(call: Call) -> Mapping[str, Any]:
    """What the last detections have found, resource by resource."""
    stack = existing_stack(call, "Stack [{}] does not exist")
    wanted = call.parameters.get("StackResourceDriftStatusFilters")
    found = [drift for drift in stack.latest_drifts.values() if not wanted or drift.status in wanted]
    return page(
        call, "StackResourceDrifts", [drift.shown(stack) for drift in found], call.parameters.get("MaxResults", 100)
    )
