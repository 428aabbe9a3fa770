"""Become a program that dies with its parent: `die_with_parent.py PARENT-PID PROGRAM ...`.

Run as a file with `python -I -S`, so that it costs little. Only the standard library is used.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1  # prctl(2)


def main(parent: int, program: list[str]) -> None:
    """Replace this process by `program`; exits with 1 if the parent is already gone."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL):
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_PDEATHSIG)")
    if os.getppid() != parent:  # it died before prctl took effect
        sys.exit(1)
    os.execv(program[0], program)  # noqa: S606 -- this is its purpose


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2:])
