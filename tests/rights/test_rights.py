"""Each right that bootstrap prints is needed, and each of its limits keeps something out.

The policies of the operator and of CloudFormation are taken apart, action by action, condition by condition, resource
by resource, and the calls of a connector's life are decided anew.
"""

from __future__ import annotations

from collections.abc import Iterator
from fnmatch import fnmatchcase

import pytest

from sandbox.aws.policy.documents import as_list
from sandbox.aws.policy.statements import Request
from tests.rights.life import Life
from tests.rights.replay import (
    ROLES,
    SESSION,
    asked,
    denied,
    in_force,
    is_denied,
    printed,
    with_context,
    with_resources,
    without_action,
    without_key,
    without_statement,
)

POLICIES = {name: printed(name) for name in (*ROLES, SESSION)}
OTHER = "arn:aws:iam::000000000042:policy/other"
ELSEWHERE = {
    "arn:aws:cloudformation": "arn:aws:cloudformation:us-east-1:000000000042:stack/other/1",
    "arn:aws:iam": "arn:aws:iam::000000000042:role/other",
    "arn:aws:s3": "arn:aws:s3:::other/other",
}
"""Of each service, something that is none of the operator's business."""


def actions() -> Iterator[object]:
    for policy, document in POLICIES.items():
        for place, statement in enumerate(document["Statement"]):
            for action in as_list(statement["Action"]):
                yield pytest.param(policy, place, action, id=f"{policy}: {statement.get('Sid', place)}: {action}")


def conditions() -> Iterator[object]:
    for policy, document in POLICIES.items():
        for place, statement in enumerate(document["Statement"]):
            for operator, block in statement.get("Condition", {}).items():
                for key in block:
                    name = f"{policy}: {statement.get('Sid', place)}: {operator} {key}"
                    yield pytest.param(policy, place, operator, key, id=name)


def resources() -> Iterator[object]:
    for policy, document in POLICIES.items():
        for place, statement in enumerate(document["Statement"]):
            for number, pattern in enumerate(as_list(statement["Resource"])):
                if pattern != "*":
                    name = f"{policy}: {statement.get('Sid', place)}: {pattern}"
                    yield pytest.param(policy, place, number, id=name)


def asked_of(life: Life, policy: str, place: int) -> list[Request]:
    """What of a life a statement is about: what no other statement allows."""
    named = as_list(POLICIES[policy]["Statement"][place]["Action"])
    others = without_statement(in_force(life, policy), place)
    requests = [one.request for one in asked(life, policy)]
    about = [one for one in requests if any(fnmatchcase(one.action, action) for action in named)]
    return [one for one in about if is_denied(life, policy, others, one)]


@pytest.mark.parametrize("policy", POLICIES)
def test_with_the_printed_policy_nothing_of_a_life_is_denied(life: Life, policy: str) -> None:
    assert asked(life, policy)
    assert denied(life, policy, in_force(life, policy)) == []


@pytest.mark.parametrize("policy", POLICIES)
def test_the_policy_in_force_says_what_is_printed(life: Life, policy: str) -> None:
    shape = [(one.get("Sid"), one["Action"], list(one.get("Condition", {}))) for one in POLICIES[policy]["Statement"]]

    assert shape == [
        (one.get("Sid"), one["Action"], list(one.get("Condition", {}))) for one in in_force(life, policy)["Statement"]
    ]


@pytest.mark.parametrize(("policy", "place", "action"), [*actions()])
def test_without_an_action_a_step_of_a_life_is_denied(life: Life, policy: str, place: int, action: str) -> None:
    lacking = denied(life, policy, without_action(in_force(life, policy), place, action))

    assert lacking != []
    assert all(fnmatchcase(one, f"*: {action}") for one in lacking)


@pytest.mark.parametrize(("policy", "place", "operator", "key"), [*conditions()])
def test_a_condition_keeps_out_what_nothing_else_does(
    life: Life, policy: str, place: int, operator: str, key: str
) -> None:
    document, known = in_force(life, policy), asked_of(life, policy, place)
    attempts = [with_context(one, key, OTHER) for one in known]
    if not operator.endswith("IfExists"):
        attempts += [with_context(one, key, None) for one in known]

    assert attempts
    assert [one for one in attempts if not is_denied(life, policy, document, one)] == []
    wider = without_key(document, place, operator, key)
    assert [one for one in attempts if is_denied(life, policy, wider, one)] == []


@pytest.mark.parametrize(("policy", "place", "number"), [*resources()])
def test_a_resource_is_needed_and_no_other_is_reached(life: Life, policy: str, place: int, number: int) -> None:
    document, known = in_force(life, policy), asked_of(life, policy, place)
    narrower = with_resources(document, place, lambda all_: [one for one in all_ if one != all_[number]] or ["none"])
    elsewhere = [Request(one.action, other(one.resource), one.context) for one in known]

    assert denied(life, policy, narrower) != []
    assert [one for one in elsewhere if not is_denied(life, policy, document, one)] == []
    wider = with_resources(document, place, lambda _: ["*"])
    assert [one for one in elsewhere if is_denied(life, policy, wider, one)] == []


def other(resource: str) -> str:
    return next(found for service, found in ELSEWHERE.items() if resource.startswith(service))
