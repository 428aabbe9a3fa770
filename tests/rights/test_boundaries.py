"""Each statement of a printed boundary is needed, and each action of those in the management account."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache

import pytest
from policy_sentry.analysis.expand import expand
from policy_sentry.querying.actions import get_actions_for_service, get_actions_with_access_level

from apono_operator.state.permissions import managed_policy_arns, management_permissions_document
from apono_operator.v1alpha1 import PermissionSet
from sandbox.aws.policy.documents import as_list
from sandbox.aws.policy.statements import Request, allows
from sandbox.aws.store.managed_policies import published_policies
from tests.docs.test_boundaries import ADMINISTRATION, CHANGING, EKS, ESCAPES, IN_EVERY_FAVOUR, needs
from tests.rights.replay import without_action
from tests.unit.bootstrap.deployment import Document, deployed
from tests.unit.bootstrap.printed import PARAMETERS, TEMPLATES

OWN_CLUSTER = f"{EKS}cluster/my-cluster"


def boundary(command: str, permission_set: PermissionSet) -> Document:
    return deployed(TEMPLATES[command], PARAMETERS[command]).managed_policy(f"{permission_set}Boundary")


def without(document: Document, place: int) -> Document:
    return {**document, "Statement": [one for at, one in enumerate(document["Statement"]) if at != place]}


def statements(effect: str) -> list[object]:
    return [
        pytest.param(permission_set, place, id=f"{permission_set}: {one['Sid']}")
        for permission_set in PermissionSet
        for place, one in enumerate(boundary("operator-account", permission_set)["Statement"])
        if one["Effect"] == effect
    ]


@cache
def needed(permission_set: PermissionSet) -> tuple[Request, ...]:
    """What the set and its managed policies say, on what they are meant for."""
    documents = (
        json.loads(published_policies()[arn.partition(":policy/")[2]].document)
        for arn in managed_policy_arns(permission_set, "aws")
    )
    patterns = {
        pattern for document in documents for one in document["Statement"] for pattern in as_list(one["Action"])
    }
    of_policies = {action for pattern in patterns for action in expand(pattern)}
    return (*needs(permission_set), *(Request(action) for action in sorted(of_policies)))


def attempts() -> Iterator[Request]:
    """What a boundary is there to stop, with every tag and boundary that could help."""
    yield from ESCAPES.values()
    for level in CHANGING:
        for action in get_actions_with_access_level("iam", level):
            yield from (Request(action, resource, IN_EVERY_FAVOUR) for resource in ADMINISTRATION)
    yield from (Request("sts:AssumeRole", resource) for resource in ADMINISTRATION)
    yield from (Request(action, OWN_CLUSTER) for action in get_actions_for_service("eks"))
    yield from (Request(action) for action in get_actions_for_service("bedrock-agentcore"))


@pytest.mark.parametrize(("permission_set", "place"), statements("Allow"))
def test_without_what_a_boundary_allows_something_of_its_set_is_withheld(
    permission_set: PermissionSet, place: int
) -> None:
    document = boundary("operator-account", permission_set)
    allowed = [one for one in needed(permission_set) if allows(document, one)]

    assert [one for one in allowed if not allows(without(document, place), one)] != []


@pytest.mark.parametrize(("permission_set", "place"), statements("Deny"))
def test_without_what_a_boundary_denies_something_gets_through(permission_set: PermissionSet, place: int) -> None:
    document = boundary("operator-account", permission_set)
    stopped = [one for one in attempts() if not allows(document, one)]

    assert [one for one in stopped if allows(without(document, place), one)] != []


def of_management() -> list[object]:
    return [
        pytest.param(permission_set, place, action, id=f"{permission_set}: {one['Sid']}: {action}")
        for permission_set in PermissionSet
        for place, one in enumerate(boundary("management-account", permission_set)["Statement"])
        for action in as_list(one["Action"])
    ]


@pytest.mark.parametrize(("permission_set", "place", "action"), of_management())
def test_without_an_action_a_management_role_cannot_do_what_its_set_says(
    permission_set: PermissionSet, place: int, action: str
) -> None:
    document = boundary("management-account", permission_set)
    asked = [
        Request(action, resource.replace("saml-provider/*", "saml-provider/AWSSSO_x").replace("*", "x"))
        for one in management_permissions_document(permission_set, "aws").document["Statement"]
        if action in one["Action"]
        for resource in one["Resource"]
    ]

    assert [one for one in asked if not allows(document, one)] == []
    assert [one for one in asked if not allows(without_action(document, place, action), one)] != []
