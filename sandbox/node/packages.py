"""The programs of a node that are no Go modules of ours: Debian's packages, installed if they are missing."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from sandbox.node.errors import NodeError

CNI_PLUGINS: Final = Path("/usr/lib/cni")

_PROGRAMS: Final = {
    "buildah": "buildah",
    "busybox": "busybox-static",
    "containerd": "containerd",
    "debootstrap": "debootstrap",
    "ip": "iproute2",
    "iptables": "iptables",
    "runc": "runc",
    "strip": "binutils",
    "unshare": "util-linux",
    str(CNI_PLUGINS / "bridge"): "containernetworking-plugins",
}
_SEARCHED: Final = f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"
_ENVIRONMENT: Final = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "RUNLEVEL": "1"}
"""RUNLEVEL: packages that bring a service start none (invoke-rc.d(8)); ours runs in namespaces."""


def program(name: str) -> str:
    """Path of one of the node's programs.

    Raises:
        NodeError: It is missing.
    """
    found = shutil.which(name, path=_SEARCHED)
    if found is None:
        raise NodeError(f"{name} is missing")
    return found


def ensure_packages() -> None:
    """Install what is missing, by apt, as root.

    Raises:
        NodeError: We are not root, there is no apt, or it did not succeed; the message tells what is missing.
    """
    packages = missing_packages(_SEARCHED)
    if obstacle := obstacle_of(packages, is_root=os.geteuid() == 0, has_apt=shutil.which("apt-get") is not None):
        raise NodeError(obstacle)
    if not packages:
        return
    for arguments in (["update"], ["install", "--yes", "--no-install-recommends", *packages]):
        _apt(arguments)
    if still := missing_packages(_SEARCHED):
        raise NodeError(f"apt installed them, but their programs are missing: {' '.join(still)}")


def missing_packages(path: str) -> list[str]:
    """The packages whose programs are not in *path*, directories separated by colons."""
    return sorted({package for name, package in _PROGRAMS.items() if shutil.which(name, path=path) is None})


def obstacle_of(packages: Sequence[str], *, is_root: bool, has_apt: bool) -> str | None:
    """What keeps this machine, on which *packages* are missing, from being a node; None if nothing does."""
    if not is_root:
        return "a real node needs root: kubelet and containerd make cgroups, mounts and network interfaces"
    if packages and not has_apt:
        return f"a real node needs these of Debian's packages, and there is no apt here: {' '.join(packages)}"
    return None


def _apt(arguments: list[str]) -> None:
    command = ["apt-get", "-qq", *arguments]
    done = subprocess.run(command, env=_ENVIRONMENT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise NodeError(f"{' '.join(command)} failed:\n{done.stderr[-2000:]}")
