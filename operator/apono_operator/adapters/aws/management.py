"""Management accounts: sessions there, each for one connector's stack and no more, and what is done with them."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from threading import Lock
from typing import Any

from botocore.credentials import DeferredRefreshableCredentials
from botocore.exceptions import ClientError

from apono_operator.adapters.aws.cloudformation import CloudFormation
from apono_operator.adapters.aws.errors import translated
from apono_operator.adapters.aws.iam import Depth, Iam
from apono_operator.adapters.aws.identity_center import IdentityCenter
from apono_operator.adapters.aws.organizations import Organizations
from apono_operator.adapters.aws.session import AwsSession
from apono_operator.adapters.errors import AdapterError, DeniedError, RejectedError, TransientError
from apono_operator.state.management_accounts import SETTING
from apono_operator.state.management_sessions import Entrance
from apono_operator.state.resources import IamRole
from apono_operator.v1alpha1 import Reason

SESSION_SECONDS = 3600
"""The longest that a role may be assumed for by a role (IAM User Guide, "Role chaining"); credentials are fetched anew
a quarter of an hour before they expire."""

KEPT_SESSIONS = 64
"""How many connectors' clients are kept, at 0.4 MiB each, or 0.9 with all services; a new one costs an AssumeRole."""

_CLOSED = frozenset({"OptInRequired", "RegionDisabledException"})


class ManagementAccess:
    """What one connector's stack needs of its management account. Safe to use from several threads.

    Args:
        session: Our own.
        entrance: The way in.
        now: The time by which credentials expire.
        lock: Held while a client is made, which happens when it is first needed: each costs 0.3 MiB.
        renewed: Whether AWS took the credentials of the access before this one for none.
    """

    def __init__(
        self,
        session: AwsSession,
        entrance: Entrance,
        now: Callable[[], datetime],
        lock: Lock,
        *,
        renewed: bool = False,
    ) -> None:
        self._session, self._entrance, self._lock, self._doubted = session, entrance, lock, renewed
        credentials = DeferredRefreshableCredentials(self._assume_role, "assume-role", time_fetcher=now)
        self._aws: Any = session.session_of(credentials)
        self._clients: dict[str, Any] = {}
        self.refused = False
        """Whether AWS takes the credentials for none any more."""

    @property
    def stacks(self) -> CloudFormation:
        """CloudFormation, in the region of the stack."""
        return CloudFormation(self._client("cloudformation"), self._calling_in_region)

    @property
    def organizations(self) -> Organizations:
        """The organization."""
        return Organizations(self._client("organizations"), self._calling)

    @property
    def identity_center(self) -> IdentityCenter:
        """IAM Identity Center, asked in the region of the stack."""
        return IdentityCenter(self._client("sso-admin"), self._entrance.region, self._calling)

    def role(self, name: str) -> IamRole | None:
        """Return the role called *name* without its policies: its trust, id and tags; None if there is none.

        Raises:
            AdapterError: if AWS does not say.
        """
        with self._naming_caller():
            return Iam(self._client("iam")).observe_role(name, Depth(0))

    def _client(self, service: str) -> Any:
        with self._lock:
            if service not in self._clients:
                self._clients[service] = self._aws.create_client(service, self._entrance.region)
            return self._clients[service]

    @contextmanager
    def _calling(self, action: str) -> Iterator[None]:
        with self._naming_caller(), translated(action):
            yield

    @contextmanager
    def _calling_in_region(self, action: str) -> Iterator[None]:
        """Note whether the region takes the credentials, whatever else it answers."""
        try:
            with self._calling(action):
                yield
        except AdapterError as error:
            self._doubted = self._doubted and error.reason is Reason.NO_CREDENTIALS
            raise
        self._doubted = False

    @contextmanager
    def _naming_caller(self) -> Iterator[None]:
        """Say which of the two roles was refused; credentials that are over before their time are fetched anew."""
        try:
            yield
        except DeniedError as error:
            if error.caller:
                raise
            if error.reason is Reason.NO_CREDENTIALS:
                self.refused = True
                if self._doubted or _is_closed(error):
                    raise self._closed_region(error) from error
                raise TransientError(error.reason, error.message) from error
            error.caller = f"the operator's role in the management account ({self._entrance.role_arn})"
            raise

    def _closed_region(self, error: DeniedError) -> RejectedError:
        """Fresh credentials that are refused again are of no use in that region, and will not be by themselves.

        Source: AWS Account Management Reference Guide, "Enable or disable AWS Regions in your account".
        """
        region = self._entrance.region
        hint = (
            f"Credentials fetched a moment ago are refused in {region}. If the management account has not enabled that "
            f"region, enable it (aws account enable-region --region-name {region}), or configure another ({SETTING})."
        )
        return RejectedError(error.reason, f"{error.message} {hint}")

    def _assume_role(self) -> Mapping[str, str]:
        try:
            with translated("sts:AssumeRole"):
                answer: Mapping[str, Any] = self._session.sts.assume_role(
                    RoleArn=self._entrance.role_arn,
                    RoleSessionName=self._entrance.session_name,
                    ExternalId=self._entrance.external_id,
                    DurationSeconds=SESSION_SECONDS,
                    Policy=self._entrance.session_policy,
                )
        except DeniedError as error:
            raise self._shut_out(error) from error
        return _metadata(answer["Credentials"])

    def _shut_out(self, error: DeniedError) -> DeniedError:
        ours = f"the operator's role ({self._session.last_caller})"
        hint = ""
        if error.reason is Reason.ACCESS_DENIED:
            hint = f" The trust policy of {self._entrance.role_arn} has to let it in with the configured external id."
        told = DeniedError(error.reason, f"{error.message}{hint}")
        told.caller = ours
        return told


class ManagementSessions:
    """The ways into all management accounts. Safe to use from several threads.

    Args:
        session: Our own: it assumes the roles, and its limits and fence hold for all calls there too.
        kept: How many connectors' clients are kept, the last used ones.
        now: The time by which credentials expire, with its zone.
    """

    def __init__(
        self, session: AwsSession, *, kept: int = KEPT_SESSIONS, now: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self._session, self._kept, self._now = session, kept, now
        self._entered: OrderedDict[Entrance, ManagementAccess] = OrderedDict()
        self._lock = Lock()
        self._making = Lock()  # one for all: their sessions share models, and are for one thread at a time

    def enter(self, entrance: Entrance) -> ManagementAccess:
        """Return the access through *entrance*; the role is assumed with its first call."""
        with self._lock:
            access = self._entered.pop(entrance, None)
            if access is None or access.refused:
                renewed = access is not None
                with self._making:
                    access = ManagementAccess(self._session, entrance, self._now, self._making, renewed=renewed)
            self._entered[entrance] = access
            while len(self._entered) > self._kept:
                self._entered.popitem(last=False)
            return access


def _is_closed(error: DeniedError) -> bool:
    """Tell whether AWS says by the code alone that the account has not enabled the region."""
    cause = error.__cause__
    return isinstance(cause, ClientError) and cause.response.get("Error", {}).get("Code") in _CLOSED


def _metadata(credentials: Mapping[str, Any]) -> Mapping[str, str]:
    """Return *credentials* as botocore hands them around."""
    return {
        "access_key": credentials["AccessKeyId"],
        "secret_key": credentials["SecretAccessKey"],
        "token": credentials["SessionToken"],
        "expiry_time": credentials["Expiration"].isoformat(),
    }
