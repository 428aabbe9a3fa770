"""How many calls a second leave for each service of AWS, and in which order those that have to wait do."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel
from pyrate_limiter import Limiter, Rate, SingleBucketFactory, StateBucket, TokenBucket

from apono_operator.adapters.fence import Fence
from apono_operator.adapters.priority import BEGUN, PRIORITY, FairQueue

SLICE = 0.2
"""Seconds after which who waits asks the fence again."""

_INTERVAL = 1_000_000
"""Milliseconds in which a rate is counted: long, so that fractions of a call a second are not rounded."""


class RateLimit(BaseModel):
    """At most *burst* calls at once, and *perSecond* in the long run."""

    model_config = ConfigDict(frozen=True, extra="forbid", alias_generator=to_camel, populate_by_name=True)

    per_second: Annotated[float, Field(ge=0.1, allow_inf_nan=False)]
    burst: Annotated[int, Field(ge=1)]


# CloudFormation's limits are not published, hold for account and region, and are shared with whatever else deploys
# there: a visit costs one to three calls, and nothing that takes minutes needs more. Those of Organizations are a few
# calls a second (Organizations User Guide, "Quotas"), for the whole organization. Identity Center takes 20, for all who
# manage access in it (IAM Identity Center User Guide, "Quotas"), and is asked once an hour.
DEFAULT_RATE_LIMITS: Mapping[str, RateLimit] = {
    "cloudformation": RateLimit(per_second=2, burst=10),
    "iam": RateLimit(per_second=5, burst=10),
    "organizations": RateLimit(per_second=1, burst=4),
    "sso-admin": RateLimit(per_second=1, burst=4),
    "sts": RateLimit(per_second=10, burst=20),
}
"""By the service's name in botocore's events; a service that is called needs an entry."""


@dataclass(eq=False)
class _Call:
    """A call that waits."""

    may_leave: bool = False


class RateLimiter:
    """Lets calls for one service leave, the urgent ones first. Safe to use from several threads.

    One of the threads that wait does so at the library's bucket, and gives the permit to whoever is next by then.

    Args:
        limit: How many.
        fence: Asked at least every `SLICE` seconds of a wait.
    """

    def __init__(self, limit: RateLimit, fence: Fence) -> None:
        rate = Rate(round(limit.per_second * _INTERVAL / 1000), _INTERVAL, limit.burst)
        bucket = StateBucket([rate], TokenBucket())
        # Without schedule_leak there is no thread in the background: a token bucket leaks nothing.
        self._limiter = Limiter(SingleBucketFactory(bucket, schedule_leak=False), buffer_ms=0)
        self._fence = fence
        self._queue: FairQueue[_Call] = FairQueue()
        self._changed = threading.Condition()
        self._is_awaited = False

    def wait(self) -> None:
        """Wait until one call more may leave.

        Raises:
            FencedError: the fence has come up.
        """
        call = _Call()
        with self._changed:
            self._queue.put(call, PRIORITY.get(), BEGUN.get())
            while not call.may_leave:
                self._fence.check()  # whoever raises here keeps its place: behind the fence nobody's turn comes
                if self._is_awaited:
                    self._changed.wait(SLICE)
                else:
                    self._await_permit()

    def _await_permit(self) -> None:
        """Wait a slice for a permit, without the lock, and give it away."""
        self._is_awaited = True
        self._changed.release()
        try:
            permitted = self._limiter.try_acquire(timeout=SLICE)
        finally:
            self._changed.acquire()
            self._is_awaited = False
        if permitted:
            self._queue.pop().may_leave = True
        self._changed.notify_all()


class RateLimiters:
    """The limiters of all services that the operator calls.

    Args:
        limits: By service, as in `DEFAULT_RATE_LIMITS`.
        fence: Asked while a call waits.
    """

    def __init__(self, limits: Mapping[str, RateLimit], fence: Fence) -> None:
        self._limiters = {service: RateLimiter(limit, fence) for service, limit in limits.items()}

    def wait(self, service: str) -> None:
        """Wait until one call more may leave for *service*.

        Raises:
            FencedError: the fence has come up.
            KeyError: nobody thought of a limit for the service.
        """
        self._limiters[service].wait()
