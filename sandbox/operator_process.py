"""The operator as a process of its own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from sandbox.controlplane import die_with_parent
from sandbox.preloaded import PreloadedProcess

PATIENCE: Final = 30.0
"""Seconds within which the operator must serve."""

_POLL: Final = 0.02
_MODULE: Final = "apono_operator"
_ARGUMENTS: Final = ("run",)
_READ_THE_ENVIRONMENT: Final = ("kubernetes.config.kube_config",)
"""Of what the operator imports, the modules that read the environment at that time: here `KUBECONFIG`."""


class OperatorEndedError(Exception):
    """The operator ended by itself; the message holds the end of its log."""


class OperatorProcess:
    """``apono-operator run`` as a child, which dies with us; a context manager that stops it.

    Args:
        environment: All of its environment variables.
        directory: Where its log goes.
        preloaded: Whether it is forked from a process that has imported it, see `preloaded`.
    """

    def __init__(self, environment: Mapping[str, str], directory: Path, *, preloaded: bool = False) -> None:
        descriptor, name = tempfile.mkstemp(prefix="operator-", suffix=".log", dir=directory)
        os.close(descriptor)
        self.log_file = Path(name)
        self._process = self._forked(environment) if preloaded else self._executed(environment)

    def _forked(self, environment: Mapping[str, str]) -> PreloadedProcess:
        return PreloadedProcess(_MODULE, _ARGUMENTS, environment, self.log_file, _READ_THE_ENVIRONMENT)

    def _executed(self, environment: Mapping[str, str]) -> subprocess.Popen[bytes]:
        program = [sys.executable, "-m", _MODULE, *_ARGUMENTS]
        wrapper = [sys.executable, "-I", "-S", str(die_with_parent.__file__), str(os.getpid())]
        with self.log_file.open("ab") as log:
            return subprocess.Popen(
                [*wrapper, *program], env=dict(environment), stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None:
            error.add_note(f"the operator's log ends:\n{self.log[-8000:]}")
        self.stop()

    @property
    def log(self) -> str:
        """All that it has logged so far."""
        return self.log_file.read_text(encoding="utf-8", errors="replace")

    @property
    def exit_status(self) -> int | None:
        """Its exit status, None while it runs."""
        return self._process.poll()

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    def wait_until_serving(self) -> None:
        """Wait until it says that it serves.

        Raises:
            OperatorEndedError: it ended instead, or did not come to serve.
        """
        deadline = time.monotonic() + PATIENCE
        while "serving" not in self.log:
            if self.exit_status is not None or time.monotonic() > deadline:
                self.kill()
                raise OperatorEndedError(f"the operator does not serve:\n{self.log[-4000:]}")
            time.sleep(_POLL)

    def wait(self, seconds: float = PATIENCE) -> int:
        """Wait for its end and return its exit status.

        Raises:
            subprocess.TimeoutExpired: it still runs.
        """
        return self._process.wait(seconds)

    def stop(self) -> None:
        """Ask it to end (SIGTERM), as Kubernetes does, and wait; end it if it does not."""
        if self.exit_status is None:
            self._process.send_signal(signal.SIGTERM)
        try:
            self.wait()
        except subprocess.TimeoutExpired:
            self.kill()
            raise

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal, such as SIGSTOP and SIGCONT."""
        self._process.send_signal(number)

    def kill(self) -> None:
        """End it without warning (SIGKILL)."""
        self._process.kill()
        self.wait()
