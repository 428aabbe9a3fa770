"""What may befall a single call instead of the answer that it deserves."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import cycle
from typing import Any

import urllib3.exceptions

from sandbox.aws import Effect, LostResponse, server_error, throttle
from tests.sweeps.line import EXPIRED, Call, Disturbance, Line, to_last_write

Ask = Callable[[], Any]

AWS: Mapping[str, Effect] = {
    "throttled": throttle(),
    "failed": server_error(),
    "made, but told to have failed": LostResponse(),
    "made, but the connection was reset": LostResponse(reset=True),
    "refused for expired credentials": EXPIRED,
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

    def __str__(self) -> str:
        return f"{self.call} is {self.what}"

    def prepare(self, line: Line) -> None:
        """Let it happen, once the call comes along *line*."""
        if self.call.is_aws:
            line.strike(self.call.number, AWS[self.what])
        else:
            line.disturb(self.call.number, KUBERNETES[self.what])


class _Turns:
    """What may befall calls, by turns: of AWS or of the API server, of which kind."""

    def __init__(self) -> None:
        self._turns = {
            (aws, made): cycle(_kinds(aws=aws, made=made)) for aws in (True, False) for made in (True, False, None)
        }

    def next(self, call: Call, *, made: bool | None = None) -> Disturbed:
        """Disturb *call* so that it was made or was not made, or in any way."""
        return Disturbed(call, next(self._turns[call.is_aws, made]))


def of_writes(recording: Sequence[Call]) -> Iterator[Disturbed]:
    """One of what keeps each write from being made, and one of what hides that it was made, by turns."""
    turns = _Turns()
    for call in to_last_write(list(recording)):
        if _is_thorough(call):
            yield from (turns.next(call, made=made) for made in (True, False))


def of_writes_and_aws(recording: Sequence[Call]) -> Iterator[Disturbed]:
    """The same, and this or that of what befalls each read of AWS."""
    turns = _Turns()
    for call in to_last_write(list(recording)):
        if _is_thorough(call):
            yield from (turns.next(call, made=made) for made in (True, False))
        elif call.is_aws:
            yield turns.next(call)


def of_aws(recording: Sequence[Call]) -> Iterator[Disturbed]:
    """Two for each write to AWS as above, and one by turns for each read of AWS, and write but of Events."""
    turns = _Turns()
    for call in to_last_write(list(recording)):
        if call.is_aws and call.writes:
            yield from (turns.next(call, made=made) for made in (True, False))
        elif call.is_aws or _is_thorough(call):
            yield turns.next(call)


def of_each(recording: Sequence[Call]) -> Iterator[Disturbed]:
    """One by turns for each call to AWS, and for each other write but of Events."""
    turns = _Turns()
    for call in to_last_write(list(recording)):
        if call.is_aws or _is_thorough(call):
            yield turns.next(call)


def of_aws_writes(recording: Sequence[Call]) -> Iterator[Disturbed]:
    """Two for each write to AWS, as above."""
    turns = _Turns()
    for call in recording:
        if call.is_aws and call.writes:
            yield from (turns.next(call, made=made) for made in (True, False))


def of_calls(recording: Sequence[Call]) -> Iterator[Disturbed]:
    """Whatever may befall each write to AWS or of an object; this or that of what befalls reads and Events."""
    turns = _Turns()
    for call in to_last_write(list(recording)):
        if _is_thorough(call):
            yield from (Disturbed(call, what) for what in _kinds(aws=call.is_aws))
        else:
            yield turns.next(call)


def _kinds(*, aws: bool, made: bool | None = None) -> list[str]:
    return [what for what in (AWS if aws else KUBERNETES) if made is None or what.startswith("made") is made]


def _is_thorough(call: Call) -> bool:
    return call.writes and not call.is_event
