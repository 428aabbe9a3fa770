"""Executables are built once for each state of their module, outside the checkout."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from sandbox.controlplane import BuildError
from sandbox.controlplane.binaries import GO_MODULES, ORDINARY, TOOLS, executable, executables
from sandbox.controlplane.modules import MODULES, Module

ROOT = Path(__file__).parents[2]
# Stands for Go: takes a moment to write what it was asked to build, and notes it.
GO = """#!/bin/sh
if [ "$1" = env ]; then cat "{notes}.version"; exit; fi
for word; do [ "$last" = -o ] && product=$word; last=$word; done
[ -e "{notes}.broken" ] && {{ echo "undefined: Foo" >&2; exit 1; }}
echo "$last" >> "{notes}"
sleep 0.3
echo '#!/bin/sh' > "$product"
"""


@pytest.fixture
def built(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file that lists what was built, one package a line."""
    notes = tmp_path / "built"
    go = tmp_path / "bin" / "go"
    go.parent.mkdir()
    go.write_text(GO.format(notes=notes), encoding="utf-8")
    go.chmod(0o755)
    notes.with_suffix(".version").write_text("go1.26.0", encoding="utf-8")
    monkeypatch.setenv("PATH", f"{go.parent}:/usr/bin:/bin")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("KUBEBUILDER_ASSETS", raising=False)
    return notes


def test_only_what_is_asked_for_is_built(built: Path) -> None:
    path = executable("kwok")

    assert path.name == "kwok"
    assert built.read_text(encoding="utf-8") == "sigs.k8s.io/kwok/cmd/kwok\n"


def test_what_is_there_is_not_built_again(built: Path) -> None:
    assert executable("helm") == executable("helm")

    assert built.read_text(encoding="utf-8") == "helm.sh/helm/v4/cmd/helm\n"


def test_executables_live_outside_the_checkout_by_module_and_content(built: Path) -> None:
    path = executable("kubectl")

    assert path.is_relative_to(built.parent / "cache" / "apono-operator-sandbox")
    assert path.parent.name.startswith("kubernetes-")


def test_processes_that_need_the_same_executable_build_it_once(built: Path) -> None:
    command = [sys.executable, "-m", "sandbox.controlplane", "build", "kwok"]
    processes = [subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL) for _ in range(3)]

    assert [process.wait(30) for process in processes] == [0, 0, 0]

    assert built.read_text(encoding="utf-8").count("kwok\n") == 1


def test_a_failed_build_says_what_go_said_and_leaves_nothing(built: Path) -> None:
    built.with_suffix(".broken").touch()

    with pytest.raises(BuildError, match=r"go build of kwok failed in .*\nundefined: Foo"):
        executable("kwok")

    assert not [path for path in (built.parent / "cache").rglob("*kwok*") if path.name == "kwok"]


@pytest.mark.usefixtures("built")
def test_the_progress_of_a_build_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    executables(["helm", "kubeconform"])

    lines = capsys.readouterr().err.splitlines()
    assert [line.rsplit(" ", 2)[0] for line in lines] == [
        "building helm (1 of 2) ...",
        "building kubeconform (2 of 2) ...",
    ]


def test_ready_made_assets_are_used_and_what_they_lack_is_built(built: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assets = built.parent / "assets"
    assets.mkdir()
    (assets / "etcd").touch()
    monkeypatch.setenv("KUBEBUILDER_ASSETS", str(assets))

    paths = executables(["etcd", "kubectl"])

    assert paths["etcd"] == assets / "etcd"
    assert built.read_text(encoding="utf-8") == "k8s.io/kubernetes/cmd/kubectl\n"


def test_a_go_that_is_too_old_is_passed_over(built: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    built.with_suffix(".version").write_text("go1.25.9", encoding="utf-8")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.delenv("PIP_FIND_LINKS", raising=False)

    with pytest.raises(BuildError, match="the Go toolchain could not be installed"):
        executable("kwok")


@pytest.mark.usefixtures("built")
def test_a_go_that_is_too_old_for_one_module_serves_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.delenv("PIP_FIND_LINKS", raising=False)

    assert executable("kwok").exists()
    with pytest.raises(BuildError, match="the Go toolchain could not be installed"):
        executable("argocd")  # wants Go 1.27; the one on the PATH is 1.26


def test_what_stands_apart_is_built_only_when_it_is_named() -> None:
    assert "argocd" in TOOLS
    assert "argocd" not in ORDINARY


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.name)
def test_the_go_modules_pin_what_the_table_says(module: Module) -> None:
    lines = (GO_MODULES / module.name / "go.mod").read_text(encoding="utf-8").splitlines()
    pinned = {line.removeprefix("tool").removesuffix("// indirect").strip() for line in lines}

    assert set(module.tools.values()) <= pinned
    assert {f"{path} {version}" for path, version in module.requires.items()} <= pinned
