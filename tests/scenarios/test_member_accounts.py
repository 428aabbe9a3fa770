"""Member accounts: one manifest lays a role in each account below the unit, and takes it away again."""

from __future__ import annotations

import json

import pytest
from botocore.exceptions import ClientError

from sandbox.aws import Account
from tests.aws.sessions import assume, session_key
from tests.scenarios.conftest import StartOrganization
from tests.scenarios.organization import OrganizationScenario
from tests.scenarios.scenario import NAME, condition_of
from tests.waiting import until


def a_member(scenario: OrganizationScenario) -> Account:
    """An account in the unit that connectors manage."""
    account = scenario.aws.create_account()
    scenario.organization.join(account, scenario.managed.unit)
    return account


def look_again(scenario: OrganizationScenario, when: str) -> None:
    scenario.cluster.patch("AponoConnector", NAME, {"metadata": {"annotations": {"apono.io/reconcile-at": when}}})


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
    organization.gone("AponoConnector", NAME, seconds=60)
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

    scenario.operator.stop()
    entry = {**scenario.entry, "allowedUnits": [scenario.unit, narrower.id]}
    with scenario.installation.start(APONO_OPERATOR_MANAGEMENT_ACCOUNTS=json.dumps([entry])):
        scenario.apply(target=scenario.target(organizationUnitId=narrower.id))
        scenario.members_are("MemberRolesCurrent", current=1)

    (event,) = scenario.events("UnitChanges")
    assert scenario.account.account_id in event["message"]
    assert member.account_id not in event["message"]
    assert scenario.member_roles(scenario.account) == []
    assert len(scenario.member_roles(member)) == 1


def test_deletion_takes_the_roles_of_all_members(organization: OrganizationScenario) -> None:
    member = a_member(organization)
    organization.apply_ready()
    organization.members_are("MemberRolesCurrent", current=2)

    organization.cluster.delete("AponoConnector", NAME)
    organization.gone("AponoConnector", NAME, seconds=60)

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
