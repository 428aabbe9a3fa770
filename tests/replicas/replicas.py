"""Several operators of one installation, and what tests do to them and see of them."""

from __future__ import annotations

import json
import os
import random
import signal
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import urllib3

from sandbox.aws import Calls
from sandbox.controlplane import Write
from sandbox.installation import RELEASE, Installation
from sandbox.operator_process import OperatorProcess
from tests.scenarios.cluster import Cluster
from tests.scenarios.scenario import Role, Scenario
from tests.waiting import until

LEASE_SECONDS = 4.0
"""How long the Lease lasts in these tests."""

SETTLED = 2.0
"""Seconds in which who may lead has looked, and begun to serve, on a busy machine."""


@dataclass(frozen=True)
class Replica:
    """One of them, and the port at which it tells of itself."""

    process: OperatorProcess
    port: int

    def told(self, path: str) -> tuple[int, str]:
        """What it answers over HTTP."""
        answer = urllib3.request("GET", f"http://127.0.0.1:{self.port}{path}", retries=False, timeout=10)
        return answer.status, answer.data.decode()

    @property
    def log(self) -> str:
        """All that it has logged so far."""
        return self.process.log

    @property
    def serves(self) -> bool:
        """Whether it was elected."""
        return "serving" in self.log

    @property
    def waits(self) -> bool:
        """Whether it has seen that another leads."""
        return "waiting" in self.log

    def blocked_signals(self) -> list[tuple[str, int]]:
        """The names of its threads but the main one, and the set of signals that each blocks: proc(5), SigBlk."""
        threads = Path(f"/proc/{self.process.pid}/task").iterdir()
        fields = [
            dict(line.split(":\t", 1) for line in (thread / "status").read_text(encoding="utf-8").splitlines())
            for thread in threads
            if thread.name != str(self.process.pid)
        ]
        return [(one["Name"], int(one["SigBlk"], 16)) for one in fields]

    def serves_within(self, seconds: float) -> float:
        """Wait until it leads; return how long that took."""
        began = time.monotonic()
        until("it leads", lambda: self.serves, seconds, lambda: self.log)
        return time.monotonic() - began


class Replicas:
    """The processes; those that run when the block ends are stopped."""

    def __init__(self, installation: Installation, cluster: Cluster) -> None:
        self.installation, self.cluster, self.aws = installation, cluster, installation.aws
        self.lease_name = installation.environment["APONO_OPERATOR_DEPLOYMENT_NAME"]
        self._log = installation.control_plane.audit_log()
        self._stack = ExitStack()
        self._scenario: Scenario

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._stack.close()

    def leader(self, **overrides: str) -> Replica:
        """Start a process and wait until it leads."""
        replica = self._started(**overrides)
        replica.process.wait_until_serving()
        self._scenario = self._seen_with(replica)
        return replica

    def standby(self, **overrides: str) -> Replica:
        """Start a process and wait until it has seen that another leads."""
        replica = self._started(**overrides)
        until("it waits", lambda: replica.waits, last=lambda: replica.log)
        return replica

    def _started(self, **overrides: str) -> Replica:
        port = _free_port()
        process = self.installation.begin(APONO_OPERATOR_HTTP_PORT=str(port), **overrides)
        self._stack.callback(_ended, process)
        return Replica(process, port)

    def _seen_with(self, replica: Replica) -> Scenario:
        installation = self.installation
        issuer = installation.control_plane.issuer.removeprefix("https://")
        return Scenario(self.cluster, self.aws, installation.account, installation, replica.process, issuer)

    @property
    def lease(self) -> dict[str, Any]:
        """What the Lease says."""
        found = self._kubectl("get", "lease", self.lease_name, "-o", "json")
        spec: dict[str, Any] = json.loads(found).get("spec", {})
        return spec

    @property
    def lease_is_there(self) -> bool:
        """Whether there is one."""
        return bool(self._kubectl("get", "leases", "--ignore-not-found", "-o", "name", self.lease_name))

    def until_looked_at_lease(self, times: int) -> None:
        """Wait until those who wait for the Lease have looked at it so often from now on, by the API server's log."""
        mark = self._log.mark()
        until(f"they looked {times} times more", lambda: len(self._looks(mark)) >= times)

    def _looks(self, mark: int) -> list[Write]:
        asked = self._log.requests(self.installation.namespace, RELEASE, mark)
        return [one for one in asked if (one.verb, one.resource, one.name) == ("get", "leases", self.lease_name)]

    def write_lease(self, **spec: Any) -> None:
        """Write it as somebody else would."""
        self._kubectl("patch", "lease", self.lease_name, "--type=merge", "-p", json.dumps({"spec": spec}))

    def delete_lease(self) -> None:
        """Delete it as an administrator may."""
        self._kubectl("delete", "lease", self.lease_name)

    @contextmanager
    def api_server_paused(self) -> Iterator[None]:
        """Let the API server take connections and answer nothing while the block lasts."""
        process = self.installation.control_plane.processes()["kube-apiserver"]
        os.kill(process, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(process, signal.SIGCONT)

    def _kubectl(self, *arguments: str) -> str:
        return self.installation.control_plane.kubectl("-n", self.installation.namespace, *arguments)

    # --- connectors ---------------------------------------------------------------------------------------------------

    def apply(self, name: str) -> None:
        """Apply a connector."""
        self._scenario.create_token()
        self._scenario.apply(name)

    def ready(self, name: str) -> Role:
        """Wait until it is Ready, and return its role."""
        role = self._scenario.role(self._scenario.ready(name))
        assert role is not None
        return role

    def calls(self, mark: int = 0) -> Calls:
        """What the processes asked of AWS since *mark*, the exchanges of tokens aside."""
        return self._scenario.operator_calls(mark)


def _ended(process: OperatorProcess) -> None:
    if process.exit_status is None:
        process.kill()


def _free_port() -> int:
    """A port of those that the kernel gives to nobody by itself."""
    while True:
        port = random.randrange(15_000, 30_000)  # noqa: S311 -- guards nothing
        with socket.socket(socket.AF_INET6) as trial:
            try:
                trial.bind(("", port))
            except OSError:
                continue
            return port
