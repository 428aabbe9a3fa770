"""Where stacks and stack sets live."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Home:
    """An account's region, which stacks belong to."""

    account_id: str
    partition: str
    region: str

    def arn(self, resource: str) -> str:
        """The ARN of something of CloudFormation here."""
        return f"arn:{self.partition}:cloudformation:{self.region}:{self.account_id}:{resource}"
