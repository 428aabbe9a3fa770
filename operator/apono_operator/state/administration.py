"""What the administrator decides and no manifest can: grants, boundaries, allow-lists, defaults."""

from __future__ import annotations

from collections.abc import Mapping
from fnmatch import fnmatchcase
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from apono_operator.v1alpha1 import Mode, PermissionSet

CONNECTOR_REGISTRY = "registry.apono.io"
"""Apono's registry: its user is ``apono``, its password is the connector token."""

DEFAULT_IMAGE = f"{CONNECTOR_REGISTRY}/apono-connector:v1.7.8"


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
        return any(fnmatchcase(namespace, pattern) for pattern in self.namespaces)

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

    role_tags: Mapping[str, str] = Field(default_factory=dict)
    max_session_duration: Annotated[int, Field(ge=3600, le=43200)] = 3600
    connector_image: str = DEFAULT_IMAGE
    apono_url: str = "api.apono.io"

    def allows_managed_policy(self, arn: str) -> bool:
        """Tell whether *arn* is on the administrator's list of managed policies."""
        return any(fnmatchcase(arn, pattern) for pattern in self.allowed_managed_policy_arns)

    def allows_role_tag(self, key: str) -> bool:
        """Tell whether *key* is on the administrator's list of tag keys."""
        return any(fnmatchcase(key, pattern) for pattern in self.allowed_role_tag_keys)


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


def _lies_in(image: str, place: str) -> bool:
    full = qualified(image)
    place = place.rstrip("/")
    # Behind a bare host a colon starts a port, and so names another registry.
    ends = ("/", ":", "@") if "/" in place else ("/",)
    return full == place or full.startswith(tuple(f"{place}{end}" for end in ends))
