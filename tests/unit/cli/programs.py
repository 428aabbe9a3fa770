"""Runs `apono-operator` as a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

PROGRAM = Path(sys.executable).with_name("apono-operator")
PATIENCE = 30.0
"""Seconds after which a process that should have ended has failed."""


@dataclass(frozen=True)
class Ended:
    """How a process ended."""

    status: int
    output: str
    errors: str


def run(*arguments: str, environment: Mapping[str, str], home: Path) -> Ended:
    """Run it with just these environment variables, and an empty home."""
    done = subprocess.run(
        [str(PROGRAM), *arguments],
        env={"PATH": os.environ["PATH"], "HOME": str(home), **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE,
    )
    return Ended(done.returncode, done.stdout, done.stderr)
