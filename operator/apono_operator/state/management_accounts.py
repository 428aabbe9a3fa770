"""The management accounts that the administrator lets connectors have a stack in, and which of them is whose.

Sources: Organizations API reference, ``OrganizationalUnit`` and ``Root``; STS API reference, ``AssumeRole``;
CloudFormation API reference, ``CreateChangeSet``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from fnmatch import fnmatchcase
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator
from pydantic.alias_generators import to_camel

from apono_operator.state.finding import Refusal
from apono_operator.v1alpha1 import PermissionSet, Reason

SETTING = "setting APONO_OPERATOR_MANAGEMENT_ACCOUNTS, chart value managementAccounts"

DEFAULT_RESOURCE_TYPES = (
    "AWS::IAM::Role",
    "AWS::IAM::Policy",
    "AWS::IAM::ManagedPolicy",
    "AWS::CloudFormation::StackSet",
)
DEFAULT_CAPABILITIES: tuple[Capability, ...] = ("CAPABILITY_NAMED_IAM", "CAPABILITY_IAM")

CONNECTOR_ROLE_PREFIX = "apono-"
"""Connectors may assume roles of such names, and CloudFormation's role may make and change them."""

Capability = Literal["CAPABILITY_NAMED_IAM", "CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"]


def _shaped(pattern: str, what: str) -> AfterValidator:
    """Let pass only a text that matches *pattern* as a whole."""
    compiled = re.compile(pattern, re.ASCII)

    def check(value: str | None) -> str | None:
        if value is not None and not compiled.fullmatch(value):
            raise ValueError(f"must be {what}")
        return value

    return AfterValidator(check)


def _each_shaped(pattern: str, what: str) -> AfterValidator:
    """Let pass only texts all of which match *pattern* as a whole."""
    compiled = re.compile(pattern, re.ASCII)

    def check(values: tuple[str, ...]) -> tuple[str, ...]:
        if not all(map(compiled.fullmatch, values)):
            raise ValueError(f"each must be {what}")
        return values

    return AfterValidator(check)


RoleArn = Annotated[
    str,
    _shaped(r"arn:aws[a-z-]*:iam::\d{12}:role/[\w+=,.@/-]{1,576}", "a role's ARN: arn:aws:iam::123456789012:role/name"),
]
BoundaryArn = Annotated[
    str,
    _shaped(
        r"arn:aws[a-z-]*:iam::\d{12}:policy/[\w+=,.@/-]{1,640}",
        "the ARN of a policy of the management account: arn:aws:iam::123456789012:policy/name",
    ),
]


class ManagementAccount(BaseModel):
    """An organization's management account, how the operator enters it, and which connectors it is for."""

    model_config = ConfigDict(frozen=True, extra="forbid", alias_generator=to_camel, populate_by_name=True)

    account_id: Annotated[str, _shaped(r"\d{12}", "the 12 digits of the account's id")]
    role_arn: RoleArn
    """The role that the operator assumes there."""

    external_id: Annotated[
        str, _shaped(r"[\w+=,.@:/-]{2,1224}", "2 to 1224 of A-Z a-z 0-9 _ + = , . @ : / -"), Field(repr=False)
    ]
    """What the operator has to name when it assumes that role. It is no secret, and nobody else's business."""

    cloud_formation_role_arn: RoleArn
    """The role that CloudFormation acts with."""

    region: Annotated[str, _shaped(r"[a-z]{2}(-[a-z]+)+-\d{1,2}", "a region: eu-west-1")]
    """Where stacks are made."""

    template_url: Annotated[
        str | None, _shaped(r"https://[!-~]{1,5112}", "an https:// URL that CloudFormation reads")
    ] = None
    template_file: Annotated[str | None, _shaped(r"/[^\0]{1,4095}", "an absolute path in the operator's pod")] = None
    send_template_body: bool = False
    """Whether the operator sends the template that comes with it. Its role may then send any other as well."""

    member_template_url: Annotated[
        str | None, _shaped(r"https://[^\s\"*]{1,1016}", "an https:// URL that CloudFormation reads")
    ] = None
    """Of the roles in member accounts; without one there are none."""

    permissions_boundaries: Mapping[PermissionSet, BoundaryArn]
    allowed_units: Annotated[
        tuple[str, ...],
        Field(min_length=1),
        _each_shaped(
            r"r-[0-9a-z]{4,32}|ou-[0-9a-z]{4,32}-[0-9a-z]{8,32}",
            "the id of a root (r-1a2b) or of an organizational unit (ou-1a2b-12345678), no pattern",
        ),
    ]
    namespaces: Annotated[tuple[str, ...], Field(min_length=1)]
    """Names or shell-style patterns (``team-*``)."""

    allowed_resource_types: Annotated[
        tuple[str, ...], _each_shaped(r"\w{2,64}::[\w:@-]{1,192}", "a resource's type: AWS::IAM::Role, no pattern")
    ] = DEFAULT_RESOURCE_TYPES
    """What a template that is not ours may make."""

    allowed_capabilities: tuple[Capability, ...] = DEFAULT_CAPABILITIES

    def covers_namespace(self, namespace: str) -> bool:
        """Tell whether *namespace* matches one of the patterns."""
        return any(fnmatchcase(namespace, pattern) for pattern in self.namespaces)

    @property
    def partition(self) -> str:
        """``aws``, ``aws-us-gov`` or ``aws-cn``."""
        prefixes = {"cn-": "aws-cn", "us-gov-": "aws-us-gov"}
        return next((found for prefix, found in prefixes.items() if self.region.startswith(prefix)), "aws")

    @model_validator(mode="after")
    def _has_one_template(self) -> Self:
        given = [bool(self.template_url), bool(self.template_file), self.send_template_body]
        if given.count(True) != 1:
            raise ValueError(
                "needs one of templateUrl (https://...), templateFile (a path in the operator's pod) "
                "and sendTemplateBody: true"
            )
        return self

    @model_validator(mode="after")
    def _is_of_one_account(self) -> Self:
        for name, arn in self._arns():
            if arn.split(":")[4] != self.account_id:
                raise ValueError(f"{name} must be an ARN of the account {self.account_id}, which accountId names")
            if arn.split(":")[1] != self.partition:
                raise ValueError(f"{name} must begin with arn:{self.partition}:, as the region {self.region} asks")
        return self

    @model_validator(mode="after")
    def _keeps_its_roles_from_connectors(self) -> Self:
        for name, arn in (("roleArn", self.role_arn), ("cloudFormationRoleArn", self.cloud_formation_role_arn)):
            if arn.split(":role/")[1].startswith(CONNECTOR_ROLE_PREFIX):
                raise ValueError(
                    f"{name} must not be called {CONNECTOR_ROLE_PREFIX}*: connectors may assume roles of such names, "
                    "and stacks change them. Name it, for example, connector-operator-management"
                )
        return self

    def _arns(self) -> Iterator[tuple[str, str]]:
        yield "roleArn", self.role_arn
        yield "cloudFormationRoleArn", self.cloud_formation_role_arn
        for permission_set, arn in self.permissions_boundaries.items():
            yield f"permissionsBoundaries.{permission_set}", arn


def twice_configured(accounts: Iterable[ManagementAccount]) -> str | None:
    """Return an account's id that more than one of *accounts* have, None if there is none."""
    seen = set[str]()
    for account in accounts:
        if account.account_id in seen:
            return account.account_id
        seen.add(account.account_id)
    return None


def management_account_for(
    accounts: Iterable[ManagementAccount], namespace: str, asked: str | None, unit: str
) -> ManagementAccount | Refusal:
    """Return the account that a connector's stack belongs in, or why there is none.

    A refusal tells nothing of accounts that the namespace has no part in: whether one exists is nobody's business.

    Args:
        accounts: All that the administrator configured.
        namespace: The connector's.
        asked: The account's id that the manifest names, None if it leaves that open.
        unit: The root or organizational unit that the connector is to manage.
    """
    granted = [account for account in accounts if account.covers_namespace(namespace)]
    chosen = [account for account in granted if asked in (None, account.account_id)]
    if not chosen:
        return _not_granted(namespace, asked)
    if len(chosen) > 1:
        return _ambiguous(namespace, chosen)
    if unit not in chosen[0].allowed_units:
        return _unit_not_granted(namespace, unit)
    return chosen[0]


def _not_granted(namespace: str, asked: str | None) -> Refusal:
    account = f"the management account {asked}" if asked else "a management account"
    return Refusal(
        Reason.NOT_PERMITTED,
        f"namespace {namespace} is not granted {account}. Ask the administrator of the operator to name the namespace "
        f"in the entry of the account ({SETTING}).",
    )


def _ambiguous(namespace: str, chosen: list[ManagementAccount]) -> Refusal:
    ids = ", ".join(sorted(account.account_id for account in chosen))
    return Refusal(
        Reason.INVALID_SPEC,
        f"namespace {namespace} is granted several management accounts. Write into spec.target.managementAccountId "
        f"which of them is meant: {ids}.",
    )


def _unit_not_granted(namespace: str, unit: str) -> Refusal:
    return Refusal(
        Reason.NOT_PERMITTED,
        f"namespace {namespace} is not granted the unit {unit}. Correct spec.target.organizationUnitId, or ask the "
        f"administrator of the operator to add the unit to allowedUnits of the account ({SETTING}).",
    )
