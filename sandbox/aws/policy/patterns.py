"""The patterns of policies: `*` stands for any number of characters, `?` for one; neither can be escaped.

Sources: IAM User Guide, "IAM JSON policy elements: Action", "IAM JSON policy elements: Resource" and "IAM JSON policy
elements: Condition operators".
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

_WILDCARDS: Final = {"*": ".*", "?": "."}
_WITHIN_A_SEGMENT: Final = {"*": "[^:]*", "?": "[^:]"}
_ARN_FIELDS: Final = 6  # arn, partition, service, region, account, resource


def like(have: str, want: str) -> bool:
    """Whether a text matches a pattern, case by case."""
    if "*" not in want and "?" not in want:
        return have == want
    return _text(want).fullmatch(have) is not None


def resource_like(have: str, want: str) -> bool:
    """Whether a resource matches a pattern of the element `Resource`.

    A wildcard stays between two colons, but for a star that ends such a segment: it may reach beyond.
    """
    return want == "*" or _resource(want).fullmatch(have) is not None


def arn_like(have: str, want: str) -> bool:
    """Whether an ARN matches a pattern of the condition operators for ARNs: each of six fields on its own."""
    mine, theirs = have.split(":", _ARN_FIELDS - 1), want.split(":", _ARN_FIELDS - 1)
    return len(mine) == len(theirs) == _ARN_FIELDS and all(map(like, mine, theirs))


@lru_cache(maxsize=65_536)
def _text(pattern: str) -> re.Pattern[str]:
    return re.compile(_translated(pattern, _WILDCARDS), re.DOTALL)


@lru_cache(maxsize=65_536)
def _resource(pattern: str) -> re.Pattern[str]:
    return re.compile(":".join(map(_segment, pattern.split(":"))), re.DOTALL)


def _segment(segment: str) -> str:
    beginning = segment.rstrip("*")
    return _translated(beginning, _WITHIN_A_SEGMENT) + (".*" if beginning != segment else "")


def _translated(pattern: str, wildcards: dict[str, str]) -> str:
    return "".join(wildcards.get(character) or re.escape(character) for character in pattern)
