"""AWS as the operator's tests and sandbox meet it.

A front door of our own stands before every call: it knows the caller, holds input against the rules of IAM
and STS, injects faults and keeps a log. What is stored is stored in moto's models. Only what the operator
uses is modelled; anything else is refused with the error code `NotModelled` and HTTP status 501.
"""

from __future__ import annotations

from sandbox.aws.account import Account, Partition
from sandbox.aws.calls import CallLog, CallRecord, Calls, Pattern
from sandbox.aws.clock import Clock, ManualClock, system_clock
from sandbox.aws.errors import AwsError, ConnectionDroppedError
from sandbox.aws.faults import (
    Effect,
    Fault,
    Hang,
    Latency,
    LostResponse,
    Refusal,
    ResetConnection,
    access_denied,
    expired_credentials,
    server_error,
    throttle,
)
from sandbox.aws.front_door import FrontDoor
from sandbox.aws.organizations.builder import OrganizationBuilder
from sandbox.aws.organizations.organization import Organization, Unit
from sandbox.aws.state import Call

__all__ = [
    "Account",
    "AwsError",
    "Call",
    "CallLog",
    "CallRecord",
    "Calls",
    "Clock",
    "ConnectionDroppedError",
    "Effect",
    "Fault",
    "FrontDoor",
    "Hang",
    "Latency",
    "LostResponse",
    "ManualClock",
    "Organization",
    "OrganizationBuilder",
    "Partition",
    "Pattern",
    "Refusal",
    "ResetConnection",
    "Unit",
    "access_denied",
    "expired_credentials",
    "server_error",
    "system_clock",
    "throttle",
]
