"""An Application and its repository, as people drive them: pushes in, what Argo CD shows out."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import yaml

from sandbox.argocd import ArgoCD, Health, Repository
from tests.scenarios.cluster import Document
from tests.scenarios.scenario import NAME, manifest
from tests.waiting import until

CASCADE = "resources-finalizer.argocd.argoproj.io"
"""The finalizer that has Argo CD delete what an Application deployed, and wait for it."""

IN_CLUSTER = "https://kubernetes.default.svc"
FOLDER = "connectors"

LOOK_SECONDS = 30.0
"""Within how long Argo CD, which resyncs every 5 s here, looks at an Application again on however busy a machine."""

# As docs/gitops.md has it, with less patience: what people wait for in minutes, tests need not.
RETRY: Document = {"limit": 5, "refresh": True, "backoff": {"duration": "1s", "factor": 2, "maxDuration": "10s"}}


@dataclass
class GitOps:
    """One Application, the repository that it follows, and the namespace that it deploys into.

    Attributes:
        revision: What was pushed last.
    """

    argocd: ArgoCD
    repository: Repository
    name: str
    namespace: str
    revision: str = field(default="", init=False)

    # --- what people do ---------------------------------------------------------------------------------------

    def push(self, *connectors: Document, path: str = FOLDER) -> None:
        """Push *connectors*, a file each, and tell Argo CD as a webhook does."""
        self.push_files({f"{path}/{one['metadata']['name']}.yaml": yaml.safe_dump(one) for one in connectors})

    def push_files(self, files: Mapping[str, str | None]) -> None:
        self.revision = self.repository.push(files)
        if self.argocd.application(self.name):
            self.argocd.refresh(self.name)

    def push_spec(self, **spec: Any) -> None:
        """Push a minimal connector in which *spec* replaces fields."""
        self.push(manifest(**spec))

    def remove(self, name: str = NAME) -> None:
        """Take a connector out of the repository."""
        self.push_files({f"{FOLDER}/{name}.yaml": None})

    def deploy(
        self,
        *options: str,
        annotations: Mapping[str, str] | None = None,
        sources: Sequence[Document] | None = None,
        **automated: Any,
    ) -> None:
        """Make the Application, with sync *options*; it syncs by itself, heals itself, and prunes."""
        self.argocd.apply([self.document(*options, annotations=annotations, sources=sources, **automated)])

    def document(
        self,
        *options: str,
        annotations: Mapping[str, str] | None = None,
        sources: Sequence[Document] | None = None,
        **automated: Any,
    ) -> Document:
        return {
            "apiVersion": "argoproj.io/v1alpha1",
            "kind": "Application",
            "metadata": {"name": self.name, "annotations": dict(annotations or {}), "finalizers": [CASCADE]},
            "spec": {
                "project": "default",
                **({"sources": list(sources)} if sources else {"source": self.folder()}),
                "destination": {"server": IN_CLUSTER, "namespace": self.namespace},
                "syncPolicy": {
                    "automated": {"prune": True, "selfHeal": True, **automated},
                    "syncOptions": list(options),
                    "retry": RETRY,
                },
            },
        }

    def folder(self, path: str = FOLDER) -> Document:
        """Plain manifests of the repository, as a source."""
        return {"repoURL": self.repository.url, "targetRevision": "main", "path": path}

    def delete(self, *below: GitOps) -> None:
        """Delete the Application with all that it deployed, other Applications *below* it included; does not wait.

        Argo CD looks at all of them just before that: a look that is under way meanwhile makes anew what is missing.
        """
        for one in (self, *below):
            self.argocd.refresh(one.name)
        self.until("looked at", lambda: not any(one.is_to_be_looked_at for one in (self, *below)))
        self.argocd.delete(self.name)

    def forget(self) -> None:
        """Delete the Application alone, and those that it made."""
        for name in (one["metadata"]["name"] for one in self.argocd.applications()):
            if name.startswith(self.name):
                self.argocd.delete(name, alone=True)

    # --- what people see --------------------------------------------------------------------------------------

    def application(self) -> Document:
        found = self.argocd.application(self.name)
        assert found is not None, f"Application {self.name} does not exist"
        return found

    @property
    def is_gone(self) -> bool:
        return self.argocd.application(self.name) is None

    @property
    def is_to_be_looked_at(self) -> bool:
        """Whether Argo CD was told to look at it, and has not yet."""
        return "argocd.argoproj.io/refresh" in self.application()["metadata"].get("annotations", {})

    def sync_status(self) -> str:
        return str(self.application().get("status", {}).get("sync", {}).get("status", ""))

    def health(self) -> str:
        return str(self.application().get("status", {}).get("health", {}).get("status", ""))

    def operation(self) -> Document:
        """How the last sync went."""
        state: Document = self.application().get("status", {}).get("operationState", {})
        return state

    def resource(self, kind: str = "AponoConnector", name: str = NAME) -> Document:
        """What Argo CD says of one resource of the Application, empty if it knows none."""
        listed = self.application().get("status", {}).get("resources", ())
        return next((one for one in listed if (one["kind"], one["name"]) == (kind, name)), {})

    def health_of(self, kind: str = "AponoConnector", name: str = NAME) -> Health:
        told = self.resource(kind, name).get("health", {})
        return Health(told.get("status", ""), told.get("message", ""))

    def is_last_push_synced(self) -> bool:
        """Whether Argo CD believes to have deployed what was pushed last."""
        operation = self.operation()
        return operation.get("phase") == "Succeeded" and operation["syncResult"]["revision"] == self.revision

    def compared(self, name: str = NAME) -> tuple[Document, Document]:
        """A connector as it is and as it should be, as Argo CD shows them side by side."""
        (one,) = (one for one in self.argocd.managed_resources(self.name) if one["name"] == name)
        return json.loads(one["normalizedLiveState"]), json.loads(one["targetState"])

    def tree(self) -> set[tuple[str, str]]:
        """Kinds and names in the tree of resources."""
        return {(node["kind"], node["name"]) for node in self.argocd.resource_tree(self.name)}

    def until_synced(self, seconds: float = 30.0) -> None:
        """Wait until what was pushed last is deployed, and nothing differs."""
        self.until("Synced", self._is_synced, seconds)

    def until_healthy(self, seconds: float = 30.0) -> None:
        """Wait until what was pushed last is deployed, nothing differs, and all of it is healthy."""
        self.until("Synced and Healthy", lambda: self._is_synced() and self.health() == "Healthy", seconds)

    def until_health_of(self, status: str, text: str = "", *, name: str = NAME, seconds: float = 20.0) -> Health:
        """Wait until a connector is shown as *status*, with a message that has *text* in it."""

        def look() -> Health | None:
            seen = self.health_of(name=name)
            return seen if seen.status == status and text in seen.message else None

        return until(f"{name}: {status} {text}", look, seconds, self._last)

    def until(self, what: str, look: Callable[[], object], seconds: float = 20.0) -> None:
        until(f"{self.name}: {what}", look, seconds, self._last)

    def until_compared(self, times: int) -> set[tuple[str, str]]:
        """Wait for so many more of Argo CD's own looks; return the sync and health statuses shown meanwhile."""
        looks, shown = set(), set()

        def look() -> bool:
            status = self.application()["status"]
            looks.add(status["reconciledAt"])
            shown.add((status["sync"]["status"], status["health"]["status"]))
            return len(looks) > times

        self.until(f"compared {times} times more", look, times * LOOK_SECONDS)
        return shown

    def _is_synced(self) -> bool:
        status = self.application().get("status", {})
        sync, operation = status.get("sync", {}), status.get("operationState", {})
        revisions = set(sync.get("revisions") or [sync.get("revision")])
        return sync.get("status") == "Synced" and revisions == {self.revision} and operation.get("phase") == "Succeeded"

    def _last(self) -> object:
        found = self.argocd.application(self.name)
        return yaml.safe_dump((found or {}).get("status", "no Application"))
