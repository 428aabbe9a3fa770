"""Callers and the access keys they sign with."""

from __future__ import annotations

import secrets
import threading
from dataclasses import dataclass, field
from datetime import datetime

from sandbox.aws.errors import AwsError
from sandbox.aws.store.ids import access_key_id


@dataclass(frozen=True, slots=True)
class RoleSession:
    """What a caller that assumed a role is, beyond its ARN.

    Attributes:
        role_id: The role's unique id (`AROA...`).
        role_arn: The role's ARN, with its path.
        name: The session's name.
        policy: The inline session policy, if one was passed.
        policy_arns: Managed session policies.
    """

    role_id: str
    role_arn: str
    name: str
    policy: str | None = None
    policy_arns: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Caller:
    """Whoever signs a call.

    Attributes:
        account_id: The account acted in; for a role session, the role's.
        partition: `aws`, `aws-us-gov` or `aws-cn`.
        arn: As `sts:GetCallerIdentity` tells it.
        user_id: As `sts:GetCallerIdentity` tells it.
        session: Set for role sessions alone.
    """

    account_id: str
    partition: str
    arn: str
    user_id: str
    session: RoleSession | None = None

    @property
    def principal_arn(self) -> str:
        """What the condition key `aws:PrincipalArn` holds: the role's ARN for its sessions."""
        return self.session.role_arn if self.session else self.arn


@dataclass(frozen=True, slots=True)
class AccessKey:
    """A key pair, with a token and an expiry if it is a session's."""

    access_key_id: str
    secret_access_key: str = field(repr=False)
    caller: Caller
    session_token: str | None = field(default=None, repr=False)
    expiration: datetime | None = None


class AccessKeys:
    """Every key that has been handed out, over all accounts."""

    def __init__(self) -> None:
        self._keys: dict[str, AccessKey] = {}
        self._lock = threading.Lock()

    def issue(self, caller: Caller, *, expiration: datetime | None = None) -> AccessKey:
        """Make a key: long-lived (`AKIA...`), or a session's (`ASIA...`) when it is to expire."""
        key = AccessKey(
            access_key_id=access_key_id(caller.account_id, "ASIA" if expiration else "AKIA"),
            secret_access_key=secrets.token_urlsafe(30),
            caller=caller,
            session_token=secrets.token_urlsafe(150) if expiration else None,
            expiration=expiration,
        )
        with self._lock:
            self._keys[key.access_key_id] = key
        return key

    def usable(self, access_key: str, token: str | None, now: datetime) -> AccessKey:
        """Find a key that may sign a call now.

        Raises:
            AwsError: `InvalidClientTokenId` for an unknown key or wrong token, `ExpiredToken` after its end.
        """
        with self._lock:
            key = self._keys.get(access_key)
        if key is None or key.session_token != token:
            raise AwsError("InvalidClientTokenId", "The security token included in the request is invalid.")
        if key.expiration is not None and now >= key.expiration:
            raise AwsError("ExpiredToken", "The security token included in the request is expired")
        return key

    def find(self, access_key: str | None) -> AccessKey | None:
        """The key of an id, usable or not."""
        with self._lock:
            return self._keys.get(access_key or "")

    def clear(self) -> None:
        """Forget every key."""
        with self._lock:
            self._keys.clear()
