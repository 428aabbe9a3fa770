"""Runs the import contracts, over the project or over a copy of it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
_TITLE = re.compile(r"^(?P<name>\S.*)\n-+$", re.MULTILINE)


@dataclass(frozen=True)
class Report:
    """What import-linter says.

    Attributes:
        status: Its exit status.
        output: All that it prints.
    """

    status: int
    output: str

    def broken(self, contract: str) -> str:
        """How that contract was broken, empty if it was not."""
        details = self.output.partition("Broken contracts\n")[2]
        # Split by titles: text before the first, then name and text by turns.
        _, *parts = _TITLE.split(details)
        return dict(zip(parts[::2], parts[1::2], strict=True)).get(contract, "")


def lint(directory: Path) -> Report:
    """Hold what lies in *directory* against its contracts."""
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"]
    environment = {**os.environ, "COLUMNS": "400", "NO_COLOR": "1"}
    done = subprocess.run(command, cwd=directory, env=environment, capture_output=True, text=True, check=False)
    return Report(done.returncode, done.stdout + done.stderr)


def copied_project(directory: Path) -> Path:
    """Copy to *directory* all that the contracts speak of."""
    for package in (ROOT / "operator" / "apono_operator", ROOT / "sandbox"):
        shutil.copytree(package, directory / package.name, ignore=shutil.ignore_patterns("__pycache__", "go"))
    shutil.copy(ROOT / ".importlinter", directory)
    return directory
