"""All that `apono-operator bootstrap` prints, and parameters with which it is deployed."""

from __future__ import annotations

from apono_operator.bootstrap import management_account, operator_account
from apono_operator.templates import management_account as stack

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

TEMPLATES = {
    "operator-account": operator_account.text(require_boundary=True),
    "operator-account --no-require-boundary": operator_account.text(require_boundary=False),
    "management-account": management_account.text(template_body=False),
    "management-account --template-body": management_account.text(template_body=True),
    "template": stack.text(),
}
"""By the command that prints it."""

PARAMETERS = {
    "operator-account": {**OPERATOR_PARAMETERS, "ManagementRoleArns": MANAGEMENT_ROLE},
    "operator-account --no-require-boundary": OPERATOR_PARAMETERS,
    "management-account": {**MANAGEMENT_PARAMETERS, "TemplateUrl": TEMPLATE_URL},
    "management-account --template-body": MANAGEMENT_PARAMETERS,
    "template": STACK_PARAMETERS,
}
