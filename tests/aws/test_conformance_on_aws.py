from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from botocore.exceptions import ClientError

from sandbox.aws import Fault, FrontDoor, Refusal

if TYPE_CHECKING:
    from sandbox.aws import Account

ROOT = Path(__file__).parents[2]


def run(aws: FrontDoor, account: Account, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "tests.aws.conformance_on_aws", "--settle", "0", *arguments],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], **aws.environment(account)},
        capture_output=True,
        text=True,
        check=False,
    )


def test_rows_are_tried_and_leave_nothing_behind(aws: FrontDoor) -> None:
    account = aws.create_account()
    # Rows that leave behind one of everything that can be made.
    rows = ("cannot be deleted", "a second provider", "that holds an account", "remembers the units")
    only = (part for row in rows for part in ("--only", row))
    run_ = run(aws, account, "--account", account.account_id, *only)
    assert (run_.returncode, run_.stderr) == (0, "")
    assert run_.stdout.splitlines()[-1].endswith("rows, 0 disagreements")
    made = {"CreateRole", "CreatePolicy", "CreateOpenIDConnectProvider", "CreateInstanceProfile"}
    made |= {"CreateStack", "CreateStackSet", "CreateOrganization"}
    assert made <= set(aws.calls.all().operations)
    iam = account.client("iam")
    assert iam.list_roles()["Roles"] == []
    assert iam.list_policies(Scope="Local")["Policies"] == []
    assert iam.list_open_id_connect_providers()["OpenIDConnectProviderList"] == []
    stacks = account.client("cloudformation").list_stacks()["StackSummaries"]
    assert {stack["StackStatus"] for stack in stacks} == {"DELETE_COMPLETE"}
    assert account.client("cloudformation").list_stack_sets(Status="ACTIVE")["Summaries"] == []
    with pytest.raises(ClientError, match="AWSOrganizationsNotInUseException"):
        account.client("organizations").describe_organization()
    deleted = aws.calls.of(operation="DeleteInstanceProfile", outcome="ok")
    assert len(deleted) == len(aws.calls.of(operation="CreateInstanceProfile", outcome="ok"))


def test_an_account_that_disagrees_is_told(aws: FrontDoor) -> None:
    account = aws.create_account()
    aws.faults.add(Fault(Refusal("Surprise", "otherwise"), operation="UntagRole"))
    run_ = run(aws, account, "--account", account.account_id, "--only", "removing a tag")
    assert run_.returncode == 1
    assert "DIFFERS  removing a tag that is not there is no error" in run_.stdout


def test_another_account_than_the_one_named_is_left_alone(aws: FrontDoor) -> None:
    account = aws.create_account()
    run_ = run(aws, account, "--account", "000000000000")
    assert run_.returncode == 1
    assert aws.calls.all().operations == ["GetCallerIdentity"]
