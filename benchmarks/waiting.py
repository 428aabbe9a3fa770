"""Waiting for what a benchmark has to see."""

from __future__ import annotations

from collections.abc import Callable

import tenacity


class NotSeenError(Exception):
    """What a benchmark waits for did not come true in time; the message says what."""


def until(what: str, look: Callable[[], bool], seconds: float, *, pause: float = 0.1) -> None:
    """Look every *pause* seconds until it is so.

    Raises:
        NotSeenError: it was not so within *seconds*.
    """
    looking = tenacity.Retrying(
        stop=tenacity.stop_after_delay(seconds),
        wait=tenacity.wait_fixed(pause),
        retry=tenacity.retry_if_result(lambda seen: not seen),
    )
    try:
        looking(look)
    except tenacity.RetryError as error:
        raise NotSeenError(f"not seen within {seconds:.0f} s: {what}") from error
