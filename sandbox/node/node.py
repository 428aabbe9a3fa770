"""A node of a control plane, up from containerd's start to the moment when pods run."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from sandbox.controlplane import CommandError, ControlPlane
from sandbox.controlplane.nodes import REAL_NODE
from sandbox.controlplane.processes import Part
from sandbox.node import parts
from sandbox.node.packages import program

START_SECONDS: Final = 120.0
_POLL: Final = 0.2
_READY: Final = "jsonpath={.status.conditions[?(@.type=='Ready')].status}"


@contextmanager
def node(control_plane: ControlPlane, layout: parts.NodeLayout, images: Sequence[Path]) -> Iterator[None]:
    """Run a node of *control_plane* that has *images* (archives), for the length of the block.

    Its programs end with the block; what containers run ends with the namespaces.

    Raises:
        NodeError: A program is missing.
        PartError: A part did not come up; the message has the end of its log.
        subprocess.CalledProcessError: An image could not be imported.
    """
    runtime, kubelet, proxy = parts.containerd(layout), parts.kubelet(layout), parts.kube_proxy(layout)
    started: list[Part] = []
    try:
        _start(runtime, started)
        _wait(runtime, "does not answer", lambda: _ctr("version"), started)
        for image in images:
            _ctr("--namespace=k8s.io", "images", "import", str(image), check=True)
        _start(kubelet, started)
        _start(proxy, started)
        _wait(kubelet, "does not make the node Ready", lambda: _is_ready(control_plane), started)
        yield
    finally:
        for part in reversed(started):
            part.kill()
            part.wait()


def _start(part: Part, started: list[Part]) -> None:
    part.start()
    started.append(part)


def _ctr(*arguments: str, check: bool = False) -> bool:
    done = subprocess.run([program("ctr"), *arguments], env=os.environ, check=check, capture_output=not check)
    return done.returncode == 0


def _is_ready(control_plane: ControlPlane) -> bool:
    try:
        return control_plane.kubectl("get", "node", REAL_NODE, "--output", _READY) == "True"
    except CommandError:  # it has not registered yet
        return False


def _wait(part: Part, otherwise: str, condition: Callable[[], bool], started: Sequence[Part]) -> None:
    deadline = time.monotonic() + START_SECONDS
    while not condition():
        for each in started:
            each.check()
        if time.monotonic() > deadline:
            raise part.failure(f"{otherwise} within {START_SECONDS:.0f} s")
        time.sleep(_POLL)
