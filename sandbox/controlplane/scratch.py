"""A temporary directory that goes away even when the process that made it is killed, and what else has to."""

from __future__ import annotations

import subprocess
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

# Waits for the end of its input, which the kernel brings about when the owner is gone, however it went.
WAIT = """
trap '' HUP INT TERM
cat >/dev/null
"""
# Processes that are being killed at that moment may still write, hence the tries.
REMOVE = """
for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
  rm -rf -- "$1" 2>/dev/null
  [ -e "$1" ] || exit 0
  sleep 0.2
done
exit 1
"""


@contextmanager
def scratch_directory(prefix: str) -> Iterator[Path]:
    """A private directory; a small shell beside us removes it when the block or this process ends."""
    directory = Path(tempfile.mkdtemp(prefix=prefix))
    with reaped(REMOVE, str(directory)):
        yield directory


@contextmanager
def reaped(script: str, *arguments: str) -> Iterator[None]:
    """Have a small shell beside us run *script* when the block or this process ends, however it ends."""
    reaper = subprocess.Popen(
        ["/bin/sh", "-c", WAIT + script, "reaper", *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        cwd="/",
    )
    try:
        yield
    finally:
        reaper.communicate()
