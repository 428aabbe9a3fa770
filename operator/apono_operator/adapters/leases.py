"""One Lease of the API server, by which processes agree on who leads.

Source: Kubernetes API reference, "Lease" (coordination.k8s.io/v1).
"""

from __future__ import annotations

from typing import Any

from apono_operator.adapters.api_answers import NotFoundError
from apono_operator.adapters.api_server import ApiServer
from apono_operator.adapters.fence import Fence
from apono_operator.state.leadership import Lease

_API_VERSION = "coordination.k8s.io/v1"


class Leases:
    """The Lease of one name.

    Args:
        server: The way to the API server, with connections of its own: those of passes may all be taken.
        namespace: Where it is.
        name: Its name.
    """

    def __init__(self, server: ApiServer, namespace: str, name: str) -> None:
        self._call = server.call
        self._namespace, self._name = namespace, name
        self._collection = f"/apis/{_API_VERSION}/namespaces/{namespace}/leases"

    @classmethod
    def connect(cls, namespace: str, name: str) -> Leases:
        """Connect as the operator does, behind no fence: a leader that stops renews until it has stopped.

        Raises:
            DeniedError: if there is no way to the API server.
        """
        return cls(ApiServer.connect(connections=1, fence=Fence()), namespace, name)

    def __str__(self) -> str:
        return f"{self._namespace}/{self._name}"

    def get(self, timeout: float) -> Lease | None:
        """Return the Lease as it is now, None if there is none; wait *timeout* seconds at most.

        Raises:
            AdapterError: if the API server does not say.
        """
        try:
            return _lease(self._call("GET", f"{self._collection}/{self._name}", timeout=timeout))
        except NotFoundError:
            return None

    def put(self, lease: Lease, timeout: float) -> Lease:
        """Write *lease* if it still has its version, or is not there yet, and return it as it is then.

        Raises:
            ConflictError: somebody else wrote it meanwhile.
            AdapterError: it was not written, as far as is known.
        """
        if lease.version:
            answer = self._call("PUT", f"{self._collection}/{self._name}", body=self._document(lease), timeout=timeout)
        else:
            answer = self._call("POST", self._collection, body=self._document(lease), timeout=timeout)
        return _lease(answer)

    def _document(self, lease: Lease) -> dict[str, Any]:
        spec = {
            "holderIdentity": lease.holder,
            "leaseDurationSeconds": lease.duration,
            "acquireTime": lease.acquired,
            "renewTime": lease.renewed,
            "leaseTransitions": lease.transitions,
        }
        metadata = {"name": self._name, "namespace": self._namespace}
        if lease.version:  # without the uid, a Lease that is not there any more would be made by its update
            metadata |= {"resourceVersion": lease.version, "uid": lease.uid}
        return {"apiVersion": _API_VERSION, "kind": "Lease", "metadata": metadata, "spec": spec}


def _lease(document: dict[str, Any]) -> Lease:
    spec = document.get("spec") or {}
    return Lease(
        holder=spec.get("holderIdentity") or "",
        duration=spec.get("leaseDurationSeconds") or 0,
        acquired=spec.get("acquireTime") or "",
        renewed=spec.get("renewTime") or "",
        transitions=spec.get("leaseTransitions") or 0,
        version=document["metadata"]["resourceVersion"],
        uid=document["metadata"]["uid"],
    )
