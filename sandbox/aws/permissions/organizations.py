"""Permissions of Organizations.

Source: Service Authorization Reference, "Actions, resources, and condition keys for AWS Organizations".
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from sandbox.aws.permissions.permission import Permission, Permissions, needing
from sandbox.aws.policy.statements import Request
from sandbox.aws.state import Call

_WITHOUT_RESOURCES: Final = (
    "CreateAccount",
    "CreateOrganization",
    "DeleteOrganization",
    "DescribeOrganization",
    "ListAWSServiceAccessForOrganization",
    "ListAccounts",
    "ListDelegatedAdministrators",
    "ListRoots",
)
_BY_PARAMETER: Final = {
    "CreateOrganizationalUnit": ("ParentId",),
    "DeleteOrganizationalUnit": ("OrganizationalUnitId",),
    "DescribeAccount": ("AccountId",),
    "DescribeOrganizationalUnit": ("OrganizationalUnitId",),
    "ListAccountsForParent": ("ParentId",),
    "ListChildren": ("ParentId",),
    "ListOrganizationalUnitsForParent": ("ParentId",),
    "ListParents": ("ChildId",),
    "MoveAccount": ("AccountId", "SourceParentId", "DestinationParentId"),
}
"""Each of the things that are named has to be allowed."""


def _of_what_is_named(call: Call) -> Iterator[Permission]:
    for parameter in _BY_PARAMETER[call.operation]:
        yield Permission(Request(f"organizations:{call.operation}", _arn(call, call.parameters[parameter])))


def _arn(call: Call, identifier: str) -> str:
    organization = call.state.organizations.of_account(call.signer.account_id)
    if organization is None:
        return "*"
    kinds = {"r-": "root", "ou": "ou"}
    return organization.arn(f"{kinds.get(identifier[:2], 'account')}/{organization.id}/{identifier}")


def _of_service_access(call: Call) -> Iterator[Permission]:
    keys = {"organizations:ServicePrincipal": call.parameters["ServicePrincipal"]}
    yield Permission(Request(f"organizations:{call.operation}", "*", keys))


PERMISSIONS: Final[Mapping[str, Permissions]] = {
    **{name: needing(f"organizations:{name}") for name in _WITHOUT_RESOURCES},
    **dict.fromkeys(_BY_PARAMETER, _of_what_is_named),
    "DisableAWSServiceAccess": _of_service_access,
    "EnableAWSServiceAccess": _of_service_access,
}
"""By operation."""
