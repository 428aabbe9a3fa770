"""What the operator answers; conditions as metav1.Condition has them."""

from __future__ import annotations

from tests.crd.manifests import CONDITION
from tests.crd.row import Required, Row, at_most, bounded_text, choice, numbers, pattern

_CONDITION = "status.conditions[]"

_MEMBERS = "status.memberAccounts"
_COUNTS = ("current", "outdated", "failed", "suspended")

REQUIRED = (
    *(Required(_CONDITION, name, value) for name, value in CONDITION.items()),
    *(Required(_MEMBERS, name, 1) for name in _COUNTS),
)

ROWS: tuple[Row, ...] = (
    *numbers("status.observedGeneration", -1),
    *bounded_text("status.claimedBy", 317),
    *bounded_text("status.connectorId", 253),
    *bounded_text("status.connectorRoleArn", 2048),
    *bounded_text("status.connectorRoleId", 128),
    *bounded_text("status.previousConnectorRoleId", 128),
    *bounded_text("status.managementAccountRoleArn", 2048),
    *bounded_text("status.managementStackId", 2048),
    *bounded_text("status.managementStackStatus", 128),
    *(row for name in _COUNTS for row in numbers(f"{_MEMBERS}.{name}", 0)),
    *bounded_text("status.lastAppliedHash", 64),
    *bounded_text("status.serviceAccountName", 253),
    at_most("status.conditions", 32, "conditions", [{**CONDITION, "type": f"Type{number}"} for number in range(33)]),
    Row(
        "status.conditions has a type once",
        "status.conditions",
        "x-kubernetes-list-type",
        [CONDITION, {**CONDITION, "type": "Accepted"}],
        [CONDITION, {**CONDITION, "status": "False"}],
        "Duplicate value: ",
    ),
    *bounded_text(f"{_CONDITION}.type", 316),
    *pattern(f"{_CONDITION}.type", "is a qualified name", "example.com/Ready", "Not Ready", "", "Example.com/Ready"),
    *choice(f"{_CONDITION}.status", "true", "True", "False", "Unknown"),
    *bounded_text(f"{_CONDITION}.reason", 1024, shortest=1),
    *pattern(f"{_CONDITION}.reason", "is in CamelCase", "RoleInSync", "role in sync", "9Lives", "Waiting:"),
    *bounded_text(f"{_CONDITION}.message", 32768),
    Row(
        "status.conditions[].lastTransitionTime is a time",
        f"{_CONDITION}.lastTransitionTime",
        "format date-time",
        "2026-01-01T00:00:00Z",
        "yesterday",
        "must be of type date-time",
    ),
    *numbers(f"{_CONDITION}.observedGeneration", 0),
)
