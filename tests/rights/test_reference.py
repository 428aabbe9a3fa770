"""What the sandbox asks permission for, held against AWS' own Service Authorization Reference."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from policy_sentry.querying.actions import get_action_data

from sandbox.aws.policy.patterns import resource_like
from sandbox.aws.policy.statements import Request
from tests.rights.life import Life

OF_EVERY_REQUEST = ("aws:principal", "aws:userid")
OF_EVERY_RESOURCE = ("aws:resourcetag/", "iam:resourcetag/")


def test_what_a_life_asks_for_is_what_the_reference_knows(life: Life) -> None:
    requests = {(one.action, one.resource): one for _, calls in life.steps for call in calls for one in call.asked}
    assert len(requests) > 50
    assert [wrong for one in requests.values() for wrong in mistakes(one)] == []


def mistakes(request: Request) -> Iterator[str]:
    """Yield what the reference does not know of a request: its action, its kind of resource, its condition keys."""
    service, name = request.action.split(":")
    data = get_action_data(service, name)
    rows: list[Mapping[str, Any]] = list(data[service]) if data else []
    if not rows:
        yield f"{request}: no such action"
    elif not any(fits(request.resource, pattern(str(row["resource_arn_format"]))) for row in rows):
        yield f"{request}: no such resource"
    known = {str(key).lower() for row in rows for key in row["condition_keys"]}
    for key in request.context:
        generic = re.sub(r"^(aws:requesttag)/.*", r"\1/${tagkey}", key)
        if not key.startswith(OF_EVERY_REQUEST + OF_EVERY_RESOURCE) and generic not in known:
            yield f"{request}: knows no {key}"


def fits(resource: str, kind: str) -> bool:
    """Rows about no resource tell the keys of those about one as well."""
    return resource == kind if "*" in {resource, kind} else resource_like(resource, kind)


def pattern(arn_format: str) -> str:
    """The ARN format of the reference, such as `arn:${Partition}:iam::${Account}:role/${Name}`, as a pattern."""
    parts = arn_format.split("${")
    return "".join([parts[0], *(f"*{part.partition('}')[2]}" for part in parts[1:])])


def test_a_request_that_the_reference_does_not_know_would_be_noticed() -> None:
    role = "arn:aws:iam::123456789012:role/a"
    assert [*mistakes(Request("iam:GetRole", role))] == []
    assert [*mistakes(Request("iam:GetRole", role.replace("role", "user")))] == ["iam:GetRole user/a: no such resource"]
    assert [*mistakes(Request("iam:GetRole", role, {"iam:PolicyARN": "a"}))] == [
        "iam:GetRole role/a: knows no iam:policyarn"
    ]
    assert [*mistakes(Request("iam:MakeRole"))] == ["iam:MakeRole *: no such action"]
