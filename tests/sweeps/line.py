"""The line along which all of the operator's calls go: it writes them down, and it can be cut or disturbed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Literal, Protocol

import kubernetes.client
from kubernetes.client.rest import RESTResponse

from apono_operator.adapters.fence import Fence
from sandbox.aws import Call as AwsCall
from sandbox.aws import Effect, expired_credentials
from sandbox.aws.faults import Hooks

Moment = Literal["before", "after"]
MOMENTS: tuple[Moment, ...] = ("before", "after")
EXPIRED = expired_credentials()
"""Befalls all further calls of a session as well; who has a key of its own is refused once."""

_UNNAMED = "?"
_AWS_READS = ("Assume", "Describe", "Get", "List")


class Death(BaseException):
    """The process is gone from one moment to the next."""


@dataclass(frozen=True)
class Call:
    """One call of a recording.

    Attributes:
        number: From 1, among all calls.
        name: An AWS operation, or a method of HTTP and a resource of Kubernetes.
    """

    number: int
    name: str

    @property
    def is_aws(self) -> bool:
        return " " not in self.name

    @property
    def is_event(self) -> bool:
        return self.name.endswith("events")

    @property
    def tells(self) -> bool:
        """Whether it tells people something, in the status or by an Event, and changes nothing."""
        return self.name.endswith(("events", "/status"))

    @property
    def writes(self) -> bool:
        return not self.name.startswith(("GET ", *_AWS_READS))

    def __str__(self) -> str:
        return f"call {self.number} ({self.name})"


@dataclass(frozen=True)
class Point:
    """A call, and whether it is before it was made or after it was answered."""

    call: Call
    moment: Moment

    def __str__(self) -> str:
        return f"{self.moment} {self.call}"


class Disturbance(Protocol):
    """What happens to a call to the API server: gets what makes it, and gives the answer or raises."""

    def __call__(self, ask: Callable[[], RESTResponse]) -> RESTResponse: ...


class Line(Fence):
    """A fence that counts the calls which pass it, and lets the process die, or a call suffer, at one of them.

    Attributes:
        has_struck: Whether what was to happen to a call has happened.
    """

    def __init__(self) -> None:
        super().__init__()
        self._under_way: AwsCall | None = None
        self._over: set[str | None] = set()
        self.begin()

    def begin(self, cut: Point | None = None) -> None:
        """Count anew; die at *cut*, and let nothing suffer."""
        self._names: list[str] = []
        self._cut = cut
        self._disturbed: tuple[int, Disturbance] | None = None
        self._struck: tuple[int, Effect] | None = None
        self.has_struck = False

    def attach(self, hooks: Hooks) -> None:
        """Learn from AWS which call is under way."""
        hooks.before(self._reached)
        hooks.after(self._carried_out)

    def disturb(self, number: int, disturbance: Disturbance) -> None:
        """Let the call of that number suffer, which is one to the API server."""
        self._disturbed = number, disturbance

    def strike(self, number: int, effect: Effect) -> None:
        """Let the call of that number suffer, which is one to AWS."""
        self._struck = number, effect

    def recording(self) -> list[Call]:
        """The calls so far."""
        return [Call(number, name) for number, name in enumerate(self._names, 1) if name != _UNNAMED]

    @property
    def count(self) -> int:
        """How many calls there were."""
        return len(self._names)

    def check(self) -> None:
        """Count a call that is about to be made; one may be asked for more than once before it is made.

        Raises:
            Death: as was asked for.
        """
        super().check()
        if not self._is_open():
            self.answered()  # its answer may have gone by unseen
            self._names.append(_UNNAMED)
        self._die("before")

    def answered(self) -> None:
        """Note that the last call has its answer.

        Raises:
            Death: as was asked for.
        """
        self._die("after")

    def name(self, name: str) -> None:
        """Tell what the call under way is."""
        if self._is_open():
            self._names[-1] = name

    def disturbance(self) -> Disturbance | None:
        """What is to happen to the call under way."""
        if self._disturbed and self._disturbed[0] == self.count:
            self.has_struck = True
            return self._disturbed[1]
        return None

    def _reached(self, call: AwsCall) -> None:
        """While a call has no name yet, nothing but that call is on its way: AWS' own come within one that has."""
        if self._is_open():
            self.name(call.operation)
            self._under_way = call
            if call.access_key_id in self._over:
                EXPIRED.before()
            effect = self._effect_on(call)
            if effect:
                self._suffer(call, effect)

    def _suffer(self, call: AwsCall, effect: Effect) -> None:
        self.has_struck = True
        if effect is EXPIRED and call.caller and call.caller.session:
            self._over.add(call.access_key_id)
        effect.before()

    def _carried_out(self, call: AwsCall) -> None:
        effect = self._effect_on(call)
        if effect:
            effect.after()

    def _effect_on(self, call: AwsCall) -> Effect | None:
        if self._struck and self._struck[0] == self.count and call is self._under_way:
            return self._struck[1]
        return None

    def _is_open(self) -> bool:
        return bool(self._names) and self._names[-1] == _UNNAMED

    def _die(self, moment: Moment) -> None:
        cut = self._cut
        if cut and (cut.call.number, cut.moment) == (self.count, moment):
            raise Death


class ApiClient:
    """The official client on a line, as far as the operator uses it."""

    def __init__(self, configuration: kubernetes.client.Configuration, line: Line) -> None:
        self._client = kubernetes.client.ApiClient(configuration)
        self._line = line
        self.configuration = self._client.configuration
        self.param_serialize = self._client.param_serialize

    def call_api(self, method: str, url: str, *arguments: Any, **options: Any) -> RESTResponse:
        """Make a call, disturbed if that was asked for.

        Raises:
            Death: as the line was asked for.
        """

        def ask() -> RESTResponse:
            response = self._client.call_api(method, url, *arguments, **options)
            response.read()  # it keeps what was read
            return response

        self._line.name(f"{method} {_resource(url)}")
        disturbance = self._line.disturbance()
        response = disturbance(ask) if disturbance else ask()
        self._line.answered()
        return response


def points(recording: list[Call]) -> Iterator[Point]:
    """Before and after each call to AWS and each write to the API server, as far as the last write.

    Reads of the API server lie between two of them, where neither world nor memory changes: what was
    remembered is lost in any case.
    """
    for call in to_last_write(recording):
        if call.is_aws or call.writes:
            yield from (Point(call, moment) for moment in MOMENTS)


def distinct_points(recording: list[Call]) -> Iterator[Point]:
    """The same, less each moment before a call that is but the moment after the call in front of it."""
    last = 0
    for point in points(recording):
        if point.moment == "after":
            last = point.call.number
            yield point
        elif point.call.number != last + 1:
            yield point


def after_writes(recording: list[Call]) -> Iterator[Point]:
    """After each write but of Events: the moments in which the world is another than before.

    What lies between two writes differs in nothing but time and in what was remembered.
    """
    for call in recording:
        if call.writes and not call.is_event:
            yield Point(call, "after")


def after_aws_writes(recording: list[Call]) -> Iterator[Point]:
    """The same after each of these writes to AWS: the moments in which something new can be left there."""
    return (point for point in after_writes(recording) if point.call.is_aws)


def around_writes(recording: list[Call]) -> Iterator[Point]:
    """Before and after each of these writes, less each moment before one that is but the moment after another."""
    last = 0
    for call in recording:
        if call.writes and not call.is_event:
            moments = MOMENTS if call.number != last + 1 else MOMENTS[1:]
            yield from (Point(call, moment) for moment in moments)
            last = call.number


def to_last_write(recording: list[Call]) -> list[Call]:
    """Leave out what only looks once all is done."""
    last = max((call.number for call in recording if call.writes), default=0)
    return recording[:last]


def _resource(url: str) -> str:
    """Name what a path of the API server is about: ``deployments``, ``aponoconnectors/status``."""
    parts = url.partition("/namespaces/")[2].partition("?")[0].split("/")
    return "/".join([parts[1], *parts[3:]])
