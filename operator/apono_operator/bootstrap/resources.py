"""Resources and parameters that the templates share."""

from __future__ import annotations

from typing import Any

from apono_operator.bootstrap.documents import Blanks, Document, filled
from apono_operator.templates.cloudformation import substituted

ACCOUNT: Blanks = {"partition": "${AWS::Partition}", "account": "${AWS::AccountId}"}
"""Values of the blanks that CloudFormation knows by itself."""

ROLE_ARN = "^arn:aws[a-z-]*:iam::[0-9]{12}:role/([A-Za-z0-9+=,.@_-]+/)*[A-Za-z0-9+=,.@_-]{1,64}$"
CAPABILITIES = "CAPABILITY_NAMED_IAM"


def boundary(name: Any, description: str, document: Document, blanks: Blanks) -> dict[str, Any]:
    """Return a managed policy."""
    return {
        "Type": "AWS::IAM::ManagedPolicy",
        "Properties": {
            "ManagedPolicyName": name,
            "Description": description,
            "PolicyDocument": substituted(filled(document, blanks)),
        },
    }


def inline_policy(name: str, document: Document, blanks: Blanks) -> dict[str, Any]:
    """Return an inline policy of a role."""
    return {"PolicyName": name, "PolicyDocument": substituted(filled(document, blanks))}


def output(description: str, value: Any) -> dict[str, Any]:
    """Return an output."""
    return {"Description": description, "Value": value}
