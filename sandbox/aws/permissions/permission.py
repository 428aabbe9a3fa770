"""One permission that a call needs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sandbox.aws.errors import AwsError
from sandbox.aws.policy.evaluation import OwnPolicy
from sandbox.aws.policy.statements import Request
from sandbox.aws.state import Call


@dataclass(frozen=True, slots=True)
class Permission:
    """A request that has to be allowed for a call to be carried out.

    Attributes:
        request: The request, without what its caller brings along.
        told_as: How a denial names the resource, if not by what the request holds.
        own: The resource's own policy, if it has any.
        refusal: What comes in place of the usual denial.
    """

    request: Request
    told_as: str | None = None
    own: OwnPolicy | None = None
    refusal: AwsError | None = None


Permissions = Callable[[Call], Iterable[Permission]]
"""Tells which permissions a call needs."""


def needing(action: str) -> Permissions:
    """Of operations that know no resources."""
    return lambda _call: [Permission(Request(action))]


def request_tags(tags: Iterable[Mapping[str, str]]) -> dict[str, str | Sequence[str]]:
    """The condition keys of tags that a call gives."""
    pairs = {tag["Key"]: tag["Value"] for tag in tags}
    keys: dict[str, str | Sequence[str]] = {f"aws:RequestTag/{key}": value for key, value in pairs.items()}
    return {**keys, "aws:TagKeys": tuple(pairs)} if pairs else keys


def resource_tags(tags: Mapping[str, str], *families: str) -> dict[str, Any]:
    """The condition keys of tags that a resource has: of the family `aws:ResourceTag`, and of others."""
    return {f"{family}/{key}": value for family in ("aws:ResourceTag", *families) for key, value in tags.items()}
