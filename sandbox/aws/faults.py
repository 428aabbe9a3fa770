"""Faults, injected by rule, and hooks that run in the middle of a call."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final

from sandbox.aws.calls import AccountLike, Pattern
from sandbox.aws.errors import AwsError, ConnectionDroppedError
from sandbox.aws.state import Call

# No fault may outlast the longest patience of a client under test.
_LONGEST_HANG: Final = 300.0


class Effect:
    """What a fault does; by itself, nothing."""

    def before(self) -> None:
        """Act when the call has come in and its caller is known, but nothing has been done.

        Raises:
            AwsError: To be the answer.
            ConnectionDroppedError: To be no answer.
        """

    def after(self) -> None:
        """Act when the call has been carried out, before it is answered; raises as `before` does."""

    def release(self) -> None:
        """Let go of calls that are being held."""


@dataclass(frozen=True)
class Refusal(Effect):
    """Answer with an error, doing nothing.

    Attributes:
        code: The error's code.
        message: Its text.
        status: The HTTP status.
    """

    code: str
    message: str
    status: int = 400

    def before(self) -> None:
        """Refuse."""
        raise AwsError(self.code, self.message, self.status)


def throttle() -> Effect:
    """As IAM and STS throttle: 400 `Throttling`."""
    return Refusal("Throttling", "Rate exceeded")


def server_error(status: int = 500, code: str = "ServiceFailure") -> Effect:
    """An error on the service's side."""
    return Refusal(code, "The request processing has failed because of an unknown error.", status)


def expired_credentials() -> Effect:
    """As if the caller's session were over."""
    return Refusal("ExpiredToken", "The security token included in the request is expired", 403)


def access_denied(message: str = "User is not authorized to perform this operation") -> Effect:
    """As if a policy forbade it."""
    return Refusal("AccessDenied", message, 403)


class ResetConnection(Effect):
    """Reset the connection, doing nothing."""

    def before(self) -> None:
        """Reset."""
        raise ConnectionDroppedError


@dataclass(frozen=True)
class LostResponse(Effect):
    """Carry the call out, but let the caller see a failure.

    Attributes:
        reset: Reset the connection instead of answering 500 `ServiceFailure`.
    """

    reset: bool = False

    def after(self) -> None:
        """Lose it."""
        if self.reset:
            raise ConnectionDroppedError
        raise AwsError("ServiceFailure", "The request processing has failed because of an unknown error.")


class Hang(Effect):
    """Hold the call, before doing anything, until released (or the fault is lifted).

    Args:
        seconds: Of real time, after which it goes on by itself.
    """

    def __init__(self, seconds: float = _LONGEST_HANG) -> None:
        self._seconds = seconds
        self._released = threading.Event()

    def before(self) -> None:
        """Hold."""
        self._released.wait(self._seconds)

    def release(self) -> None:
        """Let held calls go on, and later ones through."""
        self._released.set()


class Latency(Hang):
    """Wait before doing anything.

    Args:
        seconds: Of real time; cut short when the fault is lifted.
    """

    def __init__(self, seconds: float) -> None:
        super().__init__(seconds)


@dataclass
class Fault:
    """A rule: the nth matching call, and `times - 1` after it, suffer an effect.

    Attributes:
        effect: What happens.
        service: Such as `iam`; anything if left out, as with the other conditions.
        operation: Such as `CreateRole`.
        caller: The caller's ARN.
        account: The caller's account, or its id.
        parameters: Input members that must have these values.
        nth: Which matching call is the first to suffer, from 1.
        times: How many suffer; None for all that follow.
        seen: How many calls have matched so far.
        fired: How many of them have suffered.
    """

    effect: Effect
    service: str | None = None
    operation: str | None = None
    caller: str | None = None
    account: AccountLike | None = None
    parameters: Mapping[str, Any] = field(default_factory=dict)
    nth: int = 1
    times: int | None = 1
    seen: int = field(default=0, init=False)
    fired: int = field(default=0, init=False)

    def strikes(self, call: Call) -> bool:
        """Count a call; whether it is to suffer."""
        pattern = Pattern(self.service, self.operation, self.account, self.caller, self.parameters)
        if not _matches(pattern, call):
            return False
        self.seen += 1
        hit = self.seen >= self.nth and (self.times is None or self.seen < self.nth + self.times)
        self.fired += hit
        return hit


class Faults:
    """The faults of one front door."""

    def __init__(self) -> None:
        self._faults: list[Fault] = []
        self._lock = threading.Lock()

    def add(self, fault: Fault) -> Fault:
        """Put a fault in force, and return it."""
        with self._lock:
            self._faults.append(fault)
        return fault

    @contextmanager
    def during(self, fault: Fault) -> Iterator[Fault]:
        """Keep a fault in force for a block."""
        self.add(fault)
        try:
            yield fault
        finally:
            self.remove(fault)

    def remove(self, fault: Fault) -> None:
        """Lift a fault, letting go of calls it holds."""
        with self._lock:
            self._faults = [other for other in self._faults if other is not fault]
        fault.effect.release()

    def clear(self) -> None:
        """Lift every fault."""
        for fault in tuple(self._faults):
            self.remove(fault)

    def striking(self, call: Call) -> list[Effect]:
        """Count a call against every fault; the effects it is to suffer."""
        with self._lock:
            return [fault.effect for fault in self._faults if fault.strikes(call)]


Hook = Callable[[Call], object]


class Hooks:
    """Callbacks within a call, so that a test can act exactly then.

    A hook may change state, call the front door again from another thread or process, or raise
    `ConnectionDroppedError` or an `AwsError` to be the answer.
    """

    def __init__(self) -> None:
        self._before: list[tuple[Pattern, Hook]] = []
        self._after: list[tuple[Pattern, Hook]] = []

    def before(self, hook: Hook, **pattern: Any) -> None:
        """Run a hook before each matching call is carried out; the pattern is as in `Pattern`."""
        self._before.append((Pattern(**pattern), hook))

    def after(self, hook: Hook, **pattern: Any) -> None:
        """Run a hook after each matching call has been carried out, before it is answered."""
        self._after.append((Pattern(**pattern), hook))

    def clear(self) -> None:
        """Remove every hook."""
        self._before.clear()
        self._after.clear()

    def run_before(self, call: Call) -> None:
        """Run the hooks that are due before the effect."""
        _run(self._before, call)

    def run_after(self, call: Call) -> None:
        """Run the hooks that are due after the effect."""
        _run(self._after, call)


def _run(hooks: list[tuple[Pattern, Hook]], call: Call) -> None:
    for pattern, hook in tuple(hooks):
        if _matches(pattern, call):
            hook(call)


def _matches(pattern: Pattern, call: Call) -> bool:
    account_id, arn = (call.caller.account_id, call.caller.arn) if call.caller else (None, None)
    return pattern.matches(call.service, call.operation, account_id, arn, call.parameters)
