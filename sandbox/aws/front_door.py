"""The front door: one endpoint for every service, account and partition."""

from __future__ import annotations

import os
from collections.abc import MutableMapping
from types import TracebackType
from typing import Any, Self

from sandbox.aws.account import Account, Partition
from sandbox.aws.calls import AccountLike, CallLog
from sandbox.aws.clients import Clients
from sandbox.aws.clock import Clock, system_clock
from sandbox.aws.faults import Faults, Hooks
from sandbox.aws.identity.callers import AccessKey
from sandbox.aws.identity.issuers import Jwks
from sandbox.aws.organizations.organization import Organization
from sandbox.aws.pipeline import Pipeline
from sandbox.aws.state import State
from sandbox.aws.wire.server import LOOPBACK, HttpServer


class FrontDoor:
    """AWS on a free port, as far as it is modelled, for as long as the `with` block lasts.

    Args:
        clock: Where the time comes from; the machine's if left out. Keys and tokens expire by it. Signatures
            are dated by their signers and so are held against the machine's time.
        address: Of this machine, where it listens; the loopback address if left out, which pods do not reach.

    Attributes:
        calls: The call log.
        faults: The faults in force.
        hooks: Callbacks in the midst of calls.
    """

    def __init__(self, clock: Clock = system_clock, address: str = LOOPBACK) -> None:
        self._state = State(clock)
        self.calls = CallLog()
        self.faults = Faults()
        self.hooks = Hooks()
        self._accounts: dict[str, Account] = {}
        self._pipeline = Pipeline(self._state, self.calls, self.faults, self.hooks)
        self._server = HttpServer(self._pipeline.answer, address)
        self._clients = Clients(self.endpoint_url)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
        if self._pipeline.internal_errors and error is None:
            raise ExceptionGroup("errors within the sandbox's AWS", self._pipeline.internal_errors)

    def close(self) -> None:
        """Release what is held up and stop listening."""
        self.faults.clear()
        self._clients.close()
        self._server.close()

    @property
    def endpoint_url(self) -> str:
        """Where every service listens."""
        return self._server.url

    @property
    def new_principal_delay(self) -> float:
        """Seconds during which a new role cannot be named in a trust policy nor assumed; 0 at first."""
        return self._state.new_principal_delay

    @new_principal_delay.setter
    def new_principal_delay(self, seconds: float) -> None:
        self._state.new_principal_delay = seconds

    @property
    def new_role_read_delay(self) -> float:
        """Seconds during which `GetRole` and `ListRoles` do not find a new role; 0 at first."""
        return self._state.new_role_read_delay

    @new_role_read_delay.setter
    def new_role_read_delay(self, seconds: float) -> None:
        self._state.new_role_read_delay = seconds

    @property
    def roles_per_account(self) -> int:
        """IAM's quota of roles, at first the default of AWS, 1,000."""
        return self._state.roles_per_account

    @roles_per_account.setter
    def roles_per_account(self, quota: int) -> None:
        self._state.roles_per_account = quota

    @property
    def stack_step_seconds(self) -> float:
        """Seconds that each step of a CloudFormation operation takes; 0 at first.

        Steps are carried out, in order, when a call to CloudFormation comes in and their time has come. At 0, what
        one call begins is over at the next call.
        """
        return self._state.stacks.step_seconds

    @stack_step_seconds.setter
    def stack_step_seconds(self, seconds: float) -> None:
        self._state.stacks.step_seconds = seconds

    @property
    def templates(self) -> MutableMapping[str, str]:
        """The templates that CloudFormation finds by `TemplateURL`: URL and text."""
        return self._state.stacks.templates

    def create_organization(self, management: Account) -> Organization:
        """Make an organization, with all features, of one account.

        Raises:
            ValueError: The account belongs to one already.
        """
        with self._state.lock:
            if self._state.organizations.of_account(management.account_id) is not None:
                raise ValueError(f"account {management.account_id} is in an organization already")
            organization = Organization(management.account_id, management.partition, self._state.clock)
            self._state.organizations.add(organization)
        return organization

    def create_account(self, partition: Partition = "aws", account_id: str | None = None) -> Account:
        """Make an account with an administrator.

        Args:
            partition: Where it lives.
            account_id: Twelve digits that no account here has; random if left out.

        Raises:
            ValueError: The id is taken, or not of twelve digits.
        """
        with self._state.lock:
            account_id = self._state.make_account(partition, account_id)
            key = self._state.keys.issue(self._state.administrators[account_id])
            account = Account(account_id, partition, key, self._clients)
            self._accounts[account_id] = account
        return account

    def client(self, service: str, region: str, key: AccessKey) -> Any:
        """A client that signs with any key, such as a session's, and does not retry; it is closed with the door."""
        return self._clients.client(service, region, key)

    def environment(self, account: AccountLike) -> dict[str, str]:
        """Environment variables that make any AWS SDK in a subprocess the account's administrator here."""
        found = self._accounts[account if isinstance(account, str) else account.account_id]
        return {
            **self.environment_without_credentials(found.region),
            "AWS_ACCESS_KEY_ID": found.credentials.access_key_id,
            "AWS_SECRET_ACCESS_KEY": found.credentials.secret_access_key,
        }

    def environment_without_credentials(self, region: str) -> dict[str, str]:
        """Environment variables that point an AWS SDK here and keep it from looking anywhere else."""
        return {
            "AWS_ENDPOINT_URL": self.endpoint_url,
            "AWS_REGION": region,
            "AWS_DEFAULT_REGION": region,
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        }

    def trust_issuer(self, issuer: str, jwks: Jwks) -> None:
        """Let STS reach an OpenID Connect issuer's signing keys.

        Args:
            issuer: As tokens name it in `iss`, with `https://`.
            jwks: Returns the issuer's JSON Web Key Set; called when keys are first needed, and again for a
                token whose key is not among them. It may be slow, or call this front door.
        """
        self._state.issuers.trust(issuer, jwks)

    def reset(self) -> None:
        """Go back to the beginning: no accounts, stacks, keys, faults, hooks, delays nor recorded calls."""
        self.faults.clear()
        self.hooks.clear()
        self.calls.clear()
        with self._state.lock:
            self._state.clear()
            self._accounts.clear()
