"""The handlers: a daemon loops over each connector, events ring its bell, the delete handler ends it.

The rules that keep this safe with kopf: no filters on daemon or delete handler (kopf takes the finalizer off
what no longer matches); the daemon ends only when it is cancelled or the connector is gone; the delete handler
lasts as long as the deletion and never raises (kopf would take the finalizer off after the wrong error).
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping
from typing import Any

import kopf
import structlog

from apono_operator import v1alpha1
from apono_operator.adapters.errors import AdapterError, FencedError
from apono_operator.handlers.beats import Beat, Beats
from apono_operator.handlers.timing import Timing
from apono_operator.reconciler import Outcome, Reconciler
from apono_operator.state.finding import Next
from apono_operator.state.resources import CONNECTOR_LABEL, Owner

log: structlog.stdlib.BoundLogger = structlog.get_logger()

DELETION_SLICE = 3.0
"""Seconds between looks for an edit while a deletion backs off: kopf hands out no events meanwhile."""

_NEWSWORTHY_METADATA = ("generation", "deletionTimestamp", "finalizers", "labels", "ownerReferences")
CHILDREN = (("apps", "v1", "deployments"), ("", "v1", "serviceaccounts"), ("", "v1", "pods"))


class ConnectorHandlers:
    """The handlers for AponoConnectors and their children.

    Args:
        reconciler: What they call.
        beats: The operator's memory of connectors.
        timing: When to look again.
    """

    def __init__(self, reconciler: Reconciler, beats: Beats, timing: Timing) -> None:
        self._reconciler = reconciler
        self._beats = beats
        self._timing = timing

    def register(self, registry: kopf.OperatorRegistry) -> None:
        """Put the handlers into kopf's *registry*."""
        kind = (v1alpha1.GROUP, v1alpha1.VERSION, v1alpha1.PLURAL)
        kopf.on.event(*kind, registry=registry, id="ring")(self._on_connector)
        kopf.daemon(*kind, registry=registry, id="reconcile", cancellation_timeout=1.0)(self._reconcile)
        kopf.on.delete(*kind, registry=registry, id="finalize")(self._finalize)
        for group, version, plural in CHILDREN:
            kopf.on.event(
                group,
                version,
                plural,
                registry=registry,
                id=f"ring-{plural}",
                labels={CONNECTOR_LABEL: kopf.PRESENT},
            )(self._on_child)

    async def _on_connector(self, type: str | None, body: kopf.Body, **_: Any) -> None:  # noqa: A002 -- kopf's word
        owner = _owner(body)
        if type == "DELETED":
            self._beats.forget(owner)
            self._reconciler.forget(owner)
            return
        beat = self._beats.of(owner)
        news = _news(body)
        if type is None or news != beat.news:
            beat.bell.set()
        if news != beat.news:
            beat.failures = 0  # a correction is not made to wait for an old failure's back-off
        beat.news = news

    async def _on_child(self, type: str | None, body: kopf.Body, **_: Any) -> None:  # noqa: A002, ARG002 -- kopf's words
        metadata = body["metadata"]
        beat = self._beats.labelled(metadata["namespace"], metadata["labels"][CONNECTOR_LABEL])
        if beat:
            beat.bell.set()

    async def _reconcile(self, body: kopf.Body, **_: Any) -> None:
        owner = _owner(body)
        beat = self._beats.of(owner)
        with (
            structlog.contextvars.bound_contextvars(**_context(owner)),
            contextlib.suppress(asyncio.CancelledError),
        ):
            while True:
                beat.bell.clear()
                delay = await self._pass(beat)
                await self._rest(beat, delay)

    async def _pass(self, beat: Beat) -> float:
        """Make one pass; return the seconds until the next."""
        try:
            outcome = await self._beats.in_thread(beat, lambda: self._reconciler.reconcile(beat.owner))
        except FencedError:
            return self._timing.resync
        except AdapterError as error:
            log.warning("the pass failed", error=error.message)
            return self._failed(beat)
        except Exception:
            log.exception("the pass met a case that the operator does not know")
            return self._failed(beat)
        return self._satisfied(beat, outcome)

    def _satisfied(self, beat: Beat, outcome: Outcome | None) -> float:
        if outcome is None or (outcome.awaits is Next.NOTHING and not outcome.hurry):
            beat.failures = 0
            return self._timing.after(outcome or Outcome(Next.NOTHING), 0)
        beat.failures += 1
        return self._timing.after(outcome, beat.failures)

    def _failed(self, beat: Beat) -> float:
        beat.failures += 1
        return self._timing.backoff(beat.failures)

    async def _rest(self, beat: Beat, delay: float) -> None:
        """Wait for the bell, a changed Secret, or the end of *delay*."""
        loop = asyncio.get_running_loop()
        until = loop.time() + delay
        while (left := until - loop.time()) > 0:
            if await _rings(beat, min(left, self._timing.secrets)):
                return
            if left > self._timing.secrets and await self._secrets_changed(beat):
                return

    async def _secrets_changed(self, beat: Beat) -> bool:
        try:
            return await self._beats.in_thread(beat, lambda: self._reconciler.secrets_changed(beat.owner))
        except (AdapterError, FencedError):
            return False

    async def _finalize(self, body: kopf.Body, **_: Any) -> None:
        owner = _owner(body)
        beat = self._beats.of(owner)
        beat.failures = 0
        with structlog.contextvars.bound_contextvars(**_context(owner)):
            while not await self._removed(beat):
                beat.failures += 1
                await self._pause(beat, self._timing.backoff(min(beat.failures, 5)))

    async def _removed(self, beat: Beat) -> bool:
        try:
            finding = await self._beats.in_thread(beat, lambda: self._reconciler.finalize(beat.owner))
        except FencedError:
            await asyncio.Event().wait()  # the process is ending: hold the finalizer until it has
            return False
        except AdapterError as error:
            log.warning("the deletion cannot go on", error=error.message)
            return False
        except Exception:
            log.exception("the deletion met a case that the operator does not know")
            return False
        if finding:
            log.info("the deletion waits", reason=str(finding.reason), detail=finding.message)
        return finding is None

    async def _pause(self, beat: Beat, delay: float) -> None:
        """Wait, in slices: an edit of the object ends the wait."""
        loop = asyncio.get_running_loop()
        until = loop.time() + delay
        before = await self._generation(beat)
        while (left := until - loop.time()) > 0:
            await asyncio.sleep(min(left, DELETION_SLICE))
            if left > DELETION_SLICE and await self._generation(beat) != before:
                return

    async def _generation(self, beat: Beat) -> int | None:
        try:
            return await self._beats.in_thread(beat, lambda: self._reconciler.generation(beat.owner))
        except (AdapterError, FencedError):
            return None


async def _rings(beat: Beat, seconds: float) -> bool:
    try:
        await asyncio.wait_for(beat.bell.wait(), seconds)
    except TimeoutError:
        return False
    return True


def _owner(body: Mapping[str, Any]) -> Owner:
    metadata = body["metadata"]
    return Owner(metadata["namespace"], metadata["name"], metadata["uid"])


def _context(owner: Owner) -> dict[str, str]:
    return {"namespace": owner.namespace, "connector": owner.name, "uid": owner.uid}


def _news(body: Mapping[str, Any]) -> object:
    """The part of a connector whose change is worth a pass: not its status, which we write."""
    metadata = body["metadata"]
    asked = metadata.get("annotations", {}).get(v1alpha1.RECONCILE_AT)
    return [*(_plain(metadata.get(key)) for key in _NEWSWORTHY_METADATA), asked]


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _plain(child) for key, child in value.items()}
    return [_plain(child) for child in value] if isinstance(value, (list, tuple)) else value
