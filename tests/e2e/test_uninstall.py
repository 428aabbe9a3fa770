"""The end of a release; what comes before it is left as it was."""

from __future__ import annotations

from sandbox.installation import RELEASE
from tests.e2e.installed import Installed


def test_a_release_is_not_uninstalled_while_there_are_connectors(installed: Installed) -> None:
    installed.create_token("kept")
    installed.apply("kept")
    installed.ready("kept")

    said = installed.release.uninstall()

    assert "kept" in said
    assert installed.cluster.get("Deployment", RELEASE) is not None
    installed.ready("kept")
