"""The API server: reading connectors and their children, writing by server-side apply.

Documents go in and out as plain data: the generated model classes would cost 30 MiB and give nothing back.

Source: Kubernetes API reference; Kubernetes documentation, "Server-Side Apply".
"""

from __future__ import annotations

import json
import os
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import kubernetes.client
import kubernetes.config
import urllib3
import yaml
from kubernetes.client.exceptions import ApiException

from apono_operator import v1alpha1
from apono_operator.adapters.errors import (
    AdapterError,
    ConflictError,
    DeniedError,
    RejectedError,
    TransientError,
)
from apono_operator.adapters.fence import Fence
from apono_operator.state.conditions import Event
from apono_operator.state.resources import CONNECTOR_LABEL, Manifest, ObjectKey, Owner, key_of
from apono_operator.v1alpha1 import Reason

FIELD_MANAGER = "apono-operator"
TIMEOUT_SECONDS = (5, 30)
"""To connect, to read."""

_MESSAGE_LIMIT = 1024
_COLLECTIONS: Mapping[str, str] = {
    "ServiceAccount": "/api/v1/namespaces/{namespace}/serviceaccounts",
    "Secret": "/api/v1/namespaces/{namespace}/secrets",
    "Pod": "/api/v1/namespaces/{namespace}/pods",
    "Event": "/api/v1/namespaces/{namespace}/events",
    "Deployment": "/apis/apps/v1/namespaces/{namespace}/deployments",
    v1alpha1.KIND: f"/apis/{v1alpha1.API_VERSION}/namespaces/{{namespace}}/{v1alpha1.PLURAL}",
}


class NotFoundError(RejectedError):
    """The object, or its kind, does not exist."""


class Kubernetes:
    """The cluster, as the operator may touch it.

    Args:
        client: The official client, configured; shared by all threads.
        fence: Asked before each call.
    """

    def __init__(self, client: kubernetes.client.ApiClient, fence: Fence) -> None:
        self._client = client
        self._fence = fence

    @classmethod
    def connect(cls, *, connections: int, fence: Fence) -> Kubernetes:
        """Connect as a pod of the cluster, or else as kubeconfig (``KUBECONFIG``) says; kopf does the same.

        Raises:
            DeniedError: if there is neither, or one that cannot be read.
        """
        configuration = kubernetes.client.Configuration()
        try:
            _load(configuration)
        except (kubernetes.config.ConfigException, yaml.YAMLError, OSError) as error:
            message = f"no way to the API server: {_one_line(str(error))}. Run in a cluster, or set KUBECONFIG."
            raise DeniedError(Reason.FORBIDDEN, message) from error
        configuration.connection_pool_maxsize = connections
        configuration.retries = 0  # a retry inside the HTTP library would pass the fence
        return cls(kubernetes.client.ApiClient(configuration), fence)

    def issuer(self) -> str:
        """Return host and path of the cluster's OIDC issuer, without ``https://``.

        Every ServiceAccount may read it (Kubernetes documentation, "Service account issuer discovery").

        Raises:
            AdapterError: if the API server does not say.
        """
        document = self._call("GET", "/.well-known/openid-configuration")
        return str(document["issuer"]).removeprefix("https://").rstrip("/")

    def check_connectors_listable(self, namespace: str | None) -> None:
        """Make sure that connectors can be listed, in *namespace* or everywhere.

        Raises:
            NotFoundError: the custom resource definition is not installed.
            DeniedError: the operator may not list connectors.
            TransientError: the API server does not answer.
        """
        scope = f"namespaces/{namespace}/" if namespace else ""
        self._call("GET", f"/apis/{v1alpha1.API_VERSION}/{scope}{v1alpha1.PLURAL}", query={"limit": "1"})

    def get(self, key: ObjectKey) -> Manifest | None:
        """Return the object of *key*, None if there is none.

        Raises:
            AdapterError: if the API server does not say.
        """
        try:
            return self._call("GET", _path(key))
        except NotFoundError:
            return None

    def get_all(self, keys: Iterable[ObjectKey]) -> dict[ObjectKey, Manifest]:
        """Return those objects of *keys* that exist.

        Raises:
            AdapterError: if the API server does not say.
        """
        found = ((key, self.get(key)) for key in keys)
        return {key: manifest for key, manifest in found if manifest is not None}

    def pods(self, owner: Owner) -> list[Manifest]:
        """Return the connector's pods, by label.

        Raises:
            AdapterError: if the API server does not say.
        """
        path = _COLLECTIONS["Pod"].format(namespace=owner.namespace)
        answer = self._call("GET", path, query={"labelSelector": f"{CONNECTOR_LABEL}={owner.label}"})
        return list(answer.get("items", ()))

    def apply(self, manifest: Manifest) -> Manifest:
        """Write *manifest* by server-side apply, as its owner of what it says, and return the object.

        Raises:
            AdapterError: if it was not written.
        """
        query = {"fieldManager": FIELD_MANAGER, "force": "true"}
        return self._call("PATCH", _path(key_of(manifest)), query=query, body=manifest)

    def delete(self, key: ObjectKey, object_uid: str) -> None:
        """Delete the object if it still has *object_uid*; one that is gone is fine.

        Raises:
            AdapterError: if it may still be there.
        """
        body = {
            "apiVersion": "v1",
            "kind": "DeleteOptions",
            "propagationPolicy": "Background",
            "preconditions": {"uid": object_uid},
        }
        try:
            self._call("DELETE", _path(key), body=body)
        except NotFoundError:
            return

    def apply_status(self, owner: Owner, status: Mapping[str, Any], *, resource_version: str) -> Manifest:
        """Write the connector's status whole, on the subresource, if it still has *resource_version*.

        Returns the connector as it is then.

        Custom resources take a status whatever uid it names; the version keeps it from another of the same name.

        Raises:
            NotFoundError: the connector is gone.
            ConflictError: the connector was changed meanwhile, or is another.
            AdapterError: if it was not written.
        """
        key = ObjectKey(v1alpha1.KIND, owner.namespace, owner.name)
        body = {
            "apiVersion": v1alpha1.API_VERSION,
            "kind": v1alpha1.KIND,
            "metadata": {"name": owner.name, "namespace": owner.namespace, "resourceVersion": resource_version},
            "status": status,
        }
        query = {"fieldManager": FIELD_MANAGER, "force": "true"}
        return self._call("PATCH", f"{_path(key)}/status", query=query, body=body)

    def post(self, event: Event, owner: Owner, now: datetime) -> None:
        """Post an Event about the connector.

        Raises:
            AdapterError: if it was not posted.
        """
        timestamp = now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        body = {
            "apiVersion": "v1",
            "kind": "Event",
            "metadata": {
                "name": f"{owner.name[:200]}.{uuid.uuid4().hex[:16]}",
                "namespace": owner.namespace,
            },
            "involvedObject": {
                "apiVersion": v1alpha1.API_VERSION,
                "kind": v1alpha1.KIND,
                "namespace": owner.namespace,
                "name": owner.name,
                "uid": owner.uid,
            },
            "type": event.type,
            "reason": event.reason,
            "message": event.message[:_MESSAGE_LIMIT],
            "source": {"component": FIELD_MANAGER},
            "firstTimestamp": timestamp,
            "lastTimestamp": timestamp,
            "count": 1,
        }
        path = _COLLECTIONS["Event"].format(namespace=owner.namespace)
        self._call("POST", path, body=body)

    def _call(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        self._fence.check()
        request = self._client.param_serialize(
            method,
            path,
            query_params=list((query or {}).items()),
            header_params={"Accept": "application/json", "Content-Type": _content_type(method)},
            body=body,
            auth_settings=["BearerToken"],
        )
        try:
            response = self._client.call_api(*request, _request_timeout=TIMEOUT_SECONDS)
            data = response.read()
        except (urllib3.exceptions.HTTPError, ApiException, OSError) as error:
            server = self._client.configuration.host
            message = f"{method} {path}: the API server {server} does not answer ({_cause(error)})"
            raise TransientError(Reason.KUBERNETES_UNAVAILABLE, message) from error
        return _answer(method, path, response.status, data)


def _load(configuration: kubernetes.client.Configuration) -> None:
    try:
        kubernetes.config.load_incluster_config(client_configuration=configuration)
    except kubernetes.config.ConfigException:
        file = os.environ.get("KUBECONFIG")  # the library reads it but once, when it is imported
        kubernetes.config.load_kube_config(config_file=file, client_configuration=configuration)


def _cause(error: Exception) -> str:
    """Name what urllib3 wraps into its ``MaxRetryError``."""
    return type(getattr(error, "reason", None) or error).__name__


@dataclass(frozen=True)
class _Refusal:
    kind: type[AdapterError]
    reason: Reason
    advice: str = ""


_REFUSALS: Mapping[int, _Refusal] = {
    401: _Refusal(DeniedError, Reason.FORBIDDEN, ". Check the operator's token, or the user in its kubeconfig."),
    403: _Refusal(DeniedError, Reason.FORBIDDEN),
    404: _Refusal(NotFoundError, Reason.REJECTED),
    409: _Refusal(ConflictError, Reason.RECONCILING),
    410: _Refusal(ConflictError, Reason.RECONCILING),
    429: _Refusal(TransientError, Reason.KUBERNETES_UNAVAILABLE),
}
_ERROR, _SERVER_ERROR = 400, 500


def _answer(method: str, path: str, status: int, data: bytes) -> dict[str, Any]:
    if status < _ERROR:
        return _document(method, path, data)
    fallback = TransientError if status >= _SERVER_ERROR else RejectedError
    reason = Reason.KUBERNETES_UNAVAILABLE if status >= _SERVER_ERROR else Reason.REJECTED
    refusal = _REFUSALS.get(status, _Refusal(fallback, reason))
    raise refusal.kind(refusal.reason, f"{method} {path}: {_message(data)}{refusal.advice}")


def _document(method: str, path: str, data: bytes) -> dict[str, Any]:
    try:
        document: dict[str, Any] = json.loads(data)
    except ValueError as error:  # something between us and the API server has answered
        raise TransientError(Reason.KUBERNETES_UNAVAILABLE, f"{method} {path}: the answer is not JSON") from error
    return document


def _message(data: bytes) -> str:
    """Return the message of a Status object; never the whole answer."""
    try:
        return _one_line(str(json.loads(data).get("message", "")))
    except (ValueError, AttributeError):
        return "the answer is no Status object"


def _one_line(text: str) -> str:
    return " ".join(text.split())[:_MESSAGE_LIMIT]


def _content_type(method: str) -> str:
    return "application/apply-patch+yaml" if method == "PATCH" else "application/json"


def _path(key: ObjectKey) -> str:
    return f"{_COLLECTIONS[key.kind].format(namespace=key.namespace)}/{key.name}"
