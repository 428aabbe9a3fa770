"""The call log: what was asked, by whom, and what came of it."""

from __future__ import annotations

import itertools
import threading
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol, overload

from sandbox.aws.policy.statements import Request

# A soak test makes millions of calls; the oldest are forgotten beyond this.
_REMEMBERED = 200_000


class _HasAccountId(Protocol):
    @property
    def account_id(self) -> str: ...


AccountLike = str | _HasAccountId
"""An account, or its id."""


def account_id_of(account: AccountLike | None) -> str | None:
    """The id of an account that may be given either way."""
    return account if account is None or isinstance(account, str) else account.account_id


@dataclass(frozen=True, slots=True)
class CallRecord:
    """One call.

    Attributes:
        number: Counts up from 1.
        time: When it came in, by the sandbox's clock.
        account_id: The caller's account; None for an unsigned call or an unknown caller.
        caller: The caller's ARN; None likewise.
        access_key_id: None for an unsigned call.
        service: Such as `iam`.
        operation: Such as `CreateRole`.
        parameters: As the service's model names them, sensitive ones masked.
        outcome: `ok`, an error code, or `ConnectionReset`: what the caller saw.
        asked: What its caller had to be allowed, in the order in which it was looked at.
        applied: Whether it was carried out, which a lost response hides from the caller.
        duration: Seconds of real time.
    """

    number: int
    time: datetime
    account_id: str | None
    caller: str | None
    access_key_id: str | None
    service: str
    operation: str
    parameters: Mapping[str, Any] = field(repr=False)
    outcome: str
    asked: tuple[Request, ...] = field(repr=False)
    applied: bool
    duration: float


@dataclass(frozen=True, slots=True)
class Pattern:
    """Which calls are meant; what is left out matches anything.

    Attributes:
        service: Such as `iam`.
        operation: Such as `CreateRole`.
        account: The caller's account, or its id.
        caller: The caller's ARN.
        parameters: Input members that must have these values, such as `{"RoleName": "x"}`.
    """

    service: str | None = None
    operation: str | None = None
    account: AccountLike | None = None
    caller: str | None = None
    parameters: Mapping[str, Any] = field(default_factory=dict)

    def matches(
        self,
        service: str,
        operation: str,
        account_id: str | None,
        caller: str | None,
        parameters: Mapping[str, Any],
    ) -> bool:
        """Whether a call is meant."""
        wanted = (self.service, self.operation, account_id_of(self.account), self.caller)
        given = (service, operation, account_id, caller)
        return all(want is None or want == have for want, have in zip(wanted, given, strict=True)) and all(
            name in parameters and parameters[name] == value for name, value in self.parameters.items()
        )


class Calls(Sequence[CallRecord]):
    """Some of the calls, in the order in which they were answered."""

    def __init__(self, records: Sequence[CallRecord]) -> None:
        self._records = tuple(records)

    @overload
    def __getitem__(self, index: int) -> CallRecord: ...
    @overload
    def __getitem__(self, index: slice) -> Calls: ...
    def __getitem__(self, index: int | slice) -> CallRecord | Calls:
        return Calls(self._records[index]) if isinstance(index, slice) else self._records[index]

    def __len__(self) -> int:
        return len(self._records)

    def __repr__(self) -> str:
        return f"Calls({list(self._records)!r})"

    @property
    def operations(self) -> list[str]:
        """The names of the operations, in order."""
        return [record.operation for record in self._records]

    def of(
        self,
        *,
        service: str | None = None,
        operation: str | None = None,
        account: AccountLike | None = None,
        caller: str | None = None,
        outcome: str | None = None,
        parameters: Mapping[str, Any] | None = None,
    ) -> Calls:
        """Those that match; what is left out matches anything."""
        pattern = Pattern(service, operation, account, caller, parameters or {})
        return Calls([r for r in self._records if _record_matches(pattern, r) and outcome in {None, r.outcome}])

    def since(self, mark: int) -> Calls:
        """Those answered after a mark, see `CallLog.mark`."""
        return Calls([record for record in self._records if record.number > mark])


class CallLog:
    """Every call that a front door answered."""

    def __init__(self) -> None:
        self._records: deque[CallRecord] = deque(maxlen=_REMEMBERED)
        self._numbers = itertools.count(1)
        self._last = 0
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._records)

    def __iter__(self) -> Iterator[CallRecord]:
        return iter(self.all())

    def add(self, **values: Any) -> None:
        """Append a record, numbering it."""
        with self._lock:
            self._last = next(self._numbers)
            self._records.append(CallRecord(number=self._last, **values))

    def all(self) -> Calls:
        """All of them, as they stand now."""
        with self._lock:
            return Calls(self._records)

    def mark(self) -> int:
        """Where the log stands, to be given to `since`."""
        with self._lock:
            return self._last

    def since(self, mark: int) -> Calls:
        """Calls answered after a mark."""
        return self.all().since(mark)

    def of(self, **pattern: Any) -> Calls:
        """Calls that match, see `Calls.of`."""
        return self.all().of(**pattern)

    def clear(self) -> None:
        """Forget the records; the numbers go on counting."""
        with self._lock:
            self._records.clear()


def _record_matches(pattern: Pattern, record: CallRecord) -> bool:
    return pattern.matches(record.service, record.operation, record.account_id, record.caller, record.parameters)
