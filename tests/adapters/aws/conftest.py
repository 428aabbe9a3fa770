from __future__ import annotations

from collections.abc import Iterator

import pytest

from sandbox.aws import FrontDoor
from tests.adapters.aws.connection import Connection, connect


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
