"""All the state of one front door, and one call made upon it."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from sandbox.aws.account import HOME_REGIONS, Partition
from sandbox.aws.clock import Clock
from sandbox.aws.cloudformation.stacks import Stacks
from sandbox.aws.errors import AwsError
from sandbox.aws.identity.callers import AccessKey, AccessKeys, Caller
from sandbox.aws.identity.issuers import Issuers
from sandbox.aws.organizations.organization import Organizations
from sandbox.aws.store.backend import AccountBackend, Role
from sandbox.aws.store.ids import unique_id

DEFAULT_ROLES_PER_ACCOUNT: Final = 1000
"""IAM User Guide, "IAM and STS quotas"."""

Perform = Callable[[AccessKey, str, str, str, Mapping[str, Any]], Mapping[str, Any]]
"""Makes a call from within: key, service, region, operation and parameters."""


def _out_of_reach(*call: object) -> Mapping[str, Any]:
    raise RuntimeError(f"no pipeline stands before this state: {call}")


@dataclass
class State:
    """Accounts, keys and issuers behind one front door.

    Attributes:
        clock: The sandbox's time.
        lock: Held while an operation reads or changes the accounts, never while one waits.
        accounts: IAM by account id.
        administrators: The administrator of each account.
        new_principal_delay: Seconds during which a new role cannot be named in a trust policy nor assumed.
        new_role_read_delay: Seconds during which a new role is not found by reads.
        roles_per_account: IAM's quota, which AWS raises on request.
        organizations: Who belongs together.
        stacks: CloudFormation's.
        perform: Makes a call on behalf of a service, through all that calls pass; see `Pipeline.perform`.
    """

    clock: Clock
    lock: threading.RLock = field(default_factory=threading.RLock)
    keys: AccessKeys = field(default_factory=AccessKeys)
    issuers: Issuers = field(default_factory=Issuers)
    accounts: dict[str, AccountBackend] = field(default_factory=dict)
    administrators: dict[str, Caller] = field(default_factory=dict)
    new_principal_delay: float = 0.0
    new_role_read_delay: float = 0.0
    roles_per_account: int = DEFAULT_ROLES_PER_ACCOUNT
    organizations: Organizations = field(default_factory=Organizations)
    stacks: Stacks = field(default_factory=Stacks)
    perform: Perform = _out_of_reach

    def make_account(self, partition: Partition, account_id: str | None = None) -> str:
        """Make an account with an administrator, who has no key as yet.

        Args:
            partition: Where it lives.
            account_id: Twelve digits that no account here has; random if left out.

        Returns:
            Its id.

        Raises:
            ValueError: The id is taken, or not of twelve digits.
        """
        with self.lock:
            account_id = self._free_account_id() if account_id is None else self._checked_account_id(account_id)
            self.accounts[account_id] = AccountBackend(account_id, HOME_REGIONS[partition])
            arn = f"arn:{partition}:iam::{account_id}:user/administrator"
            self.administrators[account_id] = Caller(account_id, partition, arn, unique_id(account_id, "AIDA"))
        return account_id

    def role_of_arn(self, arn: str) -> Role | None:
        """The role of an ARN, in whichever account it names."""
        account = self.accounts.get(_account_id(arn))
        return account.role_of_arn(arn) if account else None

    def role_of_id(self, role_id: str) -> Role | None:
        """The role of a unique id, in whichever account has it."""
        found = (account.roles.get(role_id) for account in self.accounts.values())
        return next((role for role in found if role is not None), None)

    def is_known_as_principal(self, role: Role) -> bool:
        """Whether a role has been there long enough for other services to know it."""
        return self._age(role) >= self.new_principal_delay

    def is_readable(self, role: Role) -> bool:
        """Whether a role has been there long enough for reads to find it."""
        return self._age(role) >= self.new_role_read_delay

    def clear(self) -> None:
        """Forget everything but the clock."""
        self.keys.clear()
        self.issuers.clear()
        self.accounts.clear()
        self.administrators.clear()
        self.new_principal_delay = self.new_role_read_delay = 0.0
        self.roles_per_account = DEFAULT_ROLES_PER_ACCOUNT
        self.organizations.clear()
        self.stacks.clear()

    def _free_account_id(self) -> str:
        while True:
            account_id = f"{100_000_000_000 + secrets.randbelow(900_000_000_000)}"
            if account_id not in self.accounts:
                return account_id

    def _checked_account_id(self, account_id: str) -> str:
        if len(account_id) != 12 or not account_id.isdecimal():  # noqa: PLR2004 -- an account id's length
            raise ValueError(f"not an account id: {account_id}")
        if account_id in self.accounts:
            raise ValueError(f"account {account_id} exists already")
        return account_id

    def _age(self, role: Role) -> float:
        age: float = (self.clock() - role.create_date).total_seconds()
        return age


@dataclass(frozen=True)
class Call:
    """One call, with its parameters typed by the service's model.

    Attributes:
        state: What it acts upon.
        service: Such as `iam`.
        operation: Such as `CreateRole`.
        parameters: As the model names them.
        region: The credential scope's region.
        caller: None for unsigned operations.
        access_key_id: None for unsigned operations.
        at: When it takes place, if that is not when it came in: a call that a service makes in the course of
            something that began earlier.
    """

    state: State
    service: str
    operation: str
    parameters: Mapping[str, Any]
    region: str
    caller: Caller | None
    access_key_id: str | None
    at: datetime | None = None

    @property
    def now(self) -> datetime:
        """The sandbox's time."""
        return self.state.clock() if self.at is None else self.at

    @property
    def signer(self) -> Caller:
        """The caller of a signed operation.

        Raises:
            AwsError: `MissingAuthenticationToken` for an unsigned call.
        """
        if self.caller is None:
            raise AwsError("MissingAuthenticationToken", "Request is missing Authentication Token")
        return self.caller

    @property
    def account(self) -> AccountBackend:
        """The caller's account.

        Raises:
            AwsError: `InvalidClientTokenId` when a reset has done away with it meanwhile.
        """
        account = self.state.accounts.get(self.signer.account_id)
        if account is None:
            raise AwsError("InvalidClientTokenId", "The security token included in the request is invalid.")
        return account


Handler = Callable[[Call], Mapping[str, Any]]


@dataclass(frozen=True)
class Operation:
    """An operation that is modelled.

    Attributes:
        handler: Carries it out and returns the members of its output.
        parameters: The input members it heeds; any other is refused by name.
        signed: Whether the call has to carry a signature.
        locked: Whether it runs under the state's lock; one that waits for others takes the lock by itself.
    """

    handler: Handler
    parameters: frozenset[str]
    signed: bool = True
    locked: bool = True

    def carry_out(self, call: Call) -> Mapping[str, Any]:
        """Run the handler."""
        if not self.locked:
            return self.handler(call)
        with call.state.lock:
            return self.handler(call)


def modelled(handler: Handler, *parameters: str) -> Operation:
    """A row in a service's table of operations."""
    return Operation(handler, frozenset(parameters))


def _account_id(arn: str) -> str:
    fields = arn.split(":")
    return fields[4] if len(fields) > 5 else ""  # noqa: PLR2004 -- arn:partition:service:region:account:resource
