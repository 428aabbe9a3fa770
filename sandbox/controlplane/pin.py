"""Write the Go modules that name the tools: `python -m sandbox.controlplane.pin`.

Each module under `go/` holds nothing but pinned `tool` directives: what is built is upstream's own command.
Run this after changing a version in `modules`; it needs `go` on the PATH.
"""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

from sandbox.controlplane.modules import MODULES

if TYPE_CHECKING:
    from sandbox.controlplane.modules import Module

GO_VERSION = "1.26.0"
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
        "replace": replacements(module, module.replaced) if module.replaced else [],
    }
    text = [f"module sandbox/{module.name}", f"go {GO_VERSION}"]
    text += ["\n".join([f"{verb} (", *lines, ")"]) for verb, lines in blocks.items() if lines]
    return "\n\n".join(text) + "\n"


def replacements(module: Module, of: str) -> list[str]:
    """The `replace` lines of the module *of*, with directories beside it replaced by what is published of them.

    Go heeds the replacements of the main module alone (Go Modules Reference, "replace directive").
    """
    version = module.requires[of]
    go_mod_file = json.loads(_go("mod", "download", "-json", f"{of}@{version}"))["GoMod"]
    replaced = json.loads(_go("mod", "edit", "-json", go_mod_file))["Replace"]
    return [_replacement(entry["Old"]["Path"], entry["New"], module, version) for entry in replaced]


def _replacement(path: str, new: dict[str, str], module: Module, version: str) -> str:
    """One of these lines.

    Kubernetes v1.N.P publishes each staging directory as a module, v0.N.P (kubernetes/publishing-bot).
    """
    if not new["Path"].startswith("./"):
        return f"{path} => {new['Path']} {new['Version']}"
    return f"{path} => {path} {module.published.get(path) or version.replace('v1.', 'v0.', 1)}"


def _go(*arguments: str, directory: Path = ROOT) -> str:
    command = ["go", *arguments]
    return subprocess.run(command, cwd=directory, check=True, stdout=subprocess.PIPE, text=True).stdout


if __name__ == "__main__":
    pin()
