"""Namespaces that hold a node: network, mounts and processes of its own, and cgroups that go away with it.

Nothing outside is changed: the kernel ends what is inside with the first process of the namespaces (pid_namespaces(7)),
and the cgroups are removed then.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from sandbox.controlplane import die_with_parent
from sandbox.controlplane.scratch import reaped, scratch_directory
from sandbox.node.packages import program

ADDRESS: Final = "172.30.0.1"
"""Of the node, which pods reach; in namespaces of its own it can meet no other."""

PREFIX: Final = "apono-node-"
"""Of the names of scratch directories and cgroups."""

CGROUPS: Final = Path("/sys/fs/cgroup")
_PRIVATE: Final = ("/var/lib", "/var/log")
"""Directories that kubelet and CNI plugins write to, at paths that cannot be configured."""

_SYSCTLS: Final = {
    "kernel/keys/root_maxbytes": "25000000",
    "kernel/keys/root_maxkeys": "1000000",
    "kernel/panic": "10",
    "kernel/panic_on_oops": "1",
    "vm/overcommit_memory": "1",
    "vm/panic_on_oom": "0",
}
"""What the kubelet wants of the kernel. It is shown files that say so, and leaves the machine's own as they are."""

_REMOVE: Final = """
for _ in $(seq 100); do
  left=
  for cgroup; do
    find "$cgroup" -depth -type d -exec rmdir {} + 2>/dev/null
    [ ! -e "$cgroup" ] || left=yes
  done
  [ -n "$left" ] || exit 0
  sleep 0.1
done
exit 1
"""
"""Cgroups can only be removed by rmdir, from below, once their processes have ended (cgroups(7))."""


def enclosed(command: Sequence[str]) -> int:
    """Run *command* in new namespaces, as their first process; return its exit status once all in there is gone.

    It finds its scratch directory in `TMPDIR`, the name of its cgroup in `SANDBOX_CGROUP`, and should `enter` first.

    Raises:
        NodeError: A program is missing.
    """
    unshare = [program("unshare"), "--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"]
    wrapper = [sys.executable, "-I", "-S", str(die_with_parent.__file__), str(os.getpid())]
    with scratch_directory(PREFIX) as scratch, _cgroup(scratch.name) as name:
        environment = {**os.environ, "TMPDIR": str(scratch), "SANDBOX_CGROUP": name}
        return subprocess.run([*wrapper, *unshare, *command], env=environment, check=False).returncode


@contextmanager
def _cgroup(name: str) -> Iterator[str]:
    """A cgroup in every hierarchy, for the length of the block."""
    mounts = Path("/proc/mounts").read_text(encoding="utf-8").splitlines()
    roots = [Path(mount.split()[1]) for mount in mounts if _is_cgroup(mount)]
    cgroups = [root / name for root in roots]
    with reaped(_REMOVE, *map(str, cgroups)):
        for cgroup in cgroups:
            cgroup.mkdir()
        yield name


def _is_cgroup(mount: str) -> bool:
    _, directory, kind, *_ = mount.split()
    return kind in {"cgroup", "cgroup2"} and Path(directory).is_relative_to(CGROUPS)


def enter() -> None:
    """Make the namespaces that we are in fit for a node: mounts, kernel settings, network.

    Raises:
        NodeError: A program is missing.
        subprocess.CalledProcessError: The kernel refused; it has said why on standard error.
    """
    scratch = Path(os.environ["TMPDIR"])
    _mount("-t", "tmpfs", "tmpfs", "/run")
    for number, directory in enumerate(_PRIVATE):
        upper, work = scratch / f"upper-{number}", scratch / f"work-{number}"
        upper.mkdir()
        work.mkdir()
        layers = f"lowerdir={directory},upperdir={upper},workdir={work}"
        _mount("-t", "overlay", "overlay", "-o", layers, directory)
    for name, value in _SYSCTLS.items():
        shown = scratch / name.replace("/", ".")
        shown.write_text(f"{value}\n")
        _mount("--bind", str(shown), f"/proc/sys/{name}")
    _connect()


def _connect() -> None:
    """Bring up the loopback device and a bridge that has the node's address; pods are routed."""
    for arguments in (
        "link set lo up",
        "link add node type bridge",
        f"addr add {ADDRESS}/24 dev node",
        "link set node up",
    ):
        subprocess.run([program("ip"), *arguments.split()], check=True)
    Path("/proc/sys/net/ipv4/ip_forward").write_text("1\n")


def _mount(*arguments: str) -> None:
    subprocess.run([program("mount"), *arguments], check=True)
