"""Write the Go modules that name the sandbox's tools: `python -m sandbox.controlplane.pin`.

Each module under `go/` holds nothing but pinned `tool` directives: what is built is upstream's own command.
Run this after changing a version below; it needs `go` on the PATH.
"""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path

GO_VERSION = "1.26.0"
ROOT = Path(__file__).parent / "go"


@dataclass(frozen=True)
class Module:
    """Go tools: `requires` maps module to version, `staged` names the one whose staging modules to pin."""

    name: str
    requires: dict[str, str]
    tools: tuple[str, ...]
    staged: str = ""


KUBERNETES = "k8s.io/kubernetes"
COMMANDS = ("kube-apiserver", "kube-controller-manager", "kube-scheduler", "kubectl")
MODULES = (
    Module(
        "kubernetes",
        {KUBERNETES: "v1.37.2"},
        (*(f"{KUBERNETES}/cmd/{command}" for command in COMMANDS), "go.etcd.io/etcd/server/v3"),
        staged=KUBERNETES,
    ),
    Module("kwok", {"sigs.k8s.io/kwok": "v0.8.0"}, ("sigs.k8s.io/kwok/cmd/kwok",)),
    Module(
        "helm",
        {"helm.sh/helm/v4": "v4.3.1", "github.com/yannh/kubeconform": "v0.8.0"},
        ("helm.sh/helm/v4/cmd/helm", "github.com/yannh/kubeconform/cmd/kubeconform"),
    ),
)


def _go(*arguments: str, directory: Path = ROOT) -> str:
    return subprocess.run(
        ["go", *arguments],  # noqa: S607 -- the developer's own Go
        cwd=directory,
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    ).stdout


def staging_replacements(module: str, version: str) -> list[str]:
    """The `replace` lines that point a module's `./staging` directories at their published modules.

    Kubernetes v1.N.P publishes each staging directory as a module, v0.N.P (kubernetes/publishing-bot).
    """
    go_mod = json.loads(_go("mod", "download", "-json", f"{module}@{version}"))["GoMod"]
    replaces = json.loads(_go("mod", "edit", "-json", go_mod))["Replace"]
    staged = [entry["Old"]["Path"] for entry in replaces if entry["New"]["Path"].startswith("./staging/")]
    published = version.replace("v1.", "v0.", 1)
    return [f"\t{path} => {path} {published}" for path in staged]


def go_mod(module: Module) -> str:
    """The text of the module's go.mod before `go mod tidy` adds the indirect requirements."""
    replaces = staging_replacements(module.staged, module.requires[module.staged]) if module.staged else []
    blocks = {
        "tool": [f"\t{tool}" for tool in module.tools],
        "require": [f"\t{path} {version}" for path, version in module.requires.items()],
        "replace": replaces,
    }
    text = [f"module sandbox/{module.name}", f"go {GO_VERSION}"]
    text += ["\n".join([f"{verb} (", *lines, ")"]) for verb, lines in blocks.items() if lines]
    return "\n\n".join(text) + "\n"


def pin() -> None:
    """Write go.mod and go.sum of every module; raises CalledProcessError when Go refuses."""
    for module in MODULES:
        directory = ROOT / module.name
        directory.mkdir(parents=True, exist_ok=True)
        (directory / "go.mod").write_text(go_mod(module), encoding="utf-8")
        _go("mod", "tidy", directory=directory)


if __name__ == "__main__":
    pin()
