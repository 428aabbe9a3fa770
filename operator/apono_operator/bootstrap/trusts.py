"""Who may assume the roles of the operator: trust policies with blanks.

Sources: Amazon EKS User Guide, "Assign IAM roles to Kubernetes service accounts"; IAM User Guide, "The confused deputy
problem" and "Pass session tags in AWS STS"; Service Authorization Reference, "AWS Security Token Service".
"""

from __future__ import annotations

from apono_operator.bootstrap.documents import Document, let_in, policy

_OPERATORS_ACCOUNT = {"AWS": "arn:{partition}:iam::{operator_account}:root"}
_IS_THE_OPERATOR = {"aws:PrincipalArn": "{operator_role}"}
"""By name: as the principal, a role is kept by its id, and not known once it is made anew."""

_IS_OF_THE_ORGANIZATION = {"aws:PrincipalOrgID": "{organization}"}

OPERATOR: Document = policy(
    [
        let_in(
            "LetTheServiceAccountIn",
            {"Federated": "arn:{partition}:iam::{account}:oidc-provider/{issuer}"},
            ["sts:AssumeRoleWithWebIdentity"],
            {
                "StringEquals": {
                    "{issuer}:sub": "system:serviceaccount:{namespace}:{service_account}",
                    "{issuer}:aud": "sts.amazonaws.com",
                }
            },
        )
    ]
)
"""The operator's role: one ServiceAccount of one cluster."""

MANAGEMENT: Document = policy(
    [
        let_in(
            "LetTheOperatorIn",
            _OPERATORS_ACCOUNT,
            ["sts:AssumeRole"],
            {
                "ArnEquals": _IS_THE_OPERATOR,
                "StringEquals": {"sts:ExternalId": "{external_id}", **_IS_OF_THE_ORGANIZATION},
            },
        ),
        # Apart, and of no use alone: AWS knows no ExternalId where session tags are let in.
        let_in(
            "AndTheTagsOfItsSession",
            _OPERATORS_ACCOUNT,
            ["sts:TagSession"],
            {"ArnEquals": _IS_THE_OPERATOR, "StringEquals": _IS_OF_THE_ORGANIZATION},
        ),
    ]
)
"""The role in the management account: one role of another account of the organization."""

CLOUDFORMATION: Document = policy(
    [
        let_in(
            "LetCloudFormationIn",
            {"Service": "cloudformation.amazonaws.com"},
            ["sts:AssumeRole"],
            {"StringEquals": {"aws:SourceAccount": "{account}"}},
        )
    ]
)
"""The role that stacks are made with: CloudFormation on behalf of this account alone."""
