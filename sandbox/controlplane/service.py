"""The process that runs a supervisor for an owner, and ends with it."""

from __future__ import annotations

import os
import select
import signal
import sys
from threading import Thread, get_ident
from typing import TYPE_CHECKING, Any, NoReturn

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
POLL_SECONDS = 1.0


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
    _stop_on_signals()
    _stop_with(owner_pid)
    try:
        binaries = executables()
        with (
            scratch_directory("apono-sandbox-") as directory,
            Supervisor(directory, binaries, region, node_address) as supervisor,
        ):
            supervisor.start(crds)
            control = ControlServer(_commands(supervisor))
            announce(Announcement(state=_state(supervisor, control, region)))
            while True:
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


def _stop_on_signals() -> None:
    def stop(_number: int, _frame: object) -> NoReturn:
        for number in STOPPING:  # once is enough: a second one must not disturb the cleaning
            signal.signal(number, signal.SIG_IGN)
        sys.exit(0)

    for number in STOPPING:
        signal.signal(number, stop)


def _stop_with(owner_pid: int) -> None:
    owner = os.pidfd_open(owner_pid)
    main_thread = get_ident()

    def watch() -> None:
        select.select([owner], [], [])
        signal.pthread_kill(main_thread, signal.SIGTERM)

    Thread(target=watch, name="owner-watch", daemon=True).start()
