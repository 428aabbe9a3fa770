"""Releases have a control plane of their own: they change the definition, which all namespaces share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from sandbox.aws import FrontDoor
from sandbox.controlplane import ControlPlane


@pytest.fixture
def own_control_plane() -> Iterator[ControlPlane]:
    with ControlPlane.start() as control_plane:
        yield control_plane


@pytest.fixture
def own_aws(own_control_plane: ControlPlane) -> Iterator[FrontDoor]:
    with FrontDoor() as aws:
        aws.trust_issuer(own_control_plane.issuer, own_control_plane.jwks)
        yield aws
