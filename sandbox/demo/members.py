"""The roles in member accounts, as the stories of both modes of an organization look at them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sandbox.aws import Account, FrontDoor
from sandbox.aws.identity.callers import AccessKey
from sandbox.demo.narration import Narration, NotSeenError

_PREFIX = "apono-member-"


class Members:
    """The member accounts below the unit that a connector manages.

    Args:
        narration: Where it is told.
        aws: AWS.
        accounts: The accounts.
    """

    def __init__(self, narration: Narration, aws: FrontDoor, accounts: list[Account]) -> None:
        self._told = narration
        self._aws = aws
        self._accounts = accounts

    def show(self, status: Mapping[str, Any], connector: AccessKey) -> None:
        """See that every account has its role, and that the connector becomes it.

        Args:
            status: The connector's, from which the counts are told.
            connector: Credentials of the connector's role.

        Raises:
            NotSeenError: An account has none.
            botocore.exceptions.ClientError: The connector may not.
        """
        for account in self._accounts:
            arn = f"arn:{account.partition}:iam::{account.account_id}:role/{self._role_in(account)}"
            sts = self._aws.client("sts", account.region, connector)
            sts.assume_role(RoleArn=arn, RoleSessionName="demo")
            self._told.tick(f"The connector role becomes the member role: {arn}")
        self._told.facts({"memberAccounts": ", ".join(f"{n} {kind}" for kind, n in status["memberAccounts"].items())})

    def are_left_alone(self) -> bool:
        """Whether no account has such a role any more."""
        return not any(self._names(account) for account in self._accounts)

    def _role_in(self, account: Account) -> str:
        names = self._names(account)
        if len(names) != 1:
            raise NotSeenError(f"account {account.account_id} has the roles {names}")
        return names[0]

    def _names(self, account: Account) -> list[str]:
        roles = account.client("iam").list_roles()["Roles"]
        return [role["RoleName"] for role in roles if role["RoleName"].startswith(_PREFIX)]
