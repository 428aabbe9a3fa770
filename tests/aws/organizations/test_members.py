"""What member accounts see of their organization, and what it lets them do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from tests.aws.identities import create_role, trusting
from tests.aws.sessions import assume, client_for, session_key
from tests.aws.signed_requests import send, signed_headers

if TYPE_CHECKING:
    from collections.abc import Callable

    from sandbox.aws import Account, FrontDoor
    from sandbox.aws.organizations.organization import Organization, Unit

MANAGEMENT_ONLY: dict[str, Callable[[Any], Any]] = {
    "ListRoots": lambda org: org.list_roots(),
    "ListAccounts": lambda org: org.list_accounts(),
    "ListParents": lambda org: org.list_parents(ChildId="123456789012"),
    "ListAWSServiceAccessForOrganization": lambda org: org.list_aws_service_access_for_organization(),
    "EnableAWSServiceAccess": lambda org: org.enable_aws_service_access(ServicePrincipal="sso.amazonaws.com"),
    "CreateOrganizationalUnit": lambda org: org.create_organizational_unit(ParentId="r-abcd", Name="a"),
}


@pytest.fixture
def unit(organization: Organization) -> Unit:
    return organization.unit("Workloads")


@pytest.fixture
def member(aws: FrontDoor, organization: Organization, unit: Unit) -> Account:
    account = aws.create_account()
    organization.join(account, unit)
    return account


def code(call: Callable[[Any], Any], client: Any) -> str:
    with pytest.raises(ClientError) as caught:
        call(client)
    return str(caught.value.response["Error"]["Code"])


def test_a_member_is_told_what_it_belongs_to(organization: Organization, management: Account, member: Account) -> None:
    found = member.client("organizations").describe_organization()["Organization"]
    assert (found["Id"], found["MasterAccountId"]) == (organization.id, management.account_id)


@pytest.mark.parametrize("operation", MANAGEMENT_ONLY)
def test_a_member_is_denied_what_the_management_account_may(member: Account, operation: str) -> None:
    assert code(MANAGEMENT_ONLY[operation], member.client("organizations")) == "AccessDeniedException"


@pytest.mark.parametrize("operation", MANAGEMENT_ONLY)
def test_an_outsider_is_told_that_it_has_no_organization(aws: FrontDoor, operation: str) -> None:
    outsider = aws.create_account().client("organizations")
    assert code(MANAGEMENT_ONLY[operation], outsider) == "AWSOrganizationsNotInUseException"


def test_a_member_is_not_told_of_stacksets_access(member: Account) -> None:
    cfn = member.client("cloudformation")
    assert code(lambda client: client.describe_organizations_access(), cfn) == "ValidationError"


@pytest.mark.parametrize("status", ["ENABLED", "DISABLED", "DISABLED_PERMANENTLY"])
def test_stacksets_access_can_be_set(organization: Organization, management: Account, status: Any) -> None:
    organization.stacksets_access = status
    assert management.client("cloudformation").describe_organizations_access()["Status"] == status


def test_the_management_account_sees_members_and_where_they_are(
    organization: Organization, unit: Unit, management: Account, member: Account
) -> None:
    client = management.client("organizations")
    accounts = client.list_accounts_for_parent(ParentId=unit.id)["Accounts"]
    path = f"{organization.id}/{organization.root_id}/{unit.id}/{member.account_id}/"
    assert [(found["Id"], found["Paths"]) for found in accounts] == [(member.account_id, [path])]


def test_an_organization_is_one_of_the_accounts_that_belong_to_it(aws: FrontDoor, management: Account) -> None:
    aws.create_organization(management)
    with pytest.raises(ValueError, match="in an organization already"):
        aws.create_organization(management)


def test_accounts_come_in_pages(aws: FrontDoor, organization: Organization, management: Account) -> None:
    for _ in range(24):
        organization.join(aws.create_account())
    pages = list(management.client("organizations").get_paginator("list_accounts").paginate())
    assert [len(page["Accounts"]) for page in pages] == [20, 5]


def test_an_account_that_the_organization_makes_is_reached_by_its_access_role(
    aws: FrontDoor, organization: Organization, management: Account
) -> None:
    made = management.client("organizations").create_account(AccountName="made", Email="made@example.com")
    account_id = made["CreateAccountStatus"]["AccountId"]
    arn = f"arn:aws:iam::{account_id}:role/OrganizationAccountAccessRole"
    client = client_for(aws, session_key(assume(aws, management.credentials, arn)), "organizations")
    assert client.describe_organization()["Organization"]["Id"] == organization.id
    client.close()


def trusting_organization(aws: FrontDoor, organization: Organization, operator: str = "StringEquals") -> str:
    """A role outside the organization, open to everybody in it."""
    condition = {operator: {"aws:PrincipalOrgID": organization.id}}
    return create_role(aws.create_account().client("iam"), "open", trusting("*", condition))


def test_trust_in_an_organization_is_trust_in_each_of_its_members(
    aws: FrontDoor, organization: Organization, management: Account, member: Account
) -> None:
    role = trusting_organization(aws, organization)
    assert assume(aws, management.credentials, role)
    assert assume(aws, member.credentials, role)


def test_trust_in_an_organization_is_no_trust_in_others(aws: FrontDoor, organization: Organization) -> None:
    role = trusting_organization(aws, organization)
    outsider, stranger = aws.create_account(), aws.create_account()
    aws.create_organization(stranger)
    for account in (outsider, stranger):
        with pytest.raises(ClientError, match="AccessDenied"):
            assume(aws, account.credentials, role)


def test_trust_in_an_organization_ends_when_a_member_leaves(
    aws: FrontDoor, organization: Organization, member: Account
) -> None:
    role = trusting_organization(aws, organization)
    organization.leave(member)
    with pytest.raises(ClientError, match="AccessDenied"):
        assume(aws, member.credentials, role)


def test_trust_may_be_in_a_part_of_an_organization(
    aws: FrontDoor, organization: Organization, unit: Unit, management: Account, member: Account
) -> None:
    path = f"{organization.id}/{organization.root_id}/{unit.id}/*"
    condition = {"ForAnyValue:StringLike": {"aws:PrincipalOrgPaths": path}}
    role = create_role(aws.create_account().client("iam"), "open", trusting("*", condition))
    assert assume(aws, member.credentials, role)
    with pytest.raises(ClientError, match="AccessDenied"):
        assume(aws, management.credentials, role)


def test_a_reset_forgets_organizations(aws: FrontDoor, organization: Organization) -> None:
    aws.reset()
    client = aws.create_account(account_id=organization.management_account_id).client("organizations")
    assert code(lambda org: org.describe_organization(), client) == "AWSOrganizationsNotInUseException"


@pytest.mark.parametrize(
    ("body", "refusal"),
    [
        ('{"MaxResults": "two"}', "SerializationException"),
        ('{"Other": 1}', "NotModelled"),
        ("[1", "SerializationException"),
        ('{"MaxResults": 21}', "ValidationException"),
    ],
)
def test_a_json_body_that_does_not_fit_is_refused(
    aws: FrontDoor, organization: Organization, management: Account, body: str, refusal: str
) -> None:

    kind = {"Content-Type": "application/x-amz-json-1.1", "X-Amz-Target": "AWSOrganizationsV20161128.ListRoots"}
    headers = signed_headers(aws.endpoint_url, management.credentials, body, "organizations", headers=kind)
    assert send(aws, body, headers).headers["x-amzn-errortype"] == refusal
    assert organization.id
