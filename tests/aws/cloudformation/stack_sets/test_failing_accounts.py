"""Accounts in which a stack cannot be made, changed or deleted.

Source: "StackSets concepts", "Troubleshooting StackSets" and "Delete stacks from StackSets" in the CloudFormation user
guide, `StackInstance` in the API reference, and the AWS knowledge center on stack sets in suspended accounts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from botocore.exceptions import ClientError

from sandbox.aws import Fault, LostResponse, Refusal, access_denied
from tests.aws.cloudformation.stack_sets.deployed import (
    READ_ONLY,
    ROLE,
    SET,
    SUCCEEDED,
    ids,
    member_template,
    obstruct,
    roles,
    stacks,
)
from tests.aws.cloudformation.templates import failing_role, template

if TYPE_CHECKING:
    from sandbox.aws import Account, FrontDoor, OrganizationBuilder
    from tests.aws.cloudformation.stack_sets.deployed import Deployed

SUSPENDED = (
    "This account is suspended. To remove this instance from the stack set, run DeleteStackInstances with the"
    " RetainStacks parameter."
)


def execution_role(account: Account) -> str:
    names = [role["RoleName"] for role in account.client("iam").list_roles()["Roles"]]
    return next(name for name in names if name.startswith("stacksets-exec-"))


def delete_execution_role(account: Account) -> str:
    iam, name = account.client("iam"), execution_role(account)
    iam.detach_role_policy(RoleName=name, PolicyArn="arn:aws:iam::aws:policy/AdministratorAccess")
    iam.delete_role(RoleName=name)
    return name


def test_a_resource_that_cannot_be_made_is_the_instances_reason(company: OrganizationBuilder, sets: Deployed) -> None:
    account = company.account("Workloads")
    sets.create(template({"Role": failing_role(ROLE)}))
    operation = sets.deploy("Workloads")
    reason = sets.instance(account)["StatusReason"]
    assert reason.startswith(
        "ResourceLogicalId:Role, ResourceType:AWS::IAM::Role, ResourceStatusReason:Resource handler"
    )
    assert "Invalid principal in policy" in reason
    assert sets.results(operation["OperationId"])[account.account_id] == ("FAILED", reason)
    assert stacks(account)[0][1] == "ROLLBACK_COMPLETE"


def test_a_name_that_is_taken_is_the_instances_reason(company: OrganizationBuilder, sets: Deployed) -> None:
    account = company.account("Workloads")
    obstruct(account)
    sets.create()
    sets.deploy("Workloads")
    assert sets.instance(account)["StatusReason"] == (
        "ResourceLogicalId:Role, ResourceType:AWS::IAM::Role, ResourceStatusReason:Resource of type 'AWS::IAM::Role'"
        f" with identifier '{ROLE}' already exists."
    )


def test_a_service_that_refuses_is_the_instances_reason_and_there_is_no_stack(
    aws: FrontDoor, company: OrganizationBuilder, sets: Deployed
) -> None:
    account = company.account("Workloads")
    aws.faults.add(Fault(access_denied("a policy of the organization denies it"), operation="CreateStack"))
    sets.create()
    sets.deploy("Workloads")
    shown = sets.instance(account)
    assert shown["StatusReason"] == "a policy of the organization denies it"
    assert "StackId" not in shown


def test_an_answer_that_is_lost_makes_no_second_stack(
    aws: FrontDoor, company: OrganizationBuilder, sets: Deployed
) -> None:
    account = company.account("Workloads")
    aws.faults.add(Fault(LostResponse(), operation="CreateStack", times=1))
    sets.create()
    assert sets.deploy("Workloads")["Status"] == "SUCCEEDED"
    assert len(stacks(account)) == 1


def test_an_account_without_the_role_of_stack_sets_fails(company: OrganizationBuilder, sets: Deployed) -> None:
    account = company.account("Workloads")
    sets.create()
    sets.deploy("Workloads")
    name = delete_execution_role(account)
    assert sets.update(member_template(Description="new"))["Status"] == "FAILED"
    assert sets.instance(account)["StatusReason"] == (
        f"Account {account.account_id} should have '{name}' role with trust relationship to Role"
        " 'aws-service-role/stacksets.cloudformation.amazonaws.com/AWSServiceRoleForCloudFormationStackSetsOrgAdmin'."
    )


def test_a_failed_instance_is_made_when_it_is_tried_again(company: OrganizationBuilder, sets: Deployed) -> None:
    account = company.account("Workloads")
    obstruct(account)
    sets.create()
    sets.deploy("Workloads")
    account.client("iam").delete_role(RoleName=ROLE)
    assert sets.deploy("Workloads")["Status"] == "SUCCEEDED"
    assert sets.instances() == {account.account_id: SUCCEEDED}
    assert [status for _, status in stacks(account)] == ["CREATE_COMPLETE", "DELETE_COMPLETE"]


def test_a_stack_that_was_deleted_by_hand_is_made_anew(company: OrganizationBuilder, sets: Deployed) -> None:
    account = company.account("Workloads")
    sets.create()
    sets.deploy("Workloads")
    account.client("cloudformation").delete_stack(StackName=sets.instance(account)["StackId"])
    sets.wait()
    assert roles(account) == []
    assert sets.update()["Status"] == "SUCCEEDED"
    assert roles(account) == [ROLE]


def test_a_deletion_that_fails_leaves_the_instance_inoperable(company: OrganizationBuilder, sets: Deployed) -> None:
    account = company.account("Workloads")
    sets.create()
    sets.deploy("Workloads")
    account.client("iam").attach_role_policy(RoleName=ROLE, PolicyArn=READ_ONLY)
    assert sets.remove("Workloads")["Status"] == "FAILED"
    assert sets.instances() == {account.account_id: ("INOPERABLE", "INOPERABLE")}
    assert "must detach all policies first" in sets.instance(account)["StatusReason"]
    assert stacks(account)[0][1] == "DELETE_FAILED"


def test_an_inoperable_instance_is_not_updated(company: OrganizationBuilder, sets: Deployed) -> None:
    account = company.account("Workloads")
    sets.create()
    sets.deploy("Workloads")
    account.client("iam").attach_role_policy(RoleName=ROLE, PolicyArn=READ_ONLY)
    sets.remove("Workloads")
    operation = sets.update(member_template(Description="new"))
    assert (operation["Status"], sets.results(operation["OperationId"])) == ("SUCCEEDED", {})
    assert sets.instances() == {account.account_id: ("INOPERABLE", "INOPERABLE")}


def test_an_inoperable_instance_is_forgotten_when_its_stack_is_to_stay(
    company: OrganizationBuilder, sets: Deployed
) -> None:
    account = company.account("Workloads")
    sets.create()
    sets.deploy("Workloads")
    account.client("iam").attach_role_policy(RoleName=ROLE, PolicyArn=READ_ONLY)
    sets.remove("Workloads")
    assert sets.remove("Workloads", RetainStacks=True)["Status"] == "SUCCEEDED"
    assert (sets.instances(), stacks(account)[0][1]) == ({}, "DELETE_FAILED")


def test_a_stack_that_its_account_protects_cannot_be_deleted(company: OrganizationBuilder, sets: Deployed) -> None:
    account = company.account("Workloads")
    sets.create()
    sets.deploy("Workloads")
    stack = sets.instance(account)["StackId"]
    account.client("cloudformation").update_termination_protection(StackName=stack, EnableTerminationProtection=True)
    sets.remove("Workloads")
    assert "cannot be deleted while TerminationProtection is enabled" in sets.instance(account)["StatusReason"]


def test_a_suspended_account_is_skipped_and_is_no_failure(company: OrganizationBuilder, sets: Deployed) -> None:
    suspended, active = company.accounts("Workloads", 2)
    company.suspend(suspended)
    sets.create()
    operation = sets.deploy("Workloads")
    assert (operation["Status"], operation["StatusDetails"]) == ("SUCCEEDED", {"FailedStackInstancesCount": 0})
    assert sets.instances() == {
        suspended.account_id: ("OUTDATED", "SKIPPED_SUSPENDED_ACCOUNT"),
        active.account_id: SUCCEEDED,
    }
    assert sets.instance(suspended)["StatusReason"] == SUSPENDED
    assert set(sets.results(operation["OperationId"])) == ids(active)


def test_a_stack_in_a_suspended_account_stays_as_it_is(company: OrganizationBuilder, sets: Deployed) -> None:
    account = company.account("Workloads")
    sets.create()
    sets.deploy("Workloads")
    company.suspend(account)
    assert sets.update(member_template("renamed"))["Status"] == "SUCCEEDED"
    assert sets.remove("Workloads")["Status"] == "SUCCEEDED"
    assert sets.instances() == {account.account_id: ("OUTDATED", "SKIPPED_SUSPENDED_ACCOUNT")}
    assert roles(account) == [ROLE]


def test_a_stack_set_is_emptied_of_suspended_accounts_by_leaving_their_stacks(
    company: OrganizationBuilder, sets: Deployed
) -> None:
    suspended, active = company.accounts("Workloads", 2)
    sets.create()
    sets.deploy("Workloads")
    company.suspend(suspended)
    sets.remove("Workloads")
    with pytest.raises(ClientError, match="StackSetNotEmptyException"):
        sets.cfn.delete_stack_set(StackSetName=SET)
    only = {"Accounts": [suspended.account_id], "AccountFilterType": "INTERSECTION"}
    sets.remove(DeploymentTargets={**sets.targets("Workloads"), **only}, RetainStacks=True)
    sets.cfn.delete_stack_set(StackSetName=SET)
    assert (roles(suspended), roles(active)) == ([ROLE], [])


def test_single_accounts_can_be_left_out(company: OrganizationBuilder, sets: Deployed) -> None:
    kept, left_out = company.accounts("Workloads", 2)
    sets.create()
    but = {"Accounts": [left_out.account_id], "AccountFilterType": "DIFFERENCE"}
    sets.deploy(DeploymentTargets={**sets.targets("Workloads"), **but})
    assert sets.accounts() == ids(kept)


def test_an_account_that_throttles_once_is_no_failure(
    aws: FrontDoor, company: OrganizationBuilder, sets: Deployed
) -> None:
    account = company.account("Workloads")
    aws.faults.add(Fault(Refusal("Throttling", "Rate exceeded"), operation="CreateStack", times=2))
    sets.create()
    assert sets.deploy("Workloads")["Status"] == "SUCCEEDED"
    assert sets.instances() == {account.account_id: SUCCEEDED}
