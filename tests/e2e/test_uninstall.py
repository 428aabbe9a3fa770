"""The end of a release; what comes before it is left as it was."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from sandbox.controlplane import helm, helm3
from sandbox.installation import RELEASE
from tests.e2e.installed import Installed


@pytest.mark.parametrize("program", [helm, helm3], ids=["helm-4", "helm-3"])
def test_a_release_is_not_uninstalled_while_there_are_connectors_and_helm_prints_their_names(
    installed: Installed, program: Callable[[], Path]
) -> None:
    installed.create_token("kept")
    installed.apply("kept")
    installed.ready("kept")

    said = installed.release.uninstall(program())

    assert "Connectors are still there: apono/" in said
    assert "apono/kept" in said
    assert "kubectl delete aponoconnectors --all --namespace apono" in said
    assert installed.cluster.get("Deployment", RELEASE) is not None
    installed.ready("kept")
