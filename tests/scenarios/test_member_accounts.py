"""Member accounts: one manifest lays a role in each account below the unit, and takes it away again."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from botocore.exceptions import ClientError

from sandbox.aws import Account
from tests.aws.sessions import assume, session_key
from tests.scenarios.conftest import StartOrganization
from tests.scenarios.organization import OrganizationScenario
from tests.scenarios.scenario import NAME, condition_of
from tests.waiting import PATIENCE, until


def a_member(scenario: OrganizationScenario) -> Account:
    """An account in the unit that connectors manage."""
    account = scenario.aws.create_account()
    scenario.organization.join(account, scenario.managed.unit)
    return account


def look_again(scenario: OrganizationScenario, when: str) -> None:
    scenario.cluster.patch("AponoConnector", NAME, {"metadata": {"annotations": {"apono.io/reconcile-at": when}}})


@contextmanager
def granting(scenario: OrganizationScenario, *units: str) -> Iterator[None]:
    """Restart the operator with other units in its entry of the management account."""
    scenario.operator.stop()
    entry = {**scenario.entry, "allowedUnits": list(units)}
    with scenario.installation.start(APONO_OPERATOR_MANAGEMENT_ACCOUNTS=json.dumps([entry])):
        yield


def blocked(scenario: OrganizationScenario) -> str:
    """Delete the connector, and wait until it is told what blocks that."""
    scenario.cluster.delete("AponoConnector", NAME)
    connector = scenario.condition("DeletionBlocked", "True", "StackFailed", seconds=PATIENCE)
    return str(condition_of(connector, "DeletionBlocked")["message"])


@pytest.fixture(scope="module")
def laid(shared_organization: OrganizationScenario) -> tuple[OrganizationScenario, Account]:
    """A connector that is Ready, and a member account besides the cluster's."""
    member = a_member(shared_organization)
    shared_organization.apply_ready()
    shared_organization.members_are("MemberRolesCurrent", current=2)
    return shared_organization, member


def test_each_account_below_the_unit_has_the_role_and_the_management_account_has_not(
    laid: tuple[OrganizationScenario, Account],
) -> None:
    scenario, member = laid

    assert len(scenario.member_roles(member)) == len(scenario.member_roles(scenario.account)) == 1
    assert scenario.member_roles(scenario.management) == []
    assert condition_of(scenario.connector(), "MemberAccountsReady")["status"] == "True"


def test_the_chain_leads_from_the_connector_to_the_management_account_and_to_each_member(
    laid: tuple[OrganizationScenario, Account],
) -> None:
    scenario, member = laid
    connector, management_role = scenario.as_connector(), scenario.connector()["status"]["managementAccountRoleArn"]

    through = session_key(assume(scenario.aws, connector, management_role))

    assert assume(scenario.aws, connector, scenario.member_role_arn(member))
    assert assume(scenario.aws, through, scenario.member_role_arn(member))


def test_nobody_else_becomes_the_role_of_a_member(laid: tuple[OrganizationScenario, Account]) -> None:
    scenario, member = laid
    arn = scenario.member_role_arn(member)
    other = scenario.as_connector(scenario.apply_ready("other"))
    strangers = [one.credentials for one in (scenario.account, scenario.management, scenario.aws.create_account())]

    for who in (other, *strangers):
        with pytest.raises(ClientError, match="AccessDenied"):
            assume(scenario.aws, who, arn)


def test_accounts_that_come_and_go_show_by_themselves(organization: OrganizationScenario) -> None:
    organization.apply_ready()
    organization.members_are("MemberRolesCurrent", current=1)

    newcomer = a_member(organization)
    until("the newcomer has the role", lambda: organization.member_roles(newcomer))
    look_again(organization, "after it came")
    organization.members_are("MemberRolesCurrent", current=2)

    organization.organization.leave(newcomer)
    look_again(organization, "after it left")
    organization.members_are("MemberRolesCurrent", current=1)


def test_an_account_that_fails_is_named_and_leaves_the_connector_ready(organization: OrganizationScenario) -> None:
    member = a_member(organization)
    organization.apply_ready()
    organization.members_are("MemberRolesCurrent", current=2)
    (name,) = organization.member_roles(member)
    organization.cluster.delete("AponoConnector", NAME)
    organization.gone("AponoConnector", NAME, seconds=PATIENCE)
    in_the_way = member.client("iam")
    in_the_way.create_role(RoleName=name, AssumeRolePolicyDocument=TRUSTING_NOBODY)

    connector = organization.apply_ready()
    failed = organization.members_are("MemberAccountsFailed", current=1, failed=1)

    condition = condition_of(failed, "MemberAccountsReady")
    assert condition["status"] == "False"
    assert member.account_id in condition["message"]
    assert "update-stack-instances" in condition["message"]
    assert condition_of(connector, "Ready")["status"] == "True"


def test_another_unit_tells_first_which_accounts_lose_their_role(start_organization: StartOrganization) -> None:
    scenario = start_organization()
    narrower = scenario.organization.unit("Production", scenario.managed.unit)
    member = scenario.aws.create_account()
    scenario.organization.join(member, narrower)
    scenario.apply_ready()
    scenario.members_are("MemberRolesCurrent", current=2)

    with granting(scenario, scenario.unit, narrower.id):
        scenario.apply(target=scenario.target(organizationUnitId=narrower.id))
        scenario.members_are("MemberRolesCurrent", current=1)

    (event,) = scenario.events("UnitChanges")
    assert scenario.account.account_id in event["message"]
    assert member.account_id not in event["message"]
    assert scenario.member_roles(scenario.account) == []
    assert len(scenario.member_roles(member)) == 1


def test_the_root_as_unit_covers_every_account_but_the_management_account(
    start_organization: StartOrganization,
) -> None:
    scenario = start_organization()
    below_the_root = scenario.aws.create_account()
    scenario.organization.join(below_the_root)

    with granting(scenario, scenario.organization.root_id):
        scenario.apply_ready(target=scenario.target(organizationUnitId=scenario.organization.root_id))
        scenario.members_are("MemberRolesCurrent", current=2)

    assert len(scenario.member_roles(below_the_root)) == len(scenario.member_roles(scenario.account)) == 1
    assert scenario.member_roles(scenario.management) == []


def test_a_suspended_account_that_blocks_the_deletion_is_named(organization: OrganizationScenario) -> None:
    suspended = a_member(organization)
    organization.apply_ready()
    connector = organization.members_are("MemberRolesCurrent", current=2)
    organization.organization.suspend(suspended)

    message = blocked(organization)

    assert f"Member accounts in which something is left: {suspended.account_id}." in message
    assert organization.member_roles(organization.account) == []
    (stack_set,) = organization.stacks.list_stack_sets(Status="ACTIVE")["Summaries"]
    organization.stacks.delete_stack_instances(
        StackSetName=stack_set["StackSetName"],
        DeploymentTargets={
            "OrganizationalUnitIds": [organization.unit],
            "Accounts": [suspended.account_id],
            "AccountFilterType": "INTERSECTION",
        },
        Regions=[organization.management.region],
        RetainStacks=True,
    )
    organization.stacks.delete_stack(StackName=connector["status"]["managementStackId"])
    organization.gone("AponoConnector", NAME, seconds=PATIENCE)
    assert organization.connector_roles() == []


def test_trusted_access_that_is_switched_off_keeps_member_roles_and_blocks_the_deletion(
    organization: OrganizationScenario,
) -> None:
    organization.apply_ready()
    connector = organization.members_are("MemberRolesCurrent", current=1)
    organization.stacks.deactivate_organizations_access()
    newcomer = a_member(organization)
    look_again(organization, "after it was switched off")
    organization.condition("TrustedAccessEnabled", "False", "TrustedAccessDisabled")
    organization.members_are("MemberRolesCurrent", current=1)

    message = blocked(organization)

    assert "organizations access" in message
    assert f"Member accounts in which something is left: {organization.account.account_id}." in message
    assert len(organization.member_roles(organization.account)) == 1
    organization.stacks.activate_organizations_access()
    organization.stacks.delete_stack(StackName=connector["status"]["managementStackId"])
    organization.gone("AponoConnector", NAME, seconds=PATIENCE)
    assert organization.member_roles(organization.account) == organization.member_roles(newcomer) == []


def test_deletion_takes_the_roles_of_all_members(organization: OrganizationScenario) -> None:
    member = a_member(organization)
    organization.apply_ready()
    organization.members_are("MemberRolesCurrent", current=2)

    organization.cluster.delete("AponoConnector", NAME)
    organization.gone("AponoConnector", NAME, seconds=PATIENCE)

    assert organization.member_roles(member) == organization.member_roles(organization.account) == []
    sets = organization.stacks.list_stack_sets(Status="ACTIVE")["Summaries"]
    assert sets == []


def test_without_a_template_for_members_the_condition_says_what_to_ask_for(
    start_organization: StartOrganization,
) -> None:
    scenario = start_organization(management_account={"memberTemplateUrl": None})
    scenario.apply_ready()

    connector = scenario.condition("MemberAccountsReady", "False", "MemberRolesNotMade")

    assert "memberTemplateUrl" in condition_of(connector, "MemberAccountsReady")["message"]


TRUSTING_NOBODY = (
    '{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, '
    '"Action": "sts:AssumeRole"}]}'
)
