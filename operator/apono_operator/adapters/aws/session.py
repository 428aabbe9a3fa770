"""The one AWS session of the process, its clients, and who AWS says we are."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config

from apono_operator.adapters.aws.errors import translated
from apono_operator.adapters.errors import DeniedError
from apono_operator.adapters.fence import Fence
from apono_operator.v1alpha1 import Reason

if TYPE_CHECKING:
    from mypy_boto3_iam import IAMClient
    from mypy_boto3_sts import STSClient

IDENTITY_LIFETIME = 3600.0
"""Seconds for which the answer of GetCallerIdentity is believed."""


@dataclass(frozen=True)
class CallerIdentity:
    """Whose credentials the operator has."""

    account_id: str
    partition: str
    arn: str


class AwsSession:
    """Clients for the whole process.

    Clients are safe to share between threads, sessions are not (boto3 guide, "Multithreading"): all clients are
    made here, in the constructor.

    Args:
        region: The region to talk to.
        connections: How many calls may be under way at once.
        version: The operator's version, told to AWS in the user agent.
        fence: Asked before each call.
        clock: Monotonic seconds.
    """

    def __init__(
        self,
        *,
        region: str,
        connections: int,
        version: str,
        fence: Fence,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        session = boto3.Session(region_name=region)
        config = _client_config(connections, version)
        self.iam: IAMClient = session.client("iam", config=config)
        self._sts: STSClient = session.client("sts", config=config)
        for client in (self.iam, self._sts):
            client.meta.events.register_first("before-call", _asking(fence))
        self._clock = clock
        self._lock = threading.Lock()
        self._identity: tuple[CallerIdentity, float] | None = None

    @classmethod
    def connect(cls, *, issuer: str, connections: int, version: str, fence: Fence) -> AwsSession:
        """Connect to the region that the environment names, else to that of the cluster's *issuer*.

        Raises:
            DeniedError: if neither names a region.
        """
        region = boto3.Session().region_name or _region_of(issuer)
        if region is None:
            raise DeniedError(Reason.NO_CREDENTIALS, "no AWS region is known. Set AWS_REGION to the cluster's region.")
        return cls(region=region, connections=connections, version=version, fence=fence)

    def caller_identity(self) -> CallerIdentity:
        """Return whose credentials we have; asked of STS at most once an hour.

        Raises:
            DeniedError: no credentials, or none that AWS accepts.
            TransientError: AWS does not answer.
        """
        with self._lock:
            if self._identity and self._clock() < self._identity[1]:
                return self._identity[0]
            with translated("sts:GetCallerIdentity"):
                answer = self._sts.get_caller_identity()
            arn = answer["Arn"]
            identity = CallerIdentity(answer["Account"], arn.split(":")[1], arn)
            self._identity = (identity, self._clock() + IDENTITY_LIFETIME)
            return identity

    def forget_identity(self) -> None:
        """Ask STS anew the next time: for when a call says that the credentials are no good."""
        with self._lock:
            self._identity = None


def _region_of(issuer: str) -> str | None:
    """EKS issuers are ``oidc.eks.<region>.amazonaws.com/id/…``, with ``.cn`` behind it in China."""
    found = re.match(r"oidc\.eks\.([a-z0-9-]+)\.amazonaws\.", issuer)
    return found.group(1) if found else None


def _client_config(connections: int, version: str) -> Config:
    options: dict[str, Any] = {
        "connect_timeout": 5,
        "read_timeout": 20,
        "retries": {"mode": "standard", "total_max_attempts": 3},
        "max_pool_connections": connections,
        "user_agent_appid": "apono-operator",
        "user_agent_extra": f"apono-operator/{version}",
        "tcp_keepalive": True,
    }
    return Config(**options)


def _asking(fence: Fence) -> Callable[..., None]:
    def ask(**_: Any) -> None:
        fence.check()

    return ask
