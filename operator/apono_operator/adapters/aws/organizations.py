"""Organizations: what an organization is, whether it has a unit, and who else administers services in it.

Source: Organizations API reference.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING

from apono_operator.adapters.aws.errors import NotInOrganizationError, translated
from apono_operator.state.preflight import Organization

if TYPE_CHECKING:
    from mypy_boto3_organizations import OrganizationsClient


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

    def delegated_administrators(self, service: str) -> tuple[str, ...]:
        """Return the ids of the accounts that may administer *service* besides the management account, which asks.

        Args:
            service: Its principal, such as ``sso.amazonaws.com``.

        Raises:
            AdapterError: if AWS does not say.
        """
        pages = self._client.get_paginator("list_delegated_administrators").paginate(ServicePrincipal=service)
        with self._calling("organizations:ListDelegatedAdministrators"):
            return tuple(one["Id"] for page in pages for one in page["DelegatedAdministrators"])

    def accounts_below(self, unit_id: str) -> frozenset[str]:
        """Return the ids of all accounts in a root or unit, or in a unit below it; asked in the management account.

        Two calls for each unit, and one more for each further page.

        Raises:
            AdapterError: if AWS does not say.
        """
        accounts = self._client.get_paginator("list_accounts_for_parent").paginate(ParentId=unit_id)
        with self._calling("organizations:ListAccountsForParent"):
            found = {one["Id"] for page in accounts for one in page["Accounts"]}
        units = self._client.get_paginator("list_organizational_units_for_parent").paginate(ParentId=unit_id)
        with self._calling("organizations:ListOrganizationalUnitsForParent"):
            below = [one["Id"] for page in units for one in page["OrganizationalUnits"]]
        return frozenset(found).union(*map(self.accounts_below, below))

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
