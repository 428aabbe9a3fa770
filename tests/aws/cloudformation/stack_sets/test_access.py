"""Who may operate stack sets with service-managed permissions.

Source: "Activate trusted access for StackSets with AWS Organizations" in the CloudFormation user guide; the words are
those of the service, as reported in pepperize/cdk-organizations and cloudformation-coverage-roadmap on GitHub.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from tests.aws.cloudformation.stack_sets.deployed import SET, Deployed, ids, roles
from tests.aws.cloudformation.templates import NAMED

if TYPE_CHECKING:
    from collections.abc import Callable

    from sandbox.aws import FrontDoor, ManualClock, OrganizationBuilder

NOT_ENABLED = "You must enable organizations access to operate a service managed stack set"
NOT_MANAGEMENT = "You must be the management account or delegated admin account of an organization"
PRINCIPAL = "member.org.stacksets.cloudformation.amazonaws.com"
OPERATIONS: dict[str, Callable[[Deployed], Any]] = {
    "CreateStackInstances": lambda sets: sets.begin("create_stack_instances", "Workloads"),
    "UpdateStackInstances": lambda sets: sets.begin("update_stack_instances", "Workloads"),
    "DeleteStackInstances": lambda sets: sets.begin("delete_stack_instances", "Workloads", RetainStacks=False),
    "UpdateStackSet": lambda sets: sets.cfn.update_stack_set(
        StackSetName=SET, UsePreviousTemplate=True, Capabilities=NAMED
    ),
    "CreateStackSet": lambda sets: sets.create(StackSetName="other"),
}


@pytest.mark.parametrize("operation", OPERATIONS)
def test_nothing_is_operated_while_access_to_the_organization_is_off(
    company: OrganizationBuilder, sets: Deployed, operation: str
) -> None:
    account = company.account("Workloads")
    sets.create()
    sets.deploy("Workloads")
    sets.cfn.deactivate_organizations_access()
    with pytest.raises(ClientError, match=NOT_ENABLED) as caught:
        OPERATIONS[operation](sets)
    assert caught.value.response["Error"]["Code"] == "ValidationError"
    assert sets.accounts() == ids(account)


def test_trusted_access_given_in_organizations_alone_is_not_enough(
    company: OrganizationBuilder, sets: Deployed
) -> None:
    sets.cfn.deactivate_organizations_access()
    organizations = company.management.client("organizations")
    organizations.enable_aws_service_access(ServicePrincipal=PRINCIPAL)
    listed = organizations.list_aws_service_access_for_organization()["EnabledServicePrincipals"]
    assert [one["ServicePrincipal"] for one in listed] == [PRINCIPAL]
    with pytest.raises(ClientError, match=NOT_ENABLED):
        sets.create()


def test_stack_sets_can_be_read_while_access_is_off(company: OrganizationBuilder, sets: Deployed) -> None:
    account = company.account("Workloads")
    sets.create()
    sets.deploy("Workloads")
    sets.cfn.deactivate_organizations_access()
    assert sets.accounts() == ids(account)
    assert sets.cfn.describe_stack_set(StackSetName=SET)["StackSet"]["Status"] == "ACTIVE"


def test_a_member_operates_no_stack_set(aws: FrontDoor, company: OrganizationBuilder, sets: Deployed) -> None:
    for account in (company.account("Workloads"), aws.create_account()):
        with pytest.raises(ClientError, match=NOT_MANAGEMENT):
            account.client("cloudformation").create_stack_set(
                StackSetName=SET, PermissionModel="SERVICE_MANAGED", TemplateBody="{}"
            )
    sets.create()


def test_a_member_does_not_see_the_stack_sets_that_reach_it(company: OrganizationBuilder, sets: Deployed) -> None:
    account = company.account("Workloads")
    sets.create()
    sets.deploy("Workloads")
    cfn = account.client("cloudformation")
    assert cfn.list_stack_sets()["Summaries"] == []
    with pytest.raises(ClientError, match=f"StackSet {SET} not found"):
        cfn.list_stack_instances(StackSetName=SET)


def test_stack_sets_live_in_a_region(aws: FrontDoor, company: OrganizationBuilder, sets: Deployed) -> None:
    sets.create()
    elsewhere = aws.client("cloudformation", "eu-west-1", company.management.credentials)
    assert elsewhere.list_stack_sets()["Summaries"] == []


def test_organizations_do_not_reach_each_other(aws: FrontDoor, company: OrganizationBuilder, sets: Deployed) -> None:
    mine = company.account("Workloads")
    other = type(company)(aws)
    theirs = other.account("Workloads")
    sets.create()
    with pytest.raises(ClientError, match="do not exist in the organization"):
        sets.begin("create_stack_instances", DeploymentTargets={"OrganizationalUnitIds": [other.unit("Workloads").id]})
    sets.deploy("")
    assert sets.accounts() == ids(mine)
    assert roles(theirs) == []


def test_a_reset_forgets_stack_sets(
    aws: FrontDoor, company: OrganizationBuilder, sets: Deployed, clock: ManualClock
) -> None:
    company.account("Workloads")
    sets.create()
    sets.begin("create_stack_instances", "Workloads")
    aws.reset()
    anew = Deployed(type(company)(aws), clock)
    anew.wait()
    assert anew.cfn.list_stack_sets()["Summaries"] == []
