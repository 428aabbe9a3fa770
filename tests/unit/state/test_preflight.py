"""What AWS tells of an organization, and what is said of it: each case has its Reason and how to mend it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from apono_operator.state.finding import Finding, Next
from apono_operator.state.preflight import (
    SERVED_PARTITIONS,
    Denial,
    Expectation,
    IdentityCenterInstance,
    Organization,
    elsewhere_finding,
    foreign_role_finding,
    identity_center_finding,
    organization_finding,
    partition_finding,
    trusted_access_finding,
    unit_finding,
)
from apono_operator.state.resources import TAG_NAME
from apono_operator.v1alpha1 import ConditionStatus, Reason
from tests.builders import (
    ACCOUNT,
    MANAGEMENT_ACCOUNT,
    ORGANIZATION,
    UNIT,
    a_cluster,
    a_management_account,
    a_role,
    an_organizations_spec,
    an_owner,
)

EXPECTED = Expectation(an_organizations_spec(), a_cluster(), a_management_account())
SEEN = Organization(ORGANIZATION, MANAGEMENT_ACCOUNT, has_all_features=True)
OTHER_ORGANIZATION, OTHER_ACCOUNT, OTHER_MEMBER = "o-zzzz9999zz", "111122223333", "444455556666"
DENIED = Denial("organizations:DescribeOrganization: AccessDenied: no. Allow it to the operator's role (arn).")
INSTANCE = IdentityCenterInstance("arn:aws:sso:::instance/ssoins-1", MANAGEMENT_ACCOUNT, "ACTIVE", "eu-north-1")


def says(finding: Finding | None, reason: Reason, *parts: str) -> bool:
    """Tell whether a finding is wrong until somebody corrects it, for this reason and in such words."""
    assert finding is not None
    assert (finding.status, finding.reason) == (ConditionStatus.FALSE, reason)
    assert finding.awaits is Next.SOMEBODY
    return [part for part in parts if part not in finding.message] == []


def is_denied(finding: Finding | None) -> bool:
    """Tell whether a finding says that nobody may look, and holds nothing up."""
    assert finding is not None
    return finding.unverified and (finding.reason, finding.message) == (Reason.ACCESS_DENIED, DENIED.message)


# --- where the cluster is, in mode ManagementAccount ------------------------------------------------------------------


@pytest.mark.parametrize("seen", [replace(SEEN, management_account_id=ACCOUNT), DENIED], ids=["there", "denied"])
def test_a_cluster_in_the_management_account_or_one_that_nobody_may_look_at_is_no_matter(
    seen: Organization | Denial,
) -> None:
    assert elsewhere_finding(a_cluster(), seen) is None


def test_a_cluster_elsewhere_is_told_where_the_management_account_is() -> None:
    told = elsewhere_finding(a_cluster(), SEEN)

    assert says(told, Reason.MANAGEMENT_ACCOUNT_MISMATCH, ACCOUNT, ORGANIZATION, MANAGEMENT_ACCOUNT)


def test_a_cluster_of_no_organization_is_told_so_in_mode_management_account() -> None:
    assert says(elsewhere_finding(a_cluster(), None), Reason.MANAGEMENT_ACCOUNT_MISMATCH, "in no organization")


# --- partition --------------------------------------------------------------------------------------------------------


def of_partitions(cluster: str, account: str) -> Finding | None:
    region = {"aws": "eu-west-1", "aws-us-gov": "us-gov-west-1", "aws-cn": "cn-north-1"}[account]
    prefix = f"arn:{account}:iam::{MANAGEMENT_ACCOUNT}:role/"
    roles = {"roleArn": f"{prefix}a", "cloudFormationRoleArn": f"{prefix}b"}
    configured = a_management_account(region=region, permissionsBoundaries={}, **roles)
    return partition_finding(replace(EXPECTED, cluster=a_cluster(cluster), account=configured))


@pytest.mark.parametrize("partition", SERVED_PARTITIONS)
def test_a_partition_with_trusted_access_of_stack_sets_is_served(partition: str) -> None:
    assert of_partitions(partition, partition) is None


def test_china_is_refused_and_the_served_partitions_are_named() -> None:
    assert says(
        of_partitions("aws-cn", "aws-cn"), Reason.UNSUPPORTED_PARTITION, "aws-cn", "aws, aws-us-gov", "mode Account"
    )


@pytest.mark.parametrize(("cluster", "account"), [("aws", "aws-us-gov"), ("aws-us-gov", "aws"), ("aws", "aws-cn")])
def test_a_management_account_of_another_partition_is_refused(cluster: str, account: str) -> None:
    assert says(
        of_partitions(cluster, account), Reason.UNSUPPORTED_PARTITION, f"the partition {cluster}", f"in {account}"
    )


# --- the organization -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("unit", "kind"), [(UNIT, "unit"), ("r-1a2b", "root")])
def test_the_organization_that_is_asked_for_is_found(unit: str, kind: str) -> None:
    spec = an_organizations_spec(target={"organizationUnitId": unit})

    finding = organization_finding(replace(EXPECTED, spec=spec), SEEN)

    assert (finding.good, finding.reason) == (True, Reason.ORGANIZATION_FOUND)
    assert f"{ORGANIZATION} has {kind} {unit}" in finding.message


def test_an_account_of_another_organization_is_told_which_id_is_right_and_that_it_takes_another_connector() -> None:
    finding = organization_finding(EXPECTED, replace(SEEN, organization_id=OTHER_ORGANIZATION))

    assert says(
        finding,
        Reason.ORGANIZATION_MISMATCH,
        f"spec.target.organizationId is {ORGANIZATION}",
        f"{ACCOUNT} belongs to organization {OTHER_ORGANIZATION}",
        "delete this connector",
        f"organizationId: {OTHER_ORGANIZATION}",
        "aws organizations describe-organization",
    )


def test_an_account_of_no_organization_is_told_so() -> None:
    assert says(
        organization_finding(EXPECTED, None), Reason.ORGANIZATION_MISMATCH, f"{ACCOUNT} belongs to no organization"
    )


def test_an_account_that_is_not_the_management_account_is_the_administrators_to_correct() -> None:
    finding = organization_finding(EXPECTED, replace(SEEN, management_account_id=OTHER_ACCOUNT))

    assert says(
        finding,
        Reason.MANAGEMENT_ACCOUNT_MISMATCH,
        f"is {OTHER_ACCOUNT}",
        f"enter {MANAGEMENT_ACCOUNT}",
        "chart value managementAccounts",
    )


def test_an_organization_for_billing_alone_is_told_the_command() -> None:
    finding = organization_finding(EXPECTED, replace(SEEN, has_all_features=False))

    assert says(finding, Reason.FEATURES_NOT_ENABLED, "aws organizations enable-all-features", MANAGEMENT_ACCOUNT)


def test_an_organization_that_nobody_may_look_at_is_not_called_wrong() -> None:
    assert is_denied(organization_finding(EXPECTED, DENIED))


# --- unit -------------------------------------------------------------------------------------------------------------


def test_a_unit_that_exists_is_no_matter() -> None:
    assert unit_finding(EXPECTED, exists=True) is None


@pytest.mark.parametrize(("unit", "kind"), [(UNIT, "unit"), ("r-1a2b", "root")])
def test_a_unit_that_does_not_exist_is_named_with_the_commands_that_list_them(unit: str, kind: str) -> None:
    spec = an_organizations_spec(target={"organizationUnitId": unit})

    finding = unit_finding(replace(EXPECTED, spec=spec), exists=False)

    assert says(
        finding,
        Reason.UNIT_MISSING,
        f"no {kind} {unit}",
        "aws organizations list-roots",
        "aws organizations list-organizational-units-for-parent",
        "allowedUnits",
    )


def test_a_unit_that_nobody_may_look_at_is_not_called_missing() -> None:
    assert is_denied(unit_finding(EXPECTED, DENIED))


# --- a role in the way ------------------------------------------------------------------------------------------------

OWN_TAGS = a_cluster().ownership_tags(an_owner())


def test_where_there_is_no_role_there_is_room() -> None:
    assert foreign_role_finding(EXPECTED, an_owner(), None) is None


@pytest.mark.parametrize("uid", [an_owner().uid, "another"])
def test_a_role_that_a_connector_of_this_name_left_is_not_foreign(uid: str) -> None:
    left = a_role(tags=a_cluster().ownership_tags(an_owner(uid=uid)))

    assert foreign_role_finding(EXPECTED, an_owner(), left) is None


@pytest.mark.parametrize("tags", [{}, {**OWN_TAGS, TAG_NAME: "another"}], ids=["no tags", "tags of another"])
def test_a_role_of_others_is_told_with_the_command_that_deletes_it(tags: dict[str, str]) -> None:
    role = a_role(tags=tags)

    assert says(
        foreign_role_finding(EXPECTED, an_owner(), role),
        Reason.NAME_CONFLICT,
        role.arn,
        f"aws iam delete-role --role-name {role.name}",
        "name the connector differently",
    )


def test_a_role_that_nobody_may_look_at_is_not_called_foreign() -> None:
    assert is_denied(foreign_role_finding(EXPECTED, an_owner(), DENIED))


# --- trusted access ---------------------------------------------------------------------------------------------------


def test_trusted_access_that_is_on_is_found() -> None:
    finding = trusted_access_finding(EXPECTED, "ENABLED")

    assert (finding.good, finding.reason) == (True, Reason.TRUSTED_ACCESS_ENABLED)


@pytest.mark.parametrize("status", ["DISABLED", "DISABLED_PERMANENTLY"])
def test_trusted_access_that_is_off_is_told_with_command_and_console_path(status: str) -> None:
    assert says(
        trusted_access_finding(EXPECTED, status),
        Reason.TRUSTED_ACCESS_DISABLED,
        f" {status},",
        "aws cloudformation activate-organizations-access --region eu-west-1",
        "Activate trusted access",
        MANAGEMENT_ACCOUNT,
    )


def test_trusted_access_that_nobody_may_look_at_is_not_called_off() -> None:
    assert is_denied(trusted_access_finding(EXPECTED, DENIED))


# --- Identity Center --------------------------------------------------------------------------------------------------


def test_identity_center_is_told_with_its_region() -> None:
    finding = identity_center_finding(EXPECTED, [INSTANCE], [])

    assert (finding.good, finding.reason) == (True, Reason.IDENTITY_CENTER_FOUND)
    assert f"{INSTANCE.arn} is in region eu-north-1" in finding.message
    assert f"the management account {MANAGEMENT_ACCOUNT} administers it" in finding.message


def test_the_accounts_that_administer_identity_center_are_told() -> None:
    finding = identity_center_finding(EXPECTED, [INSTANCE], [OTHER_MEMBER, OTHER_ACCOUNT])

    assert finding.good
    assert f"is delegated to account {OTHER_ACCOUNT}, {OTHER_MEMBER}." in finding.message


def test_that_nobody_may_ask_who_administers_identity_center_is_told_and_no_more() -> None:
    finding = identity_center_finding(EXPECTED, [INSTANCE], DENIED)

    assert finding.good
    assert DENIED.message in finding.message


@pytest.mark.parametrize(
    ("changes", "told"),
    [({"owner_account_id": OTHER_ACCOUNT}, ""), ({"status": "CREATE_IN_PROGRESS"}, "eu-north-1 is CREATE_IN_PROGRESS")],
    ids=["one of a member account alone", "one that is being made"],
)
def test_an_instance_that_serves_no_organization_does_not_count(changes: dict[str, Any], told: str) -> None:
    finding = identity_center_finding(EXPECTED, [replace(INSTANCE, **changes)], [])

    assert (finding.status, finding.reason) == (ConditionStatus.FALSE, Reason.IDENTITY_CENTER_MISSING)
    assert told in finding.message


def test_identity_center_that_is_missing_is_told_with_its_console_path_and_waits_for_nobody() -> None:
    finding = identity_center_finding(EXPECTED, [], [])

    assert (finding.status, finding.reason) == (ConditionStatus.FALSE, Reason.IDENTITY_CENTER_MISSING)
    assert finding.awaits is Next.NOTHING
    assert f"management account {MANAGEMENT_ACCOUNT}: IAM Identity Center, Enable" in finding.message


def test_identity_center_that_nobody_may_look_at_is_not_called_missing() -> None:
    assert is_denied(identity_center_finding(EXPECTED, DENIED, []))
