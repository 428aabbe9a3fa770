"""Executables of the control plane and its tools, built from the pinned Go modules when they are missing.

A tool is built once for each state of its module's go.mod and go.sum and kept outside the checkout, under
`$XDG_CACHE_HOME` (default `~/.cache`). `KUBEBUILDER_ASSETS`, known from controller-runtime's envtest, may
name a directory that has some of them ready.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from filelock import FileLock

from sandbox.controlplane.errors import BuildError
from sandbox.controlplane.modules import MODULES, Module
from sandbox.controlplane.toolchain import build_environment, go_command, needed_by

if TYPE_CHECKING:
    from collections.abc import Iterable

GO_MODULES = Path(__file__).parent / "go"


@dataclass(frozen=True)
class Tool:
    """A program: the Go import path of its main package, and the module that pins it."""

    name: str
    package: str
    module: Module


TOOLS = {name: Tool(name, package, module) for module in MODULES for name, package in module.tools.items()}
ORDINARY = tuple(name for name, tool in TOOLS.items() if not tool.module.apart)
CONTROL_PLANE = ("etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kubectl", "kwok")


def executables(names: Iterable[str] = CONTROL_PLANE) -> dict[str, Path]:
    """Paths of the named tools, building what is missing; the first build takes minutes, told on stderr.

    Raises:
        BuildError: Go could not be had, or a build failed.
    """
    tools = [TOOLS[name] for name in names]
    missing = [tool for tool in tools if not path_of(tool).exists()]
    for number, tool in enumerate(missing, start=1):
        _build_once(tool, f"{number} of {len(missing)}")
    return {tool.name: path_of(tool) for tool in tools}


def executable(name: str) -> Path:
    """Path of one tool, built if missing.

    Raises:
        BuildError: as `executables`.
    """
    return executables([name])[name]


def path_of(tool: Tool) -> Path:
    """Where the tool is or will be: `KUBEBUILDER_ASSETS` if it is there, else our cache."""
    assets = os.environ.get("KUBEBUILDER_ASSETS")
    if assets and (ready := Path(assets).absolute() / tool.name).exists():
        return ready
    return cache_directory() / f"{tool.module.name}-{_content_hash(tool.module)}" / tool.name


def cache_directory() -> Path:
    """The directory that outlives checkouts (XDG Base Directory Specification)."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "apono-operator-sandbox"


def _flags(module: Module) -> list[str]:
    variables = [f"-X {name}={value}" for name, value in module.variables.items()]
    return ["-mod=readonly", "-buildvcs=false", "-trimpath", "-ldflags", " ".join(["-s", "-w", *variables])]


def _content_hash(module: Module) -> str:
    directory = GO_MODULES / module.name
    content = [(directory / name).read_bytes() for name in ("go.mod", "go.sum")]
    content += [flag.encode() for flag in _flags(module)]
    return sha256(b"\0".join(content)).hexdigest()[:16]


def _build_once(tool: Tool, position: str) -> None:
    target = path_of(tool)
    target.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(target.with_name(f"{tool.name}.lock")):
        if target.exists():  # another process built it while this one waited
            return
        print(f"building {tool.name} ({position}) ...", end="", file=sys.stderr, flush=True)
        started = time.monotonic()
        _build(tool, target)
        print(f" {time.monotonic() - started:.0f} s", file=sys.stderr, flush=True)


def _build(tool: Tool, target: Path) -> None:
    directory = GO_MODULES / tool.module.name
    go = go_command(cache_directory(), needed_by(directory / "go.mod"))
    with tempfile.TemporaryDirectory(dir=target.parent) as scratch:
        product = Path(scratch) / tool.name
        command = [str(go), "build", *_flags(tool.module), "-o", str(product), tool.package]
        done = subprocess.run(
            command, cwd=directory, env=build_environment(), capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise BuildError(f"go build of {tool.name} failed in {directory}\n{done.stderr[-4000:]}")
        product.replace(target)
