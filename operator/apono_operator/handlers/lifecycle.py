"""How kopf is set up: quiet, without its own bookkeeping on the objects, with our finalizer."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import kopf

from apono_operator.handlers.connectors import CHILDREN
from apono_operator.state.resources import CONNECTOR_LABEL
from apono_operator.v1alpha1 import FINALIZER, GROUP, PLURAL, VERSION


class Backoffs:
    """Seconds between kopf's tries of a failed request: without an end, as kopf itself would end with the last try.

    What it watches in one namespace may be forbidden at any time, above all when the namespace is deleted and the
    operator's rights there go first, and must not keep it from serving the others.
    """

    def __iter__(self) -> Iterator[float]:
        """Begin anew, as kopf does with each request."""
        return itertools.chain((1, 1, 2, 3, 5, 8, 13), itertools.repeat(15))


class NoDiffBase(kopf.DiffBaseStorage):
    """We are level-triggered: no copy of the object is kept on the object."""

    def fetch(self, *, body: kopf.Body) -> None:  # noqa: ARG002 -- kopf's signature
        """Know of no earlier state."""
        return

    def store(self, **_: Any) -> None:
        """Keep nothing."""


class NoProgress(kopf.AnnotationsProgressStorage):
    """Our handlers keep no progress on the object, and believe none that somebody wrote there.

    `touch`, which kopf wakes itself with, stays.
    """

    def fetch(self, **_: Any) -> None:
        """Know of no progress: forged progress could end a deletion."""
        return

    def store(self, **_: Any) -> None:
        """Keep nothing."""


def settings(selector: str = "") -> kopf.OperatorSettings:
    """Return kopf's settings for this operator.

    Args:
        selector: Label selector of the connectors to watch; empty: all. One that fits it no longer is seen to go, and
            no filter of kopf's own, so that its finalizer stays on.
    """
    options = kopf.OperatorSettings()
    options.persistence.finalizer = FINALIZER
    options.persistence.diffbase_storage = NoDiffBase()
    options.persistence.progress_storage = NoProgress(prefix=GROUP, v1=False)
    options.posting.enabled = False
    options.scanning.disabled = True
    options.peering.standalone = True
    options.queueing.exit_timeout = 0.1
    options.watching.server_timeout = 240
    options.watching.connect_timeout = 10
    options.watching.chunk_size = 25  # objects may be a megabyte each, and anybody may label one
    options.networking.error_backoffs = Backoffs()
    options.networking.request_timeout = 30
    options.networking.connect_timeout = 10
    options.process.ultimate_exiting_timeout = 25
    if selector:
        options.watching.label_selectors[GROUP, VERSION, PLURAL] = selector
    for group, version, plural in CHILDREN:
        options.watching.label_selectors[group, version, plural] = CONNECTOR_LABEL
    return options


def register_login(registry: kopf.OperatorRegistry) -> None:
    """Let kopf log in as the official client does."""
    kopf.on.login(registry=registry)(kopf.login_via_client)
