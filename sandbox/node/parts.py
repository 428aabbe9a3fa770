"""The commands and configuration files of a node's programs.

Sources: containerd's documentation, "CRI Plugin Config Guide"; Kubernetes' reference, "Kubelet Configuration
(v1beta1)"; CNI's documentation of the plugins bridge, host-local and loopback.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

from sandbox.controlplane.nodes import REAL_NODE
from sandbox.controlplane.processes import Part
from sandbox.node.enclosure import ADDRESS
from sandbox.node.packages import CNI_PLUGINS, program

POD_CIDR: Final = "10.244.0.0/24"
PAUSE_IMAGE: Final = "localhost/pause:sandbox"

_CONTAINERD: Final = """\
version = 2
root = "{root}/containerd"
state = "/run/containerd"
oom_score = 0

[grpc]
  address = "{socket}"

[plugins."io.containerd.internal.v1.opt"]
  path = "{root}/opt"

[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "{pause}"
  disable_apparmor = true
  restrict_oom_score_adj = true

[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
  runtime_type = "io.containerd.runc.v2"

[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
  SystemdCgroup = false

[plugins."io.containerd.grpc.v1.cri".cni]
  bin_dir = "{plugins}"
  conf_dir = "{root}/cni"
"""
"""Neither out-of-memory scores nor AppArmor profiles can be set in every virtual machine that tests run in."""


@dataclass(frozen=True)
class NodeLayout:
    """Where a node keeps its files (`root`), its Go programs, its control plane's files, and its cgroup's name."""

    root: Path
    binaries: Mapping[str, Path]
    control_plane: Path
    cgroup: str

    @property
    def socket(self) -> str:
        """Where containerd listens."""
        return "/run/containerd/containerd.sock"

    def log(self, name: str) -> Path:
        """The log of a part."""
        return self.root / f"{name}.log"

    def kubeconfig(self, user: str) -> Path:
        """The kubeconfig of a part, which the control plane wrote."""
        return self.control_plane / "kubeconfig" / user


def containerd(layout: NodeLayout) -> Part:
    """Containerd with its CRI plugin, and pods on a bridge."""
    (layout.root / "cni").mkdir()
    (layout.root / "cni" / "10-bridge.conflist").write_text(json.dumps(_network()))
    configuration = layout.root / "containerd.toml"
    configuration.write_text(
        _CONTAINERD.format(root=layout.root, socket=layout.socket, pause=PAUSE_IMAGE, plugins=CNI_PLUGINS)
    )
    return Part("containerd", [program("containerd"), "--config", configuration], layout.log("containerd"))


def kubelet(layout: NodeLayout) -> Part:
    """The kubelet, registering the node as a cloud's node group does."""
    configuration = layout.root / "kubelet.yaml"
    configuration.write_text(yaml.safe_dump(_kubelet_configuration(layout)))
    command: list[str | Path] = [
        layout.binaries["kubelet"],
        f"--config={configuration}",
        f"--kubeconfig={layout.kubeconfig('kubelet')}",
        f"--hostname-override={REAL_NODE}",
        f"--node-ip={ADDRESS}",
        f"--cert-dir={layout.root / 'kubelet-pki'}",
    ]
    return Part("kubelet", command, layout.log("kubelet"))


def kube_proxy(layout: NodeLayout) -> Part:
    """kube-proxy, which makes Services reachable; what the kernel keeps of connections is left as it is."""
    command: list[str | Path] = [
        layout.binaries["kube-proxy"],
        f"--kubeconfig={layout.kubeconfig('kube-proxy')}",
        f"--hostname-override={REAL_NODE}",
        "--proxy-mode=iptables",
        f"--cluster-cidr={POD_CIDR}",
        "--conntrack-max-per-core=0",
        "--conntrack-min=0",
        "--conntrack-tcp-timeout-established=0s",
        "--conntrack-tcp-timeout-close-wait=0s",
    ]
    return Part("kube-proxy", command, layout.log("kube-proxy"))


def _network() -> dict[str, Any]:
    bridge = {
        "type": "bridge",
        "bridge": "pods",
        "isGateway": True,
        "hairpinMode": True,
        "ipam": {"type": "host-local", "ranges": [[{"subnet": POD_CIDR}]], "routes": [{"dst": "0.0.0.0/0"}]},
    }
    return {"cniVersion": "1.0.0", "name": "pods", "plugins": [bridge]}


def _kubelet_configuration(layout: NodeLayout) -> dict[str, Any]:
    return {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "address": ADDRESS,
        "authentication": {
            "anonymous": {"enabled": False},
            "webhook": {"enabled": True},
            "x509": {"clientCAFile": str(layout.control_plane / "pki" / "ca.crt")},
        },
        "authorization": {"mode": "Webhook"},
        "cgroupDriver": "cgroupfs",
        "cgroupRoot": f"/{layout.cgroup}",
        "containerRuntimeEndpoint": f"unix://{layout.socket}",
        # A full disk and a busy machine are the tester's business.
        "evictionHard": {"memory.available": "0%", "nodefs.available": "0%", "imagefs.available": "0%"},
        "failCgroupV1": False,
        "failSwapOn": False,
        "imageGCHighThresholdPercent": 100,
        "oomScoreAdj": 0,
        "registerWithTaints": [],
        "resolvConf": "",  # there is nobody to ask
        "seccompDefault": True,
        "serializeImagePulls": False,
        "volumePluginDir": str(layout.root / "volume-plugins"),
    }
