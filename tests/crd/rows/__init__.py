"""The table of constraints, in parts."""

from __future__ import annotations

from tests.crd.rows import deployment, spec, status

ROWS = (*spec.ROWS, *deployment.ROWS, *status.ROWS)
REQUIRED = (*spec.REQUIRED, *deployment.REQUIRED, *status.REQUIRED)
