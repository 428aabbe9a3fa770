"""SDK clients for the front door."""

from __future__ import annotations

import threading
from functools import lru_cache
from typing import Any, Final

import botocore.session
from botocore.config import Config

from sandbox.aws.identity.callers import AccessKey
from sandbox.aws.wire.models import LOADER

# Clients are thread-safe, making them is not. One session for the whole process, for one costs 100 ms and 10 MiB.
_MAKING: Final = threading.Lock()


@lru_cache(maxsize=1)
def _session() -> botocore.session.Session:
    session = botocore.session.Session()
    session.register_component("data_loader", LOADER)
    return session


class Clients:
    """Clients by service, region and key.

    Args:
        endpoint_url: Where they all talk to.
    """

    def __init__(self, endpoint_url: str) -> None:
        self._endpoint_url = endpoint_url
        self._clients: dict[tuple[str, str, str], Any] = {}

    def client(self, service: str, region: str, key: AccessKey) -> Any:
        """A client that signs with a key and does not retry."""
        wanted = (service, region, key.access_key_id)
        with _MAKING:
            if wanted not in self._clients:
                self._clients[wanted] = self._made(service, region, key)
            return self._clients[wanted]

    def close(self) -> None:
        """Close every client's connections."""
        with _MAKING:
            for client in self._clients.values():
                client.close()
            self._clients.clear()

    def _made(self, service: str, region: str, key: AccessKey) -> Any:
        return _session().create_client(
            service,
            region_name=region,
            endpoint_url=self._endpoint_url,
            aws_access_key_id=key.access_key_id,
            aws_secret_access_key=key.secret_access_key,
            aws_session_token=key.session_token,
            config=Config(retries={"total_max_attempts": 1, "mode": "standard"}, max_pool_connections=50),
        )
