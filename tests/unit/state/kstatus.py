"""What kstatus makes of an object of a kind that it has no rules for.

Source: sigs.k8s.io/cli-utils, pkg/kstatus/README.md ("Statuses", "Conditions", "The Ready Condition") and
pkg/kstatus/status, generic.go and status.go (`checkReadyCondition`), which Flux, kpt and Helm 4 use.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

CURRENT: Final = "Current"
IN_PROGRESS: Final = "InProgress"
FAILED: Final = "Failed"
TERMINATING: Final = "Terminating"

_STANDARD: Final = {"Reconciling": IN_PROGRESS, "Stalled": FAILED}
_READY: Final = {"True": CURRENT, "False": IN_PROGRESS, "Unknown": IN_PROGRESS}


class Result(NamedTuple):
    """A status, and the message that people are shown with it."""

    status: str
    message: str


def compute(document: Mapping[str, Any]) -> Result:
    """Return how far *document* is: deletion first, then the generation, the standard conditions, and Ready last."""
    metadata, status = document["metadata"], document.get("status", {})
    if metadata.get("deletionTimestamp"):
        return Result(TERMINATING, "Resource scheduled for deletion")
    generation, observed = metadata["generation"], status.get("observedGeneration")
    if observed is not None and observed != generation:
        return Result(
            IN_PROGRESS,
            f"{document['kind']} generation is {generation}, but latest observed generation is {observed}",
        )
    conditions = status.get("conditions", ())
    for condition in conditions:
        if condition["type"] in _STANDARD and condition["status"] == "True":
            return Result(_STANDARD[condition["type"]], condition["message"])
    for condition in conditions:
        if condition["type"] == "Ready":
            is_ready = condition["status"] == "True"
            return Result(_READY[condition["status"]], "Resource is Ready" if is_ready else condition["message"])
    return Result(CURRENT, "Resource is current")
