"""Stacks, what their statuses mean, and how they differ from what is asked for."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import botocore.session
import pytest

from apono_operator.state.stack import (
    CHANGE_SET_STATUSES,
    EXECUTION_STATUSES,
    MEANINGS,
    TEMPLATE_TAG,
    ResourceChange,
    Template,
    arn_beginning,
    differences_in_words,
    failure_of,
    is_settled,
    role_arn_of,
    stack_differences,
)
from tests.unit.state.stacks import (
    CHANGE_SET_ID,
    DESIRED,
    ID,
    NAME,
    NOTED,
    PARAMETERS,
    ROLE,
    SERVICE_ROLE,
    TAGS,
    TRUST,
    a_change_set,
    a_stack,
    another,
)


@pytest.mark.parametrize(
    ("shape", "table"),
    [
        ("StackStatus", MEANINGS),
        ("ChangeSetStatus", CHANGE_SET_STATUSES),
        ("ExecutionStatus", EXECUTION_STATUSES),
    ],
)
def test_every_status_of_the_api_has_a_meaning_and_no_other(shape: str, table: dict[str, object]) -> None:
    model: Any = botocore.session.get_session().get_service_model("cloudformation")

    assert set(model.shape_for(shape).enum) == set(table)


def test_a_change_is_told_by_what_is_not_as_the_template_has_it() -> None:
    changes = (
        TRUST,
        ResourceChange("Modify", "ManagementRole", "AWS::IAM::Role"),
        ResourceChange("Add", "ManagementRole", "AWS::IAM::Role"),
        ResourceChange("Remove", "Another", "AWS::IAM::Role"),
        NOTED,
    )

    assert a_change_set(changes=changes).differences == (
        "ManagementRole is another (AssumeRolePolicyDocument)",
        "ManagementRole is another (Modify)",
        "ManagementRole is missing",
        "there is Another",
    )


def test_a_stack_is_settled_when_it_rests_and_shows_no_difference() -> None:
    assert is_settled(DESIRED, a_stack(), None)
    assert is_settled(DESIRED, another(), another().updated)
    assert not is_settled(DESIRED, another(), "earlier")
    assert not is_settled(DESIRED, None, None)
    assert not is_settled(DESIRED, a_stack("UPDATE_IN_PROGRESS"), None)
    assert not is_settled(DESIRED, a_stack("UPDATE_ROLLBACK_COMPLETE"), None)
    assert is_settled(DESIRED, a_stack("UPDATE_ROLLBACK_COMPLETE"), a_stack().updated)


def test_a_stack_as_asked_has_no_differences_whatever_others_added() -> None:
    observed = a_stack(parameters={**PARAMETERS, "Extra": "x"}, tags={**TAGS, "team": "a"})

    assert stack_differences(DESIRED, observed) == ()


def test_differences_are_told_in_words() -> None:
    observed = a_stack(
        parameters={"Permissions": "FullAccess"},
        tags={**TAGS, TEMPLATE_TAG: "t0", "apono.io/uid": "another"},
        service_role_arn=None,
        change_set_id="",
    )

    assert stack_differences(DESIRED, observed) == (
        "the parameter OrganizationId is missing instead of o-k012345a67",
        "the parameter Permissions is FullAccess instead of ReadOnly",
        "the template is another",
        f"the tag apono.io/uid is not {TAGS['apono.io/uid']}",
        f"the service role is missing instead of {SERVICE_ROLE}",
        "it was last changed by somebody else",
    )


@pytest.mark.parametrize(
    "change",
    [
        {"parameters": {}},
        {"tags": {}},
        {"capabilities": ()},
        {"service_role_arn": "other"},
        {"template": Template("t2", body="Resources: {}")},
    ],
)
def test_another_wish_has_another_change_set(change: dict[str, Any]) -> None:
    assert replace(DESIRED, **change).change_set_name != DESIRED.change_set_name


def test_the_same_wish_has_the_same_change_set_in_whatever_order() -> None:
    turned = replace(DESIRED, parameters=dict(reversed(PARAMETERS.items())), tags=dict(reversed(TAGS.items())))

    assert turned.change_set_name == DESIRED.change_set_name
    assert len(DESIRED.change_set_name) <= 128


def test_the_role_is_told_by_the_stack() -> None:
    assert role_arn_of(a_stack()) == ROLE
    assert role_arn_of(a_stack(outputs={})) is None
    assert role_arn_of(None) is None


def test_each_failure_is_told_from_any_other() -> None:
    rolled_back = another("UPDATE_ROLLBACK_COMPLETE")

    assert failure_of(None, None) is None
    assert failure_of(a_stack(), a_change_set()) is None
    assert failure_of(rolled_back, None) != failure_of(replace(rolled_back, updated="later"), None)
    assert failure_of(a_stack(), a_change_set("FAILED", "UNAVAILABLE", status_reason="No")) == CHANGE_SET_ID
    unchanged = a_change_set("FAILED", "UNAVAILABLE", status_reason="No updates are to be performed.")
    assert failure_of(a_stack(), unchanged) is None


def test_differences_name_the_stack() -> None:
    missing = (f"stack {NAME} is missing",)

    assert differences_in_words(DESIRED, None) == missing
    assert differences_in_words(DESIRED, a_stack("DELETE_COMPLETE")) == missing
    assert differences_in_words(DESIRED, a_stack(service_role_arn=None)) == (
        f"stack {NAME}: the service role is missing instead of {SERVICE_ROLE}",
    )


def test_where_a_stack_will_be_is_known_before_it_is_there() -> None:
    assert ID.startswith(f"{arn_beginning(DESIRED, 'aws')}/")
