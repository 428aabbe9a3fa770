"""Whatever happens to a run, its processes and cgroups go with it; tried with namespaces within those of this run."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from sandbox.node.enclosure import CGROUPS, PREFIX, enclosed
from tests.waiting import until

MARK = "a-process-in-there"
SLEEPING = f"""
import sys
from sandbox.node.enclosure import enclosed

enclosed([sys.executable, "-c", "import signal; signal.pause()", "{MARK}"])
"""


@pytest.fixture
def run() -> Iterator[subprocess.Popen[bytes]]:
    """A run whose process is there."""
    with subprocess.Popen([sys.executable, "-c", SLEEPING]) as started:
        try:
            until("it runs", enclosed_processes)
            yield started
        finally:
            started.kill()


def test_a_run_tells_how_its_command_ended() -> None:
    assert enclosed(["/bin/sh", "-c", "exit 7"]) == 7


def test_a_run_leaves_no_cgroup() -> None:
    before = cgroups()

    enclosed(["/bin/sh", "-c", f"mkdir {CGROUPS}/pids/$SANDBOX_CGROUP/below"])

    assert cgroups() == before


def test_a_run_that_is_killed_leaves_no_process_and_no_cgroup(run: subprocess.Popen[bytes]) -> None:
    own = {Path(os.environ["SANDBOX_CGROUP"]).name}
    assert cgroups() > own

    run.send_signal(signal.SIGKILL)

    until("its processes are gone", lambda: not enclosed_processes())
    until("its cgroups are gone", lambda: cgroups() == own)


def enclosed_processes() -> list[psutil.Process]:
    return [one for one in psutil.process_iter(["cmdline"]) if one.info["cmdline"] and one.info["cmdline"][-1] == MARK]


def cgroups() -> set[str]:
    return {path.name for path in CGROUPS.glob(f"*/{PREFIX}*")}
