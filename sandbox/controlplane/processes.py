"""Processes of the control plane: started so that they never outlive the supervisor, judged by their logs."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from sandbox.controlplane.errors import PartError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

DIE_WITH_PARENT = Path(__file__).with_name("die_with_parent.py")
LOG_LINES = 15
SELDOM_COLLECTED = {"GOGC": "400"}
"""Memory for time: collecting garbage is a fifth of what the API server does in a life of minutes (Go documentation,
"A Guide to the Go Garbage Collector")."""


def reserve_port() -> socket.socket:
    """A loopback port nobody else gets while the returned socket is open.

    The socket is bound with SO_REUSEPORT and doesn't listen (socket(7)), so a server that sets the
    same option can listen there, be stopped and come back.
    """
    reserved = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    reserved.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    reserved.bind(("127.0.0.1", 0))
    return reserved


class Part:
    """One process of the control plane, its output in a log file.

    Start it from the main thread only: to the kernel the end of the starting thread is the end of the parent. It has
    our environment, or else all of the given *environment*.
    """

    def __init__(
        self, name: str, command: Sequence[str | Path], log: Path, environment: Mapping[str, str] | None = None
    ) -> None:
        self.name = name
        self._command = [str(word) for word in command]
        self._log = log
        self._environment = environment
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int | None:
        """Process id, None before the first start."""
        return self._process.pid if self._process else None

    def start(self) -> None:
        """Start the process; it is killed with this one, and no terminal's Ctrl-C reaches it."""
        wrapper = [sys.executable, "-I", "-S", str(DIE_WITH_PARENT), str(os.getpid())]
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [*wrapper, *self._command],
                env={**(self._environment or os.environ), **SELDOM_COLLECTED},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                process_group=0,
            )

    def kill(self) -> None:
        """End the process at once; doesn't wait for the end."""
        if self._process:
            self._process.kill()

    def wait(self) -> None:
        """Wait until the process has ended."""
        if self._process:
            self._process.wait()

    def check(self) -> None:
        """Make sure that the process runs.

        Raises:
            PartError: it has ended; the message has the end of its log.
        """
        if self._process and self._process.poll() is not None:
            raise self.failure(f"ended with code {self._process.returncode}")

    def failure(self, what: str) -> PartError:
        """An error that says what happened to this part and how its log ends."""
        text = self._log.read_text(encoding="utf-8", errors="replace") if self._log.exists() else ""
        end = "\n".join(text.splitlines()[-LOG_LINES:])
        return PartError(f"{self.name} {what}; its log ({self._log}) ends:\n{end}")
