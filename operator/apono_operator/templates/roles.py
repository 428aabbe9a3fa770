"""What the roles of a connector's stacks have in common, whichever account they are in."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from apono_operator.state.iam_policy import POLICY_VERSION
from apono_operator.state.permissions import BOTH, INLINE_POLICY_NAME, PolicyStatement
from apono_operator.templates.cloudformation import if_, ref, substituted
from apono_operator.v1alpha1 import PermissionSet

FULL_ACCESS = "FullAccess"
"""The name of the condition that the connector has that permission set; templates of such roles have it."""

FULL_ACCESS_IS_ASKED_FOR = {"Fn::Equals": [ref("Permissions"), PermissionSet.FULL_ACCESS.value]}


def root_of(account: Any) -> dict[str, Any]:
    """Return the principal that stands for an account, given by its id or what CloudFormation makes it of."""
    return {"Fn::Sub": ["arn:${AWS::Partition}:iam::${Account}:root", {"Account": account}]}


def trusting(roots: Any, role_arns: Any) -> dict[str, Any]:
    """Return a trust policy for roles of the organization by their names, and for nobody else.

    By name, not by id: so the trust outlives a role that is made anew.

    Args:
        roots: The accounts of the roles, as `root_of` gives them: one, or a list.
        role_arns: The roles' ARNs: one, or a list.
    """
    return {
        "Version": POLICY_VERSION,
        "Statement": [
            {
                "Sid": "LetTheConnectorIn",
                "Effect": "Allow",
                "Principal": {"AWS": roots},
                "Action": ["sts:AssumeRole", "sts:TagSession"],
                "Condition": {
                    "ArnEquals": {"aws:PrincipalArn": role_arns},
                    "StringEquals": {"aws:PrincipalOrgID": ref("OrganizationId")},
                },
            }
        ],
    }


def inline_policies(rows: Iterable[PolicyStatement]) -> Sequence[dict[str, Any]]:
    """Return the role's one inline policy; what FullAccess alone has is under the condition `FULL_ACCESS`."""
    document = {"Version": POLICY_VERSION, "Statement": [_statement(row) for row in rows]}
    return [{"PolicyName": INLINE_POLICY_NAME, "PolicyDocument": document}]


def _statement(row: PolicyStatement) -> dict[str, Any]:
    document: dict[str, Any] = substituted(row.document("${AWS::Partition}"))
    return document if row.sets == BOTH else if_(FULL_ACCESS, document)
