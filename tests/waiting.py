"""Waiting for what a test has to see: looking again and again, never for longer than said."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import tenacity

T = TypeVar("T")

PATIENCE = 90.0
"""Seconds to wait for what has to come and of whose time nothing is said: long, for machines that are busy."""


def until(what: str, look: Callable[[], T | None], seconds: float = PATIENCE, last: Callable[[], object] = str) -> T:
    """Look until there is something to see; otherwise say what was last."""
    looking = tenacity.Retrying(
        stop=tenacity.stop_after_delay(seconds),
        # Most is seen at once; what takes longer is not looked for so often that the looks hold it up.
        wait=tenacity.wait_exponential(multiplier=0.03, exp_base=1.4, max=0.25),
        retry=tenacity.retry_if_result(lambda seen: not seen),
    )
    try:
        seen = looking(look)
    except tenacity.RetryError:
        raise AssertionError(f"not seen within {seconds} s: {what}\n{last()}") from None
    assert seen is not None
    return seen
