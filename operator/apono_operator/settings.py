"""The operator's settings: environment variables ``APONO_OPERATOR_*``, read once at the start.

AWS and Kubernetes are set up by their own standard variables (``AWS_REGION``, ``AWS_ROLE_ARN``,
``AWS_ENDPOINT_URL``, ``KUBECONFIG`` and the like).
"""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from apono_operator.adapters.aws.rate_limits import DEFAULT_RATE_LIMITS, RateLimit
from apono_operator.state.administration import DEFAULT_ENV_NAMES, DEFAULT_IMAGE, Administration, Grant
from apono_operator.state.claim import DEFAULT_INSTALLATION
from apono_operator.state.egress import PrivateCa, Proxy
from apono_operator.state.leadership import LONGEST_SECONDS, ElectionTiming
from apono_operator.state.management_accounts import ManagementAccount, twice_configured
from apono_operator.v1alpha1 import PermissionSet
from apono_operator.v1alpha1.scalars import DNS_SUBDOMAIN

PREFIX = "APONO_OPERATOR_"
NAMESPACE_FILE = Path("/var/run/secrets/kubernetes.io/serviceaccount/namespace")
_POLICY_ARN = re.compile(r"arn:aws[a-zA-Z-]*:iam::(\d{12}|aws):policy/[\w+=,.@/-]+", re.ASCII)
_POLICY_ARN_PATTERN = re.compile(r"\*|arn:[\w+=,.@/:*?!\[\]-]+", re.ASCII)
_NAMESPACE = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
_TAG_KEY_PATTERN = re.compile(r"[\w .:/=+@*?!\[\]-]{1,128}", re.ASCII)
_ENV_NAME_PATTERN = re.compile(r"[\w*?!\[\]-]{1,253}", re.ASCII)
_METADATA_KEY_PATTERN = re.compile(r"[\w./*?!\[\]-]{1,317}", re.ASCII)
_METADATA_KEY_PATTERN_IS = "a key or a pattern of such: up to 317 of A-Z a-z 0-9 - _ . / * ? [ ! ]"
_ROLE_TAG_KEY = re.compile(r"(?!aws:|apono\.io/)[\w .:/=+@-]{1,128}", re.ASCII | re.IGNORECASE)
_ROLE_TAG_VALUE_LIMIT = 256
# Source: Kubernetes documentation, "Service", on environment variables; a Service may well be called apono-operator.
_SERVICE_LINK = re.compile(r"SERVICE_HOST|SERVICE_PORT(_\w+)?|PORT(_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)?")


def _each(pattern: re.Pattern[str], what: str) -> AfterValidator:
    """Let pass only values all of which match *pattern*."""

    def check(values: Iterable[str]) -> Iterable[str]:
        if not all(pattern.fullmatch(value) for value in values):
            raise ValueError(f"each must be {what}")
        return values

    return AfterValidator(check)


CommaSeparated = Annotated[tuple[str, ...], NoDecode]


class Settings(BaseSettings):
    """Every setting, its default and its meaning; the documentation's table is made of this."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, extra="forbid", hide_input_in_errors=True)

    namespace: Annotated[
        str,
        Field(
            pattern=rf"^{_NAMESPACE.pattern}$",
            description="Namespace that the operator runs in. Default: that of its pod, else apono.",
        ),
    ] = DEFAULT_INSTALLATION.namespace
    deployment_name: Annotated[
        str,
        Field(
            pattern=DNS_SUBDOMAIN,
            max_length=253,
            description="Name of the operator's Deployment, and of its Lease. With the namespace it tells "
            "installations apart: each claims its connectors, and leaves those of another alone as long as that one's "
            "Deployment is there.",
        ),
    ] = DEFAULT_INSTALLATION.deployment
    watch_namespaces: Annotated[
        CommaSeparated,
        _each(_NAMESPACE, "the name of a namespace: up to 63 of a-z 0-9 -, no pattern"),
        Field(description="Namespaces to watch, separated by commas. Empty: all."),
    ] = ()
    watch_selector: Annotated[
        str,
        Field(
            pattern=r"^[A-Za-z0-9 ,=!()._/-]*$",
            description="Label selector of the connectors to serve, such as shard=a. Empty: all. Operators that share "
            "the connectors of a namespace must have selectors of which each connector fits one.",
        ),
    ] = ""
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
        _each(_POLICY_ARN_PATTERN, "a policy's ARN or a pattern of such: arn:aws:iam::<account>:policy/team-*"),
        Field(description="Managed policies that connectors may add, ARNs or patterns separated by commas."),
    ] = ()
    allowed_role_tag_keys: Annotated[
        CommaSeparated,
        _each(_TAG_KEY_PATTERN, "a tag key or a pattern of such: up to 128 of A-Z a-z 0-9 space _ . : / = + - @ * ?"),
        Field(description="Tag keys that connectors may set on their role, names or patterns separated by commas."),
    ] = ()
    allowed_env_names: Annotated[
        CommaSeparated,
        _each(_ENV_NAME_PATTERN, "a variable's name or a pattern of such: up to 253 of A-Z a-z 0-9 _ * ? [ ! - ]"),
        Field(
            default=",".join(DEFAULT_ENV_NAMES),  # as it is written, for the reference; split like any other
            description="Environment variables that connectors may set, names or patterns separated by commas. "
            "Empty: none. APONO_* and AWS_* stay out of reach.",
        ),
    ]
    allowed_pod_label_keys: Annotated[
        CommaSeparated,
        _each(_METADATA_KEY_PATTERN, _METADATA_KEY_PATTERN_IS),
        Field(description="Keys of labels that connectors may set on their pods, or patterns, separated by commas."),
    ] = ()
    allowed_pod_annotation_keys: Annotated[
        CommaSeparated,
        _each(_METADATA_KEY_PATTERN, _METADATA_KEY_PATTERN_IS),
        Field(
            description="Keys of annotations that connectors may set on their pods, or patterns, separated by commas."
        ),
    ] = ()
    management_accounts: Annotated[
        tuple[ManagementAccount, ...],
        Field(
            description="JSON list: the management accounts of organizations in which connectors may have a stack, "
            "each with the way in, the template, and the namespaces and units that it is for. Default: none."
        ),
    ] = ()
    role_tags: Annotated[
        dict[str, str],
        _each(_ROLE_TAG_KEY, "a tag key: up to 128 of A-Z a-z 0-9 space _ . : / = + - @, not of aws: nor apono.io/"),
        Field(max_length=25, description="JSON object: tags that every role carries."),
    ] = Field(default_factory=dict)
    max_session_duration: Annotated[
        int, Field(ge=3600, le=43200, description="Longest session of connector roles, in seconds.")
    ] = 3600
    connector_image: Annotated[str, Field(min_length=1, description="Image of connectors that name none.")] = (
        DEFAULT_IMAGE
    )
    connector_image_pull_secrets: Annotated[
        CommaSeparated,
        _each(re.compile(DNS_SUBDOMAIN), "the name of a Secret: a-z 0-9 - and ."),
        Field(
            description="Secrets in the connectors' namespaces to pull the image with for connectors that name none, "
            "separated by commas. Empty: one is made from the connector's token for images of Apono's registry."
        ),
    ] = ()
    proxy: Annotated[
        Proxy,
        Field(
            description="JSON object: the proxy of connectors, by httpProxy and httpsProxy (URLs without a password), "
            "noProxy (a list of hosts, domains and addresses besides the cluster's own and the Pod Identity agent), "
            "and clusterDomain."
        ),
    ] = Proxy()
    private_ca: Annotated[
        PrivateCa,
        Field(
            description="JSON object: configMap and key of all certificates that connectors are to trust, in PEM; the "
            "ConfigMap has to be in each namespace with connectors."
        ),
    ] = PrivateCa()
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
    stack_poll_seconds: Annotated[
        float,
        Field(
            ge=1,
            le=300,
            description="Seconds between looks at a management-account stack that CloudFormation works on; grows by "
            "half each time, up to six times as much.",
        ),
    ] = 10.0
    workers: Annotated[
        int,
        Field(
            ge=1, le=256, description="Connectors that are worked on at once, three quarters of them at most in AWS."
        ),
    ] = 16
    aws_rate_limits: Annotated[
        dict[str, RateLimit],
        Field(
            description="JSON object: how many calls leave for each service of AWS, perSecond in the long run and "
            "burst at once. Services that are left out keep their default; a large number stands for no limit."
        ),
    ] = Field(default_factory=lambda: dict(DEFAULT_RATE_LIMITS))
    leader_election: Annotated[
        bool,
        Field(
            description="Act only while holding a Lease in the operator's namespace, so that one of several operators "
            "acts at a time. Without it, make sure that there is one."
        ),
    ] = True
    lease_duration_seconds: Annotated[
        int,
        Field(
            ge=2, le=LONGEST_SECONDS, description="Seconds for which a Lease that is not renewed is left to its holder."
        ),
    ] = 15
    lease_renew_deadline_seconds: Annotated[
        float,
        Field(
            ge=1,
            description="Seconds for which its holder goes on without being able to renew it; then the process ends. "
            "At least a second less than the Lease lasts: calls that are under way by then have that long to end.",
        ),
    ] = 10.0
    lease_retry_seconds: Annotated[
        float,
        Field(
            ge=0.1,
            description="Seconds between renewals; who waits looks twice as often. Half the deadline at most.",
        ),
    ] = 2.0
    http_port: Annotated[
        int,
        Field(
            ge=0,
            le=65535,
            description="Port of /healthz, /readyz and /metrics, in plain HTTP for all. 0: there are none.",
        ),
    ] = 8080
    log_format: Annotated[
        Literal["json", "console"], Field(description="json: a JSON object a line. console: for people.")
    ] = "json"
    log_level: Annotated[
        Literal["debug", "info", "warning", "error"], Field(description="The least severe lines to log.")
    ] = "info"

    @field_validator(
        "watch_namespaces",
        "allowed_managed_policy_arns",
        "allowed_role_tag_keys",
        "allowed_env_names",
        "allowed_pod_label_keys",
        "allowed_pod_annotation_keys",
        "connector_image_pull_secrets",
        mode="before",
    )
    @classmethod
    def _split(cls, value: Any) -> Any:
        if isinstance(value, str):
            return tuple(part.strip() for part in value.split(",") if part.strip())
        return value

    @field_validator("permissions_boundaries")
    @classmethod
    def _boundaries_are_arns(cls, value: dict[PermissionSet, str]) -> dict[PermissionSet, str]:
        for arn in value.values():
            if not _POLICY_ARN.fullmatch(arn):
                raise ValueError("each boundary must be a policy's ARN: arn:aws:iam::<account>:policy/<name>")
        return value

    @field_validator("management_accounts")
    @classmethod
    def _accounts_are_configured_once(cls, value: tuple[ManagementAccount, ...]) -> tuple[ManagementAccount, ...]:
        account_id = twice_configured(value)
        if account_id:
            raise ValueError(f"there is more than one entry for the account {account_id}. Make one of them")
        return value

    @field_validator("role_tags")
    @classmethod
    def _tags_are_iams(cls, value: dict[str, str]) -> dict[str, str]:
        if len({key.lower() for key in value}) < len(value):
            raise ValueError("keys must differ in more than their case: IAM takes such for the same")
        if any(len(text) > _ROLE_TAG_VALUE_LIMIT for text in value.values()):
            raise ValueError(f"each value must have at most {_ROLE_TAG_VALUE_LIMIT} characters")
        return value

    @field_validator("aws_rate_limits")
    @classmethod
    def _limits_are_of_services_that_we_call(cls, value: dict[str, RateLimit]) -> dict[str, RateLimit]:
        if not value.keys() <= DEFAULT_RATE_LIMITS.keys():
            known = ", ".join(DEFAULT_RATE_LIMITS)
            raise ValueError(
                f'the services are {known}. Write, for example, {{"iam": {{"perSecond": 5, "burst": 10}}}}'
            )
        return {**DEFAULT_RATE_LIMITS, **value}

    @model_validator(mode="after")
    def _bounded(self) -> Self:
        if not self.permissions_boundaries and not self.allow_unbounded_roles:
            raise ValueError(
                f"no permissions boundary is configured. Set {PREFIX}PERMISSIONS_BOUNDARIES, for example "
                '{"ReadOnly": "arn:aws:iam::123456789012:policy/connector-boundary"}, or accept roles without one '
                f"by {PREFIX}ALLOW_UNBOUNDED_ROLES=true"
            )
        return self

    @model_validator(mode="after")
    def _lease_outlasts_its_deadline(self) -> Self:
        deadline = self.lease_renew_deadline_seconds
        if not 2 * self.lease_retry_seconds <= deadline <= self.lease_duration_seconds - 1:
            raise ValueError(
                f"the Lease's times do not fit each other. {PREFIX}LEASE_RENEW_DEADLINE_SECONDS must be at least a "
                f"second less than {PREFIX}LEASE_DURATION_SECONDS, and {PREFIX}LEASE_RETRY_SECONDS at most half of it"
            )
        return self

    @property
    def election_timing(self) -> ElectionTiming:
        """The Lease's times as the election reads them."""
        return ElectionTiming(self.lease_duration_seconds, self.lease_renew_deadline_seconds, self.lease_retry_seconds)

    def administration(self) -> Administration:
        """Return the administrator's decisions as the core reads them."""
        return Administration(
            grants=self.grants or (Grant(namespaces=(self.namespace,)),),
            permissions_boundaries=self.permissions_boundaries,
            allow_unbounded_roles=self.allow_unbounded_roles,
            allowed_managed_policy_arns=self.allowed_managed_policy_arns,
            allowed_role_tag_keys=self.allowed_role_tag_keys,
            allowed_env_names=self.allowed_env_names,
            allowed_pod_label_keys=self.allowed_pod_label_keys,
            allowed_pod_annotation_keys=self.allowed_pod_annotation_keys,
            management_accounts=self.management_accounts,
            role_tags=self.role_tags,
            max_session_duration=self.max_session_duration,
            connector_image=self.connector_image,
            connector_image_pull_secrets=self.connector_image_pull_secrets,
            proxy=self.proxy,
            private_ca=self.private_ca,
            apono_url=self.apono_url,
        )


class InvalidSettingsError(Exception):
    """A setting is wrong; the message has a line for each, with its name and what it should be."""


def load(namespace_file: Path = NAMESPACE_FILE) -> Settings:
    """Read the settings from the environment.

    Args:
        namespace_file: Where Kubernetes tells a pod its namespace, in case that no variable does.

    Raises:
        InvalidSettingsError: if one of them is wrong, or a variable with the prefix is none of them.
    """
    problems = [*_unknown(os.environ)]
    try:
        settings = Settings(**_from_pod(namespace_file))
    except ValidationError as error:
        problems += [_readable(problem) for problem in error.errors(include_input=False, include_url=False)]
        raise InvalidSettingsError("\n".join(problems)) from error
    except ValueError as error:  # pydantic-settings: a value that should be JSON is not
        raise InvalidSettingsError("\n".join([*problems, _not_json(error)])) from error
    if problems:
        raise InvalidSettingsError("\n".join(problems))
    return settings


def _unknown(environment: Mapping[str, str]) -> Iterator[str]:
    """Complain of variables that are meant for us and are no setting: most are typing errors."""
    known = [f"{PREFIX}{name.upper()}" for name in Settings.model_fields]
    for name in sorted(environment):
        if not name.upper().startswith(PREFIX) or name.upper() in known:
            continue
        if not _SERVICE_LINK.fullmatch(name.upper().removeprefix(PREFIX)):
            nearest = difflib.get_close_matches(name.upper(), known, n=1, cutoff=0)
            yield f"{name}: there is no such setting. The nearest is {nearest[0]}"


def _from_pod(namespace_file: Path) -> dict[str, Any]:
    named = any(name.upper() == f"{PREFIX}NAMESPACE" for name in os.environ)
    return {} if named or not namespace_file.exists() else {"namespace": namespace_file.read_text("utf-8").strip()}


def _readable(problem: Any) -> str:
    name, *inner = [str(part) for part in problem["loc"]] or [""]
    message = str(problem["msg"]).removeprefix("Value error, ")
    place = f" ({'.'.join(inner)})" if inner else ""
    return f"{PREFIX}{name.upper()}{place}: {message}" if name else message


def _not_json(error: ValueError) -> str:
    """Name the setting, as far as pydantic-settings tells it in words only."""
    found = re.search(r'field "(\w+)"', str(error))
    name = found.group(1) if found else ""
    description = Settings.model_fields[name].description if name in Settings.model_fields else ""
    return f"{PREFIX}{name.upper()}: must be JSON. {description}"
