from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import tracemalloc
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from sandbox.aws import Fault, FrontDoor, throttle
from tests.aws.identities import create_role, trusting

if TYPE_CHECKING:
    from sandbox.aws import Account, Partition


def test_accounts_see_nothing_of_each_other(shared_aws: FrontDoor) -> None:
    first, second = shared_aws.create_account(), shared_aws.create_account()
    create_role(first.client("iam"), "role", trusting("*"))
    create_role(second.client("iam"), "role", trusting("*"))
    first.client("iam").delete_role(RoleName="role")
    assert len(second.client("iam").list_roles()["Roles"]) == 1


def test_an_account_may_have_a_given_id(aws: FrontDoor) -> None:
    assert aws.create_account(account_id="123456789012").account_id == "123456789012"


@pytest.mark.parametrize("account_id", ["123456789012", "12345678901", "12345678901x"])
def test_an_account_id_that_is_taken_or_malformed_is_refused(aws: FrontDoor, account_id: str) -> None:
    aws.create_account(account_id="123456789012")
    with pytest.raises(ValueError, match="account"):
        aws.create_account(account_id=account_id)


@pytest.mark.parametrize(
    ("partition", "region"), [("aws", "us-east-1"), ("aws-us-gov", "us-gov-west-1"), ("aws-cn", "cn-north-1")]
)
def test_arns_are_of_the_partition_of_the_account(shared_aws: FrontDoor, partition: Partition, region: str) -> None:
    account = shared_aws.create_account(partition)
    arn = create_role(account.client("iam"), "role", trusting({"AWS": account.account_id}))
    session = account.client("sts").assume_role(RoleArn=arn, RoleSessionName="session")["AssumedRoleUser"]["Arn"]
    assert account.region == region
    assert arn == f"arn:{partition}:iam::{account.account_id}:role/role"
    assert session == f"arn:{partition}:sts::{account.account_id}:assumed-role/role/session"


@pytest.mark.parametrize("partition", ["aws", "aws-us-gov", "aws-cn"])
def test_the_managed_policies_of_aws_are_of_the_partition(shared_aws: FrontDoor, partition: Partition) -> None:
    iam = shared_aws.create_account(partition).client("iam")
    arn = f"arn:{partition}:iam::aws:policy/AWSLambda_FullAccess"
    policy = iam.get_policy(PolicyArn=arn)["Policy"]
    version = iam.get_policy_version(PolicyArn=arn, VersionId=policy["DefaultVersionId"])["PolicyVersion"]
    text = json.dumps(version["Document"])
    assert policy["Arn"] == arn
    assert f'"arn:{partition}:logs:' in text
    assert ('"arn:aws:' in text) == (partition == "aws")


def test_a_managed_policy_of_another_partition_does_not_exist(shared_aws: FrontDoor) -> None:
    iam = shared_aws.create_account("aws-cn").client("iam")
    create_role(iam, "role", trusting("*"))
    with pytest.raises(ClientError, match="does not exist or is not attachable"):
        iam.attach_role_policy(RoleName="role", PolicyArn="arn:aws:iam::aws:policy/SecurityAudit")


def test_an_account_of_another_partition_cannot_be_trusted(shared_aws: FrontDoor) -> None:
    here, abroad = shared_aws.create_account(), shared_aws.create_account("aws-cn")
    with pytest.raises(ClientError, match="Invalid principal in policy"):
        create_role(here.client("iam"), "role", trusting({"AWS": f"{abroad.arn_prefix}root"}))


def test_a_subprocess_is_the_administrator_by_its_environment_alone(shared_aws: FrontDoor) -> None:
    account = shared_aws.create_account("aws-us-gov")
    script = "import boto3; print(boto3.client('sts').get_caller_identity()['Arn'])"
    environment = {"PATH": os.environ["PATH"], **shared_aws.environment(account)}
    done = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == f"{account.arn_prefix}user/administrator"


def test_a_reset_forgets_accounts_faults_and_calls(aws: FrontDoor) -> None:
    before = aws.create_account(account_id="123456789012")
    create_role(before.client("iam"), "role", trusting("*"))
    aws.faults.add(Fault(throttle(), times=None))
    aws.reset()
    assert len(aws.calls) == 0
    with pytest.raises(ClientError, match="InvalidClientTokenId"):
        before.client("sts").get_caller_identity()
    assert aws.create_account(account_id="123456789012").client("iam").list_roles()["Roles"] == []


def test_an_account_in_use_costs_less_than_a_megabyte(aws: FrontDoor) -> None:
    use(aws.create_account())  # what the process pays once
    tracemalloc.start()
    for account in [aws.create_account() for _ in range(10)]:
        use(account)
    size, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert size / 10 < 1_000_000


def test_making_an_account_takes_less_than_a_millisecond(aws: FrontDoor) -> None:
    started = time.process_time()
    for _ in range(20):
        aws.create_account()
    assert (time.process_time() - started) / 20 < 0.001


def test_lists_come_in_pages(account: Account) -> None:
    iam = account.client("iam")
    names = [f"role-{number:03}" for number in range(130)]
    for name in names:
        create_role(iam, name, trusting("*"))
    pages = list(iam.get_paginator("list_roles").paginate())
    assert [len(page["Roles"]) for page in pages] == [100, 30]
    assert [role["RoleName"] for page in pages for role in page["Roles"]] == names


def test_a_marker_that_was_not_handed_out_is_refused(account: Account) -> None:
    with pytest.raises(ClientError, match="ValidationError"):
        account.client("iam").list_roles(Marker="elsewhere")


def test_an_account_holds_a_thousand_roles_and_a_hundred_providers(account: Account) -> None:
    iam = account.client("iam")
    for number in range(100):
        iam.create_open_id_connect_provider(Url=f"https://oidc.example.com/{number}")
    with pytest.raises(ClientError, match="LimitExceeded"):
        iam.create_open_id_connect_provider(Url="https://oidc.example.com/more")
    for number in range(1000):
        create_role(iam, f"role-{number}", trusting("*"))
    with pytest.raises(ClientError, match="Cannot exceed quota for RolesPerAccount: 1000"):
        create_role(iam, "more", trusting("*"))


def use(account: Account) -> None:
    iam = account.client("iam")
    create_role(iam, "role", trusting("*"))
    iam.attach_role_policy(RoleName="role", PolicyArn="arn:aws:iam::aws:policy/SecurityAudit")


def test_of_threads_racing_to_make_a_role_one_wins(shared_aws: FrontDoor, account: Account) -> None:
    iam = account.client("iam")

    def attempt(name: str) -> str:
        try:
            create_role(iam, name, trusting("*"))
        except ClientError as error:
            return error.response["Error"]["Code"]
        return "ok"

    for number in range(5):
        with ThreadPoolExecutor(8) as threads:
            outcomes = list(threads.map(attempt, [f"Role-{number}", f"role-{number}"] * 8))
        assert sorted(outcomes) == ["EntityAlreadyExists"] * 15 + ["ok"]
    assert len(shared_aws.calls.of(account=account, outcome="ok")) == 5


def test_many_threads_may_use_many_accounts_at_once(shared_aws: FrontDoor) -> None:
    accounts = [shared_aws.create_account() for _ in range(8)]

    def work(account: Account) -> Any:
        iam = account.client("iam")
        for number in range(10):
            create_role(iam, f"role-{number}", trusting({"AWS": account.account_id}))
            iam.tag_role(RoleName=f"role-{number}", Tags=[{"Key": "n", "Value": str(number)}])
        return len(iam.list_roles()["Roles"])

    with ThreadPoolExecutor(8) as threads:
        assert list(threads.map(work, accounts)) == [10] * 8


def test_two_front_doors_are_apart(aws: FrontDoor, shared_aws: FrontDoor) -> None:
    account = aws.create_account()
    create_role(account.client("iam"), "role", trusting("*"))
    twin = FrontDoor()
    with twin:
        other = twin.create_account(account_id=account.account_id)
        assert other.client("iam").list_roles()["Roles"] == []
    assert aws.endpoint_url != shared_aws.endpoint_url
