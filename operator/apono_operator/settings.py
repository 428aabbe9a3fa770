"""The operator's settings: environment variables ``APONO_OPERATOR_*``, read once at the start.

AWS and Kubernetes are set up by their own standard variables (``AWS_REGION``, ``AWS_ROLE_ARN``,
``AWS_ENDPOINT_URL``, ``KUBECONFIG`` and the like).
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import Field, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from apono_operator.state.administration import DEFAULT_IMAGE, Administration, Grant
from apono_operator.v1alpha1 import PermissionSet

PREFIX = "APONO_OPERATOR_"
NAMESPACE_FILE = Path("/var/run/secrets/kubernetes.io/serviceaccount/namespace")
_POLICY_ARN = re.compile(r"^arn:aws[a-zA-Z-]*:iam::(\d{12}|aws):policy/[\w+=,.@/-]+$", re.ASCII)

CommaSeparated = Annotated[tuple[str, ...], NoDecode]


class Settings(BaseSettings):
    """Every setting, its default and its meaning; the documentation's table is made of this."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, extra="forbid", hide_input_in_errors=True)

    namespace: Annotated[
        str,
        Field(
            min_length=1,
            description="Namespace that the operator runs in. Default: that of its pod, else apono.",
        ),
    ] = "apono"
    watch_namespaces: Annotated[
        CommaSeparated,
        Field(description="Namespaces to watch, separated by commas. Empty: all."),
    ] = ()
    grants: Annotated[
        tuple[Grant, ...],
        Field(
            description="JSON list of grants: which namespaces (names or patterns) may use which modes, "
            "permissions and imageRegistries. Default: the operator's own namespace alone, with Apono's registry."
        ),
    ] = ()
    permissions_boundaries: Annotated[
        dict[PermissionSet, str],
        Field(
            description="JSON object: the ARN of the permissions boundary that roles of each permission set carry. "
            "No role is made without one, unless allowUnboundedRoles says so."
        ),
    ] = Field(default_factory=dict)
    allow_unbounded_roles: Annotated[
        bool, Field(description="Make roles of permission sets that have no boundary.")
    ] = False
    allowed_managed_policy_arns: Annotated[
        CommaSeparated,
        Field(description="Managed policies that connectors may add, ARNs or patterns separated by commas."),
    ] = ()
    allowed_role_tag_keys: Annotated[
        CommaSeparated,
        Field(description="Tag keys that connectors may set on their role, names or patterns separated by commas."),
    ] = ()
    role_tags: Annotated[dict[str, str], Field(description="JSON object: tags that every role carries.")] = Field(
        default_factory=dict
    )
    max_session_duration: Annotated[
        int, Field(ge=3600, le=43200, description="Longest session of connector roles, in seconds.")
    ] = 3600
    connector_image: Annotated[str, Field(min_length=1, description="Image of connectors that name none.")] = (
        DEFAULT_IMAGE
    )
    apono_url: Annotated[
        str, Field(min_length=1, pattern=r"^[^/]+$", description="Host of Apono's API, without a scheme.")
    ] = "api.apono.io"
    resync_seconds: Annotated[
        float,
        Field(ge=10, le=86400, description="Seconds between looks at a role with which all is well, ± 10 %."),
    ] = 600.0
    secret_poll_seconds: Annotated[
        float,
        Field(ge=1, le=60, description="Seconds between looks at token and pull Secrets, which are not watched."),
    ] = 30.0
    workers: Annotated[int, Field(ge=1, le=256, description="Connectors that are worked on at once.")] = 16
    log_format: Annotated[
        Literal["json", "console"], Field(description="json: a JSON object a line. console: for people.")
    ] = "json"
    log_level: Annotated[
        Literal["debug", "info", "warning", "error"], Field(description="The least severe lines to log.")
    ] = "info"

    @field_validator("watch_namespaces", "allowed_managed_policy_arns", "allowed_role_tag_keys", mode="before")
    @classmethod
    def _split(cls, value: Any) -> Any:
        if isinstance(value, str):
            return tuple(part.strip() for part in value.split(",") if part.strip())
        return value

    @field_validator("permissions_boundaries")
    @classmethod
    def _boundaries_are_arns(cls, value: dict[PermissionSet, str]) -> dict[PermissionSet, str]:
        for arn in value.values():
            if not _POLICY_ARN.match(arn):
                raise ValueError("each boundary must be a policy's ARN: arn:aws:iam::<account>:policy/<name>")
        return value

    @model_validator(mode="before")
    @classmethod
    def _own_namespace(cls, values: dict[str, Any]) -> dict[str, Any]:
        if "namespace" not in values and NAMESPACE_FILE.exists():
            return {**values, "namespace": NAMESPACE_FILE.read_text(encoding="utf-8").strip()}
        return values

    @model_validator(mode="after")
    def _bounded(self) -> Self:
        if not self.permissions_boundaries and not self.allow_unbounded_roles:
            raise ValueError(
                f"no permissions boundary is configured. Set {PREFIX}PERMISSIONS_BOUNDARIES, for example "
                '{"ReadOnly": "arn:aws:iam::123456789012:policy/connector-boundary"}, or accept roles without one '
                f"by {PREFIX}ALLOW_UNBOUNDED_ROLES=true"
            )
        return self

    def administration(self) -> Administration:
        """Return the administrator's decisions as the core reads them."""
        return Administration(
            grants=self.grants or (Grant(namespaces=(self.namespace,)),),
            permissions_boundaries=self.permissions_boundaries,
            allow_unbounded_roles=self.allow_unbounded_roles,
            allowed_managed_policy_arns=self.allowed_managed_policy_arns,
            allowed_role_tag_keys=self.allowed_role_tag_keys,
            role_tags=self.role_tags,
            max_session_duration=self.max_session_duration,
            connector_image=self.connector_image,
            apono_url=self.apono_url,
        )


class InvalidSettingsError(Exception):
    """A setting is wrong; the message has a line for each, with its name and what it should be."""


def load() -> Settings:
    """Read the settings from the environment.

    Raises:
        InvalidSettingsError: if one of them is wrong.
    """
    try:
        return Settings()
    except ValidationError as error:
        lines = [_readable(problem) for problem in error.errors(include_input=False, include_url=False)]
        raise InvalidSettingsError("\n".join(lines)) from error
    except ValueError as error:  # pydantic-settings: a value that should be JSON is not
        raise InvalidSettingsError(_not_json(error)) from error


def _readable(problem: Any) -> str:
    name, *inner = [str(part) for part in problem["loc"]] or [""]
    message = str(problem["msg"]).removeprefix("Value error, ")
    place = f" ({'.'.join(inner)})" if inner else ""
    return f"{PREFIX}{name.upper()}{place}: {message}" if name else message


def _not_json(error: ValueError) -> str:
    field = re.search(r'field "(\w+)"', str(error))
    name = f"{PREFIX}{field.group(1).upper()}" if field else "a setting"
    return f"{name}: must be JSON; see the table of settings for its shape"
