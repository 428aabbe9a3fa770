"""Clients for management accounts that all operators of a world share: to make one costs more than a whole pass."""

from __future__ import annotations

from typing import Any

from botocore.credentials import Credentials, ReadOnlyCredentials

from apono_operator.adapters.aws.session import AwsSession


class ThriftySession(AwsSession):
    """A session that makes each client for others' credentials once, and lends it to whoever has some.

    Credentials are as short-lived as ever: who starts anew has none. For one operator at a time.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._lent = _Lent()
        self._clients: dict[tuple[str, str], Any] = {}

    def session_of(self, credentials: Credentials) -> Any:
        return _Session(self, credentials)

    def client(self, credentials: Credentials, service: str, region: str) -> _Client:
        """Return a client that signs with *credentials*."""
        if (service, region) not in self._clients:
            self._clients[service, region] = super().session_of(self._lent).create_client(service, region)
        return _Client(self._clients[service, region], self._lent, credentials)


class _Lent(Credentials):
    """The credentials of whoever makes the present call."""

    def __init__(self) -> None:
        super().__init__("", "")
        self.present: Credentials = self

    def get_frozen_credentials(self) -> ReadOnlyCredentials:
        return self.present.get_frozen_credentials()


class _Session:
    """What the operator makes clients from."""

    def __init__(self, session: ThriftySession, credentials: Credentials) -> None:
        self._session, self._credentials = session, credentials

    def create_client(self, service: str, region: str) -> _Client:
        return self._session.client(self._credentials, service, region)


class _Client:
    """A client that says with each use whose call it is."""

    def __init__(self, client: Any, lent: _Lent, credentials: Credentials) -> None:
        self._client, self._lent, self._credentials = client, lent, credentials

    def __getattr__(self, name: str) -> Any:
        self._lent.present = self._credentials
        return getattr(self._client, name)
