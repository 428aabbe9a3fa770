"""The commands of Argo CD's components: which program, with which flags, for which ports and files."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from sandbox.argocd.programs import argocd, installed, scripts
from sandbox.controlplane import helm
from sandbox.controlplane.processes import Part


@dataclass(frozen=True)
class Layout:
    """Files, ports and identity of one Argo CD; what the commands below are made from.

    Attributes:
        directory: For its files, which exists.
        kubeconfig: Identifies the ServiceAccount that it acts as; its namespace is Argo CD's own.
        redis_port: Where Redis listens.
        repository_port: Where the repository server listens.
        metrics_ports: Where repository server, application controller and ApplicationSet controller tell how they are.
        resync_seconds: How often Applications are looked at if nobody asks for it.
    """

    directory: Path
    kubeconfig: Path
    redis_port: int
    repository_port: int
    metrics_ports: tuple[int, int, int]
    resync_seconds: int

    def part(self, name: str, *arguments: str, environment: Mapping[str, str] | None = None) -> Part:
        """A component of Argo CD as a process."""
        path = os.pathsep.join([str(helm().parent), str(scripts()), os.environ["PATH"]])
        variables = {"PATH": path, "HOME": str(self.directory), "ARGOCD_BINARY_NAME": name, **(environment or {})}
        return Part(name, [argocd(), *arguments], self.log(name), variables)

    def log(self, name: str) -> Path:
        """Where the process of that name tells what it does."""
        return self.directory / f"{name}.log"

    @property
    def redis(self) -> str:
        """Address of Redis."""
        return f"127.0.0.1:{self.redis_port}"


def redis(layout: Layout) -> Part:
    """Redis, which keeps nothing on disk."""
    settings = {
        "--port": str(layout.redis_port),
        "--bind": "127.0.0.1",
        "--dir": str(layout.directory),
        "--save": "",
        "--appendonly": "no",
    }
    words = [word for setting in settings.items() for word in setting]
    return Part("redis-server", [installed("redis-server", "redis-server"), *words], layout.log("redis-server"))


def repository_server(layout: Layout) -> Part:
    """What reads repositories and renders charts; a push is seen at once when somebody looks."""
    return layout.part(
        "argocd-repo-server",
        "--address=127.0.0.1",
        f"--port={layout.repository_port}",
        "--metrics-address=127.0.0.1",
        f"--metrics-port={layout.metrics_ports[0]}",
        "--disable-tls",
        "--client-ca-path=",
        f"--redis={layout.redis}",
        "--redis-compress=none",
        "--revision-cache-expiration=1s",
        environment={
            "ARGOCD_GPG_ENABLED": "false",
            "ARGOCD_TLS_DATA_PATH": str(layout.directory),
            "ARGOCD_SSH_DATA_PATH": str(layout.directory),
            "TMPDIR": str(layout.directory),
        },
    )


def application_controller(layout: Layout) -> Part:
    """What compares, syncs and judges."""
    return layout.part(
        "argocd-application-controller",
        f"--metrics-port={layout.metrics_ports[1]}",
        f"--repo-server=127.0.0.1:{layout.repository_port}",
        "--repo-server-plaintext",
        f"--redis={layout.redis}",
        "--redis-compress=none",
        f"--app-resync={layout.resync_seconds}",
        "--app-resync-jitter=0",
        "--persist-resource-health",
        environment=_in_cluster(layout),
    )


def applicationset_controller(layout: Layout) -> Part:
    """What makes Applications of ApplicationSets."""
    return layout.part(
        "argocd-applicationset-controller",
        f"--metrics-addr=127.0.0.1:{layout.metrics_ports[2]}",
        "--probe-addr=0",
        "--webhook-addr=127.0.0.1:0",
        f"--argocd-repo-server=127.0.0.1:{layout.repository_port}",
        "--repo-server-plaintext",
        environment=_in_cluster(layout),
    )


def _in_cluster(layout: Layout) -> dict[str, str]:
    """What lets a component take the cluster of the kubeconfig for the one that it runs in."""
    return {"ARGOCD_FAKE_IN_CLUSTER": "true", "KUBECONFIG": str(layout.kubeconfig), "TMPDIR": str(layout.directory)}
