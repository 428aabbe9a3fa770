"""All that `apono-operator bootstrap` prints, and parameters with which it is deployed."""

from __future__ import annotations

from apono_operator.bootstrap import management_account, member_account, operator_account
from apono_operator.templates import management_account as stack
from apono_operator.v1alpha1 import PermissionSet

ISSUER = "oidc.eks.eu-west-1.amazonaws.com/id/EXAMPLE"
OPERATOR_ROLE = "arn:aws:iam::111122223333:role/connector-operator"
CONNECTOR_ROLE = "arn:aws:iam::111122223333:role/apono-connector-apono-production-ce92824b26"
MANAGEMENT_ROLE = "arn:aws:iam::999988887777:role/connector-operator-management"
ORGANIZATION = "o-k012345a67"
TEMPLATE_URL = "https://templates.s3.amazonaws.com/management-account.yaml?versionId=3"

OPERATOR_PARAMETERS = {"ClusterNames": "my-cluster", "OidcIssuer": ISSUER}
MANAGEMENT_PARAMETERS = {
    "OperatorRoleArn": OPERATOR_ROLE,
    "ExternalId": "0123456789abcdef",
    "OrganizationId": ORGANIZATION,
    "HighestPermissions": "FullAccess",
}
STACK_PARAMETERS = {
    "AponoConnectorId": "prod-eks",
    "ConnectorRoleArn": CONNECTOR_ROLE,
    "OrganizationId": ORGANIZATION,
    "OrganizationUnitId": "r-1a2b",
    "Permissions": "FullAccess",
    "PermissionsBoundaryArn": "arn:aws:iam::123456789012:policy/connector-boundary-management-FullAccess",
}
MEMBER_TEMPLATE_URL = "https://templates.s3.amazonaws.com/member-account.yaml?versionId=4"
MEMBER_PARAMETERS = {
    "AponoConnectorId": "prod-eks",
    "ConnectorRoleArn": CONNECTOR_ROLE,
    "ManagementRoleArn": "arn:aws:iam::999988887777:role/apono-management-apono-production-ce92824b26",
    "OrganizationId": ORGANIZATION,
    "Permissions": "FullAccess",
    "MemberRoleName": "apono-member-apono-production-ce92824b26",
}

TEMPLATES = {
    "operator-account": operator_account.text(require_boundary=True),
    "operator-account --no-require-boundary": operator_account.text(require_boundary=False),
    "operator-account --management-account": operator_account.text(require_boundary=True, management_account=True),
    "management-account": management_account.text(template_body=False),
    "management-account --template-body": management_account.text(template_body=True),
    "template": stack.text(),
    "member-template": member_account.text(highest=PermissionSet.READ_ONLY),
    "member-template --highest-permissions=FullAccess": member_account.text(highest=PermissionSet.FULL_ACCESS),
}
"""By the command that prints it."""

PARAMETERS = {
    "operator-account": {**OPERATOR_PARAMETERS, "ManagementRoleArns": MANAGEMENT_ROLE},
    "operator-account --no-require-boundary": OPERATOR_PARAMETERS,
    "operator-account --management-account": {**OPERATOR_PARAMETERS, "ManagementRoleArns": MANAGEMENT_ROLE},
    "management-account": {
        **MANAGEMENT_PARAMETERS,
        "TemplateUrl": TEMPLATE_URL,
        "MemberTemplateUrl": MEMBER_TEMPLATE_URL,
    },
    "management-account --template-body": MANAGEMENT_PARAMETERS,
    "template": STACK_PARAMETERS,
    "member-template": {**MEMBER_PARAMETERS, "Permissions": "ReadOnly"},
    "member-template --highest-permissions=FullAccess": MEMBER_PARAMETERS,
}
