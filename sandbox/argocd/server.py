"""Argo CD as callers see it."""

from __future__ import annotations

import json
import socket
import subprocess
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, suppress
from functools import cached_property
from pathlib import Path
from typing import Any, Final, Self

import yaml
from kubernetes.client import CustomObjectsApi
from kubernetes.client.exceptions import NotFoundException
from kubernetes.config import new_client_from_config

from sandbox.argocd import components
from sandbox.argocd.components import Layout
from sandbox.argocd.programs import definitions, installed
from sandbox.controlplane import CommandError, ControlPlane
from sandbox.controlplane.processes import Part, reserve_port

Document = dict[str, Any]

SERVICE_ACCOUNT: Final = "argocd-application-controller"
START_SECONDS: Final = 60.0
_CACHE_VERSION: Final = "1.8.3"
"""Part of each key in Redis (Argo CD, common/common.go)."""

_POLL: Final = 0.05
_APPLICATIONS: Final = {"group": "argoproj.io", "version": "v1alpha1", "plural": "applications"}


class ArgoCD:
    """Argo CD for one cluster, in a namespace of its own, as an administrator of the cluster.

    A context manager: all its processes end with the block, or with this process. What it deployed stays.

    Args:
        control_plane: The cluster.
        directory: For its files; it is made.
        namespace: Where its settings and the Applications are; it is made.
        settings: The data of its ConfigMap argocd-cm.
        resync_seconds: How often Applications are looked at if nobody asks for it; people have 120.
    """

    def __init__(
        self,
        control_plane: ControlPlane,
        directory: Path,
        namespace: str,
        settings: Mapping[str, str],
        resync_seconds: int = 5,
    ) -> None:
        self.control_plane = control_plane
        self.namespace = namespace
        self._directory = directory
        self._settings = settings
        self._resync_seconds = resync_seconds
        self._redis_port = 0
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            self._install()
            self._start(stack)
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def configure(self, settings: Mapping[str, str]) -> None:
        """Replace the data of the ConfigMap argocd-cm, which is heeded at once."""
        metadata = {"name": "argocd-cm", "labels": {"app.kubernetes.io/part-of": "argocd"}}
        self.apply([{"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": dict(settings)}])

    def apply(self, documents: Sequence[Mapping[str, Any]]) -> None:
        """Apply objects, into its own namespace if they name none.

        Raises:
            CommandError: the API server refuses one.
        """
        manifest = yaml.safe_dump_all(documents)
        flags = ("--server-side", "--force-conflicts", f"--namespace={self.namespace}")
        self.control_plane.kubectl("apply", *flags, "-f", "-", stdin=manifest)

    def refresh(self, name: str, how: str = "normal") -> None:
        """Have it look at an Application now, as a webhook of the Git server does; *how* may be ``hard``."""
        annotations = {"argocd.argoproj.io/refresh": how}
        self._patch(name, {"metadata": {"annotations": annotations}})

    def application(self, name: str) -> Document | None:
        """An Application with its status; None if there is none."""
        return next((one for one in self.applications() if one["metadata"]["name"] == name), None)

    def applications(self) -> list[Document]:
        """All Applications with their status."""
        listed = self._api.list_namespaced_custom_object(**_APPLICATIONS, namespace=self.namespace)
        return list(listed["items"])

    def delete(self, name: str, *, alone: bool = False) -> None:
        """Delete an Application, if there is one, and have it end with what it deployed, or *alone*; does not wait."""
        with suppress(NotFoundException):
            if alone:
                self._patch(name, {"metadata": {"finalizers": None}})
            self._api.delete_namespaced_custom_object(**_APPLICATIONS, namespace=self.namespace, name=name)

    def resource_tree(self, name: str) -> list[Document]:
        """The nodes of the tree that people see of an Application: its resources, and what those own."""
        return list((self._remembered("resources-tree", name) or {"nodes": []})["nodes"])

    def managed_resources(self, name: str) -> list[Document]:
        """What an Application deploys, each as it is and as it should be, as people see them side by side."""
        return list(self._remembered("managed-resources", name) or [])

    def _remembered(self, what: str, name: str) -> Any:
        key = f"app|{what}|{name}|{_CACHE_VERSION}"
        command = [str(installed("redis-cli", "redis-tools")), "-p", str(self._redis_port), "--raw", "get", key]
        text = subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
        return json.loads(text) if text else None

    def log(self, name: str) -> str:
        """What the component of that name has logged."""
        return (self._directory / f"{name}.log").read_text(encoding="utf-8", errors="replace")

    @cached_property
    def _api(self) -> CustomObjectsApi:
        return CustomObjectsApi(new_client_from_config(str(self.control_plane.kubeconfig)))

    def _patch(self, name: str, body: Document) -> None:
        self._api.patch_namespaced_custom_object(
            **_APPLICATIONS,
            namespace=self.namespace,
            name=name,
            body=body,
            _content_type="application/merge-patch+json",
        )

    def _install(self) -> None:
        self._directory.mkdir(parents=True)
        for file in definitions():
            self.control_plane.kubectl("apply", "--server-side", "--force-conflicts", "-f", str(file))
        self.control_plane.kubectl("apply", "--server-side", "-f", "-", stdin=yaml.safe_dump_all(self._rights()))
        self.configure(self._settings)
        self._apply_project()

    def _rights(self) -> list[Document]:
        account = {"name": SERVICE_ACCOUNT, "namespace": self.namespace}
        role = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "cluster-admin"}
        return [
            {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": self.namespace}},
            {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": account},
            {
                "apiVersion": "rbac.authorization.k8s.io/v1",
                "kind": "ClusterRoleBinding",
                "metadata": {"name": f"{self.namespace}-{SERVICE_ACCOUNT}"},
                "roleRef": role,
                "subjects": [{"kind": "ServiceAccount", **account}],
            },
        ]

    def _apply_project(self) -> None:
        """Make the project that takes everything, as soon as its kind is served."""
        anything = {"group": "*", "kind": "*"}
        project = {
            "apiVersion": "argoproj.io/v1alpha1",
            "kind": "AppProject",
            "metadata": {"name": "default"},
            "spec": {
                "sourceRepos": ["*"],
                "destinations": [{"namespace": "*", "server": "*"}],
                "clusterResourceWhitelist": [anything],
            },
        }
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                self.apply([project])
            except CommandError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(_POLL)
            else:
                return

    def _start(self, stack: ExitStack) -> None:
        layout = self._layout()
        self._redis_port = layout.redis_port
        parts = {
            layout.redis_port: components.redis(layout),
            layout.repository_port: components.repository_server(layout),
            layout.metrics_ports[1]: components.application_controller(layout),
            layout.metrics_ports[2]: components.applicationset_controller(layout),
        }
        for part in parts.values():
            stack.callback(_end, part)
            part.start()
        for port, part in parts.items():
            _wait_for(port, part)

    def _layout(self) -> Layout:
        kubeconfig = self.control_plane.service_account_kubeconfig(self.namespace, SERVICE_ACCOUNT)
        redis, repository, *metrics = _free_ports(5)
        return Layout(
            self._directory, kubeconfig, redis, repository, (metrics[0], metrics[1], metrics[2]), self._resync_seconds
        )


def _free_ports(count: int) -> list[int]:
    """Ports that nobody listens at; others may take them meanwhile, as these programs cannot share a port."""
    with ExitStack() as stack:
        return [stack.enter_context(reserve_port()).getsockname()[1] for _ in range(count)]


def _wait_for(port: int, part: Part) -> None:
    """Wait until *part* listens there.

    Raises:
        PartError: it ended, or does not come to.
    """
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        part.check()
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(_POLL)
    raise part.failure(f"does not listen within {START_SECONDS:.0f} s")


def _end(part: Part) -> None:
    part.kill()
    part.wait()
