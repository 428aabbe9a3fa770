"""Stacks whose time the test drives."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Any

from tests.aws.cloudformation.templates import NAMED

if TYPE_CHECKING:
    from sandbox.aws import ManualClock


@dataclass
class Driven:
    """CloudFormation and the clock it goes by.

    Attributes:
        cfn: A client.
        clock: The sandbox's.
    """

    cfn: Any
    clock: ManualClock

    def create(self, template: str, name: str = "stack", **more: Any) -> str:
        """Begin to make a stack; its id."""
        given = {"StackName": name, "TemplateBody": template, "Capabilities": NAMED, **more}
        return str(self.cfn.create_stack(**given)["StackId"])

    def update(self, template: str, **more: Any) -> None:
        """Begin to update the stack."""
        self.cfn.update_stack(StackName="stack", TemplateBody=template, Capabilities=NAMED, **more)

    def stack(self, name: str = "stack") -> Any:
        return self.cfn.describe_stacks(StackName=name)["Stacks"][0]

    def status(self, name: str = "stack") -> str:
        return str(self.stack(name)["StackStatus"])

    def statuses(self, name: str, step: float = 10) -> list[str]:
        """The statuses that a stack goes through, each once, step by step."""
        seen = [self.status(name)]
        for _ in range(30):
            self.clock.advance(step)
            seen.append(self.status(name))
        return [status for status, _ in groupby(seen)]

    def finish(self, name: str = "stack") -> Any:
        """Let time go by until all is over; the stack."""
        self.clock.advance(400)
        return self.stack(name)

    def events(self, name: str = "stack") -> list[tuple[str, str, str]]:
        """What happened, the latest last: whose, status, reason."""
        found = self.cfn.describe_stack_events(StackName=name)["StackEvents"]
        return [
            (event["LogicalResourceId"], event["ResourceStatus"], event.get("ResourceStatusReason", ""))
            for event in reversed(found)
        ]

    def resources(self, name: str = "stack") -> dict[str, str]:
        """The status of each resource."""
        found = self.cfn.describe_stack_resources(StackName=name)["StackResources"]
        return {resource["LogicalResourceId"]: resource["ResourceStatus"] for resource in found}
