"""The operator's AWS adapter at the front door of the sandbox's AWS."""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import pytest

from apono_operator.adapters.aws.iam import Iam
from apono_operator.adapters.aws.rate_limits import DEFAULT_RATE_LIMITS, RateLimit
from apono_operator.adapters.aws.session import AwsSession
from apono_operator.adapters.fence import Fence
from apono_operator.state import plan
from apono_operator.state.iam_policy import PolicyDocument
from apono_operator.state.permissions import INLINE_POLICY_NAME, permissions_document
from apono_operator.state.resources import IamRole
from apono_operator.v1alpha1 import PermissionSet

if TYPE_CHECKING:
    from sandbox.aws import Account, FrontDoor
    from sandbox.aws.calls import Calls

READ_ONLY = "arn:aws:iam::aws:policy/ReadOnlyAccess"
VERSION = "2012-10-17"
UNLIMITED = dict.fromkeys(DEFAULT_RATE_LIMITS, RateLimit(per_second=1_000_000, burst=1_000_000))
CREDENTIALS = (
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AWS_ROLE_ARN",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AWS_PROFILE",
    "AWS_REGION",
    "AWS_DEFAULT_REGION",
)


@dataclass(frozen=True)
class Connection:
    """One connected adapter, and what is at its other end.

    Attributes:
        name: A name for a role that no other test uses.
    """

    aws: FrontDoor
    account: Account
    session: AwsSession
    iam: Iam
    fence: Fence
    mark: int
    name: str

    def calls(self) -> Calls:
        """The calls made since the connection stands."""
        return self.aws.calls.since(self.mark).of(account=self.account)

    def arn(self, resource: str) -> str:
        """The ARN of a resource in this account, such as `role/name`."""
        return f"{self.account.arn_prefix}{resource}"

    @property
    def profile(self) -> str:
        """A name for an instance profile that no other test uses."""
        return f"profile-of-{self.name}"

    def from_now_on(self) -> Connection:
        """The same, counting calls anew."""
        return replace(self, mark=self.aws.calls.mark())

    def for_a_test(self) -> Connection:
        """The same for another test, which shares nothing with others but the account."""
        return replace(self.from_now_on(), name=_free_name())


def connect(aws: FrontDoor, account: Account, **options: Any) -> Connection:
    """Connect as the account's administrator; a call that fails is not tried again unless *options* say so."""
    return connect_with(aws, account, aws.environment(account), **options)


def connect_with(
    aws: FrontDoor,
    account: Account,
    environment: Mapping[str, str],
    *,
    kind: type[AwsSession] = AwsSession,
    fence: Fence | None = None,
    **options: Any,
) -> Connection:
    """Connect with what *environment* says alone, by a session of a kind, behind a fence of its own or *fence*."""
    fence = fence or Fence()
    arguments: dict[str, Any] = {"region": account.region, "connections": 4, "version": "1", "fence": fence}
    arguments["limits"] = UNLIMITED
    with pytest.MonkeyPatch.context() as patch:
        for name in CREDENTIALS:
            patch.delenv(name, raising=False)
        for name, value in environment.items():
            patch.setenv(name, value)
        session = kind(**{**arguments, "attempts": 1, **options})
    return Connection(aws, account, session, Iam(session.iam), fence, aws.calls.mark(), _free_name())


def _free_name() -> str:
    return f"apono-connector-{secrets.token_hex(4)}"


def role_of(connection: Connection) -> IamRole:
    """A connector role with everything that one can have; boundary and one managed policy are the account's own."""
    account = connection.account
    return IamRole(
        arn=f"{account.arn_prefix}role/{connection.name}",
        trust=trusting_the_account(account),
        permissions=permissions_document(PermissionSet.READ_ONLY, account.partition),
        managed_policy_arns=frozenset({READ_ONLY, customer_policy(account, "extra")}),
        permissions_boundary=customer_policy(account, "boundary"),
        max_session_duration=7200,
        description="A connector of a test.",
        tags={"apono.io/name": "test", "team": "a"},
    )


def trusting_the_account(account: Account, **statement: Any) -> PolicyDocument:
    """A trust policy for the account itself; *statement* replaces elements."""
    usual = {"Effect": "Allow", "Principal": {"AWS": f"{account.arn_prefix}root"}, "Action": "sts:AssumeRole"}
    return PolicyDocument.of({"Version": VERSION, "Statement": [{**usual, **statement}]})


def allowing(action: str) -> PolicyDocument:
    """A policy that allows one action."""
    return PolicyDocument.of(
        {"Version": VERSION, "Statement": [{"Effect": "Allow", "Action": action, "Resource": "*"}]}
    )


def customer_policy(account: Account, name: str) -> str:
    """The ARN of a managed policy of the account's, which is made at first sight."""
    iam = account.client("iam")
    arn = f"{account.arn_prefix}policy/{name}"
    try:
        iam.get_policy(PolicyArn=arn)
    except iam.exceptions.NoSuchEntityException:
        iam.create_policy(PolicyName=name, PolicyDocument=json.dumps(allowing("s3:*").document))
    return arn


def create(connection: Connection, role: IamRole) -> str:
    """Make *role* as a plan would; return its unique id."""
    role_id = connection.iam.apply(plan.CreateRole(role))
    if role.permissions:
        connection.iam.apply(plan.PutInlinePolicy(role.name, INLINE_POLICY_NAME, role.permissions))
    for arn in sorted(role.managed_policy_arns or ()):
        connection.iam.apply(plan.AttachPolicy(role.name, arn))
    assert role_id is not None
    return role_id
