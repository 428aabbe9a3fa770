"""Who may ask what of an organization."""

from __future__ import annotations

from sandbox.aws.errors import AwsError
from sandbox.aws.organizations.organization import Organization
from sandbox.aws.state import Call


def own_organization(call: Call) -> Organization:
    """The caller's organization, for what every member may ask.

    Raises:
        AwsError: `AWSOrganizationsNotInUseException`.
    """
    organization = call.state.organizations.of_account(call.signer.account_id)
    if organization is None:
        raise AwsError("AWSOrganizationsNotInUseException", "Your account is not a member of an organization.")
    return organization


def managed_organization(call: Call) -> Organization:
    """The caller's organization, for what only its management account may ask.

    Raises:
        AwsError: `AWSOrganizationsNotInUseException`, or `AccessDeniedException` in a member account.
    """
    organization = own_organization(call)
    if organization.management_account_id != call.signer.account_id:
        raise AwsError("AccessDeniedException", "You don't have permissions to access this resource.")
    return organization


def existing_parent(organization: Organization, parent_id: str, code: str = "ParentNotFoundException") -> str:
    """The id of a root or unit that exists.

    Raises:
        AwsError: Of the given code.
    """
    if not organization.knows(parent_id):
        raise AwsError(code, "You specified parent that doesn't exist.")
    return parent_id
