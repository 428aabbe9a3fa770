"""What the operator may do in a management account for one connector: less than its role there may do.

Sources: STS API reference, ``AssumeRole``; Service Authorization Reference, "AWS CloudFormation"; S3 User Guide,
"Virtual hosting of general purpose buckets".
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote, urlsplit

from apono_operator.state.iam_policy import POLICY_VERSION
from apono_operator.state.management_accounts import ManagementAccount
from apono_operator.state.resources import account_of

SESSION_NAME_LIMIT = 64
SESSION_POLICY_LIMIT = 2048
"""Characters."""

STACK_ACTIONS = (
    "*ChangeSet",
    "ContinueUpdateRollback",
    "DeleteStack",
    "DescribeEvents",
    "DescribeStackEvents",
    "DescribeStacks",
    "ListStackInstances",
    "TagResource",
)
"""Patterns save room: they stand for what the role may do, and AWS has no other action of such a name."""

PREFLIGHT_ACTIONS = (
    "cloudformation:DescribeOrganizationsAccess",
    "cloudformation:GetTemplateSummary",
    "organizations:DescribeOrganization*",
    "organizations:List*ForParent",
    "organizations:ListDelegatedAdministrators",
    "organizations:ListRoots",
    "sso:ListInstances",
)

READING_ACTIONS = ("s3:GetObject", "s3:GetObjectVersion")
"""What CloudFormation needs of its caller to read a template."""

_S3_HOST = re.compile(r"(?:(?P<bucket>[a-z0-9.-]+)\.)?s3(?:[.-][a-z0-9-]+)*\.amazonaws\.com(?:\.cn)?")
_FOREIGN = re.compile(r"[^\w+=,.@-]", re.ASCII)


@dataclass(frozen=True)
class Entrance:
    """How a management account is entered for one connector's stack.

    Attributes:
        role_arn: The role to assume.
        external_id: What to name when assuming it.
        service_role_arn: The only role that may be passed, to CloudFormation alone.
        region: Where the stack is.
        stack_name: The only stack that may be touched.
        uid: The connector's, by which CloudTrail tells for whom a call was made.
        template_object: ARN of the object that the stack's template is read from, empty if it is not one in S3.
    """

    role_arn: str
    external_id: str = field(repr=False)
    service_role_arn: str
    region: str
    stack_name: str
    uid: str
    template_object: str = ""

    @classmethod
    def to(cls, account: ManagementAccount, stack_name: str, uid: str) -> Entrance:
        """Return the entrance to *account* for the connector with *uid* and its stack."""
        return cls(
            account.role_arn,
            account.external_id,
            account.cloud_formation_role_arn,
            account.region,
            stack_name,
            uid,
            template_object(account.template_url or "", account.partition),
        )

    @property
    def session_name(self) -> str:
        """``apono-<uid>``, within what STS takes."""
        return _FOREIGN.sub("-", f"apono-{self.uid}")[:SESSION_NAME_LIMIT]

    @property
    def session_policy(self) -> str:
        """What a session may do at most, as JSON of at most `SESSION_POLICY_LIMIT` characters.

        It grants nothing by itself: a call must be allowed to the role as well.
        """
        partition, account = self.role_arn.split(":")[1], account_of(self.role_arn)
        stacks = f"arn:{partition}:cloudformation:{self.region}:{account}:"
        passing = {"StringEquals": {"iam:PassedToService": "cloudformation.amazonaws.com"}}
        statements = [
            _allowing(
                [f"cloudformation:{name}" for name in STACK_ACTIONS],
                [
                    f"{stacks}stack/{self.stack_name}/*",
                    f"{stacks}changeSet/apono-*/*",
                    f"{stacks}stackset/{self.stack_name}:*",
                ],
            ),
            _allowing(PREFLIGHT_ACTIONS, "*"),
            _allowing("iam:GetRole", f"arn:{partition}:iam::{account}:role/apono-*"),
            {**_allowing("iam:PassRole", self.service_role_arn), "Condition": passing},
        ]
        if not self.template_object:
            return _document(statements)
        whole = _document([*statements, _allowing(READING_ACTIONS, self.template_object)])
        fitting = _cut(self.template_object, len(whole) - SESSION_POLICY_LIMIT)
        return _document([*statements, _allowing(READING_ACTIONS, fitting)])


def template_object(url: str, partition: str) -> str:
    """Return the ARN of the S3 object at *url*, with either style of address; empty if it is no address of S3."""
    parts = urlsplit(url)
    host, path = _S3_HOST.fullmatch(parts.hostname or ""), unquote(parts.path).removeprefix("/")
    if host is None:
        return ""
    where = f"{host['bucket']}/{path}" if host["bucket"] else path
    return f"arn:{partition}:s3:::{where}"


def _cut(arn: str, excess: int) -> str:
    """Return *arn*, or its beginning as a pattern: the role's own right names the very object in any case."""
    return arn if excess <= 0 else f"{arn[: -excess - 1]}*"


def _document(statements: list[dict[str, Any]]) -> str:
    return json.dumps({"Version": POLICY_VERSION, "Statement": statements}, separators=(",", ":"))


def _allowing(actions: Any, resources: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": actions, "Resource": resources}
