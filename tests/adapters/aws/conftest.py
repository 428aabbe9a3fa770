from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox.aws import FrontDoor
from tests.adapters.aws.connection import CREDENTIALS, Connection, connect


@pytest.fixture(scope="session")
def front_door() -> Iterator[FrontDoor]:
    """One AWS for all tests that keep to accounts of their own."""
    with FrontDoor() as aws:
        yield aws


@pytest.fixture(scope="session")
def shared_connection(front_door: FrontDoor) -> Connection:
    return connect(front_door, front_door.create_account())


@pytest.fixture
def connection(shared_connection: Connection) -> Iterator[Connection]:
    """A connection that gives up at the first failure; connecting takes long, so all tests share the account."""
    yield shared_connection.for_a_test()
    shared_connection.aws.hooks.clear()


@pytest.fixture
def nowhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """An environment that knows neither credentials nor a region."""
    for name in CREDENTIALS:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
