"""Organizations, as the account sees them that makes one.

What member accounts see takes more than one account: `tests/aws/organizations`.
"""

from __future__ import annotations

from typing import Any

from tests.aws.conformance import Gives, Refused, Row, Subject

API = "AWS Organizations API reference"
STACKSETS = "CloudFormation user guide: Activate trusted access for StackSets with AWS Organizations"
PRINCIPAL = "member.org.stacksets.cloudformation.amazonaws.com"


def made(subject: Subject) -> Any:
    organization = subject.organizations.create_organization(FeatureSet="ALL")["Organization"]
    subject.has_made_organization = True
    return organization


def root(subject: Subject) -> str:
    return str(subject.organizations.list_roots()["Roots"][0]["Id"])


def unit(subject: Subject, name: str = "Unit", below: str | None = None) -> Any:
    made_unit = subject.organizations.create_organizational_unit(ParentId=below or root(subject), Name=name)
    return made_unit["OrganizationalUnit"]


def services(subject: Subject, _answer: Any = None) -> list[str]:
    found = subject.organizations.list_aws_service_access_for_organization()["EnabledServicePrincipals"]
    return [service["ServicePrincipal"] for service in found]


def access(subject: Subject, _answer: Any = None) -> str:
    return str(subject.cfn.describe_organizations_access()["Status"])


def moved(subject: Subject, destination: str) -> Any:
    ids = {"AccountId": subject.account_id, "SourceParentId": root(subject), "DestinationParentId": destination}
    return subject.organizations.move_account(**ids)


def parent(subject: Subject) -> Any:
    return subject.organizations.list_parents(ChildId=subject.account_id)["Parents"][0]


def parent_type(subject: Subject) -> str:
    return str(parent(subject)["Type"])


def unit_names(subject: Subject, below: str) -> list[str]:
    found = subject.organizations.list_organizational_units_for_parent(ParentId=below)["OrganizationalUnits"]
    return [one["Name"] for one in found]


ROWS = (
    Row(
        "an account outside any organization is told so",
        lambda s: s.organizations.describe_organization(),
        Refused("AWSOrganizationsNotInUseException", "Your account is not a member of an organization."),
        f"{API}: DescribeOrganization",
    ),
    Row(
        "who makes an organization manages it",
        lambda s: s.organizations.describe_organization(),
        Gives(
            lambda s: (s.account_id, "ALL", "o-"),
            lambda _, answer: (
                answer["Organization"]["MasterAccountId"],
                answer["Organization"]["FeatureSet"],
                answer["Organization"]["Id"][:2],
            ),
        ),
        f"{API}: DescribeOrganization",
        given=made,
    ),
    Row(
        "an account makes one organization",
        made,
        Refused("AlreadyInOrganizationException"),
        f"{API}: CreateOrganization",
        given=made,
    ),
    Row(
        "an organization that has units is not deleted",
        lambda s: s.organizations.delete_organization(),
        Refused("OrganizationNotEmptyException"),
        f"{API}: DeleteOrganization",
        given=lambda s: (made(s), unit(s)),
    ),
    Row(
        "a unit that holds an account is not deleted",
        lambda s: s.organizations.delete_organizational_unit(OrganizationalUnitId=parent(s)["Id"]),
        Refused("OrganizationalUnitNotEmptyException"),
        f"{API}: DeleteOrganizationalUnit",
        given=lambda s: (made(s), moved(s, unit(s)["Id"])),
    ),
    Row(
        "an organization has one root",
        lambda s: s.organizations.list_roots(),
        Gives([("r-", "Root")], lambda _, answer: [(found["Id"][:2], found["Name"]) for found in answer["Roots"]]),
        f"{API}: ListRoots",
        given=made,
    ),
    Row(
        "the management account is one of the accounts",
        lambda s: s.organizations.list_accounts(),
        Gives(
            lambda s: [(s.account_id, "ACTIVE")],
            lambda _, answer: [(found["Id"], found["State"]) for found in answer["Accounts"]],
        ),
        f"{API}: ListAccounts",
        given=made,
    ),
    Row(
        "a unit has its parent's path before its own",
        lambda s: s.organizations.describe_organizational_unit(
            OrganizationalUnitId=unit(s, "Below", unit(s)["Id"])["Id"]
        ),
        Gives(("Below", 4), lambda _, a: (a["OrganizationalUnit"]["Name"], a["OrganizationalUnit"]["Path"].count("/"))),
        f"{API}: OrganizationalUnit",
        given=made,
    ),
    Row(
        "a second unit of the same name below the same parent is refused",
        unit,
        Refused("DuplicateOrganizationalUnitException"),
        f"{API}: CreateOrganizationalUnit",
        given=lambda s: (made(s), unit(s)),
    ),
    Row(
        "a unit below nothing is refused",
        lambda s: unit(s, below="r-zzzz9"),
        Refused("ParentNotFoundException"),
        f"{API}: CreateOrganizationalUnit",
        given=made,
    ),
    Row(
        "a unit that does not exist is not found",
        lambda s: s.organizations.describe_organizational_unit(OrganizationalUnitId="ou-zzzz-zzzzzzzz"),
        Refused("OrganizationalUnitNotFoundException"),
        f"{API}: DescribeOrganizationalUnit",
        given=made,
    ),
    Row(
        "units are listed below their parent alone",
        lambda s: (unit(s, "Below", unit(s)["Id"]), root(s))[1],
        Gives(["Unit"], unit_names),
        f"{API}: ListOrganizationalUnitsForParent",
        given=made,
    ),
    Row(
        "an account has one parent",
        lambda s: s.organizations.list_parents(ChildId=s.account_id),
        Gives(
            lambda s: [{"Id": root(s), "Type": "ROOT"}],
            lambda _, answer: answer["Parents"],
        ),
        f"{API}: ListParents",
        given=made,
    ),
    Row(
        "an account moves from one parent to another",
        lambda s: moved(s, unit(s)["Id"]),
        Gives("ORGANIZATIONAL_UNIT", lambda s, _: parent_type(s)),
        f"{API}: MoveAccount",
        given=made,
    ),
    Row(
        "an account does not move to where nothing is",
        lambda s: moved(s, "ou-zzzz-zzzzzzzz"),
        Refused("DestinationParentNotFoundException"),
        f"{API}: MoveAccount",
        given=made,
    ),
    Row(
        "an account does not move to where it is",
        lambda s: moved(s, root(s)),
        Refused("DuplicateAccountException"),
        f"{API}: MoveAccount",
        given=made,
    ),
    Row(
        "no service has trusted access at first",
        services,
        Gives([], lambda _, answer: answer),
        f"{API}: ListAWSServiceAccessForOrganization",
        given=made,
    ),
    Row(
        "a service is given trusted access",
        lambda s: s.organizations.enable_aws_service_access(ServicePrincipal=PRINCIPAL),
        Gives([PRINCIPAL], services),
        f"{API}: EnableAWSServiceAccess",
        given=made,
    ),
    Row(
        "the principal of StackSets begins with member.org",
        lambda s: s.organizations.enable_aws_service_access(ServicePrincipal="stacksets.cloudformation.amazonaws.com"),
        Refused("InvalidInputException", "unrecognized service principal"),
        STACKSETS,
        given=made,
    ),
    Row(
        "StackSets' access is not activated at first",
        access,
        Gives("DISABLED", lambda _, answer: answer),
        "CloudFormation API reference: DescribeOrganizationsAccess",
        given=made,
    ),
    Row(
        "activating StackSets' access gives trusted access, too",
        lambda s: s.cfn.activate_organizations_access(),
        Gives(("ENABLED", [PRINCIPAL]), lambda s, _: (access(s), services(s))),
        "CloudFormation API reference: ActivateOrganizationsAccess",
        given=made,
    ),
    Row(
        "deactivating StackSets' access takes trusted access away",
        lambda s: s.cfn.deactivate_organizations_access(),
        Gives(("DISABLED", []), lambda s, _: (access(s), services(s))),
        "CloudFormation API reference: DeactivateOrganizationsAccess",
        given=lambda s: (made(s), s.cfn.activate_organizations_access()),
    ),
    Row(
        "trusted access is taken from a service",
        lambda s: s.organizations.disable_aws_service_access(ServicePrincipal=PRINCIPAL),
        Gives([], services),
        f"{API}: DisableAWSServiceAccess",
        given=lambda s: (made(s), s.organizations.enable_aws_service_access(ServicePrincipal=PRINCIPAL)),
    ),
    Row(
        "a child that does not exist has no parent",
        lambda s: s.organizations.list_parents(ChildId="ou-zzzz-zzzzzzzz"),
        Refused("ChildNotFoundException"),
        f"{API}: ListParents",
        given=made,
    ),
    Row(
        "an account that is not of the organization does not move",
        lambda s: s.organizations.move_account(
            AccountId="999999999999", SourceParentId=root(s), DestinationParentId=unit(s)["Id"]
        ),
        Refused("AccountNotFoundException"),
        f"{API}: MoveAccount",
        given=made,
    ),
    Row(
        "trusted access alone does not activate StackSets' access",
        lambda s: s.organizations.enable_aws_service_access(ServicePrincipal=PRINCIPAL),
        Gives("DISABLED", access),
        STACKSETS,
        given=made,
    ),
    Row(
        "an account outside any organization is not told of StackSets' access",
        access,
        Refused("ValidationError", "You must be the management account or delegated admin account"),
        "CloudFormation API reference: DescribeOrganizationsAccess",
    ),
)
