"""Whether StackSets may act throughout an organization.

Source: "Activate trusted access for StackSets with AWS Organizations" in the CloudFormation user guide.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from sandbox.aws.errors import AwsError, not_modelled, validation_error
from sandbox.aws.organizations.organization import Organization
from sandbox.aws.state import Call

SERVICE_PRINCIPAL: Final = "member.org.stacksets.cloudformation.amazonaws.com"


def describe_organizations_access(call: Call) -> Mapping[str, Any]:
    """Tell the management account whether access is activated."""
    return {"Status": managed_organization(call).stacksets_access}


def activate_organizations_access(call: Call) -> Mapping[str, Any]:
    """Activate it, which gives the service trusted access in Organizations."""
    organization = managed_organization(call)
    if organization.feature_set != "ALL":
        raise AwsError("InvalidOperationException", "Your organization must have all features enabled")
    organization.stacksets_access = "ENABLED"
    organization.service_access.setdefault(SERVICE_PRINCIPAL, call.now)
    return {}


def deactivate_organizations_access(call: Call) -> Mapping[str, Any]:
    """Deactivate it."""
    organization = managed_organization(call)
    organization.stacksets_access = "DISABLED"
    organization.service_access.pop(SERVICE_PRINCIPAL, None)
    return {}


def managed_organization(call: Call) -> Organization:
    """The organization whose management account calls.

    Raises:
        AwsError: `ValidationError` outside a management account; `NotModelled` for delegated administrators.
    """
    if call.parameters.get("CallAs", "SELF") != "SELF":
        raise not_modelled("CallAs DELEGATED_ADMIN")
    account_id = call.signer.account_id
    organization = call.state.organizations.of_account(account_id)
    if organization is None or organization.management_account_id != account_id:
        raise validation_error(
            "You must be the management account or delegated admin account of an organization before operating a"
            " SERVICE_MANAGED stack set"
        )
    return organization


def operating_organization(call: Call) -> Organization:
    """The organization whose management account calls, if StackSets may act in it.

    Trusted access in Organizations alone is not enough: it takes `ActivateOrganizationsAccess`.

    Raises:
        AwsError: `ValidationError`, or `NotModelled`, see `managed_organization`.
    """
    organization = managed_organization(call)
    if organization.stacksets_access != "ENABLED":
        raise validation_error("You must enable organizations access to operate a service managed stack set")
    return organization
