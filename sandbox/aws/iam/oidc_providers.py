"""OpenID Connect identity providers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlsplit

from sandbox.aws.errors import AwsError, no_such_entity, not_modelled, validation_error
from sandbox.aws.iam import tags
from sandbox.aws.state import Call
from sandbox.aws.store.backend import OpenIDConnectProvider

_MOST_PROVIDERS: Final = 100
_MOST_CLIENT_IDS: Final = 100
_MOST_THUMBPRINTS: Final = 5


def create_open_id_connect_provider(call: Call) -> Mapping[str, Any]:
    """Make a provider; unlike IAM, without reaching out to it for a thumbprint."""
    url = call.parameters["Url"]
    _check_url(url)
    client_ids, thumbprints = (
        call.parameters.get("ClientIDList", []),
        call.parameters.get("ThumbprintList", []),
    )
    if len(client_ids) > _MOST_CLIENT_IDS:
        raise _too_many_client_ids()
    if len(thumbprints) > _MOST_THUMBPRINTS:
        raise AwsError("InvalidInput", "Thumbprint list must contain fewer than 5 entries.")
    new_tags = tags.merged([], call.parameters.get("Tags", []))
    provider = OpenIDConnectProvider(
        call.account.account_id, call.account.region_name, url, thumbprints, client_ids, {}
    )
    if provider.arn in call.account.open_id_providers:
        raise AwsError("EntityAlreadyExists", f"Provider with url {url} already exists.")
    if len(call.account.open_id_providers) >= _MOST_PROVIDERS:
        raise AwsError("LimitExceeded", f"Cannot exceed quota for OpenIdConnectProvidersPerAccount: {_MOST_PROVIDERS}")
    provider.tags = {tag["Key"]: tag for tag in new_tags}
    provider.create_date = call.now
    call.account.open_id_providers[provider.arn] = provider
    return {"OpenIDConnectProviderArn": provider.arn, "Tags": new_tags or None}


def get_open_id_connect_provider(call: Call) -> Mapping[str, Any]:
    """Read a provider; its URL comes without the scheme."""
    provider = _existing(call)
    return {
        "Url": provider.url,
        "ClientIDList": provider.client_id_list,
        "ThumbprintList": provider.thumbprint_list,
        "CreateDate": provider.create_date,
        "Tags": list(provider.tags.values()) or None,
    }


def list_open_id_connect_providers(call: Call) -> Mapping[str, Any]:
    """List the ARNs of all providers."""
    return {"OpenIDConnectProviderList": [{"Arn": arn} for arn in sorted(call.account.open_id_providers)]}


def delete_open_id_connect_provider(call: Call) -> Mapping[str, Any]:
    """Delete a provider; one that does not exist is no error."""
    call.account.open_id_providers.pop(call.parameters["OpenIDConnectProviderArn"], None)
    return {}


def add_client_id(call: Call) -> Mapping[str, Any]:
    """Add an audience; one that is there already is no error."""
    provider, client_id = _existing(call), call.parameters["ClientID"]
    if client_id in provider.client_id_list:
        return {}
    if len(provider.client_id_list) >= _MOST_CLIENT_IDS:
        raise _too_many_client_ids()
    provider.client_id_list.append(client_id)
    return {}


def remove_client_id(call: Call) -> Mapping[str, Any]:
    """Remove an audience; one that is not there is no error."""
    provider, client_id = _existing(call), call.parameters["ClientID"]
    if client_id in provider.client_id_list:
        provider.client_id_list.remove(client_id)
    return {}


def _check_url(url: str) -> None:
    parts = urlsplit(url)
    if parts.scheme != "https" or not parts.hostname or parts.query or parts.fragment:
        raise validation_error("Invalid Open ID Connect Provider URL")
    if parts.port is not None:
        raise not_modelled("a port in a provider's URL, which IAM's documentation discourages,")


def _existing(call: Call) -> OpenIDConnectProvider:
    arn = call.parameters["OpenIDConnectProviderArn"]
    provider = call.account.open_id_providers.get(arn)
    if provider is None:
        raise no_such_entity(f"OpenIDConnect Provider not found for arn {arn}")
    return provider


def _too_many_client_ids() -> AwsError:
    return AwsError("LimitExceeded", f"Cannot exceed quota for ClientIdsPerOpenIdConnectProvider: {_MOST_CLIENT_IDS}")
