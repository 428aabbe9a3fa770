"""The API server: reading connectors and their children, writing by server-side apply.

Documents go in and out as plain data: the generated model classes would cost 30 MiB and give nothing back.

Source: Kubernetes API reference; Kubernetes documentation, "Server-Side Apply".
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

import structlog

from apono_operator import v1alpha1
from apono_operator.adapters.api_answers import NotFoundError
from apono_operator.adapters.api_server import MERGE_PATCH, ApiServer
from apono_operator.adapters.fence import Fence
from apono_operator.state.conditions import Event
from apono_operator.state.desired import RESTARTS_ANNOTATION, TEMPLATE_ROLE_ANNOTATION
from apono_operator.state.resources import CONNECTOR_LABEL, Manifest, ObjectKey, Owner, key_of
from apono_operator.state.rollout import ROLE_VARIABLE

log: structlog.stdlib.BoundLogger = structlog.get_logger()

FIELD_MANAGER = "apono-operator"
POD_LIMIT = 500
"""Of how many pods with its label a connector is told at most."""

POD_PAGE = 10
"""How many pods are read at once; few, because each may be as large as etcd takes, 1.5 MiB."""

CONNECTOR_PAGE = 500
"""How many connectors are listed at once; small ones, as they come without spec and status."""

_METADATA_ALONE = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"
"""Source: Kubernetes documentation, "Kubernetes API Concepts", "Metadata-only fetches"."""

_MESSAGE_LIMIT = 1024
_LIST_LIMIT = 50
_COLLECTIONS: Mapping[str, str] = {
    "ServiceAccount": "/api/v1/namespaces/{namespace}/serviceaccounts",
    "Secret": "/api/v1/namespaces/{namespace}/secrets",
    "Pod": "/api/v1/namespaces/{namespace}/pods",
    "Event": "/api/v1/namespaces/{namespace}/events",
    "Deployment": "/apis/apps/v1/namespaces/{namespace}/deployments",
    v1alpha1.KIND: f"/apis/{v1alpha1.API_VERSION}/namespaces/{{namespace}}/{v1alpha1.PLURAL}",
}


class Kubernetes:
    """The cluster, as the operator may touch it.

    Args:
        server: The way to it.
    """

    def __init__(self, server: ApiServer) -> None:
        self._call = server.call

    @classmethod
    def connect(cls, *, connections: int, fence: Fence) -> Kubernetes:
        """Connect as a pod of the cluster, or else as kubeconfig (``KUBECONFIG``) says.

        Raises:
            DeniedError: if there is neither, or one that cannot be read.
        """
        return cls(ApiServer.connect(connections=connections, fence=fence))

    def issuer(self) -> str:
        """Return host and path of the cluster's OIDC issuer, without ``https://``.

        Every ServiceAccount may read it (Kubernetes documentation, "Service account issuer discovery").

        Raises:
            AdapterError: if the API server does not say.
        """
        document = self._call("GET", "/.well-known/openid-configuration")
        return str(document["issuer"]).removeprefix("https://").rstrip("/")

    def check_connectors_listable(self, namespace: str | None, selector: str = "") -> None:
        """Make sure that connectors can be listed, in *namespace* or everywhere, by a label selector.

        Raises:
            RejectedError: there is no such selector.
            UnservedError: the custom resource definition is not installed.
            DeniedError: the operator may not list connectors.
            TransientError: the API server does not answer.
        """
        scope = f"namespaces/{namespace}/" if namespace else ""
        self._call(
            "GET",
            f"/apis/{v1alpha1.API_VERSION}/{scope}{v1alpha1.PLURAL}",
            query={"limit": "1", "labelSelector": selector},
        )

    def fits(self, owner: Owner, selector: str) -> bool:
        """Tell whether the labels of the connector of *owner* fit a label selector, as the API server reads it.

        Raises:
            RejectedError: there is no such selector.
            AdapterError: if the API server does not say.
        """
        path = f"/apis/{v1alpha1.API_VERSION}/namespaces/{owner.namespace}/{v1alpha1.PLURAL}"
        query = {"fieldSelector": f"metadata.name={owner.name}", "labelSelector": selector}
        return bool(self._call("GET", path, query=query, accept=_METADATA_ALONE).get("items"))

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
        """Return the connector's pods, by label, as far as `state.rollout` reads them.

        Pods that no ReplicaSet controls were labelled by hand and are left out. Others may label as many as they
        like: those past `POD_LIMIT` are not looked at.

        Raises:
            AdapterError: if the API server does not say.
        """
        return [_essence(pod) for page in self._pod_pages(owner) for pod in page if _is_replica(pod)]

    def connectors(self, namespace: str | None) -> Iterator[Owner]:
        """Yield all connectors, in *namespace* or everywhere, those under deletion among them.

        Of each only its metadata is asked for, page by page.

        Raises:
            ConflictError: the list took longer than the API server keeps it; begin anew.
            AdapterError: if the API server does not say.
        """
        for connector in self._connectors(namespace, _METADATA_ALONE):
            metadata = connector["metadata"]
            yield Owner(metadata["namespace"], metadata["name"], metadata["uid"])

    def whole_connectors(self, namespace: str | None) -> Iterator[Manifest]:
        """Yield the same with spec and status.

        Raises:
            UnservedError: the custom resource definition is not installed.
            ConflictError: the list took longer than the API server keeps it; begin anew.
            AdapterError: if the API server does not say.
        """
        yield from self._connectors(namespace, "application/json")

    def _connectors(self, namespace: str | None, accept: str) -> Iterator[Manifest]:
        scope = f"namespaces/{namespace}/" if namespace else ""
        path = f"/apis/{v1alpha1.API_VERSION}/{scope}{v1alpha1.PLURAL}"
        query = {"limit": str(CONNECTOR_PAGE)}
        while True:
            answer = self._call("GET", path, query=query, accept=accept)
            yield from answer.get("items") or ()
            query["continue"] = answer.get("metadata", {}).get("continue", "")
            if not query["continue"]:
                return

    def apply(self, manifest: Manifest) -> Manifest:
        """Write *manifest* by server-side apply, as its owner of what it says, and return the object.

        Raises:
            AdapterError: if it was not written.
        """
        query = {"fieldManager": FIELD_MANAGER, "force": "true"}
        return self._call("PATCH", _path(key_of(manifest)), query=query, body=manifest)

    def check_acceptable(self, manifest: Manifest) -> None:
        """Make sure that *manifest* would be taken if nothing of its name were there; writes nothing (dry run).

        Raises:
            RejectedError: it would not.
            AdapterError: if the API server does not say.
        """
        trial = {**manifest, "metadata": {**manifest["metadata"], "name": f"{manifest['metadata']['name']}.trial"}}
        query = {"fieldManager": FIELD_MANAGER, "force": "true", "dryRun": "All"}
        self._call("PATCH", _path(key_of(trial)), query=query, body=trial)

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

    def apply_status(
        self, owner: Owner, status: Mapping[str, Any], *, resource_version: str, manager: str = FIELD_MANAGER
    ) -> Manifest:
        """Write all of the status that *manager* has a say in, on the subresource, if it still has *resource_version*.

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
        query = {"fieldManager": manager, "force": "true"}
        return self._call("PATCH", f"{_path(key)}/status", query=query, body=body)

    def change_status(self, owner: Owner, changes: Mapping[str, Any], *, resource_version: str) -> Manifest:
        """Change fields of the connector's status whoever wrote them, if it still has *resource_version*; None removes.

        Server-side apply removes nothing that another field manager wrote as well.

        Returns the connector as it is then.

        Raises:
            NotFoundError: the connector is gone.
            ConflictError: the connector was changed meanwhile, or is another.
            AdapterError: if it was not written.
        """
        key = ObjectKey(v1alpha1.KIND, owner.namespace, owner.name)
        body = {"metadata": {"resourceVersion": resource_version}, "status": changes}
        query = {"fieldManager": FIELD_MANAGER}
        return self._call("PATCH", f"{_path(key)}/status", query=query, body=body, patch=MERGE_PATCH)

    def post(self, event: Event, owner: Owner, now: datetime, *, once: str = "") -> None:
        """Post an Event about the connector, which may be gone.

        Args:
            event: What to say.
            owner: The connector.
            now: The present time, with a time zone.
            once: Anything; another Event about this connector with the same is not posted.

        Raises:
            ConflictError: it was posted before.
            AdapterError: if it was not posted.
        """
        suffix = hashlib.sha256(once.encode()).hexdigest() if once else uuid.uuid4().hex
        timestamp = now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        body = {
            "apiVersion": "v1",
            "kind": "Event",
            "metadata": {
                "name": f"{owner.name[:200]}.{suffix[:16]}",
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

    def _pod_pages(self, owner: Owner) -> Iterator[list[Manifest]]:
        path = _COLLECTIONS["Pod"].format(namespace=owner.namespace)
        query = {"labelSelector": f"{CONNECTOR_LABEL}={owner.label}", "limit": str(POD_PAGE)}
        for _ in range(POD_LIMIT // POD_PAGE):
            answer = self._call("GET", path, query=query)
            yield answer.get("items") or []
            query["continue"] = answer.get("metadata", {}).get("continue", "")
            if not query["continue"]:
                return
        log.warning("more pods bear a connector's label than are looked at", label=owner.label, limit=POD_LIMIT)


def _path(key: ObjectKey) -> str:
    return f"{_COLLECTIONS[key.kind].format(namespace=key.namespace)}/{key.name}"


def _is_replica(pod: Manifest) -> bool:
    references = pod["metadata"].get("ownerReferences", ())
    return any(reference.get("controller") and reference["kind"] == "ReplicaSet" for reference in references)


def _essence(pod: Manifest) -> Manifest:
    """Return what is read of a pod, so that hundreds that somebody made huge do not fill our memory."""
    metadata = _only(pod["metadata"], "name", "namespace", "creationTimestamp", "deletionTimestamp")
    annotations = _only(pod["metadata"].get("annotations", {}), TEMPLATE_ROLE_ANNOTATION, RESTARTS_ANNOTATION)
    essence: Manifest = _cut(
        {
            "metadata": {**metadata, "annotations": annotations},
            "spec": {"containers": [_container(one) for one in pod["spec"]["containers"]]},
            "status": _only(pod.get("status", {}), "phase", "conditions", "containerStatuses"),
        }
    )
    return essence


def _container(container: Manifest) -> Manifest:
    variables = [variable for variable in container.get("env", ()) if variable["name"] == ROLE_VARIABLE]
    return {**_only(container, "name", "image"), "env": variables}


def _only(document: Manifest, *names: str) -> Manifest:
    return {name: document[name] for name in names if name in document}


def _cut(value: Any) -> Any:
    """Cut each text in *value* to what a name, a role's ARN or a message can have, and lists to a sane length."""
    if isinstance(value, str):
        return value[:_MESSAGE_LIMIT]
    if isinstance(value, Mapping):
        return {key: _cut(one) for key, one in value.items()}
    return [_cut(one) for one in value[:_LIST_LIMIT]] if isinstance(value, list) else value
