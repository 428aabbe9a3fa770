"""Which accounts a stack set is deployed to.

Source: "Create CloudFormation StackSets with service-managed permissions" in the CloudFormation user guide, and
`DeploymentTargets` in the API reference.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from sandbox.aws.errors import not_modelled, validation_error
from sandbox.aws.organizations.organization import Organization

_MOST_UNITS: Final = 50
_FILTERS: Final = {"DIFFERENCE", "INTERSECTION", "NONE"}


def unit_ids(targets: Mapping[str, Any], organization: Organization) -> list[str]:
    """The units and roots that `DeploymentTargets` name.

    Raises:
        AwsError: `ValidationError` for none, for too many, or for one that the organization has not; `NotModelled`
            for other ways to name accounts.
    """
    if "AccountsUrl" in targets:
        raise not_modelled("AccountsUrl of DeploymentTargets")
    named: list[str] = targets.get("OrganizationalUnitIds", [])
    if not named:
        raise validation_error("OrganizationalUnitIds are required")
    if len(named) > _MOST_UNITS:
        raise validation_error(f"The number of OrganizationalUnitIds exceeds the maximum of {_MOST_UNITS}")
    unknown = [unit_id for unit_id in named if not organization.knows(unit_id)]
    if unknown:
        raise validation_error(f"OrganizationalUnitIds do not exist in the organization: {', '.join(unknown)}")
    _check_filter(targets)
    return named


def target_accounts(targets: Mapping[str, Any], organization: Organization) -> dict[str, str]:
    """The accounts that `DeploymentTargets` mean, each with the named unit that holds it.

    Child units are included, the management account never is.
    """
    found = {}
    for account_id in organization.members:
        unit_id = covering_unit(targets["OrganizationalUnitIds"], organization.ancestors(account_id))
        if unit_id is not None and account_id != organization.management_account_id:
            found[account_id] = unit_id
    return {account_id: unit_id for account_id, unit_id in found.items() if is_included(targets, account_id)}


def is_included(targets: Mapping[str, Any], account_id: str) -> bool:
    """Whether the filter of `DeploymentTargets` lets an account of their units pass."""
    match targets.get("AccountFilterType", "NONE"):
        case "INTERSECTION":
            return account_id in targets["Accounts"]
        case "DIFFERENCE":
            return account_id not in targets["Accounts"]
        case _:
            return True


def covering_unit(named: Sequence[str], ancestors: Sequence[str]) -> str | None:
    """The nearest of an account's ancestors that is among some units."""
    return next((ancestor for ancestor in ancestors if ancestor in named), None)


def _check_filter(targets: Mapping[str, Any]) -> None:
    kind, accounts = targets.get("AccountFilterType"), targets.get("Accounts", [])
    if kind == "UNION" or (kind is None and accounts):
        raise not_modelled("AccountFilterType UNION")
    if kind in _FILTERS - {"NONE"} and not accounts:
        raise validation_error("Accounts must be specified with AccountFilterType")
    if kind == "NONE" and accounts:
        raise validation_error("Accounts cannot be specified with AccountFilterType NONE")
