"""Tags: their rules, and changes to them.

Source: "Tags for AWS Identity and Access Management resources" in the IAM user guide.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from sandbox.aws.errors import AwsError

Tag = dict[str, str]

_MOST_TAGS: Final = 50


def merged(present: Sequence[Tag], new: Sequence[Tag]) -> list[Tag]:
    """The tags after new ones have been put; a key replaces the one that differs only in case.

    Raises:
        AwsError: `InvalidInput` for reserved or repeated keys, `LimitExceeded` beyond 50 tags.
    """
    _check(new)
    keys = {tag["Key"].lower() for tag in new}
    tags = [tag for tag in present if tag["Key"].lower() not in keys]
    tags += [{"Key": tag["Key"], "Value": tag["Value"]} for tag in new]
    if len(tags) > _MOST_TAGS:
        raise AwsError("LimitExceeded", "The number of tags has reached the maximum limit.")
    return tags


def check_given(items: Sequence[object]) -> None:
    """Tagging or untagging with nothing is an error.

    Raises:
        AwsError: `InvalidInput`.
    """
    if not items:
        raise AwsError("InvalidInput", "At least one tag has to be given.")


def without(present: Sequence[Tag], keys: Iterable[str]) -> list[Tag]:
    """The tags that stay when keys are removed; keys that are not there do not matter."""
    gone = {key.lower() for key in keys}
    return [tag for tag in present if tag["Key"].lower() not in gone]


def _check(tags: Sequence[Tag]) -> None:
    keys = [tag["Key"].lower() for tag in tags]
    if any(key.startswith("aws:") for key in keys):
        raise AwsError("InvalidInput", "System tags cannot be added/updated by requester")
    if len(set(keys)) != len(keys):
        raise AwsError("InvalidInput", "Duplicate tag keys found. Please note that Tag keys are case insensitive.")
