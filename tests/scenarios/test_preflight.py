"""An organization is looked at before anything is changed: what is wrong is told, and mending it is seen by itself."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

import pytest

from sandbox.aws import Fault, Unit, access_denied, server_error
from sandbox.aws.identity_center.instance import Instance
from tests.aws.identities import trusting
from tests.scenarios.conftest import StartOrganization
from tests.scenarios.organization import OrganizationScenario
from tests.scenarios.scenario import NAME, condition_of
from tests.waiting import PATIENCE, until

ANOTHER_ORGANIZATION = "o-zzzz9999zz"
NO_UNIT = "ou-zzzz-zzzz9999"
LOOKS = ("OrganizationReady", "TrustedAccessEnabled", "IdentityCenterFound")
STACK_WRITES = {"CreateChangeSet", "ExecuteChangeSet", "DeleteChangeSet", "DeleteStack"}


def look_again(scenario: OrganizationScenario, when: str = "now") -> None:
    scenario.cluster.patch("AponoConnector", NAME, {"metadata": {"annotations": {"apono.io/reconcile-at": when}}})


def changes(scenario: OrganizationScenario, mark: int = 0) -> list[str]:
    """What the operator changed in AWS since *mark*, in either account."""
    there = [one for one in scenario.management_calls(mark).operations if one in STACK_WRITES]
    return [*scenario.role_writes(mark), *there]


def made(scenario: OrganizationScenario) -> list[str]:
    """What is there of all connectors in either account, but for the roles of members, which come and go by AWS."""
    own = [name for name in scenario.connector_roles() if not name.startswith("apono-member-")]
    return [*own, *scenario.management_roles(), *scenario.connector_stacks()]


@contextmanager
def befallen(scenario: OrganizationScenario, *faults: Fault) -> Iterator[None]:
    """Keep all of *faults* in force for a block."""
    with ExitStack() as stack:
        for fault in faults:
            stack.enter_context(scenario.aws.faults.during(fault))
        yield


def management_role_name(scenario: OrganizationScenario) -> str:
    """The name of the management role; a connector role is called alike, but for its prefix."""
    scenario.apply_ready()
    arn: str = scenario.connector()["status"]["managementAccountRoleArn"]
    scenario.cluster.delete("AponoConnector", NAME)
    scenario.gone("AponoConnector", NAME, seconds=PATIENCE)
    return arn.rpartition("/")[2]


# --- what is as it should be ------------------------------------------------------------------------------------------


def test_what_was_found_is_told(shared_organization: OrganizationScenario) -> None:
    scenario = shared_organization
    connector = scenario.apply_ready()

    told = {kind: condition_of(connector, kind) for kind in LOOKS}
    assert {(one["status"], one["reason"]) for one in told.values()} == {
        ("True", "OrganizationFound"),
        ("True", "TrustedAccessEnabled"),
        ("True", "IdentityCenterFound"),
    }
    center = scenario.organization.identity_center
    assert center is not None
    assert center.id in told["IdentityCenterFound"]["message"]
    assert f"region {scenario.management.region}" in told["IdentityCenterFound"]["message"]
    assert scenario.management.account_id in told["OrganizationReady"]["message"]


# --- what is surely wrong: nothing is made, and it goes on by itself once it is mended --------------------------------


def test_another_organizations_id_is_told_and_nothing_is_made(organization: OrganizationScenario) -> None:
    organization.create_token()
    organization.apply(target=organization.target(organizationId=ANOTHER_ORGANIZATION))

    connector = organization.condition("OrganizationReady", "False", "OrganizationMismatch")

    message = condition_of(connector, "OrganizationReady")["message"]
    assert f"organizationId: {organization.organization.id}" in message
    assert condition_of(connector, "Ready")["reason"] == "OrganizationMismatch"
    assert condition_of(connector, "Stalled")["status"] == "True"
    until("an Event tells it", lambda: organization.events("OrganizationMismatch"))
    assert made(organization) == changes(organization) == []
    assert len(organization.management_calls()) == 0

    organization.cluster.delete("AponoConnector", NAME)
    organization.gone("AponoConnector", NAME)
    organization.apply_ready()


def test_an_account_that_left_its_organization_is_told_and_goes_on_once_it_is_back(
    organization: OrganizationScenario,
) -> None:
    organization.organization.leave(organization.account)
    organization.create_token()
    organization.apply()

    connector = organization.condition("OrganizationReady", "False", "OrganizationMismatch")

    assert "belongs to no organization" in condition_of(connector, "OrganizationReady")["message"]
    assert made(organization) == []
    organization.organization.join(organization.account, organization.managed.unit)
    organization.ready(seconds=PATIENCE)


def test_a_unit_that_does_not_exist_is_told_and_taken_once_it_does(start_organization: StartOrganization) -> None:
    scenario = start_organization(management_account={"allowedUnits": [NO_UNIT]})
    scenario.create_token()
    scenario.apply(target=scenario.target(organizationUnitId=NO_UNIT))

    connector = scenario.condition("OrganizationReady", "False", "UnitMissing")

    assert f"no unit {NO_UNIT}" in condition_of(connector, "OrganizationReady")["message"]
    assert made(scenario) == changes(scenario) == []
    scenario.organization.units[NO_UNIT] = Unit(NO_UNIT, "Late", scenario.organization.root_id)
    scenario.ready(seconds=PATIENCE)


def test_another_account_than_the_management_account_is_told(organization: OrganizationScenario) -> None:
    real = organization.organization.management_account_id
    organization.organization.management_account_id = organization.account.account_id
    organization.create_token()
    organization.apply()

    connector = organization.condition("OrganizationReady", "False", "ManagementAccountMismatch")

    message = condition_of(connector, "OrganizationReady")["message"]
    assert f"is {organization.account.account_id}" in message
    assert f"to enter {real}" in message
    assert made(organization) == changes(organization) == []
    organization.organization.management_account_id = real
    organization.ready(seconds=PATIENCE)


def test_an_organization_for_billing_alone_is_told(organization: OrganizationScenario) -> None:
    organization.organization.feature_set = "CONSOLIDATED_BILLING"
    organization.create_token()
    organization.apply()

    connector = organization.condition("OrganizationReady", "False", "FeaturesNotEnabled")

    assert "aws organizations enable-all-features" in condition_of(connector, "OrganizationReady")["message"]
    assert made(organization) == changes(organization) == []
    organization.organization.feature_set = "ALL"
    organization.ready(seconds=PATIENCE)


def test_a_role_of_others_in_the_way_of_the_stack_is_told_before_anything_is_made(
    organization: OrganizationScenario,
) -> None:
    name = management_role_name(organization)
    iam, mark = organization.management.client("iam"), organization.aws.calls.mark()
    trust = trusting({"AWS": f"{organization.management.arn_prefix}root"})
    iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust)
    organization.apply()

    connector = organization.condition("OrganizationReady", "False", "NameConflict")

    assert f"aws iam delete-role --role-name {name}" in condition_of(connector, "OrganizationReady")["message"]
    assert changes(organization, mark) == []
    assert made(organization) == [name]
    iam.delete_role(RoleName=name)
    organization.ready(seconds=PATIENCE)


def test_a_partition_without_trusted_access_is_refused_without_a_call_to_it(
    start_organization: StartOrganization,
) -> None:
    scenario = start_organization(management_account=lambda _: in_china("111122223333"))
    scenario.create_token()
    scenario.apply()

    connector = scenario.condition("OrganizationReady", "False", "UnsupportedPartition")

    assert "aws, aws-us-gov" in condition_of(connector, "OrganizationReady")["message"]
    assert made(scenario) == changes(scenario) == []
    assert "AssumeRole" not in scenario.operator_calls().operations


def in_china(account_id: str) -> dict[str, Any]:
    """The entry of a management account there."""
    prefix = f"arn:aws-cn:iam::{account_id}:"
    return {
        "accountId": account_id,
        "roleArn": f"{prefix}role/connector-operator-management",
        "cloudFormationRoleArn": f"{prefix}role/connector-operator-cloudformation",
        "region": "cn-north-1",
        "permissionsBoundaries": {"ReadOnly": f"{prefix}policy/connector-boundary-ReadOnly"},
    }


# --- trusted access ---------------------------------------------------------------------------------------------------


def test_without_trusted_access_there_is_a_role_and_no_stack_until_it_is_activated(
    organization: OrganizationScenario,
) -> None:
    organization.organization.stacksets_access = "DISABLED"
    organization.create_token()
    organization.apply()

    connector = organization.condition("TrustedAccessEnabled", "False", "TrustedAccessDisabled")

    command = f"aws cloudformation activate-organizations-access --region {organization.management.region}"
    assert command in condition_of(connector, "TrustedAccessEnabled")["message"]
    assert condition_of(connector, "ManagementStackReady")["message"] == "Waits for TrustedAccessEnabled."
    assert organization.role(connector) is not None
    organization.condition("DeploymentAvailable", "True")
    assert organization.connector_stacks() == {}
    organization.management.client("cloudformation").activate_organizations_access()
    organization.ready(seconds=PATIENCE)


def test_trusted_access_that_is_lost_leaves_the_stack_as_it_is(organization: OrganizationScenario) -> None:
    before = organization.apply_ready(permissions="ReadOnly")["status"]
    organization.organization.stacksets_access = "DISABLED_PERMANENTLY"
    mark = organization.aws.calls.mark()
    look_again(organization)
    organization.condition("TrustedAccessEnabled", "False", "TrustedAccessDisabled")

    organization.apply(permissions="FullAccess")
    connector = organization.condition("TrustedAccessEnabled", "False", "TrustedAccessDisabled")

    assert [one for one in organization.management_calls(mark).operations if one in STACK_WRITES] == []
    for field in ("managementStackId", "managementStackStatus", "managementAccountRoleArn"):
        assert connector["status"][field] == before[field]


# --- a connector that runs --------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Loss:
    """What can become wrong of an organization while a connector runs."""

    reason: str
    lose: Callable[[OrganizationScenario], Any]


LOSSES = [
    Loss("UnitMissing", lambda scenario: scenario.organization.units.pop(scenario.unit)),
    Loss("OrganizationMismatch", lambda scenario: scenario.organization.leave(scenario.account)),
]


@pytest.mark.parametrize("loss", LOSSES, ids=lambda loss: loss.reason)
def test_what_becomes_wrong_later_stops_changes_and_leaves_all_as_it_is(
    organization: OrganizationScenario, loss: Loss
) -> None:
    connector = organization.apply_ready()
    before, pods = made(organization), [pod["metadata"]["uid"] for pod in organization.pods()]
    role, there = organization.role(connector), organization.management_role(connector)
    mark = organization.aws.calls.mark()
    if loss.reason == "UnitMissing":
        organization.organization.join(organization.account)
    loss.lose(organization)

    look_again(organization)
    organization.condition("OrganizationReady", "False", loss.reason)
    organization.apply(permissions="FullAccess")
    connector = organization.condition("OrganizationReady", "False", loss.reason)

    assert changes(organization, mark) == []
    assert made(organization) == before
    assert (organization.role(connector), organization.management_role(connector)) == (role, there)
    assert [pod["metadata"]["uid"] for pod in organization.pods()] == pods


def test_a_wrong_organization_does_not_hold_up_a_deletion(organization: OrganizationScenario) -> None:
    organization.apply_ready()
    organization.organization.feature_set = "CONSOLIDATED_BILLING"
    look_again(organization)
    organization.condition("OrganizationReady", "False", "FeaturesNotEnabled")

    organization.cluster.delete("AponoConnector", NAME)
    organization.gone("AponoConnector", NAME, seconds=PATIENCE)

    assert made(organization) == []


# --- Identity Center --------------------------------------------------------------------------------------------------


def test_identity_center_that_is_missing_is_told_and_keeps_nothing_from_being_ready(
    organization: OrganizationScenario,
) -> None:
    center, organization.organization.identity_center = organization.organization.identity_center, None
    connector = organization.apply_ready()

    told = condition_of(connector, "IdentityCenterFound")
    assert (told["status"], told["reason"]) == ("False", "IdentityCenterMissing")
    assert "IAM Identity Center, Enable" in told["message"]
    organization.organization.identity_center = center
    look_again(organization)
    organization.condition("IdentityCenterFound", "True", "IdentityCenterFound")


def test_who_administers_identity_center_is_told_and_so_is_another_region(organization: OrganizationScenario) -> None:
    organization.organization.identity_center = Instance("eu-north-1")
    organization.organization.delegate("sso.amazonaws.com", organization.account)

    message = condition_of(organization.apply_ready(), "IdentityCenterFound")["message"]

    assert "in region eu-north-1" in message
    assert f"delegated to account {organization.account.account_id}" in message


# --- what nobody may look at, and what AWS does not tell --------------------------------------------------------------


def test_what_nobody_may_look_at_is_told_with_the_action_and_holds_nothing_up(
    organization: OrganizationScenario,
) -> None:
    denied = {
        "OrganizationReady": ("organizations", "DescribeOrganization"),
        "TrustedAccessEnabled": ("cloudformation", "DescribeOrganizationsAccess"),
        "IdentityCenterFound": ("sso", "ListInstances"),
    }
    faults = [Fault(access_denied(), operation=operation, times=None) for _, operation in denied.values()]
    with befallen(organization, *faults):
        connector = organization.apply_ready()

        for kind, (service, operation) in denied.items():
            told = condition_of(connector, kind)
            assert (told["status"], told["reason"]) == ("Unknown", "AccessDenied")
            assert told["message"].startswith(f"{service}:{operation}: AccessDenied")
            assert (
                f"Allow it to the operator's role in the management account ({organization.entry['roleArn']})."
                in (told["message"])
            )
    look_again(organization)
    for kind in denied:
        organization.condition(kind, "True")


def test_a_denial_in_the_own_account_is_made_up_for_by_the_management_account(
    organization: OrganizationScenario,
) -> None:
    denial = Fault(access_denied(), operation="DescribeOrganization", account=organization.account, times=None)
    with organization.aws.faults.during(denial):
        connector = organization.apply_ready()

    assert condition_of(connector, "OrganizationReady")["reason"] == "OrganizationFound"


@pytest.mark.parametrize("operation", ["DescribeOrganization", "DescribeOrganizationalUnit"])
def test_nothing_is_made_before_aws_has_answered(organization: OrganizationScenario, operation: str) -> None:
    with organization.aws.faults.during(Fault(server_error(), operation=operation, times=None)):
        organization.create_token()
        organization.apply()
        organization.condition("OrganizationReady", "Unknown", "AWSUnavailable")

        assert made(organization) == changes(organization) == []
    organization.ready(seconds=PATIENCE)


def test_an_aws_that_does_not_answer_keeps_a_connector_that_runs_ready(organization: OrganizationScenario) -> None:
    organization.apply_ready()
    faults = [
        Fault(server_error(), operation=one, times=None)
        for one in ("DescribeOrganization", "DescribeOrganizationsAccess")
    ]
    with befallen(organization, *faults):
        look_again(organization)
        connector = organization.condition("Unconfirmed", "True", "AWSUnavailable")

        assert condition_of(connector, "Ready")["status"] == "True"
        assert condition_of(connector, "OrganizationReady")["status"] == "True"
    until("the doubt is over", lambda: not condition_of(organization.connector(), "Unconfirmed"), seconds=PATIENCE)
