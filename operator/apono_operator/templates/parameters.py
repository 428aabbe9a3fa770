"""Parameters of the templates: what tells a stack for which connector, and for which part of which organization."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from apono_operator.templates.cloudformation import text_parameter
from apono_operator.v1alpha1 import PermissionSet
from apono_operator.v1alpha1.connector import CONNECTOR_ID

_ROLE_WITHOUT_PATH = "^arn:aws[a-z-]*:iam::[0-9]{12}:role/[A-Za-z0-9+=,.@_-]{1,64}$"

CONNECTOR: Mapping[str, Any] = {
    "AponoConnectorId": text_parameter(
        "Identity of the connector at Apono.",
        "1 to 253 letters, digits, dots, dashes and underscores, with a letter or digit at both ends.",
        AllowedPattern=CONNECTOR_ID,
        MinLength=1,
        MaxLength=253,
    ),
    "ConnectorRoleArn": text_parameter(
        "ARN of the connector's role in the account of its cluster; nobody else may assume the role made here.",
        "The ARN of a role without a path, such as arn:aws:iam::111122223333:role/apono-connector-a.",
        AllowedPattern=_ROLE_WITHOUT_PATH,
    ),
    "OrganizationId": text_parameter(
        "Id of the organization that the connector's account must belong to.",
        "An organization id, such as o-k012345a67.",
        AllowedPattern="^o-[a-z0-9]{10,32}$",
    ),
    "Permissions": text_parameter(
        "FullAccess lets the connector give others access; ReadOnly reads.",
        AllowedValues=[one.value for one in PermissionSet],
    ),
}
"""What all templates are told."""

MANAGEMENT: Mapping[str, Any] = {
    "OrganizationUnitId": text_parameter(
        "Id of the root or of the organizational unit whose accounts the connector manages.",
        "The id of a root, such as r-1a2b, or of an organizational unit, such as ou-1a2b-12345678.",
        AllowedPattern="^(r-[0-9a-z]{4,32}|ou-[0-9a-z]{4,32}-[0-9a-z]{8,32})$",
    ),
    "PermissionsBoundaryArn": text_parameter(
        "ARN of the permissions boundary of the role: a policy of the management account.",
        "The ARN of a customer managed policy.",
        AllowedPattern="^arn:aws[a-z-]*:iam::[0-9]{12}:policy/[A-Za-z0-9+=,.@_/-]+$",
    ),
    "ManagementRoleName": text_parameter(
        "Name of the role. Empty: apono-management- and the connector's id, which must then fit into 64 characters.",
        "Empty, or a role name of at most 64 characters that begins with apono- and not with apono-connector-, "
        "which is the name of connectors' own roles.",
        AllowedPattern="^(apono-(?!connector-)[A-Za-z0-9+=,.@_-]+)?$",
        MaxLength=64,
        Default="",
    ),
    "MemberTemplateUrl": text_parameter(
        "Where the template of the roles in member accounts lies. Empty: none are made.",
        "Empty, or an https:// URL of an object in S3.",
        AllowedPattern=r"^(https://[^\s\"*]+)?$",
        MaxLength=1024,
        Default="",
    ),
    "MemberRoleName": text_parameter(
        "Name of the roles in member accounts. Empty: apono-member- and the connector's id, which must then fit into "
        "64 characters.",
        "Empty, or a role name of at most 64 characters that begins with apono-member-.",
        AllowedPattern="^(apono-member-[A-Za-z0-9+=,.@_-]+)?$",
        MaxLength=64,
        Default="",
    ),
}
"""What the template of the management account is told besides."""

MEMBER: Mapping[str, Any] = {
    "ManagementRoleArn": text_parameter(
        "ARN of the connector's role in the management account, which may assume the role made here as well.",
        "The ARN of a role without a path.",
        AllowedPattern=_ROLE_WITHOUT_PATH,
    ),
    "MemberRoleName": text_parameter(
        "Name of the role.",
        "A role name of at most 64 characters that begins with apono-member-.",
        AllowedPattern="^apono-member-[A-Za-z0-9+=,.@_-]+$",
        MaxLength=64,
    ),
}
"""What the template of member accounts is told besides."""
