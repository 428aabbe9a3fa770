"""Starting the service process and waiting for what it announces."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING

from sandbox.controlplane.binaries import executables
from sandbox.controlplane.errors import PartError
from sandbox.controlplane.state import Announcement, State

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

ROOT = Path(__file__).parents[2]
STOP_SECONDS = 30.0
ENDED = Announcement(error="the control plane's supervisor ended before it was ready")


@contextmanager
def own_service(region: str, crds: Sequence[Path] = (), node_address: str | None = None) -> Iterator[State]:
    """A control plane for this process alone, for the length of the block; the first use builds the binaries.

    Raises:
        BuildError: an executable could not be built.
        PartError: a part did not come up.
    """
    executables()
    process = spawn(os.getpid(), region, crds, node_address=node_address)
    with process:
        try:
            yield state_in(read_announcement(process))
        finally:
            stop(process)


def spawn(
    owner_pid: int,
    region: str,
    crds: Sequence[Path] = (),
    errors: IO[str] | None = None,
    node_address: str | None = None,
) -> subprocess.Popen[str]:
    """Start the service process in a session of its own; its state comes as one line on standard output."""
    paths = [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    command = [sys.executable, "-m", "sandbox.controlplane", "serve", f"--owner-pid={owner_pid}", f"--region={region}"]
    command += [f"--node-address={node_address}"] if node_address else []
    return subprocess.Popen(
        [*command, *(f"--crd={crd}" for crd in crds)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=errors,
        start_new_session=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
        text=True,
    )


def read_announcement(process: subprocess.Popen[str]) -> str:
    """Wait until the service is ready, or isn't going to be; the announcement's JSON."""
    with process.stdout or io.StringIO() as output:
        return output.readline() or ENDED.model_dump_json()


def state_in(announcement: str) -> State:
    """The state in an announcement's JSON.

    Raises:
        PartError: the announcement tells of a failed start.
    """
    said = Announcement.model_validate_json(announcement)
    if said.state is None:
        raise PartError(said.error or "the control plane announced nothing")
    return said.state


def stop(process: subprocess.Popen[str]) -> None:
    """Ask the service to take everything down and wait for it."""
    process.terminate()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
