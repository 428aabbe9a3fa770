"""The operator's limit on AWS calls, as the benchmarks set it."""

from __future__ import annotations

from typing import Any, Final

DEFAULT_IAM_RATE: Final = 5.0
"""Calls a second that the chart's default lets through to IAM."""

NO_LIMIT: Final[dict[str, Any]] = {"awsRateLimits": {"iam": {"perSecond": 1000, "burst": 1000}}}
"""Chart values for a limit that is out of reach."""
