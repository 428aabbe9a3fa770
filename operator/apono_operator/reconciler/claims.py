"""Whose a connector is, before anything else of a pass: of several installations of the operator one serves it."""

from __future__ import annotations

import structlog

from apono_operator.adapters.api_answers import NotAllowedError
from apono_operator.adapters.errors import ConflictError, RejectedError
from apono_operator.reconciler.environment import Environment
from apono_operator.reconciler.report import (
    announce,
    contest,
    is_contested,
    record_events,
    withdraw,
    withdraw_contest,
)
from apono_operator.state.claim import CLAIMED_BY, Installation, Reach, claimant, contest_message, reach_of
from apono_operator.state.conditions import Event
from apono_operator.state.resources import Manifest, Owner
from apono_operator.v1alpha1 import Reason

log: structlog.stdlib.BoundLogger = structlog.get_logger()


def claimed(environment: Environment, connector: Manifest, owner: Owner) -> Manifest | None:
    """Return *connector*, claimed for this installation if it may serve it; None if it is another's.

    What another has claimed is taken over when that one's Deployment is gone, or is set up for it no longer. A claim on
    what is no longer granted is given up if another installation is set up for it. What no grant covers is not claimed:
    it is refused all the same, and left to whom it is granted.

    Raises:
        ConflictError: the connector was changed meanwhile.
        AdapterError: the API server did not say, or did not take the claim.
    """
    holder = claimant(connector)
    if holder == environment.installation:
        return _kept(environment, connector, owner)
    if holder and serves(environment, holder, owner):
        _contest(environment, connector, owner, holder)
        return None
    if not _is_granted(environment, owner):
        return connector
    return _claim(environment, connector, owner, holder)


def holder_elsewhere(environment: Environment, connector: Manifest, owner: Owner) -> Installation | None:
    """Return the other installation that serves *connector*, None if there is none.

    Raises:
        AdapterError: the API server does not say.
    """
    holder = claimant(connector)
    elsewhere = holder is not None and holder != environment.installation and serves(environment, holder, owner)
    return holder if elsewhere else None


def serves(environment: Environment, installation: Installation, owner: Owner) -> bool:
    """Tell whether *installation* has its Deployment, and is set up for the connector as far as anybody tells us.

    Raises:
        AdapterError: the API server does not say.
    """
    try:
        deployment = environment.kubernetes.get(installation.key)
    except NotAllowedError:  # it is in a namespace that this one may not read
        return True
    return deployment is not None and _reaches(environment, reach_of(deployment), owner)


def _reaches(environment: Environment, reach: Reach | None, owner: Owner) -> bool:
    if reach is None:
        return True
    if not reach.covers_namespace(owner.namespace):
        return False
    try:
        return not reach.selector or environment.kubernetes.fits(owner, reach.selector)
    except RejectedError:  # with such a selector it does not start; until that is corrected, nothing is known
        return True


def _is_granted(environment: Environment, owner: Owner) -> bool:
    return any(grant.covers_namespace(owner.namespace) for grant in environment.administration.grants)


def _claim(environment: Environment, connector: Manifest, owner: Owner, before: Installation | None) -> Manifest:
    if before:
        log.warning("taking over a connector that its installation serves no longer", installation=str(before))
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


def _kept(environment: Environment, connector: Manifest, owner: Owner) -> Manifest:
    if is_contested(connector) and not _is_granted(environment, owner):
        log.warning("leaving a connector that is granted no longer to another installation")
        return withdraw(environment, connector, owner, CLAIMED_BY)
    return _settle_contest(environment, connector, owner)


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
