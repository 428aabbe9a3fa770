"""What the administrator decides and no manifest can: grants, boundaries, allow-lists, defaults."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from apono_operator.state.egress import PrivateCa, Proxy
from apono_operator.state.management_accounts import ManagementAccount
from apono_operator.v1alpha1 import Mode, PermissionSet

CONNECTOR_REGISTRY = "registry.apono.io"
"""Apono's registry: its user is ``apono``, its password is the connector token."""

DEFAULT_IMAGE = f"{CONNECTOR_REGISTRY}/apono-connector:v1.7.8"

DEFAULT_ENV_NAMES = (
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "NO_PROXY",
    "http_proxy",
    "https_proxy",
    "no_proxy",
    "LOG_LEVEL",
)
"""Variables that connectors may set if the administrator says nothing else: none of them runs code in the pod."""


class Grant(BaseModel):
    """What connectors in some namespaces may ask for."""

    model_config = ConfigDict(frozen=True, extra="forbid", alias_generator=to_camel, populate_by_name=True)

    namespaces: Annotated[tuple[str, ...], Field(min_length=1)]
    """Names or shell-style patterns (``team-*``)."""

    modes: tuple[Mode, ...] = tuple(Mode)
    permissions: tuple[PermissionSet, ...] = tuple(PermissionSet)
    image_registries: tuple[str, ...] = (CONNECTOR_REGISTRY,)
    """Registries or repositories, without a scheme: an image must be the entry or lie below it."""

    def covers_namespace(self, namespace: str) -> bool:
        """Tell whether *namespace* matches one of the patterns."""
        return _matches(namespace, self.namespaces)

    def covers_image(self, image: str) -> bool:
        """Tell whether *image* lies in one of the registries or repositories."""
        return any(_lies_in(image, place) for place in self.image_registries)


class Administration(BaseModel):
    """The administrator's decisions, as one value that the pure core reads."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    grants: tuple[Grant, ...]
    permissions_boundaries: Mapping[PermissionSet, str] = Field(default_factory=dict)
    allow_unbounded_roles: bool = False
    allowed_managed_policy_arns: tuple[str, ...] = ()
    """Exact ARNs or shell-style patterns."""

    allowed_role_tag_keys: tuple[str, ...] = ()
    """Exact keys or shell-style patterns."""

    allowed_env_names: tuple[str, ...] = DEFAULT_ENV_NAMES
    """Exact names of environment variables or shell-style patterns."""

    allowed_pod_label_keys: tuple[str, ...] = ()
    """Exact keys or shell-style patterns."""

    allowed_pod_annotation_keys: tuple[str, ...] = ()
    """Exact keys or shell-style patterns."""

    management_accounts: tuple[ManagementAccount, ...] = ()
    """Of organizations, each account once."""

    role_tags: Mapping[str, str] = Field(default_factory=dict)
    max_session_duration: Annotated[int, Field(ge=3600, le=43200)] = 3600
    connector_image: str = DEFAULT_IMAGE
    connector_image_pull_secrets: tuple[str, ...] = ()
    """Names of Secrets in the connectors' namespaces; with any, none is made from the token."""

    proxy: Proxy = Proxy()
    private_ca: PrivateCa = PrivateCa()
    apono_url: str = "api.apono.io"

    def allows_managed_policy(self, arn: str) -> bool:
        """Tell whether *arn* is on the administrator's list of managed policies."""
        return _matches(arn, self.allowed_managed_policy_arns)

    def allows_role_tag(self, key: str) -> bool:
        """Tell whether *key* is on the administrator's list of tag keys."""
        return _matches(key, self.allowed_role_tag_keys)

    def allows_env(self, name: str) -> bool:
        """Tell whether *name* is on the administrator's list of environment variables."""
        return _matches(name, self.allowed_env_names)

    def allows_pod_label(self, key: str) -> bool:
        """Tell whether *key* is on the administrator's list of keys of pod labels."""
        return _matches(key, self.allowed_pod_label_keys)

    def allows_pod_annotation(self, key: str) -> bool:
        """Tell whether *key* is on the administrator's list of keys of pod annotations."""
        return _matches(key, self.allowed_pod_annotation_keys)


def registry_of(image: str) -> str:
    """Return the registry host of *image*, ``docker.io`` if it names none.

    Source: the distribution project's reference grammar: a first component with a dot, a colon or the name
    ``localhost`` is a host.
    """
    first, slash, _ = image.partition("/")
    return first if slash and ("." in first or ":" in first or first == "localhost") else "docker.io"


def qualified(image: str) -> str:
    """Return *image* with its registry host written out."""
    host = registry_of(image)
    return image if image.startswith(f"{host}/") else f"{host}/{image}"


def _matches(text: str, patterns: Iterable[str]) -> bool:
    return any(fnmatchcase(text, pattern) for pattern in patterns)


def _lies_in(image: str, place: str) -> bool:
    full = qualified(image)
    place = place.rstrip("/")
    # Behind a bare host a colon starts a port, and so names another registry.
    ends = ("/", ":", "@") if "/" in place else ("/",)
    return full == place or full.startswith(tuple(f"{place}{end}" for end in ends))
