"""Who wrote what, by the API server's audit log; what was only tried does not count: so Argo CD compares."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from sandbox.argocd import ArgoCD
from sandbox.argocd.server import SERVICE_ACCOUNT
from sandbox.controlplane import AuditLog, Write
from sandbox.installation import RELEASE

Counted = Counter[tuple[str, str]]
"""How often each verb was applied to each resource, such as ``("patch", "aponoconnectors")``."""


@dataclass
class Writers:
    """The operator of a namespace and Argo CD, from now on."""

    log: AuditLog
    argocd: ArgoCD
    namespace: str
    mark: int

    @classmethod
    def from_now_on(cls, argocd: ArgoCD, namespace: str) -> Writers:
        log = argocd.control_plane.audit_log()
        return cls(log, argocd, namespace, log.mark())

    def of_argocd(self) -> Counted:
        """In the namespace that it deploys into, without Events."""
        written = self.log.writes(self.argocd.namespace, SERVICE_ACCOUNT, self.mark)
        return _counted((write for write in written if write.target == self.namespace), {"events"})

    def of_operator(self) -> Counted:
        """Without Events, and the Lease by which one operator leads."""
        return _counted(self.log.writes(self.namespace, RELEASE, self.mark), {"events", "leases"})


def _counted(writes: Iterable[Write], besides: Iterable[str] = ()) -> Counted:
    kept = (write for write in writes if not write.dry and write.resource not in set(besides))
    return Counter((write.verb, write.resource) for write in kept)
