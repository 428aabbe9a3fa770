"""What may befall a single call instead of the answer that it deserves."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import cycle
from typing import Any

import urllib3.exceptions

from sandbox.aws import Effect, Fault, LostResponse, server_error, throttle
from sandbox.aws.faults import expired_credentials
from tests.sweeps.line import Call, Disturbance, to_last_write
from tests.sweeps.world import World

Ask = Callable[[], Any]

AWS: Mapping[str, Effect] = {
    "throttled": throttle(),
    "failed": server_error(),
    "made, but told to have failed": LostResponse(),
    "made, but the connection was reset": LostResponse(reset=True),
    "refused for expired credentials": expired_credentials(),
}


@dataclass(frozen=True)
class Answer:
    """An answer of the API server, as far as the operator reads it."""

    status: int
    reason: str
    data: bytes = field(init=False, default=b"")

    def read(self) -> bytes:
        """Return the body: a Status object."""
        document = {
            "kind": "Status",
            "apiVersion": "v1",
            "status": "Failure",
            "reason": self.reason,
            "message": "fault",
        }
        return json.dumps({**document, "code": self.status}).encode()


def answered(status: int, reason: str) -> Disturbance:
    """Answer so, and do nothing."""
    return lambda _: Answer(status, reason)


def lost(ask: Ask) -> Any:
    """Do it, and answer that it failed."""
    ask()
    return Answer(500, "InternalError")


def cut_off(ask: Ask) -> Any:
    """Do it, and answer nothing.

    Raises:
        ProtocolError: as urllib3 says it.
    """
    ask()
    raise urllib3.exceptions.ProtocolError("Connection aborted.", ConnectionResetError())


KUBERNETES: Mapping[str, Disturbance] = {
    "throttled": answered(429, "TooManyRequests"),
    "failed": answered(500, "InternalError"),
    "refused for an expired token": answered(401, "Unauthorized"),
    "made, but told to have failed": lost,
    "made, but the connection was reset": cut_off,
}


@dataclass(frozen=True)
class Disturbed:
    """A call, and what befalls it."""

    call: Call
    what: str
    nth_of_aws: int
    """Which call to AWS it is, if it is one."""

    def __str__(self) -> str:
        return f"{self.call} is {self.what}"

    @contextmanager
    def in_force(self, world: World) -> Iterator[Callable[[], bool]]:
        """Let it happen in a block; gives what tells whether it has."""
        if not self.call.is_aws:
            world.line.disturb(self.call.number, KUBERNETES[self.what])
            yield lambda: world.line.count >= self.call.number
            return
        fault = Fault(AWS[self.what], account=world.account, nth=self.nth_of_aws)
        with world.aws.faults.during(fault):
            yield lambda: fault.fired == 1


def of_writes(recording: Sequence[Call]) -> Iterator[Disturbed]:
    """One of what keeps each write from being made, and one of what hides that it was made, by turns."""
    turns = {(aws, made): cycle(_kinds(aws=aws, made=made)) for aws in (True, False) for made in (True, False)}
    for call, number in _numbered(recording):
        if call.writes and not _is_event(call):
            yield from (Disturbed(call, next(turns[call.is_aws, made]), number) for made in (True, False))


def of_calls(recording: Sequence[Call]) -> Iterator[Disturbed]:
    """Whatever may befall each write to AWS or of an object; this or that of what befalls reads and Events."""
    turns = {True: cycle(AWS), False: cycle(KUBERNETES)}
    for call, number in _numbered(recording):
        thorough = call.writes and not _is_event(call)
        for what in (AWS if call.is_aws else KUBERNETES) if thorough else [next(turns[call.is_aws])]:
            yield Disturbed(call, what, number)


def _kinds(*, aws: bool, made: bool) -> list[str]:
    return [what for what in (AWS if aws else KUBERNETES) if what.startswith("made") is made]


def _numbered(recording: Sequence[Call]) -> Iterator[tuple[Call, int]]:
    """Give each call as far as the last write with its number among those to AWS."""
    number = 0
    for call in to_last_write(list(recording)):
        number += call.is_aws
        yield call, number


def _is_event(call: Call) -> bool:
    return call.name.endswith("events")
