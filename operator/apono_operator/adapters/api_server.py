"""The way to the API server: login, one call, and what its failures mean."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

import kubernetes.client
import kubernetes.config
import urllib3
import yaml
from kubernetes.client.exceptions import ApiException

from apono_operator.adapters.api_answers import one_line, understood
from apono_operator.adapters.errors import DeniedError, TransientError
from apono_operator.adapters.fence import Fence
from apono_operator.v1alpha1 import Reason

TIMEOUT_SECONDS = (5, 30)
"""To connect, to read."""

SHORTEST_TIMEOUT = 0.1
"""Seconds for a connection or an answer for which less is left: a time-out of none would be no time-out."""

APPLY_PATCH = "application/apply-patch+yaml"
MERGE_PATCH = "application/merge-patch+json"
"""The kinds of PATCH: server-side apply (Kubernetes documentation, "Server-Side Apply"), and RFC 7386."""


class ApiServer:
    """The API server, as one user of it.

    Args:
        client: The official client, configured; shared by all threads.
        fence: Asked before each call.
        timeout: Seconds to connect, and to wait for the answer; less if the fence says that less remains.
    """

    def __init__(
        self, client: kubernetes.client.ApiClient, fence: Fence, *, timeout: tuple[float, float] = TIMEOUT_SECONDS
    ) -> None:
        self._client = client
        self._fence = fence
        self._timeout = timeout

    @classmethod
    def connect(cls, *, connections: int, fence: Fence) -> ApiServer:
        """Connect as a pod of the cluster, or else as kubeconfig (``KUBECONFIG``) says; kopf does the same.

        Raises:
            DeniedError: if there is neither, or one that cannot be read.
        """
        configuration = kubernetes.client.Configuration()
        try:
            _load(configuration)
        except (kubernetes.config.ConfigException, yaml.YAMLError, OSError) as error:
            message = f"no way to the API server: {one_line(str(error))}. Run in a cluster, or set KUBECONFIG."
            raise DeniedError(Reason.FORBIDDEN, message) from error
        configuration.connection_pool_maxsize = connections
        configuration.retries = 0  # a retry inside the HTTP library would pass the fence
        return cls(kubernetes.client.ApiClient(configuration), fence)

    def call(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: Mapping[str, Any] | None = None,
        accept: str = "application/json",
        patch: str = APPLY_PATCH,
        timeout: float | None = None,
    ) -> dict[str, Any]:
        """Return the document that the API server answers with.

        Args:
            method: Of HTTP.
            path: From the server's root.
            query: Parameters.
            body: The document to send.
            accept: The type of answer that is asked for.
            patch: Which kind a PATCH is.
            timeout: Seconds for connection and answer together, instead of the usual ones.

        Raises:
            AdapterError: there is none, or it refuses.
            FencedError: the fence is up.
        """
        self._fence.check()
        headers = {"Accept": accept, "Content-Type": patch if method == "PATCH" else "application/json"}
        request = self._request(method, path, query or {}, headers, body)
        try:
            response = self._client.call_api(*request, _request_timeout=timeout or self._timeouts())
            data = response.read()
        except (urllib3.exceptions.HTTPError, ApiException, OSError) as error:
            server = self._client.configuration.host
            message = f"{method} {path}: the API server {server} does not answer ({_cause(error)})"
            raise TransientError(Reason.KUBERNETES_UNAVAILABLE, message) from error
        return understood(method, path, response.status, data)

    def _timeouts(self) -> tuple[float, float]:
        """To connect, to read: together not longer than what remains, if that is not less than time-outs can be."""
        connecting, reading = self._timeout
        remaining = max(self._fence.remaining(), 2 * SHORTEST_TIMEOUT)
        connecting = min(connecting, remaining / 2)
        return connecting, min(reading, remaining - connecting)

    def _request(
        self,
        method: str,
        path: str,
        query: Mapping[str, str],
        headers: Mapping[str, str],
        body: Mapping[str, Any] | None,
    ) -> Any:
        try:
            return self._client.param_serialize(
                method,
                path,
                query_params=list(query.items()),
                header_params=dict(headers),
                body=body,
                auth_settings=["BearerToken"],
            )
        except (kubernetes.config.ConfigException, OSError) as error:  # the token's file is read anew each minute
            message = f"{method} {path}: no token for the API server: {one_line(str(error))}"
            raise DeniedError(Reason.FORBIDDEN, message) from error


def _load(configuration: kubernetes.client.Configuration) -> None:
    try:
        kubernetes.config.load_incluster_config(client_configuration=configuration)
    except kubernetes.config.ConfigException:
        file = os.environ.get("KUBECONFIG")  # the library reads it but once, when it is imported
        kubernetes.config.load_kube_config(config_file=file, client_configuration=configuration)


def _cause(error: Exception) -> str:
    """Name what urllib3 wraps into its ``MaxRetryError``."""
    return type(getattr(error, "reason", None) or error).__name__
