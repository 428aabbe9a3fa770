"""Processes that run a Python module as ``python -m`` does, without importing anew what it needs.

The imports of the operator take as much of the processor as all that it does in a short life. A server of
`multiprocessing` has made them, and forks. That is sound for modules that start no threads when they are imported, and
good where many processes of a kind are started, as in tests.
"""

from __future__ import annotations

import ctypes
import importlib
import multiprocessing
import os
import runpy
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import contextmanager
from multiprocessing import forkserver
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

PR_SET_PDEATHSIG: Final = 1  # prctl(2)


class PreloadedProcess:
    """A child that runs a module; it dies with us. It is handled as a `subprocess.Popen`.

    Args:
        module: The module, as for ``python -m``. All processes of ours run the same.
        arguments: What follows the module.
        environment: All of its environment variables.
        log: The file that takes what it says.
        anew: Modules that are loaded anew with that environment, as they read it when they are imported.

    Raises:
        ValueError: The processes of ours run another module.
    """

    def __init__(
        self,
        module: str,
        arguments: Sequence[str],
        environment: Mapping[str, str],
        log: Path,
        anew: Sequence[str] = (),
    ) -> None:
        _serve(module)
        course = (module, list(arguments), dict(environment), str(log), tuple(anew))
        self._process = multiprocessing.get_context("forkserver").Process(target=_run, args=course, daemon=True)
        self._process.start()

    @property
    def pid(self) -> int:
        """Its process id."""
        assert self._process.pid is not None  # noqa: S101 -- it was started
        return self._process.pid

    def poll(self) -> int | None:
        """Return its exit status, None while it runs; that of a killed one is the signal's negative number."""
        return self._process.exitcode

    def wait(self, timeout: float | None = None) -> int:
        """Wait for its end and return its exit status.

        Raises:
            subprocess.TimeoutExpired: it still runs.
        """
        self._process.join(timeout)
        status = self.poll()
        if status is None:
            raise subprocess.TimeoutExpired([self._process.name], timeout or 0)
        return status

    def send_signal(self, number: int) -> None:
        """Send it a signal, if it has not ended."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        """End it without warning."""
        self.send_signal(signal.SIGKILL)


_served: list[str] = []


def _serve(module: str) -> None:
    if not _served:
        _served.append(module)
        forkserver.set_forkserver_preload([_main_of(module)])
        with _import_path():
            forkserver.ensure_running()
    if _served != [module]:
        raise ValueError(f"the processes of ours run {_served[0]}, not {module}")


@contextmanager
def _import_path() -> Iterator[None]:
    """Let the server import what we can: Python 3.11 does not tell it of our path."""
    before = os.environ.get("PYTHONPATH")
    os.environ["PYTHONPATH"] = os.pathsep.join(sys.path)
    try:
        yield
    finally:
        os.environ.pop("PYTHONPATH") if before is None else os.environ.update(PYTHONPATH=before)


def _main_of(module: str) -> str:
    return f"{module}.__main__"


def _run(module: str, arguments: list[str], environment: dict[str, str], log: str, anew: tuple[str, ...]) -> None:
    """Become what ``python -m`` would have made of this process."""
    _die_with_parent()
    _inherit_nothing(log)
    os.environ.clear()
    os.environ.update(environment)
    if sys.modules.pop(_main_of(module), None) is None:  # it runs anew; what it imports is there
        raise ImportError(f"{module} could not be preloaded")
    for name in anew:
        importlib.reload(sys.modules[name])
    sys.argv = [module, *arguments]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


def _die_with_parent() -> None:
    """The parent is the server, which ends with the process that it serves."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL):
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_PDEATHSIG)")


def _inherit_nothing(log: str) -> None:
    """Close all files but the log: among them is the pipe by which the server sees that nobody needs it any more."""
    with Path(log).open("ab") as file, Path(os.devnull).open("rb") as nothing:
        os.dup2(nothing.fileno(), 0)
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    os.closerange(3, os.sysconf("SC_OPEN_MAX"))
