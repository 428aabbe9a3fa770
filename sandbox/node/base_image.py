"""A stand-in for `python:3.12-slim` where no registry is in reach: Debian by debootstrap, and a CPython 3.12.

It is as good for the tests as that one: what is copied from it into the operator's image are Python, Debian's shared
libraries and certificates.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

from sandbox.controlplane.binaries import cache_directory
from sandbox.node.errors import NodeError
from sandbox.node.packages import program

VERSION: Final = "3.12"
CONTAINERFILE: Final = """\
FROM scratch
ADD root.tar /
ENV PATH=/usr/local/bin:/usr/local/sbin:/usr/bin:/usr/sbin:/bin:/sbin LANG=C.UTF-8
CMD ["python3"]
"""
LIBRARIES: Final = (
    "ca-certificates",
    "libbz2-1.0",
    "libcrypt1",
    "libffi8",
    "liblzma5",
    "libncursesw6",
    "libreadline8",
    "libsqlite3-0",
    "libssl3",
    "libuuid1",
    "zlib1g",
)
"""What CPython's extension modules are linked with."""

_NOT_COPIED: Final = ("__pycache__", "idlelib", "site-packages", "test", "tkinter")


def write_root(archive: Path, scratch: Path) -> None:
    """Write the root filesystem of the image into *archive*, a tar file; takes a minute.

    Raises:
        NodeError: Debian or Python could not be had; the message has the end of what was said.
    """
    root = scratch / "root"
    _run(program("debootstrap"), "--variant=minbase", f"--include={','.join(LIBRARIES)}", _suite(), str(root))
    _install_python(_python(), root / "usr" / "local")
    libraries = [str(file) for file in (root / "usr" / "local" / "lib").rglob("*.so*") if not file.is_symlink()]
    _run(program("strip"), "--strip-unneeded", *libraries)
    _run(program("chroot"), str(root), "/sbin/ldconfig")
    _run(program("chroot"), str(root), "/usr/local/bin/python3", "-m", "ensurepip", "--default-pip")
    _run(program("tar"), "--create", f"--file={archive}", f"--directory={root}", "--exclude=./dev/*", ".")


def _suite() -> str:
    """The release that this machine runs, whose C library its CPython is linked with; else an old one."""
    lines = Path("/etc/os-release").read_text(encoding="utf-8").splitlines()
    facts = dict(line.split("=", 1) for line in lines if "=" in line)
    return facts["VERSION_CODENAME"] if facts["ID"] == "debian" else "bookworm"


def _python() -> Path:
    """The prefix of a CPython that can be moved: one that pyenv built, or else one that uv downloads."""
    versions = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv") / "versions"
    directory = cache_directory() / "python"
    for places in (versions, directory):
        if found := sorted(places.glob(f"*{VERSION}.*/bin/python{VERSION}")):
            return found[-1].parent.parent
    _run(str(Path(sys.executable).with_name("uv")), "python", "install", VERSION, "--install-dir", str(directory))
    return next(directory.glob(f"*{VERSION}.*/bin/python{VERSION}")).parent.parent


def _install_python(prefix: Path, target: Path) -> None:
    (target / "bin").mkdir(parents=True, exist_ok=True)
    shutil.copy2(prefix / "bin" / f"python{VERSION}", target / "bin")
    for name in ("python", "python3"):
        (target / "bin" / name).symlink_to(f"python{VERSION}")
    for library in (prefix / "lib").glob("libpython*"):
        shutil.copy2(library, target / "lib", follow_symlinks=False)
    modules = f"lib/python{VERSION}"
    shutil.copytree(prefix / modules, target / modules, symlinks=True, ignore=shutil.ignore_patterns(*_NOT_COPIED))
    (target / modules / "site-packages").mkdir()


def _run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise NodeError(f"{' '.join(command)} failed:\n{(done.stdout + done.stderr)[-3000:]}")
