"""boto3 clients for the front door, made from one session: one of its own for each would cost 100 ms."""

from __future__ import annotations

import threading
from typing import Any

import botocore.session
from botocore.config import Config

from sandbox.aws.identity.callers import AccessKey


class Clients:
    """Clients by service, region and key.

    Args:
        endpoint_url: Where they all talk to.
    """

    def __init__(self, endpoint_url: str) -> None:
        self._endpoint_url = endpoint_url
        self._session = botocore.session.Session()
        self._clients: dict[tuple[str, str, str], Any] = {}
        self._lock = threading.Lock()  # clients are thread-safe, making them is not

    def client(self, service: str, region: str, key: AccessKey) -> Any:
        """A client that signs with a key and does not retry."""
        wanted = (service, region, key.access_key_id)
        with self._lock:
            if wanted not in self._clients:
                self._clients[wanted] = self._made(service, region, key)
            return self._clients[wanted]

    def close(self) -> None:
        """Close every client's connections."""
        with self._lock:
            for client in self._clients.values():
                client.close()
            self._clients.clear()

    def _made(self, service: str, region: str, key: AccessKey) -> Any:
        return self._session.create_client(
            service,
            region_name=region,
            endpoint_url=self._endpoint_url,
            aws_access_key_id=key.access_key_id,
            aws_secret_access_key=key.secret_access_key,
            aws_session_token=key.session_token,
            config=Config(retries={"total_max_attempts": 1, "mode": "standard"}, max_pool_connections=50),
        )
