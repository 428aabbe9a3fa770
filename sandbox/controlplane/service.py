"""The process that runs a supervisor for an owner, and ends with it."""

from __future__ import annotations

import os
import select
import signal
import sys
from threading import Thread, get_ident
from typing import TYPE_CHECKING, Any

from sandbox.controlplane.binaries import executables
from sandbox.controlplane.control import ControlServer
from sandbox.controlplane.errors import ControlPlaneError
from sandbox.controlplane.scratch import scratch_directory
from sandbox.controlplane.state import Announcement, State
from sandbox.controlplane.supervisor import Supervisor

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

STOPPING = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
POLL_SECONDS = 0.2


def serve(
    owner_pid: int,
    region: str,
    announce: Callable[[Announcement], None],
    crds: Sequence[Path] = (),
    node_address: str | None = None,
) -> None:
    """Run a control plane until the owner process ends or a SIGTERM, SIGINT or SIGHUP comes.

    `announce` is called once: with the state when the control plane is ready, or with why it isn't.
    With `node_address` it is one for a real node, see `Supervisor`.
    Must be called in the main thread.

    Raises:
        ControlPlaneError: it did not come up; announced before.
        SystemExit: it was stopped; everything is taken down by then.
        ProcessLookupError: there is no owner with that pid.
    """
    stop = _Stop()
    stop.on_signals()
    _stop_with(owner_pid)
    try:
        binaries = executables()
        stop.at_once = False
        with (
            scratch_directory("apono-sandbox-") as directory,
            Supervisor(directory, binaries, region, node_address, stop.check) as supervisor,
        ):
            supervisor.start(crds)
            control = ControlServer(_commands(supervisor))
            announce(Announcement(state=_state(supervisor, control, region)))
            while True:
                stop.check()
                control.handle_one(POLL_SECONDS)
    except Exception as error:
        announce(Announcement(error=str(error) if isinstance(error, ControlPlaneError) else repr(error)))
        raise


def _state(supervisor: Supervisor, control: ControlServer, region: str) -> State:
    layout = supervisor.layout
    return State(
        directory=layout.directory,
        kubeconfig=layout.kubeconfig("admin"),
        server=layout.server,
        issuer=layout.issuer,
        region=region,
        pid=os.getpid(),
        control_url=control.url,
        control_token=control.token,
    )


def _commands(supervisor: Supervisor) -> dict[str, Callable[[str], dict[str, Any]]]:
    def silently(action: Callable[[str], None]) -> Callable[[str], dict[str, Any]]:
        def command(argument: str) -> dict[str, Any]:
            action(argument)
            return {}

        return command

    return {
        "parts": lambda _: supervisor.parts(),
        "pause": silently(supervisor.pause),
        "resume": silently(supervisor.resume),
        "restart-api-server": silently(lambda _: supervisor.restart_api_server()),
    }


class _Stop:
    """A signal's wish that the process ends.

    It ends *at once* while nothing is to be taken down, and at the next check from then on: an exception between any
    two instructions may leave a lock behind that the taking down waits for.
    """

    def __init__(self) -> None:
        self.at_once = True
        self._wished = False

    def on_signals(self) -> None:
        for number in STOPPING:
            signal.signal(number, self._wish)

    def check(self) -> None:
        """Raise SystemExit if a signal came."""
        if self._wished:
            sys.exit(0)

    def _wish(self, _number: int, _frame: object) -> None:
        at_once, self.at_once = self.at_once, False  # once is enough: a second one must not disturb the cleaning
        self._wished = True
        if at_once:
            sys.exit(0)


def _stop_with(owner_pid: int) -> None:
    owner = os.pidfd_open(owner_pid)
    main_thread = get_ident()

    def watch() -> None:
        select.select([owner], [], [])
        signal.pthread_kill(main_thread, signal.SIGTERM)

    Thread(target=watch, name="owner-watch", daemon=True).start()
