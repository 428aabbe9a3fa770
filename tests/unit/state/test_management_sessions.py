"""A session in a management account may do what one stack needs, whatever the role there may do."""

from __future__ import annotations

import json
from fnmatch import fnmatchcase
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from policy_sentry.analysis.expand import expand

from apono_operator.bootstrap.rights import management_rights
from apono_operator.state.management_accounts import ManagementAccount
from apono_operator.state.management_sessions import READING_ACTIONS, SESSION_POLICY_LIMIT, Entrance, template_object
from sandbox.aws.policy.documents import as_list

ACCOUNT = "999988887777"
SERVICE_ROLE = f"arn:aws:iam::{ACCOUNT}:role/connector-operator-cloudformation"

TEMPLATE = "arn:aws:s3:::my-bucket/management-account.yaml"


def an_entrance(**changes: Any) -> Entrance:
    usual: dict[str, Any] = {
        "role_arn": f"arn:aws:iam::{ACCOUNT}:role/connector-operator-management",
        "external_id": "0123456789abcdef",
        "service_role_arn": SERVICE_ROLE,
        "region": "eu-west-1",
        "stack_name": "apono-a",
        "template_object": TEMPLATE,
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
            "templateUrl": "https://my-bucket.s3.amazonaws.com/management-account.yaml?versionId=3",
            "permissionsBoundaries": {},
            "allowedUnits": ["r-1a2b"],
            "namespaces": ["a"],
        }
    )

    assert Entrance.to(account, "apono-a", an_entrance().uid) == an_entrance()


def test_a_session_reaches_one_stack_its_change_sets_and_its_stack_set() -> None:
    stacks = f"arn:aws:cloudformation:eu-west-1:{ACCOUNT}:"

    first = statements(an_entrance())[0]

    assert first["Resource"] == [
        f"{stacks}stack/apono-a/*",
        f"{stacks}changeSet/apono-*/*",
        f"{stacks}stackset/apono-a:*",
    ]
    assert "cloudformation:ListStackInstances" in first["Action"]
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


def test_a_session_reads_one_object_of_s3_for_cloudformation() -> None:
    (reading,) = (one for one in statements(an_entrance()) if "s3:GetObject" in one["Action"])

    assert reading == {"Effect": "Allow", "Action": list(READING_ACTIONS), "Resource": TEMPLATE}


def test_where_the_template_is_sent_a_session_reads_nothing_of_s3() -> None:
    assert "s3:" not in an_entrance(template_object="").session_policy


@pytest.mark.parametrize(
    ("url", "arn"),
    [
        ("https://my-bucket.s3.amazonaws.com/a/b.yaml", "arn:aws:s3:::my-bucket/a/b.yaml"),
        ("https://my-bucket.s3.amazonaws.com/a.yaml?versionId=3", "arn:aws:s3:::my-bucket/a.yaml"),
        ("https://my-bucket.s3.eu-west-1.amazonaws.com/a.yaml", "arn:aws:s3:::my-bucket/a.yaml"),
        ("https://my-bucket.s3-eu-west-1.amazonaws.com/a.yaml", "arn:aws:s3:::my-bucket/a.yaml"),
        ("https://my-bucket.s3.dualstack.eu-west-1.amazonaws.com/a.yaml", "arn:aws:s3:::my-bucket/a.yaml"),
        ("https://my.s3.bucket.s3.amazonaws.com/a.yaml", "arn:aws:s3:::my.s3.bucket/a.yaml"),
        ("https://s3.eu-west-1.amazonaws.com/my-bucket/a.yaml", "arn:aws:s3:::my-bucket/a.yaml"),
        ("https://s3.amazonaws.com/my-bucket/a%20b.yaml", "arn:aws:s3:::my-bucket/a b.yaml"),
        ("https://my-bucket.s3.cn-north-1.amazonaws.com.cn/a.yaml", "arn:aws:s3:::my-bucket/a.yaml"),
        ("https://templates.example/a.yaml", ""),
        ("https://my-bucket.s3.amazonaws.com.example/a.yaml", ""),
        ("", ""),
    ],
)
def test_an_address_of_s3_tells_the_object(url: str, arn: str) -> None:
    assert template_object(url, "aws") == arn


def test_an_object_is_of_the_partition() -> None:
    assert template_object("https://b-1.s3.amazonaws.com/a", "aws-us-gov") == "arn:aws-us-gov:s3:::b-1/a"


def test_a_name_for_which_a_policy_has_no_room_is_cut_and_still_matches() -> None:
    longest = an_entrance(template_object=f"arn:aws:s3:::my-bucket/{'k' * 1024}")

    (reading,) = (one for one in statements(longest) if "s3:GetObject" in one["Action"])

    assert len(longest.session_policy) == SESSION_POLICY_LIMIT
    assert fnmatchcase(longest.template_object, reading["Resource"])
    assert reading["Resource"].startswith("arn:aws:s3:::my-bucket/kkk")


def test_a_session_may_do_what_the_role_is_made_for_and_nothing_else() -> None:
    rights = management_rights(template_body=False)
    granted = {action for right in rights for action in {**right.calls, **right.implied}}

    asked = {
        action
        for one in statements(an_entrance())
        for pattern in as_list(one["Action"])
        for action in (expand(pattern) if "*" in pattern else [pattern])
    }

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
        template_object=f"arn:aws-us-gov:s3:::{'b' * 63}/management-account.yaml",
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
