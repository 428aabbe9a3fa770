"""What kubelet and Prometheus are told over HTTP."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest
import urllib3

from apono_operator.endpoints import Endpoints
from apono_operator.telemetry.health import Health


class Server:
    """The endpoints, and the health that they tell of."""

    def __init__(self) -> None:
        self.health = Health()
        self.endpoints = Endpoints(self.health, 0)
        self.endpoints.start()
        self._http = urllib3.PoolManager(timeout=10, retries=False)

    def ask(self, path: str, host: str = "127.0.0.1", **headers: str) -> tuple[int, str]:
        answer = self._http.request("GET", f"http://{host}:{self.endpoints.port}{path}", headers=headers)
        return answer.status, answer.data.decode()

    def close(self) -> None:
        """Close the connections to it; it serves as long as the process lasts."""
        self._http.clear()


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    server = Server()
    yield server
    server.close()


def test_a_process_is_ready_once_it_has_what_it_needs_and_until_it_stops(server: Server) -> None:
    assert server.ask("/readyz") == (503, "not ready")
    server.health.is_ready = True
    assert server.ask("/readyz") == (200, "ok")
    server.health.is_ready = False
    assert server.ask("/readyz") == (503, "not ready")


def test_a_process_is_healthy_until_something_in_it_complains(server: Server) -> None:
    assert server.ask("/healthz") == (200, "ok")
    server.health.watch(lambda: "the event loop stands still since 31 s")
    assert server.ask("/healthz") == (500, "the event loop stands still since 31 s")


def test_metrics_come_in_the_format_that_is_asked_for(server: Server) -> None:
    status, text = server.ask("/metrics")
    assert status == 200
    assert "# TYPE apono_operator_passes_total counter" in text
    assert "process_resident_memory_bytes" in text

    status, text = server.ask("/metrics", Accept="application/openmetrics-text; version=1.0.0")
    assert status == 200
    assert text.endswith("# EOF\n")


def test_there_is_nothing_else(server: Server) -> None:
    assert server.ask("/")[0] == 404
    assert server.ask("/metrics/../etc/passwd")[0] == 404


@pytest.mark.parametrize("host", ["127.0.0.1", "[::1]"])
def test_both_kinds_of_addresses_are_served(server: Server, host: str) -> None:
    assert server.ask("/readyz", host)[1] == "not ready"


def test_a_port_that_is_taken_is_refused() -> None:
    with socket.create_server(("", 0)) as other, pytest.raises(OSError, match="in use"):
        Endpoints(Health(), other.getsockname()[1]).start()
