"""Fixtures for all tests: one real control plane for the whole run, however many workers it has."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from sandbox.controlplane import ControlPlane, shared_control_plane
from sandbox.controlplane.control_plane import KUBECONFIG_VARIABLE
from sandbox.installation import CRD

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def control_plane(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    if KUBECONFIG_VARIABLE in os.environ:
        with ControlPlane.chosen() as plane:
            yield plane
        return
    is_worker = hasattr(request.config, "workerinput")
    own = tmp_path_factory.getbasetemp()
    run_directory, owner_pid = (own.parent, os.getppid()) if is_worker else (own, os.getpid())
    with shared_control_plane(run_directory, owner_pid, crds=[CRD]) as plane:
        yield plane
