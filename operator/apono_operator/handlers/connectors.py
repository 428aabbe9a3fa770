"""The handlers: a daemon loops over each connector, events wake it, the delete handler ends it.

The rules that keep this safe with kopf: no filters on daemon or delete handler (kopf takes the finalizer off
what no longer matches); the daemon ends only when it is cancelled or the connector is gone; the delete handler
lasts as long as the deletion and never raises (kopf would take the finalizer off after the wrong error).
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import kopf
import structlog

from apono_operator import v1alpha1
from apono_operator.adapters.errors import AdapterError, FencedError
from apono_operator.handlers.timing import Timing
from apono_operator.handlers.work_items import WorkItem, WorkItems
from apono_operator.reconciler import Outcome, Reconciler, Remainder
from apono_operator.state.finding import Next, unknown
from apono_operator.state.resources import CONNECTOR_LABEL, Owner, look_asked_for
from apono_operator.v1alpha1 import Reason

log: structlog.stdlib.BoundLogger = structlog.get_logger()

DELETION_SLICE = 3.0
"""Seconds between looks for an edit while a deletion backs off: kopf hands out no events meanwhile."""

_DELETION_BACKOFF = 5
"""Failures after which a deletion's back-off grows no more."""

T = TypeVar("T")

_NEWSWORTHY_METADATA = ("generation", "deletionTimestamp", "finalizers", "labels", "ownerReferences")
CHILDREN = (("apps", "v1", "deployments"), ("", "v1", "serviceaccounts"), ("", "v1", "pods"))


class ConnectorHandlers:
    """The handlers for AponoConnectors and their children.

    Args:
        reconciler: What they call.
        items: The operator's memory of connectors.
        timing: When to look again.
    """

    def __init__(self, reconciler: Reconciler, items: WorkItems, timing: Timing) -> None:
        self._reconciler = reconciler
        self._items = items
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
        news = _news(body)
        if news != item.news:
            item.failures = 0  # a correction is not made to wait for an old failure's back-off
        if type is None or news != item.news:
            item.look = True
            item.wake.set()
        item.news = news

    async def _on_child(self, body: kopf.Body, **_: Any) -> None:
        metadata = body["metadata"]
        item = self._items.labelled(metadata["namespace"], metadata["labels"][CONNECTOR_LABEL])
        if item:
            item.wake.set()

    async def _reconcile(self, body: kopf.Body, **_: Any) -> None:
        owner = _owner(body)
        item = self._items.of(owner)
        with (
            structlog.contextvars.bound_contextvars(**_context(owner)),
            contextlib.suppress(asyncio.CancelledError),
        ):
            await self._loop(item)

    async def _loop(self, item: WorkItem) -> None:
        """Make a pass when it is time or when there is news; news from children alone spares AWS."""
        loop = asyncio.get_running_loop()
        look_at = loop.time()
        while True:
            item.wake.clear()
            due, item.look = item.look or loop.time() >= look_at, False
            wait = item.allowance.take(loop.time()) if due else 0.0
            look = due and not wait
            delay = await self._pass(item, quick=not look)
            next_pass = loop.time() + delay
            if due:
                look_at = loop.time() + wait if wait else next_pass
            await self._rest(item, min(next_pass, look_at))

    async def _pass(self, item: WorkItem, *, quick: bool) -> float:
        """Make one pass; return the seconds until the next."""
        try:
            outcome = await self._items.in_thread(item, lambda: self._reconciler.reconcile(item.owner, quick=quick))
        except FencedError:
            return self._timing.resync
        except Exception as failure:  # noqa: BLE001 -- the loop must not end
            self._log("the pass failed", failure)
            item.failures += 1
            return self._timing.backoff(item.failures)
        return self._after(item, outcome or Outcome(Next.NOTHING), quick=quick)

    def _after(self, item: WorkItem, outcome: Outcome, *, quick: bool) -> float:
        if outcome.awaits is Next.NOTHING and not outcome.hurry:
            item.failures = 0
        elif not quick or item.failures == 0:
            item.failures += 1
        return self._timing.after(outcome, item.failures)

    async def _rest(self, item: WorkItem, until: float) -> None:
        """Wait until something wakes the item, a Secret has changed, or it is time."""
        loop = asyncio.get_running_loop()
        while (left := until - loop.time()) > 0:
            if await _wakes(item, min(left, self._timing.secrets)):
                return
            if left > self._timing.secrets and await self._secrets_changed(item):
                item.failures = 0
                item.look = True
                return

    async def _secrets_changed(self, item: WorkItem) -> bool:
        return bool(await self._asked(item, lambda: self._reconciler.secrets_changed(item.owner)))

    async def _finalize(self, body: kopf.Body, **_: Any) -> None:
        owner = _owner(body)
        item = self._items.of(owner)
        item.failures = 0
        with structlog.contextvars.bound_contextvars(**_context(owner)):
            while True:
                remainder = await self._removed(item)
                if remainder is None:
                    return
                item.failures += 1
                await self._pause(item, self._deletion_delay(item, remainder), remainder.generation)

    def _deletion_delay(self, item: WorkItem, remainder: Remainder) -> float:
        """What goes on by itself is looked at steadily, what fails with back-off."""
        if remainder.finding.reason is Reason.DELETING:
            return min(self._timing.first_retry * item.failures, DELETION_SLICE)
        return self._timing.backoff(min(item.failures, _DELETION_BACKOFF))

    async def _removed(self, item: WorkItem) -> Remainder | None:
        """Take one step of the deletion; return what it waits for, None when it is done."""
        try:
            remainder = await self._items.in_thread(item, lambda: self._reconciler.finalize(item.owner))
        except FencedError:
            await asyncio.Event().wait()  # the process is ending: hold the finalizer until it has
            return None
        except Exception as failure:  # noqa: BLE001 -- kopf would take the finalizer off after the wrong error
            self._log("the deletion cannot go on", failure)
            return Remainder(unknown(Reason.OPERATOR_ERROR, "See the log."), await self._generation(item))
        if remainder:
            log.info("the deletion waits", reason=str(remainder.finding.reason), detail=remainder.finding.message)
        return remainder

    async def _pause(self, item: WorkItem, delay: float, generation: int | None) -> None:
        """Wait, in slices: an edit of the object since *generation* ends the wait."""
        loop = asyncio.get_running_loop()
        until = loop.time() + delay
        while (left := until - loop.time()) > 0:
            await asyncio.sleep(min(left, DELETION_SLICE))
            if left > DELETION_SLICE and await self._generation(item) != generation:
                return

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


async def _wakes(item: WorkItem, seconds: float) -> bool:
    try:
        await asyncio.wait_for(item.wake.wait(), seconds)
    except TimeoutError:
        return False
    return True


def _owner(body: Mapping[str, Any]) -> Owner:
    metadata = body["metadata"]
    return Owner(metadata["namespace"], metadata["name"], metadata["uid"])


def _context(owner: Owner) -> dict[str, str]:
    return {"namespace": owner.namespace, "connector": owner.name, "uid": owner.uid}


def _news(body: Mapping[str, Any]) -> tuple[Any, ...]:
    """The part of a connector whose change is worth a pass: not its status, which we write."""
    metadata = body["metadata"]
    return (*(_plain(metadata.get(key)) for key in _NEWSWORTHY_METADATA), look_asked_for(body))


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _plain(child) for key, child in value.items()}
    return [_plain(child) for child in value] if isinstance(value, (list, tuple)) else value
