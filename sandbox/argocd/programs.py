"""The programs: Argo CD's own is built from its pinned module, Redis and Git come with the distribution."""

from __future__ import annotations

import json
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Final

from filelock import FileLock

from sandbox.controlplane.binaries import GO_MODULES, cache_directory, executable
from sandbox.controlplane.modules import ARGO_CD, ARGO_CD_VERSION
from sandbox.controlplane.toolchain import build_environment, go_command, needed_by

DEFINITIONS: Final = tuple(
    f"manifests/crds/{kind}-crd.yaml" for kind in ("application", "applicationset", "appproject")
)
WRAPPER: Final = "hack/git-verify-wrapper.sh"
"""Asked for the signature of each revision, whether anybody wants one or not."""


class MissingProgramError(Exception):
    """A program that comes with the distribution is not installed."""


def argocd() -> Path:
    """Argo CD, which acts as the component that `ARGOCD_BINARY_NAME` names; built if missing, in about 3 minutes.

    Raises:
        BuildError: Go could not be had, or the build failed.
    """
    return executable("argocd")


def installed(name: str, package: str) -> Path:
    """The program *name*, which Debian's *package* has.

    Raises:
        MissingProgramError: it is not on the PATH.
    """
    found = shutil.which(name)
    if found is None:
        raise MissingProgramError(f"{name} is missing. Install it: sudo apt-get install {package}")
    return Path(found)


def definitions() -> list[Path]:
    """The custom resource definitions of that Argo CD.

    Raises:
        subprocess.CalledProcessError: Go could not get the module.
    """
    return [_kept() / Path(name).name for name in DEFINITIONS]


def scripts() -> Path:
    """A directory for the PATH, with the scripts that Argo CD runs.

    Raises:
        subprocess.CalledProcessError: Go could not get the module.
    """
    return _kept()


def _kept() -> Path:
    """Where the files of the module are kept that outlast Go's own cache."""
    kept = cache_directory() / f"argocd-files-{ARGO_CD_VERSION}"
    kept.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(f"{kept}.lock"):
        if not kept.exists():
            _keep(_module(), kept)
    return kept


def _module() -> Path:
    """Where Go keeps the module's files, which it gets if they are not there."""
    directory = GO_MODULES / "argocd"
    go = go_command(cache_directory(), needed_by(directory / "go.mod"))
    command = [str(go), "mod", "download", "-json", ARGO_CD]
    done = subprocess.run(
        command, cwd=directory, env=build_environment(), stdout=subprocess.PIPE, text=True, check=True
    )
    return Path(json.loads(done.stdout)["Dir"])


def _keep(source: Path, target: Path) -> None:
    with tempfile.TemporaryDirectory(dir=target.parent) as scratch:
        copied = Path(scratch) / target.name
        copied.mkdir()
        for name in (*DEFINITIONS, WRAPPER):
            (copied / Path(name).name).write_bytes((source / name).read_bytes())
        (copied / Path(WRAPPER).name).chmod(0o755)
        copied.rename(target)
