"""The spec of an AponoConnector."""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, ClassVar

from pydantic import Field

from apono_operator.v1alpha1.deployment import ConnectorDeployment
from apono_operator.v1alpha1.scalars import ObjectName
from apono_operator.v1alpha1.schema import ApiModel, ListType, Rule

CONNECTOR_ID = r"^[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?$"
# CloudFormation's schema of AWS::IAM::Role, ManagedPolicyArns.
MANAGED_POLICY_ARN = r"^arn:aws[a-zA-Z-]*:iam::([0-9]{12}|aws):policy/[a-zA-Z_0-9+=,.@/-]+$"
# IAM API reference, Tag; the characters `\p{L}\p{Z}\p{N}` narrowed to ASCII, which every AWS service takes.
TAG_KEY = r"^[A-Za-z0-9 _.:/=+@-]+$"
TAG_VALUE = r"^[A-Za-z0-9 _.:/=+@-]*$"
TAG_KEY_LIMIT = 128
RESERVED_TAG_PREFIXES = ("aws:", "apono.io/")
ACCOUNT_ID = r"^[0-9]{12}$"
# Organizations API reference, Organization, Root and OrganizationalUnit.
ORGANIZATION_ID = r"^o-[a-z0-9]{10,32}$"
UNIT_ID = r"^(r-[0-9a-z]{4,32}|ou-[0-9a-z]{4,32}-[0-9a-z]{8,32})$"


class Mode(StrEnum):
    """What the connector manages: one account, or an organization from inside or outside its management account."""

    ACCOUNT = "Account"
    MANAGEMENT_ACCOUNT = "ManagementAccount"
    ORGANIZATION = "Organization"


class PermissionSet(StrEnum):
    """How much the connector may do in AWS."""

    FULL_ACCESS = "FullAccess"
    READ_ONLY = "ReadOnly"


class DeletionPolicy(StrEnum):
    """What becomes of the AWS resources when the AponoConnector is deleted."""

    DELETE = "Delete"
    RETAIN = "Retain"


class DriftPolicy(StrEnum):
    """What is done about changes that others make to the role or the children."""

    CORRECT = "Correct"
    REPORT = "Report"


class TokenSecretRef(ApiModel):
    """Where the connector token is: a key of a Secret in the connector's own namespace."""

    name: Annotated[ObjectName, Field(description="Name of the Secret.")]
    key: Annotated[
        str,
        Field(
            description="Key in the Secret whose value is the token.",
            min_length=1,
            max_length=253,
            pattern=r"^[-._a-zA-Z0-9]+$",
        ),
    ] = "token"


def _names_its_organization(target: Target) -> bool:
    return target.mode is Mode.ACCOUNT or bool(target.organization_id and target.organization_unit_id)


def _names_none_for_an_account(target: Target) -> bool:
    return target.mode is not Mode.ACCOUNT or not (target.organization_id or target.organization_unit_id)


def _names_another_account_from_outside(target: Target) -> bool:
    return target.mode is Mode.ORGANIZATION or target.management_account_id is None


def _stays(field: str, remedy: str) -> Rule:
    """Return the rule that *field* of a target is what it was, once it is set."""
    return Rule(
        f"!has(oldSelf.{field}) || (has(self.{field}) && self.{field} == oldSelf.{field})",
        f"target.{field} is immutable once it is set: {remedy}",
    )


class Target(ApiModel):
    """What the connector manages."""

    rules: ClassVar[tuple[Rule, ...]] = (
        Rule(
            "self.mode == oldSelf.mode",
            "target.mode is immutable: create another AponoConnector for another mode",
        ),
        Rule(
            "self.mode == 'Account' || (has(self.organizationId) && has(self.organizationUnitId))",
            "target.mode Organization and ManagementAccount need both: organizationId, such as o-k012345a67, and "
            "organizationUnitId, the root (r-1a2b) or organizational unit (ou-1a2b-12345678) to manage",
            _names_its_organization,
        ),
        Rule(
            "self.mode != 'Account' || (!has(self.organizationId) && !has(self.organizationUnitId))",
            "target.mode Account manages no organization: remove organizationId and organizationUnitId",
            _names_none_for_an_account,
        ),
        Rule(
            "self.mode == 'Organization' || !has(self.managementAccountId)",
            "target.managementAccountId is for target.mode Organization alone: remove it",
            _names_another_account_from_outside,
        ),
        _stays("organizationId", "create another AponoConnector for another organization"),
        _stays("managementAccountId", "create another AponoConnector for another management account"),
    )

    mode: Annotated[
        Mode,
        Field(
            description="Account: the AWS account of this cluster. Organization: an organization, by way of a role "
            "that a stack makes in its management account. ManagementAccount: an organization, from a cluster in its "
            "management account. Immutable."
        ),
    ]
    account_id: Annotated[
        str | None,
        Field(
            description="A guard: the 12 digits of the account that this must be. Nothing is made when the "
            "operator's credentials belong to another.",
            pattern=ACCOUNT_ID,
            min_length=12,
            max_length=12,
        ),
    ] = None
    organization_id: Annotated[
        str | None,
        Field(
            description="Id of the organization to manage, such as o-k012345a67. Required in modes Organization and "
            "ManagementAccount. Immutable.",
            pattern=ORGANIZATION_ID,
            max_length=34,
        ),
    ] = None
    organization_unit_id: Annotated[
        str | None,
        Field(
            description="The part of the organization to manage: its root, such as r-1a2b, for all of it, or an "
            "organizational unit, such as ou-1a2b-12345678. Required in modes Organization and ManagementAccount.",
            pattern=UNIT_ID,
            max_length=68,
        ),
    ] = None
    management_account_id: Annotated[
        str | None,
        Field(
            description="Mode Organization: the 12 digits of the organization's management account, needed where the "
            "administrator lets this namespace into several. Immutable once it is set.",
            pattern=ACCOUNT_ID,
            min_length=12,
            max_length=12,
        ),
    ] = None


ManagedPolicyArn = Annotated[str, Field(min_length=20, max_length=2048, pattern=MANAGED_POLICY_ARN)]
TagValue = Annotated[str, Field(max_length=256, pattern=TAG_VALUE)]


def _all_are_tag_keys(tags: Mapping[str, str]) -> bool:
    return all(len(key) <= TAG_KEY_LIMIT and re.fullmatch(TAG_KEY, key) for key in tags)


def _none_is_reserved(tags: Mapping[str, str]) -> bool:
    return not any(key.lower().startswith(RESERVED_TAG_PREFIXES) for key in tags)


_TAG_KEYS = Rule(
    f"self.all(k, k.size() <= {TAG_KEY_LIMIT} && k.matches(r'{TAG_KEY}'))",
    f"tag keys must have 1 to {TAG_KEY_LIMIT} of the characters A-Z a-z 0-9 space _ . : / = + - @",
    _all_are_tag_keys,
)
# IAM takes tag keys that differ in case alone for the same.
_RESERVED_TAG_KEYS = Rule(
    "!self.exists(k, k.lowerAscii().startsWith('aws:') || k.lowerAscii().startsWith('apono.io/'))",
    "tag keys of aws: and apono.io/ are reserved: choose another key",
    _none_is_reserved,
)


class Role(ApiModel):
    """Additions to the connector's IAM role, each within what the administrator allows."""

    managed_policy_arns: Annotated[
        Annotated[list[ManagedPolicyArn], Field(max_length=7), ListType()] | None,
        Field(
            description="Managed policies to attach besides those of the permission set; each must be on the "
            "administrator's list.",
        ),
    ] = None
    tags: Annotated[
        Annotated[dict[str, TagValue], Field(max_length=20), _TAG_KEYS, _RESERVED_TAG_KEYS] | None,
        Field(
            description="Tags for the role besides the administrator's; each key must be on the administrator's list.",
        ),
    ] = None


class AponoConnectorSpec(ApiModel):
    """What to install, for which part of AWS, with which rights."""

    rules: ClassVar[tuple[Rule, ...]] = (
        Rule(
            "has(self.connectorId) == has(oldSelf.connectorId) "
            "&& (!has(self.connectorId) || self.connectorId == oldSelf.connectorId)",
            "connectorId is immutable, also from unset to set: create another AponoConnector for another id",
        ),
    )

    connector_id: Annotated[
        str | None,
        Field(
            description="Identity of the connector at Apono. Default: metadata.name. Immutable.",
            min_length=1,
            max_length=253,
            pattern=CONNECTOR_ID,
        ),
    ] = None
    token_secret_ref: Annotated[
        TokenSecretRef,
        Field(description="The Secret with the connector token from Apono's page Install Connector."),
    ]
    target: Annotated[Target, Field(description="What the connector manages.")]
    permissions: Annotated[
        PermissionSet,
        Field(
            description="FullAccess: the connector manages IAM, and whoever may write this field is close to an "
            "administrator of the account. ReadOnly: it reads. Required, because it is a grant of power."
        ),
    ]
    role: Annotated[Role | None, Field(description="Additions to the connector's IAM role.")] = None
    deployment: Annotated[ConnectorDeployment | None, Field(description="How the connector's pods run.")] = None
    deletion_policy: Annotated[
        DeletionPolicy,
        Field(description="Delete: the IAM role goes with this object. Retain: it stays, with its policies."),
    ] = DeletionPolicy.DELETE
    drift_policy: Annotated[
        DriftPolicy,
        Field(
            description="Correct: what others change on the role or the children is put right. Report: it is told by "
            "the condition Drifted and left alone, until the manifest asks for something new."
        ),
    ] = DriftPolicy.CORRECT
    suspend: Annotated[
        bool,
        Field(
            strict=True,
            description="While true nothing is changed, in AWS or in the cluster; the status goes on telling what is "
            "there. Does not hold up a deletion.",
        ),
    ] = False
