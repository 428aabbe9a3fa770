"""What a reader may rely on when looking at names and places."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from tests.architecture.linting import ROOT

VAGUE_MODULE = re.compile(r"_?(manager|helper|util|utilities|common|misc|base)s?")
VAGUE_CLASS = re.compile(r"^_?(Base|Common)|(Manager|Helper|Util|Utilities|Common|Misc)s?$")
FOLDERS = ("operator", "sandbox", "tests")


def _modules() -> Iterator[Path]:
    for folder in FOLDERS:
        yield from (ROOT / folder).rglob("*.py")


def _classes(module: Path) -> Iterator[str]:
    tree = ast.parse(module.read_text(encoding="utf-8"))
    return (node.name for node in ast.walk(tree) if isinstance(node, ast.ClassDef))


def test_the_operator_folder_is_no_package_or_it_would_hide_the_standard_librarys_operator() -> None:
    assert not (ROOT / "operator" / "__init__.py").exists()


def test_no_module_has_a_name_that_says_nothing() -> None:
    names = {path.relative_to(ROOT).as_posix() for path in _modules()}

    assert len(names) > 100
    assert [
        name for name in sorted(names) if any(VAGUE_MODULE.fullmatch(Path(part).stem) for part in Path(name).parts)
    ] == []


def test_no_class_has_a_name_that_says_nothing() -> None:
    classes = [(path.relative_to(ROOT).as_posix(), name) for path in _modules() for name in _classes(path)]

    assert len(classes) > 100
    assert [found for found in classes if VAGUE_CLASS.search(found[1])] == []


def _imported(module: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def test_the_core_takes_nothing_from_the_kubernetes_client_but_its_quantity_parser() -> None:
    core = (ROOT / "operator" / "apono_operator" / "state").rglob("*.py")
    taken = [(path.stem, name) for path in core for name in _imported(path) if name.startswith("kubernetes")]

    assert taken == [("manifests", "kubernetes.utils.quantity.parse_quantity")]
