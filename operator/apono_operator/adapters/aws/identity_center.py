"""IAM Identity Center: which instances of it an account sees.

Source: IAM Identity Center API reference, ``ListInstances``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from typing import Any

from apono_operator.adapters.aws.errors import translated
from apono_operator.state.preflight import IdentityCenterInstance


class IdentityCenter:
    """The instances of IAM Identity Center that an account sees.

    Args:
        client: A boto3 client of ``sso-admin``.
        region: The client's region.
        calling: Surrounds each call, named as IAM names it, and translates its errors.
    """

    def __init__(
        self, client: Any, region: str, calling: Callable[[str], AbstractContextManager[None]] = translated
    ) -> None:
        self._client = client
        self._region = region
        self._calling = calling

    def instances(self) -> tuple[IdentityCenterInstance, ...]:
        """Return the instances in all regions; an organization has one at most, in the region of its choice.

        Raises:
            AdapterError: if AWS does not say.
        """
        pages = self._client.get_paginator("list_instances").paginate(RegionScope="ALL_REGIONS")
        with self._calling("sso:ListInstances"):
            return tuple(self._instance(one) for page in pages for one in page["Instances"])

    def _instance(self, seen: Mapping[str, Any]) -> IdentityCenterInstance:
        return IdentityCenterInstance(
            arn=seen["InstanceArn"],
            owner_account_id=seen["OwnerAccountId"],
            status=seen["Status"],
            region=seen.get("PrimaryRegion", self._region),
        )
