"""Policies that others wrote into a role, in shapes that nobody foresaw, stop neither upkeep nor deletion."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber

from apono_operator.adapters.aws.iam import Depth, Iam
from apono_operator.state import plan
from apono_operator.state.permissions import INLINE_POLICY_NAME
from apono_operator.state.resources import IamRole
from tests.builders import a_role, an_administration

UNREADABLE: dict[str, Any] = {
    "no-statement": {"Version": "2012-10-17"},
    "empty": {"Statement": []},
    "a-statement-that-is-text": {"Statement": ["Allow"]},
    "a-principal-that-is-text": {"Statement": {"Effect": "Allow", "Principal": "somebody", "Action": "*"}},
    "a-condition-that-is-text": {"Statement": {"Effect": "Allow", "Action": "*", "Condition": "always"}},
    "an-operator-that-is-text": {"Statement": {"Effect": "Allow", "Action": "*", "Condition": {"Bool": "true"}}},
    "a-list": [{"Effect": "Allow"}],
    "text": "not a document",
}


@contextmanager
def iam_with(document: Any) -> Iterator[Iam]:
    """IAM with the role of `a_role`, whose trust and inline policy are *document*."""
    role, text = a_role(), json.dumps(document)
    client = boto3.client("iam", region_name="us-east-1", aws_access_key_id="a", aws_secret_access_key="b")
    with Stubber(client) as stub:
        stub.add_response(
            "get_role",
            {
                "Role": {
                    "Path": "/",
                    "RoleName": role.name,
                    "RoleId": "AROAEXAMPLEEXAMPLE123",
                    "Arn": role.arn,
                    "CreateDate": "2026-01-01T00:00:00Z",
                    "AssumeRolePolicyDocument": text,
                    "Description": role.description,
                    "MaxSessionDuration": role.max_session_duration,
                    "PermissionsBoundary": {"PermissionsBoundaryArn": role.permissions_boundary},
                    "Tags": [{"Key": key, "Value": value} for key, value in role.tags.items()],
                }
            },
        )
        policy = {"RoleName": role.name, "PolicyName": INLINE_POLICY_NAME, "PolicyDocument": text}
        stub.add_response("get_role_policy", policy)
        yield Iam(client)


def observed(document: Any) -> IamRole:
    with iam_with(document) as iam:
        role = iam.observe_role(a_role().name, Depth.OURS)
    assert role is not None
    return role


@pytest.mark.parametrize("document", UNREADABLE.values(), ids=UNREADABLE)
def test_a_policy_that_cannot_be_read_is_replaced_by_ours_and_nothing_else_is_touched(document: Any) -> None:
    desired = a_role()

    assert plan.plan_role(desired, observed(document), an_administration()) == (
        plan.PutTrust(desired.name, desired.trust),
        plan.PutInlinePolicy(desired.name, INLINE_POLICY_NAME, desired.permissions),
    )


@pytest.mark.parametrize("document", UNREADABLE.values(), ids=UNREADABLE)
def test_a_policy_that_cannot_be_read_is_deleted_like_any(document: Any) -> None:
    assert plan.plan_role_deletion(observed(document)) == (
        plan.DeleteInlinePolicy(a_role().name, INLINE_POLICY_NAME),
        plan.DeleteRole(a_role().name),
    )
