"""A machine that cannot be a node is told so, with what it lacks."""

from __future__ import annotations

from pathlib import Path

import pytest

from sandbox.node.errors import NodeError
from sandbox.node.packages import missing_packages, obstacle_of, program


def test_what_is_missing_is_told_by_the_names_of_debians_packages(tmp_path: Path) -> None:
    for name in ("busybox", "runc"):
        (tmp_path / name).touch(mode=0o755)

    missing = missing_packages(str(tmp_path))

    assert {"buildah", "containerd"} <= set(missing)
    assert not {"busybox-static", "runc"} & set(missing)


def test_nobody_but_root_can_have_a_node() -> None:
    assert "needs root" in str(obstacle_of([], is_root=False, has_apt=True))


def test_without_apt_nothing_may_be_missing() -> None:
    assert "there is no apt here: buildah runc" in str(obstacle_of(["buildah", "runc"], is_root=True, has_apt=False))
    assert obstacle_of([], is_root=True, has_apt=False) is None


def test_root_with_apt_lacks_nothing_for_long() -> None:
    assert obstacle_of(["buildah"], is_root=True, has_apt=True) is None


def test_a_program_that_is_missing_is_named() -> None:
    with pytest.raises(NodeError, match="no-such-program is missing"):
        program("no-such-program")
