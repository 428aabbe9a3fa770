"""Whether an organization has IAM Identity Center shows to those who administer it.

Source: IAM Identity Center API reference, `ListInstances`; Organizations API reference, `ListDelegatedAdministrators`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from sandbox.aws.identity_center.instance import Instance

if TYPE_CHECKING:
    from sandbox.aws import Account, FrontDoor
    from sandbox.aws.organizations.organization import Organization

SERVICE = "sso.amazonaws.com"
ELSEWHERE = "eu-north-1"


@pytest.fixture
def member(aws: FrontDoor, organization: Organization) -> Account:
    account = aws.create_account()
    organization.join(account)
    return account


def instances(account: Account, **scope: str) -> Any:
    return account.client("sso-admin").list_instances(**scope)["Instances"]


def administrators(account: Account, **which: str) -> list[str]:
    found = account.client("organizations").list_delegated_administrators(**which)["DelegatedAdministrators"]
    return [one["Id"] for one in found]


def test_an_organization_has_no_instance_at_first(management: Account, organization: Organization) -> None:
    assert organization.identity_center is None
    assert instances(management, RegionScope="ALL_REGIONS") == []


def test_an_account_outside_of_organizations_has_none(aws: FrontDoor) -> None:
    assert instances(aws.create_account()) == []


def test_the_management_account_sees_the_instance_in_its_region(
    management: Account, organization: Organization
) -> None:
    organization.identity_center = Instance(management.region)

    (seen,) = instances(management)

    assert seen["InstanceArn"] == f"arn:aws:sso:::instance/{organization.identity_center.id}"
    assert (seen["OwnerAccountId"], seen["Status"]) == (management.account_id, "ACTIVE")


def test_an_instance_elsewhere_shows_only_to_who_asks_for_all_regions(
    management: Account, organization: Organization
) -> None:
    organization.identity_center = Instance(ELSEWHERE)

    assert instances(management) == instances(management, RegionScope="CURRENT_REGION") == []
    assert [one["PrimaryRegion"] for one in instances(management, RegionScope="ALL_REGIONS")] == [ELSEWHERE]


def test_a_member_sees_the_instance_once_it_administers_it(
    management: Account, organization: Organization, member: Account
) -> None:
    organization.identity_center = Instance(management.region)
    assert instances(member) == []

    organization.delegate(SERVICE, member)

    assert instances(member) == instances(management)


def test_administrators_are_listed_by_service(management: Account, organization: Organization, member: Account) -> None:
    assert administrators(management) == []

    organization.delegate(SERVICE, member)

    assert administrators(management) == administrators(management, ServicePrincipal=SERVICE) == [member.account_id]
    assert administrators(management, ServicePrincipal="config.amazonaws.com") == []


def test_a_member_may_not_list_administrators(member: Account) -> None:
    with pytest.raises(ClientError, match="AccessDeniedException"):
        administrators(member)
