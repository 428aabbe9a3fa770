"""The sandbox's administrator: stacks of an organization's accounts, and what becomes of one that fails."""

from __future__ import annotations

import json

import pytest

from sandbox.aws import Account, Fault, FrontDoor, access_denied
from sandbox.bootstrap import BootstrapError, deploy


def role_named(name: str) -> str:
    trust = {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}
    properties = {
        "RoleName": name,
        "AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": [trust]},
        "Description": {"Ref": "What"},
    }
    return json.dumps(
        {
            "Parameters": {"What": {"Type": "String"}},
            "Resources": {"Role": {"Type": "AWS::IAM::Role", "Properties": properties}},
            "Outputs": {"Arn": {"Value": {"Fn::GetAtt": ["Role", "Arn"]}}},
        }
    )


def test_a_stack_is_made_and_tells_its_outputs(account: Account) -> None:
    outputs = deploy(account, "roles", role_named("reader"), {"What": "reads"})

    assert outputs == {"Arn": f"{account.arn_prefix}role/reader"}


def test_a_stack_is_updated_in_place(account: Account) -> None:
    deploy(account, "roles", role_named("reader"), {"What": "reads"})
    before = account.client("iam").get_role(RoleName="reader")["Role"]

    deploy(account, "roles", role_named("reader"), {"What": "reads more"}, update=True)

    after = account.client("iam").get_role(RoleName="reader")["Role"]
    assert (after["RoleId"], after["Description"]) == (before["RoleId"], "reads more")


def test_a_name_that_is_taken_is_told(account: Account) -> None:
    deploy(account, "roles", role_named("reader"), {"What": "reads"})

    with pytest.raises(BootstrapError, match=r"stack others is ROLLBACK_COMPLETE: Role: .* 'reader' already exists"):
        deploy(account, "others", role_named("reader"), {"What": "reads"})


def test_a_stack_that_iam_refuses_is_told_with_the_reason(shared_aws: FrontDoor, account: Account) -> None:
    denial = access_denied("User is not authorized to perform: iam:CreateRole")

    with (
        shared_aws.faults.during(Fault(denial, operation="CreateRole", account=account, times=None)),
        pytest.raises(BootstrapError, match=r"stack roles is ROLLBACK_COMPLETE: Role: .*iam:CreateRole"),
    ):
        deploy(account, "roles", role_named("reader"), {"What": "reads"})
