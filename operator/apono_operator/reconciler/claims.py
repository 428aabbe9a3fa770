"""Whose a connector is, before anything else of a pass: of several installations of the operator one serves it."""

from __future__ import annotations

import structlog

from apono_operator.adapters.api_answers import NotAllowedError
from apono_operator.adapters.errors import ConflictError
from apono_operator.reconciler.environment import Environment
from apono_operator.reconciler.report import announce, contest, is_contested, record_events, withdraw_contest
from apono_operator.state.claim import CLAIMED_BY, Installation, claimant, contest_message
from apono_operator.state.conditions import Event
from apono_operator.state.resources import Manifest, Owner
from apono_operator.v1alpha1 import Reason

log: structlog.stdlib.BoundLogger = structlog.get_logger()


def claimed(environment: Environment, connector: Manifest, owner: Owner) -> Manifest | None:
    """Return *connector*, claimed for this installation if it may serve it; None if it is another's.

    What another has claimed is taken over when that one's Deployment is gone. One that no grant covers is not claimed:
    it is refused all the same, and left to whom it is granted.

    Raises:
        ConflictError: the connector was changed meanwhile.
        AdapterError: the API server did not say, or did not take the claim.
    """
    holder = claimant(connector)
    if holder == environment.installation:
        return _settle_contest(environment, connector, owner)
    if holder and is_there(environment, holder):
        _contest(environment, connector, owner, holder)
        return None
    if not _is_granted(environment, owner):
        return connector
    return _claim(environment, connector, owner, holder)


def holder_elsewhere(environment: Environment, connector: Manifest) -> Installation | None:
    """Return the other installation that serves *connector*, None if there is none.

    Raises:
        AdapterError: the API server does not say.
    """
    holder = claimant(connector)
    elsewhere = holder is not None and holder != environment.installation and is_there(environment, holder)
    return holder if elsewhere else None


def is_there(environment: Environment, installation: Installation) -> bool:
    """Tell whether *installation* has its Deployment, or whether nobody tells us.

    Raises:
        AdapterError: the API server does not say.
    """
    try:
        return environment.kubernetes.get(installation.key) is not None
    except NotAllowedError:  # it is in a namespace that this one may not read
        return True


def _is_granted(environment: Environment, owner: Owner) -> bool:
    return any(grant.covers_namespace(owner.namespace) for grant in environment.administration.grants)


def _claim(environment: Environment, connector: Manifest, owner: Owner, before: Installation | None) -> Manifest:
    if before:
        log.warning("taking over a connector of an installation that is gone", installation=str(before))
        connector = withdraw_contest(environment, connector, owner)
    return announce(environment, connector, owner, {CLAIMED_BY: str(environment.installation)})


def _contest(environment: Environment, connector: Manifest, owner: Owner, holder: Installation) -> None:
    if not _is_granted(environment, owner):
        return
    message = contest_message(holder, environment.installation)
    try:
        if contest(environment, connector, owner, message):
            record_events(environment, owner, [Event("Warning", Reason.CLAIMED_ELSEWHERE, message)])
    except ConflictError:
        log.debug("the connector was changed meanwhile; the next pass tells")


def _settle_contest(environment: Environment, connector: Manifest, owner: Owner) -> Manifest:
    """Take back hourly what another installation told, which tells it again if it is still there."""
    if not is_contested(connector):
        return connector
    now = environment.monotonic()
    since = environment.contests.setdefault(owner.uid, now)
    if now - since < environment.thorough_seconds:
        return connector
    del environment.contests[owner.uid]
    return withdraw_contest(environment, connector, owner)
