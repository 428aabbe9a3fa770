"""Whether an organization is as a connector needs it, judged by what AWS tells before anything is changed there.

Sources: Organizations API reference, ``DescribeOrganization``, ``DescribeOrganizationalUnit`` and
``ListDelegatedAdministrators``; CloudFormation API reference, ``DescribeOrganizationsAccess``; CloudFormation User
Guide, "Activate trusted access for StackSets with AWS Organizations"; IAM Identity Center API reference,
``ListInstances``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from apono_operator.state.finding import Finding, Next, found, stuck, unverified
from apono_operator.state.management_accounts import SETTING, ManagementAccount
from apono_operator.state.resources import Cluster, IamRole, Owner
from apono_operator.v1alpha1 import AponoConnectorSpec, ConditionStatus, Reason

SERVED_PARTITIONS = ("aws", "aws-us-gov")
"""Where StackSets have trusted access to organizations; in ``aws-cn`` they have none (AWS China documentation)."""

IDENTITY_CENTER_SERVICE = "sso.amazonaws.com"
"""By which Organizations knows IAM Identity Center."""

_ENABLED = "ENABLED"
_ACTIVE = "ACTIVE"


@dataclass(frozen=True)
class Organization:
    """An organization as its members see it."""

    organization_id: str
    management_account_id: str
    has_all_features: bool
    """Whether it is for more than one bill: StackSets need that."""


@dataclass(frozen=True)
class IdentityCenterInstance:
    """An instance of IAM Identity Center, of the organization or of one account."""

    arn: str
    owner_account_id: str
    status: str
    """``ACTIVE``, or what is going on in the API's words."""

    region: str


@dataclass(frozen=True)
class Denial:
    """In place of an answer: that nobody may look, in words that name the missing action."""

    message: str


@dataclass(frozen=True)
class Expectation:
    """What the manifest and the administrator say of an organization.

    Attributes:
        spec: Of mode Organization, and admitted.
        cluster: Where the connector's own role is, or is to be.
        account: The management account, as configured.
    """

    spec: AponoConnectorSpec
    cluster: Cluster
    account: ManagementAccount

    @property
    def organization_id(self) -> str:
        """The organization's id as the manifest has it."""
        return self.spec.target.organization_id or ""

    @property
    def unit_id(self) -> str:
        """The id of the root or organizational unit as the manifest has it."""
        return self.spec.target.organization_unit_id or ""


def partition_finding(expected: Expectation) -> Finding | None:
    """Return why the partition is not served, None if it is. No call is needed for it."""
    cluster, account = expected.cluster.partition, expected.account.partition
    served = ", ".join(SERVED_PARTITIONS)
    if cluster != account:
        return stuck(
            Reason.UNSUPPORTED_PARTITION,
            f"the cluster is in the partition {cluster}, the management account in {account}, and no role is assumed "
            f"across them. Use a management account of {cluster} (served: {served}; {SETTING}).",
        )
    if cluster in SERVED_PARTITIONS:
        return None
    return stuck(
        Reason.UNSUPPORTED_PARTITION,
        f"mode Organization is not served in the partition {cluster}, where StackSets have no trusted access to "
        f"organizations. It is in {served}; here, use mode Account.",
    )


def elsewhere_finding(cluster: Cluster, seen: Organization | Denial | None) -> Finding | None:
    """Return why mode ManagementAccount is not for *cluster*, None if it is, or if nobody may look.

    Args:
        cluster: Where the connector's own role is, or is to be.
        seen: The organization of the operator's account; None if that is in none.
    """
    if isinstance(seen, Denial) or (seen and seen.management_account_id == cluster.account_id):
        return None
    where = (
        f"a member of organization {seen.organization_id}, whose management account is {seen.management_account_id}"
        if seen
        else "in no organization"
    )
    return stuck(
        Reason.MANAGEMENT_ACCOUNT_MISMATCH,
        f"mode ManagementAccount is for a cluster in the management account, but this cluster's account "
        f"{cluster.account_id} is {where}. Apply the manifest to a cluster there, or use mode Organization here.",
    )


def organization_finding(expected: Expectation, seen: Organization | Denial | None) -> Finding:
    """Return whether the organization is the one that is expected.

    Args:
        expected: What should be.
        seen: The organization of the operator's account; None if that is in none.
    """
    if isinstance(seen, Denial):
        return unverified(Reason.ACCESS_DENIED, seen.message)
    if seen is None or seen.organization_id != expected.organization_id:
        return _another_organization(expected, seen)
    if seen.management_account_id != expected.account.account_id:
        return stuck(
            Reason.MANAGEMENT_ACCOUNT_MISMATCH,
            f"the management account of organization {seen.organization_id} is {seen.management_account_id}, but the "
            f"operator is configured to enter {expected.account.account_id}. Ask the administrator of the operator to "
            f"correct accountId, roleArn and what else belongs to it in that entry ({SETTING}).",
        )
    if not seen.has_all_features:
        return stuck(
            Reason.FEATURES_NOT_ENABLED,
            f"organization {seen.organization_id} is for consolidated billing alone. Run in the management account "
            f"{seen.management_account_id}: aws organizations enable-all-features - every member account has to agree.",
        )
    return found(
        Reason.ORGANIZATION_FOUND,
        f"Organization {seen.organization_id} has {_kind(expected.unit_id)} {expected.unit_id}; its management account "
        f"is {seen.management_account_id}.",
    )


def unit_finding(expected: Expectation, exists: bool | Denial) -> Finding | None:  # noqa: FBT001 -- an answer of AWS
    """Return why the unit cannot be managed, None if it can."""
    if isinstance(exists, Denial):
        return unverified(Reason.ACCESS_DENIED, exists.message)
    if exists:
        return None
    unit, organization = expected.unit_id, expected.organization_id
    return stuck(
        Reason.UNIT_MISSING,
        f"organization {organization} has no {_kind(unit)} {unit}. Correct spec.target.organizationUnitId, and have "
        "the administrator allow the right one (allowedUnits). In the management account, aws organizations list-roots "
        "tells the root, and aws organizations list-organizational-units-for-parent --parent-id r-... the units below.",
    )


def foreign_role_finding(expected: Expectation, owner: Owner, seen: IamRole | Denial | None) -> Finding | None:
    """Return whose role stands where the stack is to make its own, None if there is room.

    One that an earlier connector of this namespace and name left, with its stack, is not foreign.

    Args:
        expected: What should be.
        owner: The connector.
        seen: The role of that name in the management account, None if there is none.
    """
    if isinstance(seen, Denial):
        return unverified(Reason.ACCESS_DENIED, seen.message)
    if seen is None or expected.cluster.owns(seen.tags, owner):
        return None
    return stuck(
        Reason.NAME_CONFLICT,
        f"role {seen.arn}, of the name that this connector's stack is to give its role, exists and is not this "
        f"connector's. If nobody needs it, delete it in the management account: aws iam delete-role --role-name "
        f"{seen.name} - else name the connector differently.",
    )


def trusted_access_finding(expected: Expectation, status: str | Denial) -> Finding:
    """Return whether StackSets may act throughout the organization.

    Args:
        expected: What should be.
        status: As `cloudformation:DescribeOrganizationsAccess` tells it.
    """
    if isinstance(status, Denial):
        return unverified(Reason.ACCESS_DENIED, status.message)
    if status == _ENABLED:
        return found(Reason.TRUSTED_ACCESS_ENABLED, "StackSets have trusted access to the organization.")
    account = expected.account
    return stuck(
        Reason.TRUSTED_ACCESS_DISABLED,
        f"CloudFormation calls the trusted access of StackSets {status}, so the stack is neither made nor changed. Run "
        f"in the management account {account.account_id}: aws cloudformation activate-organizations-access --region "
        f"{account.region} - or in the console: CloudFormation, StackSets, Activate trusted access.",
    )


def identity_center_finding(
    expected: Expectation,
    instances: Sequence[IdentityCenterInstance] | Denial,
    administrators: Sequence[str] | Denial,
) -> Finding:
    """Return whether the organization has IAM Identity Center, in which region, and who administers it.

    What is missing waits for nobody: whoever does not grant access by Identity Center needs none.

    Args:
        expected: What should be.
        instances: All instances in any region that the management account sees.
        administrators: The ids of the accounts that its administration is delegated to.
    """
    if isinstance(instances, Denial):
        return unverified(Reason.ACCESS_DENIED, instances.message)
    account_id = expected.account.account_id
    of_organization = [one for one in instances if one.owner_account_id == account_id]
    active = next((one for one in of_organization if one.status == _ACTIVE), None)
    if active:
        who = _administration(account_id, administrators)
        return found(Reason.IDENTITY_CENTER_FOUND, f"Identity Center {active.arn} is in region {active.region}; {who}.")
    rest = "".join(f" Instance {one.arn} in region {one.region} is {one.status}." for one in of_organization)
    return Finding(
        ConditionStatus.FALSE,
        Reason.IDENTITY_CENTER_MISSING,
        f"the organization has no IAM Identity Center that is active.{rest} To grant access by it, enable it in the "
        f"console of the management account {account_id}: IAM Identity Center, Enable. All else works without.",
        Next.NOTHING,
    )


def _another_organization(expected: Expectation, seen: Organization | None) -> Finding:
    where = f"belongs to organization {seen.organization_id}" if seen else "belongs to no organization"
    how = f"with organizationId: {seen.organization_id}" if seen else "in a cluster of a member account"
    return stuck(
        Reason.ORGANIZATION_MISMATCH,
        f"spec.target.organizationId is {expected.organization_id}, but the operator's account "
        f"{expected.cluster.account_id} {where}. The id is immutable: delete this connector, and apply it anew {how}. "
        "To look it up: aws organizations describe-organization --query Organization.Id",
    )


def _administration(account_id: str, administrators: Sequence[str] | Denial) -> str:
    if isinstance(administrators, Denial):
        return f"whether its administration is delegated is not known ({administrators.message})"
    if administrators:
        return f"its administration is delegated to account {', '.join(sorted(administrators))}"
    return f"the management account {account_id} administers it"


def _kind(unit_id: str) -> str:
    return "root" if unit_id.startswith("r-") else "unit"
