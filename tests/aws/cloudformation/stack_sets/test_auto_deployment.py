"""Stacks that follow the accounts of an organization.

Source: "Enable or disable automatic deployments for StackSets in AWS Organizations" in the CloudFormation user guide.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.aws.cloudformation.stack_sets.deployed import (
    BY_HAND,
    ROLE,
    SET,
    SUCCEEDED,
    ids,
    member_template,
    obstruct,
    roles,
    stacks,
)
from tests.aws.cloudformation.templates import NAMED, given

if TYPE_CHECKING:
    from collections.abc import Callable

    from sandbox.aws import Account, OrganizationBuilder
    from tests.aws.cloudformation.stack_sets.deployed import Deployed

RETAINING = {"Enabled": True, "RetainStacksOnAccountRemoval": True}


def test_an_account_that_joins_a_target_gets_a_stack(company: OrganizationBuilder, sets: Deployed) -> None:
    company.unit("Workloads/Production")
    sets.create()
    sets.deploy("Workloads")
    account = company.account("Workloads/Production")
    sets.wait()
    assert (sets.instances(), roles(account)) == ({account.account_id: SUCCEEDED}, [ROLE])
    assert sets.actions() == [("CREATE", "SUCCEEDED")] * 2


def test_an_account_that_the_organization_makes_gets_a_stack(company: OrganizationBuilder, sets: Deployed) -> None:
    sets.create()
    sets.deploy("")
    made = company.management.client("organizations").create_account(AccountName="new", Email="new@example.com")
    sets.wait()
    assert sets.instances() == {made["CreateAccountStatus"]["AccountId"]: SUCCEEDED}


def test_an_account_that_moves_into_a_target_gets_a_stack(company: OrganizationBuilder, sets: Deployed) -> None:
    account = company.account("Sandbox")
    sets.create()
    sets.deploy("Workloads")
    places = {"SourceParentId": company.unit("Sandbox").id, "DestinationParentId": company.unit("Workloads").id}
    company.management.client("organizations").move_account(AccountId=account.account_id, **places)
    sets.wait()
    assert sets.instances() == {account.account_id: SUCCEEDED}


def move_out(company: OrganizationBuilder, account: Account) -> None:
    company.move(account, "Sandbox")


def leave(company: OrganizationBuilder, account: Account) -> None:
    company.remove(account)


@pytest.mark.parametrize("go", [move_out, leave])
def test_an_account_that_goes_loses_its_stack(
    company: OrganizationBuilder, sets: Deployed, go: Callable[[OrganizationBuilder, Account], None]
) -> None:
    account = company.account("Workloads")
    sets.create()
    sets.deploy("Workloads")
    go(company, account)
    sets.wait()
    assert (sets.instances(), roles(account)) == ({}, [])
    assert sets.actions()[-1] == ("DELETE", "SUCCEEDED")


@pytest.mark.parametrize("go", [move_out, leave])
def test_an_account_that_goes_may_keep_its_stack(
    company: OrganizationBuilder, sets: Deployed, go: Callable[[OrganizationBuilder, Account], None]
) -> None:
    account = company.account("Workloads")
    sets.create(AutoDeployment=RETAINING)
    sets.deploy("Workloads")
    go(company, account)
    sets.wait()
    assert (sets.instances(), roles(account)) == ({}, [ROLE])
    assert sets.latest()["Action"] == "DELETE"


def test_an_account_that_moves_between_stack_sets_changes_its_stack(
    company: OrganizationBuilder, sets: Deployed
) -> None:
    account = company.account("First")
    sets.create()
    sets.create(member_template("other"), StackSetName="other")
    sets.deploy("First")
    other = sets.begin("create_stack_instances", "Second", StackSetName="other")
    sets.wait()
    company.move(account, "Second")
    sets.wait()
    assert sets.cfn.describe_stack_set_operation(StackSetName="other", OperationId=other)
    assert roles(account) == ["other"]


def test_an_account_that_moves_within_a_target_keeps_its_stack(company: OrganizationBuilder, sets: Deployed) -> None:
    account = company.account("Workloads/Test")
    sets.create()
    sets.deploy("Workloads")
    before = stacks(account)
    company.move(account, "Workloads/Production")
    sets.wait()
    assert (stacks(account), sets.actions()) == (before, [("CREATE", "SUCCEEDED")])


def test_accounts_are_not_followed_unless_it_is_wanted(company: OrganizationBuilder, sets: Deployed) -> None:
    present = company.account("Workloads")
    sets.create(AutoDeployment=BY_HAND)
    sets.deploy("Workloads")
    company.account("Workloads")
    company.move(present, "Sandbox")
    sets.wait()
    assert sets.accounts() == ids(present)
    assert len(sets.actions()) == 1


def test_accounts_that_came_before_it_was_wanted_are_not_followed(company: OrganizationBuilder, sets: Deployed) -> None:
    sets.create(AutoDeployment=BY_HAND)
    sets.deploy("Workloads")
    company.account("Workloads")
    sets.update(AutoDeployment={"Enabled": True})
    late = company.account("Workloads")
    sets.wait()
    assert sets.accounts() == ids(late)


def test_accounts_are_not_followed_into_units_that_are_no_targets_any_more(
    company: OrganizationBuilder, sets: Deployed
) -> None:
    sets.create()
    sets.deploy("Workloads")
    sets.remove("Workloads")
    company.account("Workloads")
    sets.wait()
    assert sets.instances() == {}


def test_accounts_are_followed_although_single_ones_were_meant(company: OrganizationBuilder, sets: Deployed) -> None:
    first, second = company.accounts("Workloads", 2)
    sets.create()
    only = {"Accounts": [first.account_id], "AccountFilterType": "INTERSECTION"}
    sets.deploy(DeploymentTargets={**sets.targets("Workloads"), **only})
    assert sets.accounts() == ids(first)
    late = company.account("Workloads")
    sets.wait()
    assert sets.accounts() == ids(first, late)
    assert second.account_id not in sets.accounts()


def test_the_management_account_is_not_followed(company: OrganizationBuilder, sets: Deployed) -> None:
    sets.create()
    sets.deploy("Workloads")
    company.move(company.management, "Workloads")
    sets.wait()
    assert sets.instances() == {}


def test_an_account_that_comes_later_has_the_stack_sets_own_values(
    company: OrganizationBuilder, sets: Deployed
) -> None:
    early = company.account("Workloads")
    parameters = '{"Parameters": {"Name": {"Type": "String", "Default": "default"}}, '
    sets.create(parameters + member_template({"Ref": "Name"})[1:])
    sets.deploy("Workloads", ParameterOverrides=given(Name="override"))
    late = company.account("Workloads")
    sets.wait()
    assert (roles(early), roles(late)) == (["override"], ["default"])


def test_an_account_that_comes_during_an_operation_waits_for_its_end(
    company: OrganizationBuilder, sets: Deployed
) -> None:
    company.account("Workloads")
    sets.create()
    operation = sets.begin("create_stack_instances", "Workloads")
    sets.clock.advance(10)
    late = company.account("Workloads")
    assert [one["Status"] for one in sets.cfn.list_stack_set_operations(StackSetName=SET)["Summaries"]] == [
        "QUEUED",
        "RUNNING",
    ]
    assert sets.instances()[late.account_id] == ("OUTDATED", "PENDING")
    sets.finish(operation)
    assert sets.instances()[late.account_id] == SUCCEEDED


def test_an_account_that_goes_and_comes_back_at_once_has_a_stack_again(
    company: OrganizationBuilder, sets: Deployed
) -> None:
    account = company.account("Workloads")
    sets.create()
    sets.deploy("Workloads")
    sets.cfn.update_stack_set(StackSetName=SET, UsePreviousTemplate=True, Capabilities=NAMED)
    company.move(account, "Sandbox")
    company.move(account, "Workloads")
    sets.wait()
    assert sets.actions() == [(action, "SUCCEEDED") for action in ("CREATE", "UPDATE", "DELETE", "CREATE")]
    assert (sets.instances(), roles(account)) == ({account.account_id: SUCCEEDED}, [ROLE])


def test_an_account_that_comes_and_fails_does_not_disturb_the_others(
    company: OrganizationBuilder, sets: Deployed
) -> None:
    good = company.account("Workloads")
    sets.create()
    sets.deploy("Workloads")
    bad = company.account("Sandbox")
    obstruct(bad)
    company.move(bad, "Workloads")
    sets.wait()
    assert sets.instances() == {good.account_id: SUCCEEDED, bad.account_id: ("OUTDATED", "FAILED")}
    assert sets.actions() == [("CREATE", "SUCCEEDED"), ("CREATE", "FAILED")]


def test_accounts_are_not_followed_without_access_to_the_organization(
    company: OrganizationBuilder, sets: Deployed
) -> None:
    sets.create()
    sets.deploy("Workloads")
    sets.cfn.deactivate_organizations_access()
    company.account("Workloads")
    sets.wait()
    assert sets.instances() == {}


def test_automatic_deployment_begins_when_the_account_came(company: OrganizationBuilder, sets: Deployed) -> None:
    sets.create()
    sets.deploy("Workloads")
    company.account("Workloads")
    moved = sets.clock()
    sets.clock.advance(600)
    assert (moved - sets.latest()["CreationTimestamp"]).total_seconds() < 1
    assert sets.latest()["Status"] == "SUCCEEDED"


def test_automatic_deployment_is_changed_by_an_update(company: OrganizationBuilder, sets: Deployed) -> None:
    sets.create(AutoDeployment=BY_HAND)
    sets.cfn.update_stack_set(StackSetName=SET, UsePreviousTemplate=True, Capabilities=NAMED, AutoDeployment=RETAINING)
    assert sets.cfn.describe_stack_set(StackSetName=SET)["StackSet"]["AutoDeployment"] == RETAINING
    assert company.organization.id
