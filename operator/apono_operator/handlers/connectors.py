"""The handlers: a daemon loops over each connector, events wake it, the delete handler ends it.

The rules that keep this safe with kopf: no filters on daemon or delete handler (kopf takes the finalizer off
what no longer matches); the daemon ends only when it is cancelled or the connector is gone; the delete handler
lasts as long as the deletion and never raises (kopf would take the finalizer off after the wrong error).
"""

from __future__ import annotations

import asyncio
import contextlib
import math
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import kopf
import structlog

from apono_operator import v1alpha1
from apono_operator.adapters.errors import AdapterError, FencedError
from apono_operator.adapters.priority import Priority
from apono_operator.handlers.looks import Looks, Turn
from apono_operator.handlers.timing import Timing
from apono_operator.handlers.work_items import WorkItem, WorkItems
from apono_operator.reconciler import Outcome, Reconciler, Remainder
from apono_operator.state.finding import Next, unknown
from apono_operator.state.resources import CONNECTOR_LABEL, Owner, look_asked_for
from apono_operator.state.stack import REPLACEMENT_CONSENT
from apono_operator.telemetry.metrics import counted
from apono_operator.v1alpha1 import AponoConnectorStatus, ConditionStatus, ConditionType, Reason

log: structlog.stdlib.BoundLogger = structlog.get_logger()

DELETION_SLICE = 3.0
"""Seconds between looks for an edit while a deletion backs off: kopf hands out no events meanwhile."""

_DELETION_BACKOFF = 5
"""Failures after which a deletion's back-off grows no more."""

URGENT_RETRIES = 5
"""Failures in a row after which a connector waits as if all were well: it must not hold up those of others."""

T = TypeVar("T")

_NEWSWORTHY_METADATA = ("generation", "deletionTimestamp", "finalizers", "labels", "ownerReferences")
CHILDREN = (("apps", "v1", "deployments"), ("", "v1", "serviceaccounts"), ("", "v1", "pods"))


class ConnectorHandlers:
    """The handlers for AponoConnectors and their children.

    Args:
        reconciler: What they call.
        items: The operator's memory of connectors.
        looks: Whose turn it is to look at AWS.
        timing: When to look again.
    """

    def __init__(self, reconciler: Reconciler, items: WorkItems, looks: Looks, timing: Timing) -> None:
        self._reconciler = reconciler
        self._items = items
        self._looks = looks
        self._timing = timing

    def register(self, registry: kopf.OperatorRegistry) -> None:
        """Put the handlers into kopf's *registry*."""
        kind = (v1alpha1.GROUP, v1alpha1.VERSION, v1alpha1.PLURAL)
        kopf.on.event(*kind, registry=registry, id="wake")(self._on_connector)
        kopf.daemon(*kind, registry=registry, id="reconcile", cancellation_timeout=1.0)(self._reconcile)
        kopf.on.delete(*kind, registry=registry, id="finalize")(self._finalize)
        labelled = {CONNECTOR_LABEL: kopf.PRESENT}
        for resource in CHILDREN:
            kopf.on.event(*resource, registry=registry, id=f"wake-{resource[-1]}", labels=labelled)(self._on_child)

    async def _on_connector(self, type: str | None, body: kopf.Body, **_: Any) -> None:  # noqa: A002 -- kopf's word
        owner = _owner(body)
        if type == "DELETED":
            self._items.forget(owner)
            self._reconciler.forget(owner)
            return
        item = self._items.of(owner)
        before, item.news = item.news, _news(body)
        if item.news == item.read:  # a look came before the news, as mostly with that of our finalizer
            if type is None:
                item.wake.set()  # kopf lists anew: news of children may have been lost
            return
        if item.news != before:
            item.failures = item.unready = 0  # a correction is not made to wait for an old failure's back-off
            item.demand_look(Priority.USER if before else _priority_at_first_sight(body))
        elif type is None:
            item.demand_look(Priority.ROUTINE)

    async def _on_child(self, type: str | None, body: kopf.Body, **_: Any) -> None:  # noqa: A002 -- kopf's word
        metadata = body["metadata"]
        item = self._items.labelled(metadata["namespace"], metadata["labels"][CONNECTOR_LABEL])
        if item is None:
            return
        if item.turn and not item.looked and type is not None:
            item.demand_look(Priority.RETRY)  # something has changed, and no pass can do without the look in line
        else:
            item.wake.set()

    async def _reconcile(self, body: kopf.Body, **_: Any) -> None:
        owner = _owner(body)
        item = self._items.of(owner)
        with (
            structlog.contextvars.bound_contextvars(**_context(owner)),
            contextlib.suppress(asyncio.CancelledError),
        ):
            try:
                await self._loop(item)
            finally:
                item.leave_line()

    async def _loop(self, item: WorkItem) -> None:
        """Look at AWS when it is time or when there is news; news from children alone, and meanwhile, spares AWS."""
        loop = asyncio.get_running_loop()
        look_at, quick_at = loop.time(), math.inf
        while True:
            news = item.wake.is_set()
            if item.look or loop.time() >= look_at:
                look_at = self._line_up(item, loop.time())
            item.wake.clear()
            if item.turn and item.turn.given:
                delay, quick_delay = await self._look(item)
                look_at, quick_at = loop.time() + delay, loop.time() + quick_delay
            elif item.looked and (news or loop.time() >= quick_at):
                _, quick_delay = await self._pass(item)
                quick_at = loop.time() + quick_delay
            await self._rest(item, min(look_at, quick_at) if item.looked else look_at)

    def _line_up(self, item: WorkItem, now: float) -> float:
        """See to it that a look will come; return when to try again, which is not needed in the line."""
        item.look = False
        retries = 0 < item.failures <= URGENT_RETRIES
        priority = min(item.priority, Priority.RETRY if retries else Priority.ROUTINE)
        if item.turn is None:
            wait = item.allowance.take(now)
            if wait:
                return now + wait
        elif priority >= item.turn.priority:
            return math.inf
        item.leave_line()
        item.turn = self._looks.line_up(priority, item.wake.set)
        return math.inf

    async def _look(self, item: WorkItem) -> tuple[float, float]:
        """Make a pass that looks at AWS, in the turn that was given; return what `_pass` does."""
        turn, item.turn = item.turn, None
        item.priority = Priority.ROUTINE
        return await self._pass(item, turn)

    async def _pass(self, item: WorkItem, turn: Turn | None = None) -> tuple[float, float]:
        """Make one pass, which without a turn spares AWS.

        Returns the seconds until the next look at AWS, and until the next pass that spares it.
        """
        quick = turn is None
        try:
            outcome = await self._items.in_thread(item, lambda: self._reconciled(item.owner, quick=quick), turn)
        except FencedError:
            return self._timing.resync, math.inf
        except Exception as failure:  # noqa: BLE001 -- the loop must not end
            self._log("the pass failed", failure)
            item.failures += 1
            delay = self._timing.backoff(item.failures)
            return delay, delay if quick else math.inf
        if outcome is None:  # gone, going, or without our finalizer: once it is back, all may be as it was read before
            item.failures += 1
            return self._timing.backoff(item.failures), math.inf
        if not quick:
            self._note_look(item, outcome)
        as_asked = outcome.children is Next.NOTHING and not outcome.hurry
        item.unready = 0 if as_asked else item.unready + 1
        return self._timing.after(outcome, item.failures), self._quick_delay(item, outcome)

    def _reconciled(self, owner: Owner, *, quick: bool) -> Outcome | None:
        kind = "quick" if quick else "look"
        return counted(kind, lambda: self._reconciler.reconcile(owner, quick=quick), _is_satisfied)

    @staticmethod
    def _note_look(item: WorkItem, outcome: Outcome) -> None:
        satisfied = outcome.awaits is Next.NOTHING and not outcome.hurry
        item.looked, item.failures = True, 0 if satisfied else item.failures + 1
        item.read = _news(outcome.read) if outcome.read else None
        if item.read == item.news:
            item.look, item.priority = False, Priority.ROUTINE  # what it was demanded for, this one has seen

    def _quick_delay(self, item: WorkItem, outcome: Outcome) -> float:
        if outcome.hurry:
            return self._timing.after(outcome, max(item.failures, item.unready))
        return self._timing.of_children(outcome, item.unready)

    async def _rest(self, item: WorkItem, until: float) -> None:
        """Wait until something wakes the item, a Secret has changed, or it is time."""
        loop = asyncio.get_running_loop()
        while (left := until - loop.time()) > 0:
            if await _wakes(item, min(left, self._timing.secrets)):
                return
            if left > self._timing.secrets and await self._secrets_changed(item):
                item.failures = 0
                item.demand_look(Priority.USER)
                return

    async def _secrets_changed(self, item: WorkItem) -> bool:
        return bool(await self._asked(item, lambda: self._reconciler.secrets_changed(item.owner)))

    async def _finalize(self, body: kopf.Body, **_: Any) -> None:
        owner = _owner(body)
        item = self._items.of(owner)
        item.failures = 0
        priority = Priority.USER
        with structlog.contextvars.bound_contextvars(**_context(owner)):
            while remainder := await self._step(item, priority):
                item.failures += 1
                priority = Priority.USER if remainder.finding.reason is Reason.DELETING else Priority.RETRY
                if await self._pause(item, self._deletion_delay(item, remainder), remainder.generation):
                    priority = Priority.USER

    async def _step(self, item: WorkItem, priority: Priority) -> Remainder | None:
        """Take a step of the deletion; AWS is left for last, because pods and ``Retain`` do not have to wait for it."""
        remainder = await self._removed(item)
        if remainder is None or not remainder.needs_aws:
            return remainder
        turn = await self._turn(item, priority, remainder.generation)
        return await self._removed(item, turn) if turn else remainder

    def _deletion_delay(self, item: WorkItem, remainder: Remainder) -> float:
        """What goes on by itself is looked at steadily, what fails with back-off."""
        if remainder.finding.reason is Reason.DELETING:
            return min(self._timing.first_retry * item.failures, DELETION_SLICE)
        return self._timing.backoff(min(item.failures, _DELETION_BACKOFF))

    async def _turn(self, item: WorkItem, priority: Priority, generation: int | None) -> Turn | None:
        """Return a turn when it is given; None if somebody edits the object before, since *generation*."""
        given = asyncio.Event()
        turn = self._looks.line_up(priority, given.set)
        try:
            while not given.is_set():
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(given.wait(), DELETION_SLICE)
                if not given.is_set() and await self._generation(item) != generation:
                    turn.end()
                    return None
        except asyncio.CancelledError:
            turn.end()
            raise
        return turn

    async def _removed(self, item: WorkItem, turn: Turn | None = None) -> Remainder | None:
        """Go on with the deletion, without a turn sparing AWS; return what it waits for, None when it is done."""
        quick = turn is None
        try:
            remainder = await self._items.in_thread(item, lambda: self._finalized(item.owner, quick=quick), turn)
        except FencedError:
            await asyncio.Event().wait()  # the process is ending: hold the finalizer until it has
            return None
        except Exception as failure:  # noqa: BLE001 -- kopf would take the finalizer off after the wrong error
            self._log("the deletion cannot go on", failure)
            return Remainder(unknown(Reason.OPERATOR_ERROR, "See the log."), await self._generation(item))
        if remainder and not remainder.needs_aws:
            log.info("the deletion waits", reason=str(remainder.finding.reason), detail=remainder.finding.message)
        return remainder

    def _finalized(self, owner: Owner, *, quick: bool) -> Remainder | None:
        return counted("deletion", lambda: self._reconciler.finalize(owner, quick=quick), lambda left: left is None)

    async def _pause(self, item: WorkItem, delay: float, generation: int | None) -> bool:
        """Wait, in slices; tell whether an edit of the object since *generation* ended the wait."""
        loop = asyncio.get_running_loop()
        until = loop.time() + delay
        while (left := until - loop.time()) > 0:
            await asyncio.sleep(min(left, DELETION_SLICE))
            if left > DELETION_SLICE and await self._generation(item) != generation:
                return True
        return False

    async def _generation(self, item: WorkItem) -> int | None:
        return await self._asked(item, lambda: self._reconciler.generation(item.owner))

    async def _asked(self, item: WorkItem, question: Callable[[], T]) -> T | None:
        """Return the answer, None if there is none to be had."""
        try:
            return await self._items.in_thread(item, question)
        except FencedError:
            return None
        except Exception as failure:  # noqa: BLE001 -- the loop must not end
            self._log("a look between passes failed", failure)
            return None

    @staticmethod
    def _log(what: str, failure: Exception) -> None:
        if isinstance(failure, AdapterError):
            log.warning(what, error=failure.message)
        else:
            log.error(what, exc_info=failure)


def _is_satisfied(outcome: Outcome | None) -> bool:
    return outcome is None or (outcome.awaits, outcome.children) == (Next.NOTHING, Next.NOTHING)


async def _wakes(item: WorkItem, seconds: float) -> bool:
    try:
        await asyncio.wait_for(item.wake.wait(), seconds)
    except TimeoutError:
        return False
    return True


def _priority_at_first_sight(body: Mapping[str, Any]) -> Priority:
    """A connector whose status speaks of its present generation has been served, by us before a restart."""
    status = AponoConnectorStatus.readable(body.get("status", {}))
    ready = next((one for one in status.conditions or () if one.type == ConditionType.READY), None)
    if ready is None or ready.observed_generation != body["metadata"].get("generation"):
        return Priority.USER
    return Priority.ROUTINE if ready.status is ConditionStatus.TRUE else Priority.RETRY


def _owner(body: Mapping[str, Any]) -> Owner:
    metadata = body["metadata"]
    return Owner(metadata["namespace"], metadata["name"], metadata["uid"])


def _context(owner: Owner) -> dict[str, str]:
    return {"namespace": owner.namespace, "connector": owner.name, "uid": owner.uid}


def _news(body: Mapping[str, Any]) -> tuple[Any, ...]:
    """The part of a connector whose change is worth a pass: not its status, which we write."""
    metadata = body["metadata"]
    consent = metadata.get("annotations", {}).get(REPLACEMENT_CONSENT)
    return (*(_plain(metadata.get(key)) for key in _NEWSWORTHY_METADATA), look_asked_for(body), consent)


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _plain(child) for key, child in value.items()}
    return [_plain(child) for child in value] if isinstance(value, (list, tuple)) else value
