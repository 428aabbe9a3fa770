from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from botocore.exceptions import ClientError

from sandbox.aws import OrganizationBuilder

if TYPE_CHECKING:
    from sandbox.aws import Account, FrontDoor


def path_of(builder: OrganizationBuilder, account: Account) -> str:
    """Where an account is, by the names of the units that hold it."""
    organization = builder.organization
    *units, _root = organization.ancestors(account.account_id)
    return "/".join(organization.units[unit].name for unit in reversed(units))


def test_an_organization_is_made_in_three_lines(aws: FrontDoor) -> None:
    builder = OrganizationBuilder(aws)
    account = builder.account("Workloads/Production")
    builder.move(account, "Sandbox")
    assert path_of(builder, account) == "Sandbox"
    assert builder.management.client("cloudformation").describe_organizations_access()["Status"] == "ENABLED"


def test_units_are_made_with_those_above_them_each_once(aws: FrontDoor) -> None:
    builder = OrganizationBuilder(aws)
    builder.unit("Workloads/Production")
    builder.unit("Workloads/Test")
    assert sorted(unit.name for unit in builder.organization.units.values()) == ["Production", "Test", "Workloads"]


def test_accounts_are_below_the_root_when_no_unit_is_named(aws: FrontDoor) -> None:
    builder = OrganizationBuilder(aws)
    account = builder.account()
    assert path_of(builder, account) == ""
    builder.move(account, "Workloads")
    builder.move(account)
    assert path_of(builder, account) == ""


def test_an_organization_may_be_made_around_an_account(aws: FrontDoor) -> None:
    account = aws.create_account("aws-us-gov")
    builder = OrganizationBuilder(aws, management=account)
    assert builder.organization.management_account_id == account.account_id
    assert [member.partition for member in builder.accounts("Workloads", 2)] == ["aws-us-gov"] * 2


def test_an_account_that_is_removed_has_no_organization(aws: FrontDoor) -> None:
    builder = OrganizationBuilder(aws)
    account = builder.account("Workloads")
    builder.remove(account)
    with pytest.raises(ClientError, match="AWSOrganizationsNotInUseException"):
        account.client("organizations").describe_organization()


def test_an_account_that_is_suspended_is_listed_as_such(aws: FrontDoor) -> None:
    builder = OrganizationBuilder(aws)
    account = builder.account("Workloads")
    builder.suspend(account)
    listed = builder.management.client("organizations").list_accounts()["Accounts"]
    assert {one["Id"]: one["Status"] for one in listed} == {
        builder.management.account_id: "ACTIVE",
        account.account_id: "SUSPENDED",
    }


def test_every_movement_is_remembered(aws: FrontDoor) -> None:
    builder = OrganizationBuilder(aws)
    account = builder.account("Workloads/Production")
    builder.move(account, "Sandbox")
    builder.remove(account)
    root, unit = builder.organization.root_id, builder.unit
    production = (unit("Workloads/Production").id, unit("Workloads").id, root)
    sandbox = (unit("Sandbox").id, root)
    mine = [one for one in builder.organization.movements if one.account_id == account.account_id]
    assert [(one.before, one.after) for one in mine] == [((), production), (production, sandbox), (sandbox, ())]
