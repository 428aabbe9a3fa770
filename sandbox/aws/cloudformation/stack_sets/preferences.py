"""How an operation of a stack set proceeds: how many accounts at once, how many of them may fail.

Source: `StackSetOperationPreferences` in the CloudFormation API reference.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

from sandbox.aws.errors import not_modelled, validation_error

_EXCLUSIVE = (
    ("FailureToleranceCount", "FailureTolerancePercentage"),
    ("MaxConcurrentCount", "MaxConcurrentPercentage"),
)


@dataclass(frozen=True)
class Preferences:
    """What a caller prefers.

    Attributes:
        given: `OperationPreferences` of the call.
    """

    given: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def read(cls, given: Mapping[str, Any], regions: Sequence[str]) -> Self:
        """Check what a call gives.

        Raises:
            AwsError: `ValidationError` for what excludes each other, `NotModelled` for regions in parallel.
        """
        for one, other in _EXCLUSIVE:
            if one in given and other in given:
                raise validation_error(f"You can specify either {one} or {other}, but not both.")
        if given.get("RegionConcurrencyType") == "PARALLEL" and len(regions) > 1:
            raise not_modelled("RegionConcurrencyType PARALLEL with several regions")
        unknown = [region for region in given.get("RegionOrder", []) if region not in regions]
        if unknown:
            raise validation_error(f"RegionOrder contains regions without stack instances: {', '.join(unknown)}")
        return cls(given)

    def in_order(self, regions: Sequence[str]) -> list[str]:
        """Regions, the preferred ones first."""
        preferred = [region for region in self.given.get("RegionOrder", []) if region in regions]
        return preferred + [region for region in regions if region not in preferred]

    def tolerance(self, accounts: int) -> int:
        """How many of so many accounts may fail in a region."""
        percentage = self.given.get("FailureTolerancePercentage", 0)
        return int(self.given.get("FailureToleranceCount", accounts * percentage // 100))

    def concurrency(self, accounts: int, failures: int) -> int:
        """How many accounts may be worked on at once, after so many have failed."""
        percentage = self.given.get("MaxConcurrentPercentage", 0)
        most = max(1, int(self.given.get("MaxConcurrentCount", accounts * percentage // 100)))
        if self.given.get("ConcurrencyMode") == "SOFT_FAILURE_TOLERANCE":
            return most
        return max(1, min(most, self.tolerance(accounts) + 1 - failures))
