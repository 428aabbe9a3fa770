"""What the pages list is all there is."""

from __future__ import annotations

import configparser
import re
import tomllib
from typing import Any

import pytest

from tests.docs.pages import DOCS, ROOT, Page, page

DECISIONS = sorted((DOCS / "decisions").iterdir())
PACKAGE = ROOT / "operator" / "apono_operator"


def test_each_dependency_has_its_reason() -> None:
    project: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    required = [*project["project"]["dependencies"], *project["dependency-groups"]["dev"]]
    names = {re.split(r"[^A-Za-z0-9_-]", requirement)[0] for requirement in required}
    lines = page("docs/dependencies.md").text.partition("## Not from PyPI")[0]
    assert set(re.findall(r"^\| ([a-z0-9-]+) \| \w", lines, re.MULTILINE)) == names


def test_the_architecture_page_names_each_contract() -> None:
    contracts = configparser.ConfigParser()
    contracts.read(ROOT / ".importlinter")
    names = {section["name"] for title, section in contracts.items() if title.startswith("importlinter:contract:")}
    listed = page("docs/architecture.md").text.partition("## Contracts")[2].partition("## Where")[0]
    assert {line.removeprefix("- ").replace("\\", "") for line in listed.splitlines() if line.startswith("- ")} == names


def test_the_architecture_page_places_each_part_of_the_package() -> None:
    parts = {path.stem for path in PACKAGE.iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()}
    (layers,) = page("docs/architecture.md").blocks("text")
    assert set(re.findall(r"\w+", layers)) >= parts - {"__init__"}


def test_decisions_are_numbered_without_a_gap() -> None:
    assert [int(path.name[:4]) for path in DECISIONS] == list(range(1, len(DECISIONS) + 1))


@pytest.mark.parametrize("path", DECISIONS, ids=lambda path: path.stem)
def test_a_decision_has_its_number_its_context_and_its_consequence(path: Any) -> None:
    title, *sections = Page(path).headings
    assert title.startswith(f"{int(path.name[:4])}. ")
    assert sections == ["Context", "Decision", "Consequence"]
