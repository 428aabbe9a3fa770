"""A management account that lets the operator in, and stacks for it."""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import pytest

from apono_operator.adapters.aws.management import ManagementAccess, ManagementSessions
from apono_operator.state.management_sessions import Entrance
from apono_operator.state.stack import Stack, Template
from tests.adapters.aws.connection import Connection
from tests.aws.cloudformation.templates import own_role, template
from tests.aws.identities import allowing, trusting

if TYPE_CHECKING:
    from sandbox.aws import Account
    from sandbox.aws.calls import Calls

EXTERNAL_ID = "0123456789abcdef"
UID = "0b1c9d3e-7a54-4c1d-9a3b-2f6f0d6f5a11"
CAPABILITIES = ("CAPABILITY_NAMED_IAM",)


@dataclass(frozen=True)
class Management:
    """A management account as the operator of *connection* reaches it.

    Attributes:
        account: The management account itself, whose administrator can do what others do there.
    """

    connection: Connection
    account: Account
    sessions: ManagementSessions
    entrance: Entrance
    mark: int

    @property
    def access(self) -> ManagementAccess:
        return self.sessions.enter(self.entrance)

    @property
    def cloudformation(self) -> Any:
        """The administrator's own client."""
        return self.account.client("cloudformation")

    def calls(self) -> Calls:
        """The calls of the operator's session in the management account."""
        name = self.entrance.role_arn.split("/")[-1]
        caller = f"arn:aws:sts::{self.account.account_id}:assumed-role/{name}/{self.entrance.session_name}"
        return self.connection.aws.calls.since(self.mark).of(caller=caller)

    def entries(self) -> Calls:
        """The calls by which the role was assumed."""
        return self.connection.calls().of(operation="AssumeRole")

    def with_entrance(self, **changes: Any) -> Management:
        return replace(self, entrance=replace(self.entrance, **changes))

    def stack(self, body: str | None = None, **changes: Any) -> Stack:
        """A desired stack; by default of one role, which is named like nothing else."""
        body = body or role_template(self.role_name)
        usual = Stack(
            name=self.entrance.stack_name,
            account_id=self.account.account_id,
            region=self.account.region,
            template=Template(digest=secrets.token_hex(4), body=body),
            parameters={},
            capabilities=CAPABILITIES,
            service_role_arn=self.entrance.service_role_arn,
            tags={"apono.io/name": "test"},
        )
        return replace(usual, **changes)

    @property
    def role_name(self) -> str:
        return f"apono-of-{self.entrance.stack_name}"


def management_for(connection: Connection, patch: pytest.MonkeyPatch, **options: Any) -> Management:
    """Make a management account that lets the operator of *connection* in; clients there are made as late as needed.

    Args:
        connection: The operator's own.
        patch: Tells the clients by the environment where AWS is.
        options: Of `ManagementSessions`.
    """
    account = connection.aws.create_account()
    for name, value in connection.aws.environment_without_credentials(account.region).items():
        patch.setenv(name, value)
    iam = account.client("iam")
    way_in = iam.create_role(
        RoleName="connector-operator-management",
        AssumeRolePolicyDocument=trusting(
            {"AWS": f"{connection.account.arn_prefix}root"}, {"StringEquals": {"sts:ExternalId": EXTERNAL_ID}}
        ),
    )
    service = iam.create_role(
        RoleName="connector-operator-cloudformation",
        AssumeRolePolicyDocument=trusting({"Service": "cloudformation.amazonaws.com"}),
    )
    for role in (way_in, service):
        iam.put_role_policy(RoleName=role["Role"]["RoleName"], PolicyName="all", PolicyDocument=allowing("*"))
    entrance = Entrance(
        role_arn=way_in["Role"]["Arn"],
        external_id=EXTERNAL_ID,
        service_role_arn=service["Role"]["Arn"],
        region=account.region,
        stack_name=f"apono-{secrets.token_hex(4)}",
        uid=UID,
    )
    sessions = ManagementSessions(connection.session, **options)
    return Management(connection.from_now_on(), account, sessions, entrance, connection.aws.calls.mark())


def role_template(name: str, outputs: Mapping[str, Any] | None = None, **properties: Any) -> str:
    """A template of one role, and its ARN as the output that the operator reads."""
    arn = {"ManagementAccountRoleArnOutput": {"Value": {"Fn::GetAtt": ["Role", "Arn"]}}}
    return template({"Role": own_role(name, **properties)}, Outputs={**arn, **(outputs or {})})


def changed(body: str, **role: Any) -> str:
    """The template with other properties of its role."""
    document = json.loads(body)
    document["Resources"]["Role"]["Properties"].update(role)
    return json.dumps(document)
