"""The operations of Organizations that are modelled: all else is refused by name.

Source: "AWS Organizations API Reference"; which account may call what, "Actions" there and "AWS Organizations
terminology and concepts" in the Organizations user guide.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final, cast

from sandbox.aws.account import Partition
from sandbox.aws.errors import AwsError
from sandbox.aws.organizations.access import existing_parent, managed_organization, own_organization
from sandbox.aws.organizations.organization import Member, Organization, Unit
from sandbox.aws.state import Call, Operation, modelled

_PAGES: Final = ("MaxResults", "NextToken")
_PAGE: Final = 20
_ADMINISTRATOR: Final = '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}'
_SESSION_SECONDS: Final = 3600
_SERVICES: Final = {
    "account.amazonaws.com",
    "config.amazonaws.com",
    "guardduty.amazonaws.com",
    "member.org.stacksets.cloudformation.amazonaws.com",
    "ram.amazonaws.com",
    "sso.amazonaws.com",
}


def create_organization(call: Call) -> Mapping[str, Any]:
    """Make the caller's account the management account of a new organization."""
    caller = call.signer
    if call.state.organizations.of_account(caller.account_id):
        raise AwsError("AlreadyInOrganizationException", "The AWS account is already a member of an organization.")
    features = call.parameters.get("FeatureSet", "ALL")
    organization = Organization(caller.account_id, cast("Partition", caller.partition), call.state.clock, features)
    call.state.organizations.add(organization)
    return {"Organization": _shown(organization)}


def delete_organization(call: Call) -> Mapping[str, Any]:
    """Delete an organization that nothing is in but its management account."""
    organization = managed_organization(call)
    if organization.units or len(organization.members) > 1:
        raise AwsError(
            "OrganizationNotEmptyException", "To delete an organization you must first remove all member accounts."
        )
    call.state.organizations.remove(organization)
    return {}


def describe_organization(call: Call) -> Mapping[str, Any]:
    """Tell any member what it belongs to."""
    return {"Organization": _shown(own_organization(call))}


def list_roots(call: Call) -> Mapping[str, Any]:
    """List the one root there is."""
    organization = managed_organization(call)
    root = {
        "Id": organization.root_id,
        "Arn": organization.arn(f"root/{organization.id}/{organization.root_id}"),
        "Name": "Root",
        "PolicyTypes": [],
    }
    return _page(call, "Roots", [root])


def create_organizational_unit(call: Call) -> Mapping[str, Any]:
    """Make a unit."""
    organization = managed_organization(call)
    parent_id = existing_parent(organization, call.parameters["ParentId"])
    name = call.parameters["Name"]
    if any((unit.name, unit.parent_id) == (name, parent_id) for unit in organization.units.values()):
        raise AwsError("DuplicateOrganizationalUnitException", "An OU with the same name already exists in the parent.")
    return {"OrganizationalUnit": _shown_unit(organization, organization.unit(name, parent_id))}


def describe_organizational_unit(call: Call) -> Mapping[str, Any]:
    """Read a unit."""
    organization = managed_organization(call)
    return {"OrganizationalUnit": _shown_unit(organization, _existing_unit(call, organization))}


def delete_organizational_unit(call: Call) -> Mapping[str, Any]:
    """Delete a unit that nothing is in."""
    organization = managed_organization(call)
    unit = _existing_unit(call, organization)
    children: list[Unit | Member] = [*organization.units.values(), *organization.members.values()]
    if any(child.parent_id == unit.id for child in children):
        raise AwsError("OrganizationalUnitNotEmptyException", "The organizational unit is not empty.")
    del organization.units[unit.id]
    return {}


def list_organizational_units_for_parent(call: Call) -> Mapping[str, Any]:
    """List the units right below a parent."""
    organization = managed_organization(call)
    parent_id = existing_parent(organization, call.parameters["ParentId"])
    units = [_shown_unit(organization, unit) for unit in organization.units.values() if unit.parent_id == parent_id]
    return _page(call, "OrganizationalUnits", units)


def list_parents(call: Call) -> Mapping[str, Any]:
    """List the one parent that a unit or account has."""
    organization, child_id = managed_organization(call), call.parameters["ChildId"]
    child = organization.units.get(child_id) or organization.members.get(child_id)
    if child is None:
        raise AwsError("ChildNotFoundException", "You specified a child that doesn't exist.")
    kind = "ROOT" if child.parent_id == organization.root_id else "ORGANIZATIONAL_UNIT"
    return _page(call, "Parents", [{"Id": child.parent_id, "Type": kind}])


def list_accounts(call: Call) -> Mapping[str, Any]:
    """List all member accounts, the management account too."""
    organization = managed_organization(call)
    return _page(call, "Accounts", [_shown_member(organization, member) for member in organization.members.values()])


def list_accounts_for_parent(call: Call) -> Mapping[str, Any]:
    """List the accounts right below a parent."""
    organization = managed_organization(call)
    parent_id = existing_parent(organization, call.parameters["ParentId"])
    members = [member for member in organization.members.values() if member.parent_id == parent_id]
    return _page(call, "Accounts", [_shown_member(organization, member) for member in members])


def move_account(call: Call) -> Mapping[str, Any]:
    """Move an account from one parent to another."""
    organization = managed_organization(call)
    member = organization.members.get(call.parameters["AccountId"])
    if member is None:
        raise AwsError("AccountNotFoundException", "You specified an account that doesn't exist.")
    source = existing_parent(organization, call.parameters["SourceParentId"], "SourceParentNotFoundException")
    if member.parent_id != source:
        raise AwsError("SourceParentNotFoundException", "You specified a source parent that the account isn't in.")
    destination = call.parameters["DestinationParentId"]
    existing_parent(organization, destination, "DestinationParentNotFoundException")
    if destination == source:
        raise AwsError("DuplicateAccountException", "The account is already in the destination.")
    organization.move(member.account_id, destination)
    return {}


def create_account(call: Call) -> Mapping[str, Any]:
    """Make an account in the organization, at once, with a role that the management account may assume."""
    organization = managed_organization(call)
    account_id = call.state.make_account(organization.partition)
    member = Member(account_id, organization.root_id, call.now, "CREATED", call.parameters["AccountName"])
    organization.add(member)
    management = f"arn:{organization.partition}:iam::{organization.management_account_id}:root"
    trust = (
        '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"' + management + '"},'
        '"Action":"sts:AssumeRole"}]}'
    )
    name = call.parameters.get("RoleName", "OrganizationAccountAccessRole")
    role = call.state.accounts[account_id].add_role(name=name, path="/", trust=trust, created=call.now)
    role.max_session_duration = _SESSION_SECONDS
    role.put_policy("AdministratorAccess", _ADMINISTRATOR)
    return {
        "CreateAccountStatus": {
            "Id": f"car-{secrets.token_hex(16)}",
            "AccountName": member.name,
            "State": "SUCCEEDED",
            "RequestedTimestamp": call.now,
            "CompletedTimestamp": call.now,
            "AccountId": account_id,
        }
    }


def list_delegated_administrators(call: Call) -> Mapping[str, Any]:
    """List the members that administer a service, or any."""
    organization = managed_organization(call)
    asked, delegated = call.parameters.get("ServicePrincipal"), organization.delegated_administrators
    since: dict[str, datetime] = {}
    for service in [asked] if asked else delegated:
        since |= delegated.get(service, {})
    shown = [
        {**_shown_member(organization, organization.members[account_id]), "DelegationEnabledDate": enabled}
        for account_id, enabled in since.items()
    ]
    for one in shown:
        del one["Paths"]
    return _page(call, "DelegatedAdministrators", shown)


def list_service_access(call: Call) -> Mapping[str, Any]:
    """List the services with trusted access."""
    organization = managed_organization(call)
    services = [{"ServicePrincipal": name, "DateEnabled": since} for name, since in organization.service_access.items()]
    return _page(call, "EnabledServicePrincipals", services)


def enable_service_access(call: Call) -> Mapping[str, Any]:
    """Give a service trusted access."""
    organization, service = managed_organization(call), call.parameters["ServicePrincipal"]
    if organization.feature_set != "ALL":
        raise AwsError("AccessDeniedException", "Your organization doesn't have all features enabled.")
    if service not in _SERVICES:
        raise AwsError("InvalidInputException", "You specified an unrecognized service principal.")
    organization.service_access.setdefault(service, call.now)
    return {}


def disable_service_access(call: Call) -> Mapping[str, Any]:
    """Take trusted access from a service; one that has none is no error."""
    organization, service = managed_organization(call), call.parameters["ServicePrincipal"]
    if service not in _SERVICES:
        raise AwsError("InvalidInputException", "You specified an unrecognized service principal.")
    organization.service_access.pop(service, None)
    return {}


def _existing_unit(call: Call, organization: Organization) -> Unit:
    unit = organization.units.get(call.parameters["OrganizationalUnitId"])
    if unit is None:
        raise AwsError(
            "OrganizationalUnitNotFoundException", "You specified an organizational unit that doesn't exist."
        )
    return unit


def _page(call: Call, member: str, items: Sequence[Any]) -> Mapping[str, Any]:
    token = call.parameters.get("NextToken", "0")
    if not token.isdigit():
        raise AwsError("InvalidInputException", "You specified an invalid value.")
    start = int(token)
    end = start + call.parameters.get("MaxResults", _PAGE)
    return {member: list(items[start:end]), "NextToken": str(end) if end < len(items) else None}


def _shown(organization: Organization) -> dict[str, Any]:
    management = organization.management_account_id
    return {
        "Id": organization.id,
        "Arn": organization.arn(f"organization/{organization.id}"),
        "FeatureSet": organization.feature_set,
        "MasterAccountArn": organization.arn(f"account/{organization.id}/{management}"),
        "MasterAccountId": management,
        "MasterAccountEmail": organization.members[management].email,
        "AvailablePolicyTypes": [{"Type": "SERVICE_CONTROL_POLICY", "Status": "ENABLED"}],
    }


def _shown_unit(organization: Organization, unit: Unit) -> dict[str, Any]:
    arn = organization.arn(f"ou/{organization.id}/{unit.id}")
    return {"Id": unit.id, "Arn": arn, "Name": unit.name, "Path": organization.path(unit.id)}


def _shown_member(organization: Organization, member: Member) -> dict[str, Any]:
    return {
        "Id": member.account_id,
        "Arn": organization.arn(f"account/{organization.id}/{member.account_id}"),
        "Email": member.email,
        "Name": member.name,
        "Status": member.status,
        "State": member.status,
        "Paths": [f"{organization.path(member.parent_id)}{member.account_id}/"],
        "JoinedMethod": member.method,
        "JoinedTimestamp": member.joined,
    }


OPERATIONS: Final[Mapping[str, Operation]] = {
    "CreateAccount": modelled(create_account, "AccountName", "Email", "RoleName"),
    "CreateOrganization": modelled(create_organization, "FeatureSet"),
    "CreateOrganizationalUnit": modelled(create_organizational_unit, "Name", "ParentId"),
    "DeleteOrganization": modelled(delete_organization),
    "DeleteOrganizationalUnit": modelled(delete_organizational_unit, "OrganizationalUnitId"),
    "DescribeOrganization": modelled(describe_organization),
    "DescribeOrganizationalUnit": modelled(describe_organizational_unit, "OrganizationalUnitId"),
    "DisableAWSServiceAccess": modelled(disable_service_access, "ServicePrincipal"),
    "EnableAWSServiceAccess": modelled(enable_service_access, "ServicePrincipal"),
    "ListAWSServiceAccessForOrganization": modelled(list_service_access, *_PAGES),
    "ListAccounts": modelled(list_accounts, *_PAGES),
    "ListDelegatedAdministrators": modelled(list_delegated_administrators, "ServicePrincipal", *_PAGES),
    "ListAccountsForParent": modelled(list_accounts_for_parent, "ParentId", *_PAGES),
    "ListOrganizationalUnitsForParent": modelled(list_organizational_units_for_parent, "ParentId", *_PAGES),
    "ListParents": modelled(list_parents, "ChildId", *_PAGES),
    "ListRoots": modelled(list_roots, *_PAGES),
    "MoveAccount": modelled(move_account, "AccountId", "DestinationParentId", "SourceParentId"),
}
