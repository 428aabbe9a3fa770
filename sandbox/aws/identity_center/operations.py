"""The operations of IAM Identity Center that are modelled: all else is refused by name.

Source: "IAM Identity Center API Reference", `ListInstances`. That others than the management account and the accounts
that it delegated administration to see nothing is stricter than AWS, which shows some of them the instance.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from sandbox.aws.identity_center.instance import Instance
from sandbox.aws.organizations.organization import Organization
from sandbox.aws.state import Call, Operation, modelled

SERVICE_PRINCIPAL: Final = "sso.amazonaws.com"


def list_instances(call: Call) -> Mapping[str, Any]:
    """List the one instance of the caller's organization, if it is in the region, or wherever it is."""
    organization = call.state.organizations.of_account(call.signer.account_id)
    if organization is None or not _administers(organization, call.signer.account_id):
        return {"Instances": []}
    instance = organization.identity_center
    everywhere = call.parameters.get("RegionScope", "CURRENT_REGION") == "ALL_REGIONS"
    if instance is None or not (everywhere or instance.region == call.region):
        return {"Instances": []}
    return {"Instances": [_shown(organization, instance)]}


def _administers(organization: Organization, account_id: str) -> bool:
    delegated = organization.delegated_administrators.get(SERVICE_PRINCIPAL, {})
    return account_id in {organization.management_account_id, *delegated}


def _shown(organization: Organization, instance: Instance) -> dict[str, Any]:
    return {
        "InstanceArn": f"arn:{organization.partition}:sso:::instance/{instance.id}",
        "IdentityStoreId": instance.identity_store_id,
        "OwnerAccountId": organization.management_account_id,
        "Status": instance.status,
        "PrimaryRegion": instance.region,
    }


OPERATIONS: Final[Mapping[str, Operation]] = {
    "ListInstances": modelled(list_instances, "RegionScope"),
}
