"""The console script, and the one place where the parts are put together."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
import threading
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib.metadata import version
from typing import NoReturn, TextIO

import click
import kopf
import structlog
import yaml

from apono_operator import crds, logs, preflight, uninstall_check, v1alpha1
from apono_operator import settings as operator_settings
from apono_operator.adapters.aws.iam import Iam
from apono_operator.adapters.aws.session import CONNECT_TIMEOUT, AwsSession
from apono_operator.adapters.errors import AdapterError
from apono_operator.adapters.fence import Fence
from apono_operator.adapters.kubernetes import Kubernetes
from apono_operator.adapters.leases import Leases
from apono_operator.bootstrap.commands import bootstrap
from apono_operator.election import Election, new_identity
from apono_operator.endpoints import Endpoints
from apono_operator.handlers import lifecycle
from apono_operator.handlers.connectors import ConnectorHandlers
from apono_operator.handlers.looks import Looks, threads_for
from apono_operator.handlers.orphan_rounds import OrphanRounds
from apono_operator.handlers.timing import Timing
from apono_operator.handlers.work_items import WorkItems
from apono_operator.reconciler import Environment, OrphanSearch, Reconciler
from apono_operator.service import Service
from apono_operator.settings import InvalidSettingsError, Settings
from apono_operator.state.claim import Installation
from apono_operator.telemetry.health import Health
from apono_operator.telemetry.heartbeats import Heartbeat, Workers
from apono_operator.telemetry.metrics import BUILD, IS_LEADER

log: structlog.stdlib.BoundLogger = structlog.get_logger()

VERSION = version("apono-operator")
STOP_SECONDS = 5.0
"""How long a stop waits for kopf, and then for calls that are under way."""

LOOP_SECONDS = 30.0
"""For how long the event loop may stand still; nothing in it takes long."""


@click.group()
@click.version_option(VERSION, prog_name="apono-operator")
def main() -> None:
    """Keep AponoConnector resources true in Kubernetes and in AWS."""


@main.command("crds")
@click.option(
    "--compatible-with",
    type=click.File(encoding="utf-8"),
    help="Print nothing; end with status 1 if the definition refuses what the one in this file takes.",
)
def print_crds(compatible_with: TextIO | None) -> None:
    """Print the custom resource definition, to be applied with kubectl."""
    if compatible_with is None:
        click.echo(crds.render(), nl=False)
        return
    try:
        crds.check_compatible(yaml.safe_load(compatible_with))
    except crds.IncompatibleDefinitionError as error:
        _refuse(str(error))


@main.command("uninstall-check")
@click.option("--installation", required=True, help="This one: namespace/name of the operator's Deployment.")
@click.option("--namespace", "namespaces", multiple=True, help="A namespace that it watches; all without any.")
def check_uninstall(installation: str, namespaces: tuple[str, ...]) -> None:
    """Refuse, by status 1, while there are connectors that nobody would take away any more."""
    try:
        kubernetes = Kubernetes.connect(connections=1, fence=Fence())
        uninstall_check.check(kubernetes, installation, namespaces)
    except (AdapterError, uninstall_check.RemainingConnectorsError) as error:
        _refuse(str(error))


main.add_command(bootstrap)


@main.command()
def run() -> None:
    """Run the operator until it is told to stop (SIGTERM, SIGINT)."""
    # In a container it is process 1, which a signal that it has no handler for does not end: pid_namespaces(7).
    signal.signal(signal.SIGTERM, _end)
    try:
        settings = operator_settings.load()
        logs.configure(settings.log_format, settings.log_level)
        health = _served_health(settings.http_port)
        operator = Operator.assemble(settings, health)
        operator.check()
    except (InvalidSettingsError, AdapterError, preflight.HalfConfiguredError) as error:
        _refuse(str(error))
    operator.run()


def _end(*_: object) -> NoReturn:
    """Stop before there is anything to be let go of."""
    sys.exit(0)


def _served_health(port: int) -> Health:
    """Return what probes are told from now on, if there is a port to ask.

    Raises:
        HalfConfiguredError: the port is taken.
    """
    health = Health()
    BUILD.info({"version": VERSION})
    try:
        if port:
            Endpoints(health, port).start()
    except OSError as error:
        message = f"cannot be served: {os.strerror(error.errno or 0)}. Set another, or 0 for none"
        raise preflight.HalfConfiguredError(f"the port {port} of APONO_OPERATOR_HTTP_PORT {message}") from error
    return health


def _refuse(message: str) -> NoReturn:
    for line in message.splitlines():
        click.echo(f"apono-operator: {line}", err=True)
    sys.exit(1)


@dataclass
class Operator:
    """The assembled operator.

    Attributes:
        leases: The Lease by which replicas agree on who acts; None: this process acts whatever others do.
        health: Asks its loops whether they go on.
        workers: The heartbeats of the pool's threads.
    """

    settings: Settings
    fence: Fence
    pool: ThreadPoolExecutor
    reconciler: Reconciler
    leases: Leases | None
    health: Health
    workers: Workers

    @classmethod
    def assemble(cls, settings: Settings, health: Health) -> Operator:
        """Connect the parts, from the outside in.

        Raises:
            AdapterError: if there is no way to the API server or to AWS.
        """
        workers = Workers()
        health.watch(workers.complaint)
        fence = Fence(heartbeat=workers.beat)
        threads = threads_for(settings.workers)
        kubernetes = Kubernetes.connect(connections=threads, fence=fence)
        issuer = kubernetes.issuer()
        session = AwsSession.connect(
            issuer=issuer,
            connections=threads,
            version=VERSION,
            fence=fence,
            limits=settings.aws_rate_limits,
            connect_timeout=_connect_timeout(settings),
        )
        environment = Environment(
            kubernetes,
            session,
            Iam(session.iam),
            settings.administration(),
            issuer,
            Installation(settings.namespace, settings.deployment_name),
        )
        pool = ThreadPoolExecutor(threads, thread_name_prefix="pass")
        leases = Leases.connect(settings.namespace, settings.deployment_name) if settings.leader_election else None
        return cls(settings, fence, pool, Reconciler(environment), leases, health, workers)

    def check(self) -> None:
        """Make sure that it can do its work, whether it will lead or wait.

        Raises:
            HalfConfiguredError: something misses.
            AdapterError: the API server or AWS does not answer.
        """
        preflight.check(self.reconciler.environment, self.settings.watch_namespaces, self.settings.watch_selector)
        if self.leases:
            preflight.check_lease(self.leases)

    def run(self) -> NoReturn:
        """Serve, once it leads, until a signal or until kopf fails; then let no call out and end the process."""
        # Blocked here and so in every thread: they are waited for, not handled, and none comes at a bad moment.
        stops = {signal.SIGTERM, signal.SIGINT}
        signal.pthread_sigmask(signal.SIG_BLOCK, stops)
        self.health.is_ready = True
        service = Service(self._serve)
        election = self._begin(service)
        while not service.ended.is_set() and not _arrives(stops, 1.0):
            pass
        self._stop(service, election)

    def _begin(self, service: Service) -> Election | None:
        """Start serving, at once or when elected."""
        if self.leases is None:
            service.start()
            return None
        timing = self.settings.election_timing
        election = Election(
            self.leases,
            timing,
            self.fence,
            identity=new_identity(),
            on_elected=service.start,
        )
        self.health.watch(election.complaint)
        election.start()
        return election

    def _stop(self, service: Service, election: Election | None) -> NoReturn:
        """End the process; the Lease is held until nothing is under way any more, and longer if that is not known."""
        self.health.is_ready = False
        self.fence.raise_up()
        service.stop(STOP_SECONDS)
        drained = _drained(self.pool)
        if election:
            election.stop(release=drained)
        log.info("stopped")
        os._exit(1 if service.failed else 0)

    async def _serve(self) -> None:
        IS_LEADER.set(1)
        registry = kopf.OperatorRegistry()
        lifecycle.register_login(registry)
        settings = self.settings
        timing = Timing(
            settings.resync_seconds, secrets=settings.secret_poll_seconds, stack=settings.stack_poll_seconds
        )
        looks = Looks(threads_for(self.settings.workers))
        handlers = ConnectorHandlers(self.reconciler, WorkItems(self.pool, self.workers), looks, timing)
        handlers.register(registry)
        log.info("serving", version=VERSION, kind=v1alpha1.KIND, namespaces=self.settings.watch_namespaces or "all")
        async with self._orphan_rounds(), self._beating():
            await kopf.operator(
                registry=registry,
                settings=lifecycle.settings(self.settings.watch_selector),
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

    @contextlib.asynccontextmanager
    async def _beating(self) -> AsyncIterator[None]:
        """Show that the event loop goes on."""
        heartbeat = Heartbeat("the event loop", limit=LOOP_SECONDS)
        self.health.watch(heartbeat.complaint)
        beating = asyncio.create_task(_beat(heartbeat))
        try:
            yield
        finally:
            beating.cancel()


async def _beat(heartbeat: Heartbeat) -> None:
    while True:
        heartbeat.beat()
        await asyncio.sleep(1.0)


def _arrives(signals: set[signal.Signals], seconds: float) -> bool:
    """Wait for one of *signals*, which must be blocked, and tell whether one came."""
    info = signal.sigtimedwait(signals, seconds)
    # CPython answers with garbage when a SIGCONT interrupts the last moments of the wait.
    return info is not None and info.si_signo in signals


def _connect_timeout(settings: Settings) -> float:
    """A call that leaves in the last moment of a term has to be over before another leads."""
    return min(CONNECT_TIMEOUT, settings.election_timing.margin / 2) if settings.leader_election else CONNECT_TIMEOUT


def _drained(pool: ThreadPoolExecutor) -> bool:
    """Give calls under way a moment, and tell whether they have ended: threads cannot be stopped."""
    ending = threading.Thread(target=pool.shutdown, kwargs={"cancel_futures": True}, daemon=True)
    ending.start()
    ending.join(STOP_SECONDS)
    return not ending.is_alive()


if __name__ == "__main__":
    main()
