"""The one AWS session of the process, its clients, and who AWS says we are."""

from __future__ import annotations

import math
import os
import re
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import boto3
import botocore.session
from botocore.config import Config

from apono_operator.adapters.aws.errors import outcome_of, translated
from apono_operator.adapters.aws.rate_limits import DEFAULT_RATE_LIMITS, RateLimit, RateLimiters
from apono_operator.adapters.errors import DeniedError, RejectedError, TransientError
from apono_operator.adapters.fence import Fence
from apono_operator.telemetry.metrics import AWS_CALLS
from apono_operator.v1alpha1 import Reason

if TYPE_CHECKING:
    from botocore.awsrequest import AWSRequest
    from botocore.credentials import Credentials
    from mypy_boto3_iam import IAMClient
    from mypy_boto3_organizations import OrganizationsClient
    from mypy_boto3_sts import STSClient

CONNECT_TIMEOUT = 5.0
"""Seconds to wait for a connection, at most."""

_SHORTEST = 0.1
"""Seconds; a time-out of none would be no time-out."""

IDENTITY_LIFETIME = 3600.0
"""Seconds for which the answer of GetCallerIdentity is believed."""

STALE_LIFETIME = 30.0
"""Seconds for which an old answer is believed when AWS gives no new one."""

DENIAL_LIFETIME = 5.0
"""Seconds for which a denial is everybody's answer, so that passes side by side tell the same."""

_ASSUMED_ROLE = re.compile(r"arn:([a-z-]+):sts::([0-9]{12}):assumed-role/([^/]+)/.*")


@dataclass(frozen=True)
class CallerIdentity:
    """Whose credentials the operator has."""

    account_id: str
    partition: str
    arn: str


@dataclass(frozen=True)
class _Answer:
    """What AWS last said of who we are."""

    content: CallerIdentity | DeniedError
    expires: float

    def told(self) -> CallerIdentity:
        if isinstance(self.content, DeniedError):
            raise DeniedError(self.content.reason, self.content.message) from self.content
        return self.content


class AwsSession:
    """Clients for the whole process.

    Clients are safe to share between threads, sessions are not (boto3 guide, "Multithreading"): the clients for our
    own account are made here, in the constructor; that of Organizations when it is first needed, by one thread.

    Args:
        region: The region to talk to.
        connections: How many calls may be under way at once.
        version: The operator's version, told to AWS in the user agent.
        fence: Asked before each attempt of each call, those for credentials included.
        limits: How many attempts may leave, by service; each waits for its turn before the fence is asked.
        clock: Monotonic seconds.
        connect_timeout: Seconds to wait for a connection.
        read_timeout: Seconds to wait for an answer; less if the fence says that less remains.
        attempts: How often a call is tried before it fails, if the failure may pass by itself.
    """

    def __init__(  # noqa: PLR0913 -- keywords with a meaning of their own each
        self,
        *,
        region: str,
        connections: int,
        version: str,
        fence: Fence,
        limits: Mapping[str, RateLimit] = DEFAULT_RATE_LIMITS,
        clock: Callable[[], float] = time.monotonic,
        connect_timeout: float = CONNECT_TIMEOUT,
        read_timeout: float = 20,
        attempts: int = 3,
    ) -> None:
        self.region = region
        self._wait, self._ask = _waiting(RateLimiters(limits, fence)), _asking(fence, connect_timeout, read_timeout)
        self._config = _client_config(connections, version, (connect_timeout, read_timeout), attempts)
        self._core = self._guarded(botocore.session.Session())
        self._session = boto3.Session(region_name=region, botocore_session=self._core)
        self.iam: IAMClient = self._session.client("iam")
        self.sts: STSClient = self._session.client("sts")
        self._organizations: OrganizationsClient | None = None
        self._making = threading.Lock()
        self._clock = clock
        self._lock = threading.Lock()
        self._answer: _Answer | None = None
        self._last_caller: CallerIdentity | None = None

    @classmethod
    def connect(
        cls,
        *,
        issuer: str,
        connections: int,
        version: str,
        fence: Fence,
        limits: Mapping[str, RateLimit] = DEFAULT_RATE_LIMITS,
        connect_timeout: float = CONNECT_TIMEOUT,
    ) -> AwsSession:
        """Connect to the region that the environment names, else to that of the cluster's *issuer*.

        Raises:
            DeniedError: if neither names a region, or credentials are given in part.
            RejectedError: if the environment or the files of the AWS SDK are wrong.
        """
        with _configuring():
            # boto3 heeds AWS_DEFAULT_REGION and profiles; AWS_REGION is the other SDKs' name, and EKS sets both.
            region = os.environ.get("AWS_REGION") or boto3.Session().region_name or _region_of(issuer)
            if region is None:
                message = "no AWS region is known. Set AWS_REGION to the cluster's region."
                raise DeniedError(Reason.NO_CREDENTIALS, message)
            return cls(
                region=region,
                connections=connections,
                version=version,
                fence=fence,
                limits=limits,
                connect_timeout=connect_timeout,
            )

    @property
    def organizations(self) -> OrganizationsClient:
        """The client of Organizations, which costs 1.1 MiB: for connectors of organizations alone."""
        with self._making:
            if self._organizations is None:
                self._organizations = self._session.client("organizations")
            return self._organizations

    def session_of(self, credentials: Credentials) -> botocore.session.Session:
        """Return a session with *credentials* of others, to make clients from; for one thread at a time.

        Limits, fence and time-outs hold for it as well. It shares the models of services, which ours has read from
        files: another set of them would cost 10 MiB.
        """
        session = self._guarded(botocore.session.Session())
        session.register_component("data_loader", self._core.get_component("data_loader"))
        session.register_component("credential_provider", _Given(credentials))
        return session

    def caller_identity(self) -> CallerIdentity:
        """Return whose credentials we have; asked of STS at most once an hour.

        While another thread asks anew, the last answer holds, and nobody waits for it; a caller also while AWS does
        not answer.

        Raises:
            DeniedError: no credentials, or none that AWS accepts; so it stays for `DENIAL_LIFETIME`.
            TransientError: AWS does not answer, and did not name a caller before.
        """
        last = self._answer
        if last and self._clock() < last.expires:
            return last.told()
        if not self._lock.acquire(blocking=last is None) and last:
            return last.told()
        try:
            return self._refreshed(last)
        finally:
            self._lock.release()

    @property
    def last_caller(self) -> str:
        """The ARN of the last known caller, for messages; makes no call.

        Of a role's session it is the role, without its path, as that is what people know and what stays.
        """
        return _ASSUMED_ROLE.sub(r"arn:\1:iam::\2:role/\3", self._last_caller.arn) if self._last_caller else "unknown"

    def forget_identity(self) -> None:
        """Ask STS anew the next time: for when a call says that the credentials are no good."""
        last = self._answer
        if last and isinstance(last.content, CallerIdentity):  # a denial runs out by itself
            self._answer = replace(last, expires=-math.inf)

    def _guarded(self, session: botocore.session.Session) -> botocore.session.Session:
        """Make limits and fence hold for all clients of *session*, those that fetch credentials included.

        The wait comes before the signature, which ages; the fence is last, behind the exchange of credentials that a
        signature may need.
        """
        session.register("before-sign", self._wait)
        session.register("request-created", self._ask)
        session.register("response-received", _count)
        session.set_default_client_config(self._config)
        return session

    def _refreshed(self, last: _Answer | None) -> CallerIdentity:
        if self._answer and self._clock() < self._answer.expires:
            return self._answer.told()  # somebody else asked while we waited
        try:
            self._last_caller = caller = self._identify()
        except DeniedError as error:
            self._answer = _Answer(error, self._clock() + DENIAL_LIFETIME)
            raise
        except TransientError:
            if last is None or isinstance(last.content, DeniedError):
                raise
            self._answer = replace(last, expires=self._clock() + STALE_LIFETIME)
            return last.content
        self._answer = _Answer(caller, self._clock() + IDENTITY_LIFETIME)
        return caller

    def _identify(self) -> CallerIdentity:
        with translated("sts:GetCallerIdentity"):
            answer = self.sts.get_caller_identity()
        arn = answer["Arn"]
        return CallerIdentity(answer["Account"], arn.split(":")[1], arn)


class _Given:
    """Stands where botocore has its chain of places to look for credentials."""

    def __init__(self, credentials: Credentials) -> None:
        self._credentials = credentials

    def load_credentials(self) -> Credentials:
        return self._credentials


def _region_of(issuer: str) -> str | None:
    """EKS issuers are ``oidc.eks.<region>.amazonaws.com/id/…``, with ``.cn`` behind it in China."""
    found = re.match(r"oidc\.eks\.([a-z0-9-]+)\.amazonaws\.", issuer)
    return found.group(1) if found else None


@contextmanager
def _configuring() -> Iterator[None]:
    """Translate what botocore says of environment variables and configuration files."""
    try:
        with translated("AWS configuration"):
            yield
    except ValueError as error:  # an endpoint that is no URL
        raise RejectedError(Reason.REJECTED, f"AWS configuration: {error}") from error


def _client_config(connections: int, version: str, timeouts: tuple[float, float], attempts: int) -> Config:
    options: dict[str, Any] = {
        "connect_timeout": timeouts[0],
        "read_timeout": timeouts[1],
        "retries": {"mode": "standard", "total_max_attempts": attempts},
        "max_pool_connections": connections,
        "user_agent_appid": "apono-operator",
        "user_agent_extra": f"apono-operator/{version}",
        "tcp_keepalive": True,
    }
    return Config(**options)


def _waiting(limiters: RateLimiters) -> Callable[..., None]:
    def wait(*, event_name: str, **_: Any) -> None:
        limiters.wait(event_name.split(".")[1])  # before-sign.iam.GetRole

    return wait


def _count(**event: Any) -> None:
    service = event["event_name"].split(".")[1]  # response-received.iam.GetRole
    AWS_CALLS.labels(service, outcome_of(event["parsed_response"])).inc()


def _asking(fence: Fence, connect_timeout: float, read_timeout: float) -> Callable[..., None]:
    """Let a request out, and let it wait for its answer no longer than somebody else may be leading by then."""

    def ask(*, request: AWSRequest, **_: Any) -> None:
        fence.check()
        # botocore's own override for one request; each attempt is a request.
        request.context["read_timeout"] = max(min(read_timeout, fence.remaining() - connect_timeout), _SHORTEST)

    return ask
