"""Which accounts the stacks of a stack set are made in, and by whom.

Source: "Create CloudFormation StackSets with service-managed permissions" in the CloudFormation user guide.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from botocore.exceptions import ClientError

from tests.aws.cloudformation.stack_sets.deployed import BY_HAND, REGION, ROLE, SET, SUCCEEDED, ids, roles, stacks

if TYPE_CHECKING:
    from sandbox.aws import FrontDoor, OrganizationBuilder
    from tests.aws.cloudformation.stack_sets.deployed import Deployed


def test_every_account_of_a_unit_and_of_those_below_it_gets_a_stack(
    company: OrganizationBuilder, sets: Deployed
) -> None:
    inside = [company.account("Workloads"), company.account("Workloads/Production/Europe")]
    outside = [company.account("Sandbox"), company.account()]
    sets.create()
    assert sets.deploy("Workloads")["Status"] == "SUCCEEDED"
    assert sets.instances() == dict.fromkeys(ids(*inside), SUCCEEDED)
    assert [roles(account) for account in inside] == [[ROLE]] * 2
    assert [roles(account) for account in outside] == [[]] * 2


def test_the_root_stands_for_every_account_but_the_management_account(
    company: OrganizationBuilder, sets: Deployed
) -> None:
    members = [company.account(), company.account("Workloads")]
    sets.create()
    sets.deploy("")
    assert sets.accounts() == ids(*members)
    assert roles(company.management) == []


def test_the_management_account_gets_no_stack_wherever_it_is(company: OrganizationBuilder, sets: Deployed) -> None:
    company.move(company.management, "Workloads")
    sets.create()
    assert sets.deploy("Workloads")["Status"] == "SUCCEEDED"
    assert sets.instances() == {}


def test_a_stack_is_seen_in_its_account(company: OrganizationBuilder, sets: Deployed) -> None:
    account = company.account("Workloads")
    sets.create(Tags=[{"Key": "team", "Value": "a"}])
    sets.deploy("Workloads")
    ((name, status),) = stacks(account)
    stack = account.client("cloudformation").describe_stacks(StackName=name)["Stacks"][0]
    assert re.fullmatch(rf"StackSet-{SET}-[0-9a-f-]{{36}}", name)
    assert status == "CREATE_COMPLETE"
    assert stack["StackId"] == sets.instance(account)["StackId"]
    assert stack["Tags"] == [{"Key": "team", "Value": "a"}]


def test_stacks_are_made_by_a_role_of_their_own_in_each_account(
    aws: FrontDoor, company: OrganizationBuilder, sets: Deployed
) -> None:
    account = company.account("Workloads")
    sets.create()
    sets.deploy("Workloads")
    (created,) = aws.calls.of(operation="CreateRole", account=account)
    assert re.match(
        rf"arn:aws:sts::{account.account_id}:assumed-role/stacksets-exec-[0-9a-f]{{32}}/", str(created.caller)
    )
    (execution,) = (name for name in account.client("iam").list_roles()["Roles"] if name["RoleName"] != ROLE)
    attached = account.client("iam").list_attached_role_policies(RoleName=execution["RoleName"])["AttachedPolicies"]
    assert [policy["PolicyName"] for policy in attached] == ["AdministratorAccess"]


def test_the_role_of_stack_sets_is_closed_to_the_management_account(
    company: OrganizationBuilder, sets: Deployed
) -> None:
    account = company.account("Workloads")
    sets.create()
    sets.deploy("Workloads")
    (execution,) = (role for role in account.client("iam").list_roles()["Roles"] if role["RoleName"] != ROLE)
    with pytest.raises(ClientError, match="AccessDenied"):
        company.management.client("sts").assume_role(RoleArn=execution["Arn"], RoleSessionName="administrator")


def test_an_instance_tells_where_it_belongs(company: OrganizationBuilder, sets: Deployed) -> None:
    account = company.account("Workloads/Production")
    stack_set_id = sets.create()
    operation = sets.deploy("Workloads")
    shown = sets.instance(account)
    assert shown["StackSetId"] == stack_set_id
    assert (shown["Account"], shown["Region"]) == (account.account_id, REGION)
    assert shown["OrganizationalUnitId"] == company.unit("Workloads").id
    assert shown["LastOperationId"] == operation["OperationId"]
    assert shown["StackInstanceStatus"] == {"DetailedStatus": "SUCCEEDED"}


def test_instances_are_deleted_with_their_stacks(company: OrganizationBuilder, sets: Deployed) -> None:
    account = company.account("Workloads")
    sets.create()
    sets.deploy("Workloads")
    assert sets.remove("Workloads")["Status"] == "SUCCEEDED"
    assert sets.instances() == {}
    assert (roles(account), stacks(account)[0][1]) == ([], "DELETE_COMPLETE")


def test_stacks_may_stay_when_their_instances_are_deleted(company: OrganizationBuilder, sets: Deployed) -> None:
    account = company.account("Workloads")
    sets.create()
    sets.deploy("Workloads")
    sets.remove("Workloads", RetainStacks=True)
    assert sets.instances() == {}
    assert (roles(account), stacks(account)[0][1]) == ([ROLE], "CREATE_COMPLETE")


def test_instances_of_one_unit_are_deleted_and_others_stay(company: OrganizationBuilder, sets: Deployed) -> None:
    kept, gone = company.account("Kept"), company.account("Gone")
    sets.create()
    sets.deploy("Kept", "Gone")
    sets.remove("Gone")
    assert sets.accounts() == ids(kept)
    assert (roles(kept), roles(gone)) == ([ROLE], [])


def test_an_account_that_has_left_is_reached_by_the_unit_it_was_in(
    company: OrganizationBuilder, sets: Deployed
) -> None:
    account = company.account("Workloads")
    sets.create(AutoDeployment=BY_HAND)
    sets.deploy("Workloads")
    company.remove(account)
    assert sets.remove("Workloads")["Status"] == "SUCCEEDED"
    assert (sets.instances(), roles(account)) == ({}, [])
