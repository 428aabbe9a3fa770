"""What the console script says of itself."""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path

import pytest
import yaml

from tests.unit.cli.programs import run

ROOT = Path(__file__).resolve().parents[3]
CRD_FILE = ROOT / "crds" / "apono.io_aponoconnectors.yaml"


def test_the_version_is_that_of_the_package(tmp_path: Path) -> None:
    ended = run("--version", environment={}, home=tmp_path)

    assert (ended.status, ended.output) == (0, f"apono-operator, version {version('apono-operator')}\n")


def test_the_custom_resource_definition_is_printed_byte_for_byte_as_it_is_kept(tmp_path: Path) -> None:
    ended = run("crds", environment={}, home=tmp_path)

    assert (ended.status, ended.errors) == (0, "")
    assert ended.output == CRD_FILE.read_text(encoding="utf-8")
    assert yaml.safe_load(ended.output)["kind"] == "CustomResourceDefinition"


@pytest.mark.parametrize("command", ["run", "crds", "bootstrap"])
def test_help_names_the_commands(tmp_path: Path, command: str) -> None:
    ended = run("--help", environment={}, home=tmp_path)

    assert ended.status == 0
    assert f"\n  {command} " in ended.output


def test_a_command_that_does_not_exist_is_refused(tmp_path: Path) -> None:
    ended = run("start", environment={}, home=tmp_path)

    assert ended.status == 2
    assert "No such command 'start'" in ended.errors
