"""What each benchmark stands on: a namespace, an AWS account and an operator process of its own."""

from __future__ import annotations

import re
import secrets
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

import psutil

from benchmarks.cluster import Cluster, is_ready
from benchmarks.waiting import until
from sandbox.aws import Account, CallRecord, Calls, FrontDoor
from sandbox.bootstrap import ManagedOrganization
from sandbox.controlplane import AuditLog, Write
from sandbox.installation import RELEASE, Installation
from sandbox.operator_process import OperatorProcess
from sandbox.surroundings import Surroundings

MIB: Final = 2**20
_CPU_CLOCK: Final = 2
"""clock_getcpuclockid(3): the scheduler's clock of a process, by the complement of its id, shifted by three bits."""


@dataclass(frozen=True)
class Mark:
    """A moment in both logs."""

    calls: int
    writes: int


@dataclass
class Stand:
    """An operator and all that it does to the world.

    Attributes:
        aws: AWS.
        account: The account of the operator.
        cluster: The namespace of the operator and its connectors.
        operator: Its process.
    """

    aws: FrontDoor
    account: Account
    cluster: Cluster
    operator: OperatorProcess
    _installation: Installation
    _audit: AuditLog

    # --- acting -----------------------------------------------------------------------------------------------

    def apply(self, names: Iterable[str], **spec: Any) -> None:
        """Apply connectors, one after the other; *spec* replaces fields of a minimal one."""
        for name in names:
            self.cluster.apply(name, **spec)

    def apply_ready(self, names: Sequence[str], **spec: Any) -> None:
        """Apply connectors, wait until they are Ready and the first retry of whatever it may be is over."""
        self.apply(names, **spec)
        self.until_ready(names)
        self.until_quiet(1.5)

    def restart(self) -> None:
        """Stop the operator as Kubernetes does, and start it anew; returns when it serves."""
        self.operator.stop()
        self.operator = self._installation.start()

    # --- looking ----------------------------------------------------------------------------------------------

    def until_ready(self, names: Sequence[str], seconds: float = 60.0, *, pause: float = 0.1) -> None:
        """Wait until connectors are Ready.

        Raises:
            NotSeenError: they are not within *seconds*.
        """

        def look() -> bool:
            connectors = self.cluster.connectors()
            return all(is_ready(connectors[name]) for name in names)

        until(f"{len(names)} connectors are Ready", look, seconds, pause=pause)

    def until_quiet(self, seconds: float = 1.0, *, patience: float = 60.0) -> None:
        """Wait until the operator has neither called AWS nor written for *seconds*.

        Raises:
            NotSeenError: that does not come within *patience* seconds.
        """
        last, since = self.mark(), time.monotonic()

        def look() -> bool:
            nonlocal last, since
            now = self.mark()
            if self._has_worked(last):
                since = time.monotonic()
            last = now
            return time.monotonic() - since >= seconds

        until("the operator is quiet", look, patience)

    def mark(self) -> Mark:
        """The present moment."""
        return Mark(self.aws.calls.mark(), self._audit.mark())

    def calls(self, since: Mark) -> Calls:
        """What the operator asked of AWS, the exchange of its token for credentials included."""
        return Calls([call for call in self.aws.calls.since(since.calls) if self._is_operators(call)])

    def management_calls(self, since: Mark, managed: ManagedOrganization) -> Calls:
        """What the operator asked of AWS in a management account."""
        of_account = self.aws.calls.since(since.calls).of(account=managed.management)
        return Calls([call for call in of_account if self._is_by_management_role(call)])

    def writes(self, since: Mark) -> list[Write]:
        """What the operator wrote in Kubernetes."""
        return self._audit.writes(self.cluster.namespace, RELEASE, since.writes)

    @property
    def operator_role(self) -> str:
        """The name of the operator's role."""
        return self._installation.environment["AWS_ROLE_ARN"].rpartition("/")[2]

    def _is_operators(self, call: CallRecord) -> bool:
        role_arn = self._installation.environment["AWS_ROLE_ARN"]
        if call.caller is None:
            return call.parameters.get("RoleArn") == role_arn
        return call.account_id == self.account.account_id and f"/{role_arn.rpartition('/')[2]}/" in call.caller

    def _is_by_management_role(self, call: CallRecord) -> bool:
        entry = self._installation.management_account
        return entry is not None and f"/{str(entry['roleArn']).rpartition('/')[2]}/" in (call.caller or "")

    def _has_worked(self, since: Mark) -> bool:
        """Tell whether the operator has called AWS or written; others may work beside it."""
        calls = self.aws.calls.since(since.calls)
        called = any(self._is_operators(call) or self._is_by_management_role(call) for call in calls)
        return called or bool(self.writes(since))

    @property
    def memory(self) -> float:
        """The operator's resident set, in MiB."""
        return psutil.Process(self.operator.pid).memory_info().rss / MIB

    @property
    def peak_memory(self) -> float:
        """The largest that its resident set has been, in MiB (proc_pid_status(5), VmHWM)."""
        with open(f"/proc/{self.operator.pid}/status", encoding="utf-8") as file:  # noqa: PTH123 -- no file of ours
            found = re.search(r"^VmHWM:\s+(\d+) kB$", file.read(), re.MULTILINE)
        return int(found.group(1)) / 1024 if found else 0.0

    @property
    def cpu_seconds(self) -> float:
        """What all of the operator's threads have computed so far, to the microsecond."""
        return time.clock_gettime((~self.operator.pid << 3) | _CPU_CLOCK)


@contextmanager
def stand(around: Surroundings, managed: ManagedOrganization | None = None, **values: Any) -> Iterator[Stand]:
    """Install and start an operator for the length of a block.

    Args:
        around: The cluster and AWS.
        managed: The organization that connectors manage; its unit gets the operator's account. None for mode Account.
        values: Chart values besides the sandbox's own.
    """
    account = around.create_account()
    namespace = f"benchmark-{secrets.token_hex(4)}"
    chart: Mapping[str, Any] = {"watchNamespaces": [namespace], **values}
    installation = _installed(around, account, managed, namespace, chart)
    cluster = Cluster(around.control_plane.kubeconfig, namespace)
    cluster.create_token()
    made = Stand(around.aws, account, cluster, installation.start(), installation, around.control_plane.audit_log())
    try:
        yield made
    except BaseException as error:
        error.add_note(f"the operator's log ends:\n{made.operator.log[-4000:]}")
        raise
    finally:
        made.operator.stop()


def _installed(
    around: Surroundings,
    account: Account,
    managed: ManagedOrganization | None,
    namespace: str,
    chart: Mapping[str, Any],
) -> Installation:
    if managed is None:
        return Installation.install(around.control_plane, around.aws, account, namespace, chart)
    managed.organization.join(account, managed.unit)
    return Installation.install_for_organization(around.control_plane, around.aws, account, managed, namespace, chart)


def names(prefix: str, number: int, first: int = 0) -> list[str]:
    """Names of connectors."""
    return [f"{prefix}-{index}" for index in range(first, first + number)]
