"""The commands of the control plane: which program, with which flags, for which ports and files."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from sandbox.controlplane import audit
from sandbox.controlplane.processes import Part

if TYPE_CHECKING:
    from collections.abc import Mapping

STAGES = Path(__file__).parent / "stages"
# EKS' own audience; its issuer is added (kube-apiserver's default when none is named).
KUBERNETES_AUDIENCE = "https://kubernetes.default.svc"
SERVICE_CIDR = "10.100.0.0/16"
SERVICE_IP = "10.100.0.1"
LOOPBACK = "127.0.0.1"
# As on OpenShift: asks for one right more, that to the finalizers of an owner.
OWNERSHIP = "OwnerReferencesPermissionEnforcement"
# Controllers nobody here needs: they cost memory, watches and start-up time.
UNUSED_CONTROLLERS = (
    "node-ipam-controller",
    "persistentvolume-binder-controller",
    "persistentvolume-attach-detach-controller",
    "persistentvolume-expander-controller",
    "ttl-controller",
    "horizontal-pod-autoscaler-controller",
)
# What controllers and scheduler have in common: there is one of each, nobody looks at it, and tests wait for it.
ALONE_AND_IN_A_HURRY = (
    "--leader-elect=false",
    "--secure-port=0",
    "--kube-api-qps=200",
    "--kube-api-burst=400",
    "--profiling=false",
)


@dataclass(frozen=True)
class Layout:
    """Files, programs, ports and identity of one control plane; what the commands below are made from.

    With `node_address` it is for a real node: the API server listens there, where pods reach it.
    """

    directory: Path
    binaries: Mapping[str, Path]
    issuer: str
    api_port: int
    etcd_port: int
    etcd_peer_port: int
    node_address: str | None = None

    @property
    def address(self) -> str:
        """Where the API server listens."""
        return self.node_address or LOOPBACK

    @property
    def server(self) -> str:
        """URL of the API server."""
        return f"https://{self.address}:{self.api_port}"

    @property
    def etcd_url(self) -> str:
        """URL of etcd for clients."""
        return f"http://127.0.0.1:{self.etcd_port}"

    def pki(self, name: str) -> Path:
        """A key or certificate file."""
        return self.directory / "pki" / name

    @property
    def audit_log(self) -> Path:
        """Where the API server tells who wrote what, see `audit`."""
        return audit.file_in(self.directory)

    def kubeconfig(self, user: str) -> Path:
        """The kubeconfig of a component or of the administrator."""
        return self.directory / "kubeconfig" / user

    def part(self, name: str, *arguments: str) -> Part:
        """The process of that name, its program from `binaries`, its log among the logs."""
        return Part(name, [self.binaries[name], *arguments], self.directory / "logs" / f"{name}.log")


def etcd(layout: Layout) -> Part:
    """Etcd with one member, without fsync: nobody needs its data after a power cut."""
    peer = f"http://127.0.0.1:{layout.etcd_peer_port}"
    return layout.part(
        "etcd",
        "--name=sandbox",
        f"--data-dir={layout.directory / 'etcd'}",
        f"--listen-client-urls={layout.etcd_url}",
        f"--advertise-client-urls={layout.etcd_url}",
        f"--listen-peer-urls={peer}",
        f"--initial-advertise-peer-urls={peer}",
        f"--initial-cluster=sandbox={peer}",
        "--socket-reuse-port",
        "--unsafe-no-fsync",
        "--log-level=warn",
    )


def kube_apiserver(layout: Layout) -> Part:
    """The API server: TLS, RBAC, and tokens issued as EKS issues them."""
    return layout.part(
        "kube-apiserver",
        f"--etcd-servers={layout.etcd_url}",
        f"--bind-address={layout.address}",
        f"--secure-port={layout.api_port}",
        "--permit-port-sharing",
        f"--tls-cert-file={layout.pki('server.crt')}",
        f"--tls-private-key-file={layout.pki('server.key')}",
        f"--client-ca-file={layout.pki('ca.crt')}",
        f"--service-account-issuer={layout.issuer}",
        f"--service-account-jwks-uri={layout.issuer}/keys",
        f"--service-account-key-file={layout.pki('service-account.pub')}",
        f"--service-account-signing-key-file={layout.pki('service-account.key')}",
        f"--api-audiences={KUBERNETES_AUDIENCE},{layout.issuer}",
        *_towards_nodes(layout),
        "--allow-privileged",
        f"--service-cluster-ip-range={SERVICE_CIDR}",
        f"--audit-policy-file={audit.POLICY}",
        f"--audit-log-path={layout.audit_log}",
        "--audit-log-maxsize=4096",  # MB; a rotated one would be read in part only
        "--profiling=false",
    )


def _towards_nodes(layout: Layout) -> list[str]:
    if layout.node_address is None:
        return [
            "--authorization-mode=RBAC",
            f"--enable-admission-plugins={OWNERSHIP}",
            "--endpoint-reconciler-type=none",  # loopback is no valid endpoint
        ]
    return [
        "--authorization-mode=Node,RBAC",
        f"--enable-admission-plugins=NodeRestriction,{OWNERSHIP}",
        f"--advertise-address={layout.node_address}",
        "--kubelet-preferred-address-types=InternalIP",
        f"--kubelet-client-certificate={layout.pki('kubelet-client.crt')}",
        f"--kubelet-client-key={layout.pki('kubelet-client.key')}",
    ]


def kube_controller_manager(layout: Layout) -> Part:
    """The controllers, each under its own ServiceAccount as in a cluster."""
    return layout.part(
        "kube-controller-manager",
        f"--kubeconfig={layout.kubeconfig('kube-controller-manager')}",
        f"--controllers=*,{','.join(f'-{name}' for name in UNUSED_CONTROLLERS)}",
        f"--service-account-private-key-file={layout.pki('service-account.key')}",
        f"--root-ca-file={layout.pki('ca.crt')}",
        "--use-service-account-credentials",
        "--node-monitor-grace-period=10m",  # a busy machine is no reason to lose a node
        *ALONE_AND_IN_A_HURRY,
    )


def kube_scheduler(layout: Layout) -> Part:
    """The scheduler."""
    return layout.part(
        "kube-scheduler",
        f"--kubeconfig={layout.kubeconfig('kube-scheduler')}",
        *ALONE_AND_IN_A_HURRY,
    )


def kwok(layout: Layout) -> Part:
    """KWOK, which plays the kubelets of all nodes by the stages in `stages/`."""
    stages = [f"--config={file}" for file in sorted(STAGES.glob("*.yaml"))]
    return layout.part(
        "kwok",
        f"--kubeconfig={layout.kubeconfig('kwok')}",
        "--manage-all-nodes=true",
        "--node-lease-duration-seconds=40",
        *stages,
    )
