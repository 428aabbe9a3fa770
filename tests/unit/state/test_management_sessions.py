"""A session in a management account may do what one stack needs, whatever the role there may do."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apono_operator.bootstrap.rights import management_rights
from apono_operator.state.management_accounts import ManagementAccount
from apono_operator.state.management_sessions import SESSION_POLICY_LIMIT, Entrance

ACCOUNT = "999988887777"
SERVICE_ROLE = f"arn:aws:iam::{ACCOUNT}:role/connector-operator-cloudformation"


def an_entrance(**changes: Any) -> Entrance:
    usual: dict[str, Any] = {
        "role_arn": f"arn:aws:iam::{ACCOUNT}:role/connector-operator-management",
        "external_id": "0123456789abcdef",
        "service_role_arn": SERVICE_ROLE,
        "region": "eu-west-1",
        "stack_name": "apono-a",
        "uid": "0b1c9d3e-7a54-4c1d-9a3b-2f6f0d6f5a11",
    }
    return Entrance(**{**usual, **changes})


def statements(entrance: Entrance) -> list[Any]:
    found: list[Any] = json.loads(entrance.session_policy)["Statement"]
    return found


def test_an_entrance_is_made_of_what_the_administrator_configured() -> None:
    account = ManagementAccount.model_validate(
        {
            "accountId": ACCOUNT,
            "roleArn": f"arn:aws:iam::{ACCOUNT}:role/connector-operator-management",
            "externalId": "0123456789abcdef",
            "cloudFormationRoleArn": SERVICE_ROLE,
            "region": "eu-west-1",
            "sendTemplateBody": True,
            "permissionsBoundaries": {},
            "allowedUnits": ["r-1a2b"],
            "namespaces": ["a"],
        }
    )

    assert Entrance.to(account, "apono-a", an_entrance().uid) == an_entrance()


def test_a_session_reaches_one_stack_and_its_change_sets() -> None:
    stacks = f"arn:aws:cloudformation:eu-west-1:{ACCOUNT}:"

    first = statements(an_entrance())[0]

    assert first["Resource"] == [f"{stacks}stack/apono-a/*", f"{stacks}changeSet/apono-*/*"]
    assert all(action.startswith("cloudformation:") for action in first["Action"])


def test_everywhere_else_a_session_only_reads() -> None:
    everywhere = [one for one in statements(an_entrance()) if one["Resource"] == "*"]

    actions = [action for one in everywhere for action in one["Action"]]
    assert actions
    assert all(action.split(":")[1].startswith(("Describe", "Get", "List")) for action in actions)


def test_a_session_hands_one_role_to_cloudformation_alone() -> None:
    (passing,) = (one for one in statements(an_entrance()) if one["Action"] == "iam:PassRole")

    assert passing["Resource"] == SERVICE_ROLE
    assert passing["Condition"] == {"StringEquals": {"iam:PassedToService": "cloudformation.amazonaws.com"}}


def test_a_session_may_do_all_that_the_role_is_made_for() -> None:
    rights = management_rights(template_body=False)
    granted = {action for right in rights for action in {**right.calls, **right.implied}}

    listed = [one["Action"] for one in statements(an_entrance())]
    asked = {action for actions in listed for action in ([actions] if isinstance(actions, str) else actions)}

    assert asked == granted


@pytest.mark.parametrize(
    ("partition", "region"), [("aws-us-gov", "us-gov-west-1"), ("aws-cn", "cn-northwest-1"), ("aws", "ap-southeast-3")]
)
def test_a_policy_names_the_partition(partition: str, region: str) -> None:
    policy = an_entrance(role_arn=f"arn:{partition}:iam::{ACCOUNT}:role/a", region=region).session_policy

    assert f"arn:{partition}:cloudformation:{region}:{ACCOUNT}:stack/apono-a/*" in policy


def test_the_longest_policy_is_taken_by_sts() -> None:
    longest = an_entrance(
        role_arn=f"arn:aws-us-gov:iam::{ACCOUNT}:role/a",
        service_role_arn=f"arn:aws-us-gov:iam::{ACCOUNT}:role/{'p' * 512}/{'r' * 64}",
        region="ap-southeast-99",
        stack_name="a" * 128,
    )

    assert len(longest.session_policy) <= SESSION_POLICY_LIMIT


@given(st.text(max_size=100))
def test_any_uid_makes_a_session_s_name(uid: str) -> None:
    name = an_entrance(uid=uid).session_name

    assert name.startswith("apono-")
    assert len(name) <= 64
    assert set(name) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_+=,.@-")


def test_a_usual_uid_stays_whole() -> None:
    assert an_entrance().session_name == "apono-0b1c9d3e-7a54-4c1d-9a3b-2f6f0d6f5a11"


def test_the_external_id_is_not_shown() -> None:
    assert "0123456789abcdef" not in repr(an_entrance())
