"""A stop that comes before the operator serves: while it waits for what it needs, it has nothing to let go of."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from tests.unit.cli.programs import PATIENCE, PROGRAM


@pytest.fixture
def silent() -> Iterator[socket.socket]:
    """An API server that takes connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(PATIENCE)
        yield server


@pytest.fixture
def waiting(silent: socket.socket, tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """An operator that waits for the first answer of that server."""
    cluster = {"name": "silent", "cluster": {"server": f"http://127.0.0.1:{silent.getsockname()[1]}"}}
    context = {"name": "silent", "context": {"cluster": "silent", "user": "nobody"}}
    users = [{"name": "nobody", "user": {}}]
    config = {"clusters": [cluster], "contexts": [context], "users": users, "current-context": "silent"}
    (tmp_path / "kubeconfig").write_text(yaml.safe_dump(config), encoding="utf-8")
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path),
        "KUBECONFIG": str(tmp_path / "kubeconfig"),
        "APONO_OPERATOR_ALLOW_UNBOUNDED_ROLES": "true",
        "APONO_OPERATOR_HTTP_PORT": "0",
    }
    with subprocess.Popen([str(PROGRAM), "run"], env=environment) as process:
        connection, _ = silent.accept()
        with connection:
            yield process
            process.kill()


def test_a_stop_is_heeded_while_the_api_server_does_not_answer(waiting: subprocess.Popen[bytes]) -> None:
    waiting.send_signal(signal.SIGTERM)

    assert waiting.wait(5.0) == 0
