"""Write the Go modules that name the tools: `python -m sandbox.controlplane.pin`.

Each module under `go/` holds nothing but pinned `tool` directives: what is built is upstream's own command.
Run this after changing a version in `modules`.
"""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

from sandbox.controlplane.binaries import cache_directory
from sandbox.controlplane.modules import MODULES
from sandbox.controlplane.toolchain import build_environment, go_command

if TYPE_CHECKING:
    from sandbox.controlplane.modules import Module

GO_VERSION = "1.26.0"
NEWEST = (1, 27)
"""Of Go, what the most demanding module wants."""

ROOT = Path(__file__).parent / "go"


def pin() -> None:
    """Write go.mod and go.sum of every module.

    Raises:
        subprocess.CalledProcessError: Go refused; it has said why on standard error.
    """
    for module in MODULES:
        directory = ROOT / module.name
        directory.mkdir(parents=True, exist_ok=True)
        (directory / "go.mod").write_text(go_mod(module), encoding="utf-8")
        _go("mod", "tidy", directory=directory)


def go_mod(module: Module) -> str:
    """The text of the module's go.mod before `go mod tidy` adds the indirect requirements."""
    blocks = {
        "tool": list(module.tools.values()),
        "require": [f"{path} {version}" for path, version in module.requires.items()],
        "replace": replacements(module.replaced, module.requires[module.replaced]) if module.replaced else [],
    }
    text = [f"module sandbox/{module.name}", f"go {GO_VERSION}"]
    text += ["\n".join([f"{verb} (", *lines, ")"]) for verb, lines in blocks.items() if lines]
    return "\n\n".join(text) + "\n"


def replacements(of: str, version: str) -> list[str]:
    """The `replace` lines of the module *of* that matter to others, as Go heeds those of the main module alone.

    Kubernetes v1.N.P publishes each `./staging` directory as a module, v0.N.P (kubernetes/publishing-bot). What
    other directories hold is required by the version that it was published as, and needs no line.
    """
    go_mod_file = json.loads(_go("mod", "download", "-json", f"{of}@{version}"))["GoMod"]
    replaced = json.loads(_go("mod", "edit", "-json", go_mod_file))["Replace"]
    published = version.replace("v1.", "v0.", 1)
    lines = []
    for path, new in ((entry["Old"]["Path"], entry["New"]) for entry in replaced):
        if new["Path"].startswith("./staging/"):
            lines.append(f"{path} => {path} {published}")
        elif not new["Path"].startswith("./"):
            lines.append(f"{path} => {new['Path']} {new['Version']}")
    return lines


def _go(*arguments: str, directory: Path = ROOT) -> str:
    command = [str(go_command(cache_directory(), NEWEST)), *arguments]
    environment = build_environment()
    return subprocess.run(command, cwd=directory, env=environment, check=True, stdout=subprocess.PIPE, text=True).stdout


if __name__ == "__main__":
    pin()
