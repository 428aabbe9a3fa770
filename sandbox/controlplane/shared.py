"""One control plane for several processes, such as the workers of a parallel test run."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from filelock import FileLock

from sandbox.controlplane.binaries import executables
from sandbox.controlplane.control_plane import DEFAULT_REGION, ControlPlane
from sandbox.controlplane.launch import read_announcement, spawn

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


def shared_control_plane(
    run_directory: Path, owner_pid: int, *, region: str = DEFAULT_REGION, crds: Sequence[Path] = ()
) -> ControlPlane:
    """The control plane of a run: the first caller starts it, others attach; it ends with the owner process.

    `run_directory` identifies the run; the state, a lock and the service's log are kept there.

    Raises:
        BuildError: an executable could not be built.
        PartError: it did not come up.
    """
    state_file = run_directory / "control-plane.json"
    with FileLock(run_directory / "control-plane.lock"):
        if not state_file.exists():
            _launch(state_file, owner_pid, region, crds)
    return ControlPlane.attach(state_file)


def _launch(state_file: Path, owner_pid: int, region: str, crds: Sequence[Path]) -> None:
    executables()
    with state_file.with_suffix(".log").open("a", encoding="utf-8") as log:
        process = spawn(owner_pid, region, crds, log)
    announcement = read_announcement(process)
    process.returncode = 0  # it outlives us, and ends with its owner: nobody here waits for it
    descriptor = os.open(state_file, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)  # it holds the control token
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(announcement)
