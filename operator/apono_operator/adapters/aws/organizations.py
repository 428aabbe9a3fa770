"""Organizations: what an organization is, and whether it has a unit.

Source: Organizations API reference.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from apono_operator.adapters.aws.errors import NotInOrganizationError, translated

if TYPE_CHECKING:
    from mypy_boto3_organizations import OrganizationsClient


@dataclass(frozen=True)
class Organization:
    """An organization as its members see it."""

    organization_id: str
    management_account_id: str
    has_all_features: bool
    """Whether it is for more than one bill: StackSets need that."""


class Organizations:
    """The organization that an account belongs to.

    Args:
        client: A boto3 Organizations client.
        calling: Surrounds each call, named as IAM names it, and translates its errors.
    """

    def __init__(
        self, client: OrganizationsClient, calling: Callable[[str], AbstractContextManager[None]] = translated
    ) -> None:
        self._client = client
        self._calling = calling

    def organization(self) -> Organization | None:
        """Return the account's organization, None if it is in none; any member may ask.

        Raises:
            AdapterError: if AWS does not say.
        """
        try:
            with self._calling("organizations:DescribeOrganization"):
                found = self._client.describe_organization()["Organization"]
        except NotInOrganizationError:
            return None
        return Organization(found["Id"], found["MasterAccountId"], found["FeatureSet"] == "ALL")

    def has_unit(self, unit_id: str) -> bool:
        """Tell whether the organization has a root (``r-…``) or unit (``ou-…``); asked in its management account.

        Raises:
            AdapterError: if AWS does not say.
        """
        return self._has_root(unit_id) if unit_id.startswith("r-") else self._has_organizational_unit(unit_id)

    def _has_root(self, root_id: str) -> bool:
        pages = self._client.get_paginator("list_roots").paginate()
        with self._calling("organizations:ListRoots"):
            return any(root["Id"] == root_id for page in pages for root in page["Roots"])

    def _has_organizational_unit(self, unit_id: str) -> bool:
        try:
            with self._calling("organizations:DescribeOrganizationalUnit"):
                self._client.describe_organizational_unit(OrganizationalUnitId=unit_id)
        except NotInOrganizationError:
            return False
        return True
