"""`AWS::CloudFormation::WaitConditionHandle`, which does nothing, and `AWS::CloudFormation::WaitCondition`.

Nobody can signal here: a wait condition that expects a signal fails when its time is over.
"""

from __future__ import annotations

from typing import ClassVar
from urllib.parse import quote

from sandbox.aws.cloudformation.resources.handler import ImmediateHandler, Made, Place, ResourceFailure, ServiceCall
from sandbox.aws.cloudformation.resources.schema import Properties, Schema


class WaitConditionHandle(ImmediateHandler):
    """A URL to send signals to."""

    type: ClassVar = "AWS::CloudFormation::WaitConditionHandle"
    schema: ClassVar = Schema(properties={})

    def create(self, call: ServiceCall, properties: Properties, place: Place) -> Made:
        """Make up a URL."""
        del call, properties
        host = f"cloudformation-waitcondition-{place.region}.s3.{place.region}.amazonaws.com"
        return Made(f"https://{host}/{quote(place.stack_id, safe='')}/{place.logical_id}", {})

    def update(self, call: ServiceCall, made: Made, change: tuple[Properties, Properties], place: Place) -> Made:
        """Nothing of it can change."""
        del call, change, place
        return made

    def delete(self, call: ServiceCall, physical_id: str, properties: Properties) -> None:
        """Nothing to delete."""


class WaitCondition(ImmediateHandler):
    """Waits for signals until a timeout."""

    type: ClassVar = "AWS::CloudFormation::WaitCondition"
    schema: ClassVar = Schema(
        properties={"Count": "Integer", "Handle": "String", "Timeout": "Integer"},
        attributes=frozenset({"Data"}),
    )
    supports_updates: ClassVar = False

    def create(self, call: ServiceCall, properties: Properties, place: Place) -> Made:
        """Begin to wait."""
        del call, properties
        return Made(f"{place.stack_id}/{place.logical_id}", {"Data": "{}"})

    def update(self, call: ServiceCall, made: Made, change: tuple[Properties, Properties], place: Place) -> Made:
        """Never called: its updates are not supported."""
        del call, change, place
        return made

    def delete(self, call: ServiceCall, physical_id: str, properties: Properties) -> None:
        """Nothing to delete."""

    def stabilization_seconds(self, properties: Properties) -> float:
        """Its timeout, unless it expects no signal."""
        return float(properties.get("Timeout", 0)) if _expected(properties) else 0.0

    def check_stable(self, properties: Properties) -> None:
        """Fail for want of signals."""
        if _expected(properties):
            raise ResourceFailure(
                f"WaitCondition timed out. Received 0 conditions when expecting {_expected(properties)}"
            )


def _expected(properties: Properties) -> int:
    return int(properties.get("Count", 1))
