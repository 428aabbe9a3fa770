"""The supervisor's control endpoint: commands for the holder of the token."""

from __future__ import annotations

from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING

import pytest

from sandbox.controlplane import PartError
from sandbox.controlplane.control import ControlClient, ControlServer
from sandbox.controlplane.state import State

if TYPE_CHECKING:
    from collections.abc import Iterator


def broken(argument: str) -> dict[str, object]:
    raise PartError(f"{argument} is broken")


@pytest.fixture
def server() -> Iterator[ControlServer]:
    """A server that answers one call."""
    server = ControlServer({"echo": lambda argument: {"said": argument}, "break": broken})
    thread = Thread(target=server.handle_one, args=(10,))
    thread.start()
    yield server
    thread.join()
    server.close()


def client(server: ControlServer, token: str | None = None) -> ControlClient:
    nowhere = Path("/nonexistent")
    return ControlClient(
        State(
            directory=nowhere,
            kubeconfig=nowhere,
            server="",
            issuer="",
            region="",
            pid=0,
            control_url=server.url,
            control_token=server.token if token is None else token,
        )
    )


def test_a_command_gets_its_argument_and_answers(server: ControlServer) -> None:
    assert client(server).call("echo", "a/b c?") == {"said": "a/b c?"}


def test_a_failure_reaches_the_caller(server: ControlServer) -> None:
    with pytest.raises(PartError, match="etcd is broken"):
        client(server).call("break", "etcd")


def test_nobody_without_the_token_is_served(server: ControlServer) -> None:
    with pytest.raises(PartError, match="wants its token"):
        client(server, token="guessed").call("echo")


def test_an_unknown_command_is_refused(server: ControlServer) -> None:
    with pytest.raises(PartError, match="no command sing"):
        client(server).call("sing")


def test_a_supervisor_that_is_gone_is_said_to_be_gone(server: ControlServer) -> None:
    gone = client(server)
    gone.call("echo")
    server.close()

    with pytest.raises(PartError, match="does not answer"):
        gone.call("echo")
