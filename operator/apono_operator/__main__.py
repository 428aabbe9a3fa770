"""The console script, and the one place where the parts are put together."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
import threading
from collections.abc import AsyncIterator, Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib.metadata import version
from typing import NoReturn

import click
import kopf
import structlog

from apono_operator import crds, logs, preflight, v1alpha1
from apono_operator import settings as operator_settings
from apono_operator.adapters.aws.iam import Iam
from apono_operator.adapters.aws.session import AwsSession
from apono_operator.adapters.errors import AdapterError
from apono_operator.adapters.fence import Fence
from apono_operator.adapters.kubernetes import Kubernetes
from apono_operator.bootstrap.commands import bootstrap
from apono_operator.handlers import lifecycle
from apono_operator.handlers.connectors import ConnectorHandlers
from apono_operator.handlers.looks import Looks, threads_for
from apono_operator.handlers.orphan_rounds import OrphanRounds
from apono_operator.handlers.timing import Timing
from apono_operator.handlers.work_items import WorkItems
from apono_operator.reconciler import Environment, OrphanSearch, Reconciler
from apono_operator.settings import InvalidSettingsError, Settings

log: structlog.stdlib.BoundLogger = structlog.get_logger()

VERSION = version("apono-operator")
STOP_SECONDS = 5.0
"""How long a stop waits for kopf, and then for calls that are under way."""


@click.group()
@click.version_option(VERSION, prog_name="apono-operator")
def main() -> None:
    """Keep AponoConnector resources true in Kubernetes and in AWS."""


@main.command("crds")
def print_crds() -> None:
    """Print the custom resource definition, to be applied with kubectl."""
    click.echo(crds.render(), nl=False)


main.add_command(bootstrap)


@main.command()
def run() -> None:
    """Run the operator until it is told to stop (SIGTERM, SIGINT)."""
    try:
        settings = operator_settings.load()
        logs.configure(settings.log_format, settings.log_level)
        operator = Operator.assemble(settings)
        preflight.check(operator.reconciler.environment, settings.watch_namespaces)
    except (InvalidSettingsError, AdapterError, preflight.HalfConfiguredError) as error:
        _refuse(str(error))
    operator.run()


def _refuse(message: str) -> NoReturn:
    for line in message.splitlines():
        click.echo(f"apono-operator: {line}", err=True)
    sys.exit(1)


@dataclass
class Operator:
    """The assembled operator."""

    settings: Settings
    fence: Fence
    pool: ThreadPoolExecutor
    reconciler: Reconciler

    @classmethod
    def assemble(cls, settings: Settings) -> Operator:
        """Connect the parts, from the outside in.

        Raises:
            AdapterError: if there is no way to the API server or to AWS.
        """
        fence = Fence()
        threads = threads_for(settings.workers)
        kubernetes = Kubernetes.connect(connections=threads, fence=fence)
        issuer = kubernetes.issuer()
        session = AwsSession.connect(
            issuer=issuer,
            connections=threads,
            version=VERSION,
            fence=fence,
            limits=settings.aws_rate_limits,
        )
        environment = Environment(kubernetes, session, Iam(session.iam), settings.administration(), issuer)
        pool = ThreadPoolExecutor(threads, thread_name_prefix="pass")
        return cls(settings, fence, pool, Reconciler(environment))

    def run(self) -> NoReturn:
        """Serve until a signal or until kopf fails, then let no further call out and end the process."""
        # Blocked here and so in every thread: they are waited for, not handled, and none comes at a bad moment.
        stops = {signal.SIGTERM, signal.SIGINT}
        signal.pthread_sigmask(signal.SIG_BLOCK, stops)
        service = Service(self._serve)
        service.start()
        while not service.ended.is_set() and not _arrives(stops, 1.0):
            pass
        self.fence.raise_up()
        service.stop()
        log.info("stopped")
        _end(self.pool, status=1 if service.failed else 0)

    async def _serve(self) -> None:
        registry = kopf.OperatorRegistry()
        lifecycle.register_login(registry)
        settings = self.settings
        timing = Timing(
            settings.resync_seconds, secrets=settings.secret_poll_seconds, stack=settings.stack_poll_seconds
        )
        looks = Looks(threads_for(self.settings.workers))
        handlers = ConnectorHandlers(self.reconciler, WorkItems(self.pool), looks, timing)
        handlers.register(registry)
        log.info("serving", version=VERSION, kind=v1alpha1.KIND, namespaces=self.settings.watch_namespaces or "all")
        async with self._orphan_rounds():
            await kopf.operator(
                registry=registry,
                settings=lifecycle.settings(),
                clusterwide=not self.settings.watch_namespaces,
                namespaces=self.settings.watch_namespaces,
            )

    @contextlib.asynccontextmanager
    async def _orphan_rounds(self) -> AsyncIterator[None]:
        """Look for roles without a connector beside kopf, which waits when it stops for tasks that it knows of."""
        search = OrphanSearch(self.reconciler.environment, self.settings.watch_namespaces)
        rounds = asyncio.create_task(OrphanRounds(search).run())
        try:
            yield
        finally:
            rounds.cancel()


def _arrives(signals: set[signal.Signals], seconds: float) -> bool:
    """Wait for one of *signals*, which must be blocked, and tell whether one came."""
    info = signal.sigtimedwait(signals, seconds)
    # CPython answers with garbage when a SIGCONT interrupts the last moments of the wait.
    return info is not None and info.si_signo in signals


class Service:
    """kopf on a thread of its own, where it leaves the signals to us: the fence has to come before kopf's stop.

    Args:
        serve: The coroutine function to run.
    """

    def __init__(self, serve: Callable[[], Coroutine[None, None, None]]) -> None:
        self.ended = threading.Event()
        self.failed = False
        self._serve = serve
        self._loop = asyncio.new_event_loop()
        self._task: asyncio.Task[None] | None = None
        self._thread = threading.Thread(target=self._run, name="kopf", daemon=True)

    def start(self) -> None:
        """Start serving."""
        self._thread.start()

    def stop(self) -> None:
        """Stop serving, and wait until kopf has let go, but not for ever."""
        if self._task is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._task.cancel)
        self._thread.join(STOP_SECONDS)

    def _run(self) -> None:
        try:
            self._loop.run_until_complete(self._main())
        except Exception:
            self.failed = True
            log.exception("kopf failed")
        finally:
            self.ended.set()

    async def _main(self) -> None:
        self._task = asyncio.create_task(self._serve())
        with contextlib.suppress(asyncio.CancelledError):
            await self._task
            self.failed = True  # kopf ends only when it is told to


def _end(pool: ThreadPoolExecutor, *, status: int) -> NoReturn:
    """Give calls under way a moment, then end whatever they do: threads cannot be stopped."""
    threading.Timer(STOP_SECONDS, os._exit, (status,)).start()
    pool.shutdown(wait=True, cancel_futures=True)
    os._exit(status)


if __name__ == "__main__":
    main()
