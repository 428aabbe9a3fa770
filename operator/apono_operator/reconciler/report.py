"""Telling: the status, written only when it says something new, and Events about what became another."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import structlog

from apono_operator.adapters.api_answers import NotFoundError
from apono_operator.adapters.errors import AdapterError
from apono_operator.reconciler.environment import Environment
from apono_operator.state.conditions import (
    Event,
    aspects_of,
    conditions,
    deletion_conditions,
    events,
    one_line,
    timestamp,
)
from apono_operator.state.finding import Finding, Findings
from apono_operator.state.resources import Manifest, Owner
from apono_operator.v1alpha1 import AponoConnectorStatus, Condition, ConditionStatus, ConditionType, Mode, Reason

CONTENDER = "apono-operator-contender"
"""The field manager of the one condition that an installation writes which does not serve the connector."""

OURS = frozenset(ConditionType) - {ConditionType.CONTESTED}
"""The conditions of the installation that serves it."""

CORRECTION_SECONDS = 600.0
"""For how long the same correction is not told again."""

log: structlog.stdlib.BoundLogger = structlog.get_logger()


def status_of(connector: Manifest) -> dict[str, Any]:
    """Return the status as the API server has it, empty if there is none."""
    return dict(connector.get("status", {}))


def conditions_of(connector: Manifest) -> list[Condition]:
    """Return those conditions in the status that are ours and can be read."""
    listed = AponoConnectorStatus.readable(status_of(connector)).conditions or []
    return [condition for condition in listed if condition.type in OURS]


def write_status(
    environment: Environment, connector: Manifest, owner: Owner, findings: Findings, facts: Mapping[str, Any]
) -> None:
    """Write what a pass found; *facts* are status fields that it knows, others stay as they are.

    Raises:
        ConflictError: the connector was changed meanwhile.
        AdapterError: the status was not written.
    """
    generation = connector["metadata"]["generation"]
    aspects = aspects_of(_mode_of(connector))
    current = conditions(findings, conditions_of(connector), generation, environment.now(), aspects)
    _write(environment, connector, owner, {**facts, "observedGeneration": generation}, current)


def write_deletion_status(environment: Environment, connector: Manifest, owner: Owner, finding: Finding) -> None:
    """Write what a deletion waits for.

    Raises:
        ConflictError: the connector was changed meanwhile.
        AdapterError: the status was not written.
    """
    generation = connector["metadata"]["generation"]
    current = deletion_conditions(finding, conditions_of(connector), generation, environment.now())
    _write(environment, connector, owner, {"observedGeneration": generation}, current)


def announce(environment: Environment, connector: Manifest, owner: Owner, facts: Mapping[str, str]) -> Manifest:
    """Write *facts* into the status before what they tell of is begun, and return the connector as it is then.

    So whoever comes next knows what there may be, whatever happens in between.

    Raises:
        ConflictError: the connector was changed meanwhile.
        AdapterError: the status was not written.
    """
    known = _document(AponoConnectorStatus.readable(status_of(connector)))
    if all(known.get(name) == value for name, value in facts.items()):
        return connector
    version = connector["metadata"]["resourceVersion"]
    return environment.kubernetes.apply_status(owner, {**known, **facts}, resource_version=version)


def withdraw(environment: Environment, connector: Manifest, owner: Owner, fact: str) -> Manifest:
    """Take *fact* out of the status, and return the connector as it is then.

    Raises:
        ConflictError: the connector was changed meanwhile.
        AdapterError: the status was not written.
    """
    known = _document(AponoConnectorStatus.readable(status_of(connector)))
    others = {name: value for name, value in known.items() if name != fact}
    version = connector["metadata"]["resourceVersion"]
    return environment.kubernetes.apply_status(owner, others, resource_version=version)


def is_contested(connector: Manifest) -> bool:
    """Tell whether another installation of the operator told that it is set up for *connector* as well."""
    return _contested(connector) is not None


def contest(environment: Environment, connector: Manifest, owner: Owner, message: str) -> bool:
    """Tell, beside the status of who serves it, that this installation leaves the connector alone.

    Returns whether that is worth an Event: no installation told so before.

    Raises:
        ConflictError: the connector was changed meanwhile.
        AdapterError: it was not written.
    """
    before = _contested(connector)
    if before and before.message == message:
        return False
    condition = Condition(
        type=ConditionType.CONTESTED,
        status=ConditionStatus.TRUE,
        reason=Reason.CLAIMED_ELSEWHERE,
        message=message,
        last_transition_time=before.last_transition_time if before else timestamp(environment.now()),
    )
    _apply_as_contender(environment, connector, owner, [_document(condition)])
    return before is None


def withdraw_contest(environment: Environment, connector: Manifest, owner: Owner) -> Manifest:
    """Take that back, whoever told it, and return the connector as it is then.

    Raises:
        ConflictError: the connector was changed meanwhile.
        AdapterError: it was not written.
    """
    return _apply_as_contender(environment, connector, owner, []) if is_contested(connector) else connector


def was_drifted(connector: Manifest) -> bool:
    """Tell whether the status says that something differs from what was carried out."""
    return any(condition.type == ConditionType.DRIFTED for condition in conditions_of(connector))


def record_correction(environment: Environment, owner: Owner, differences: Sequence[str]) -> None:
    """Post an Event about *differences* that were put right; the same once in ten minutes, whoever fights with us."""
    if not differences:
        return
    text = f"Changed by others, and put right: {'; '.join(differences)}."
    moment = environment.monotonic()
    told, at = environment.corrections.get(owner.uid, ("", -math.inf))
    if told == text and moment - at < CORRECTION_SECONDS:
        return
    environment.corrections[owner.uid] = text, moment
    record_events(environment, owner, [Event("Warning", Reason.DRIFT_CORRECTED, one_line(text))])


def record_events(environment: Environment, owner: Owner, news: Iterable[Event]) -> None:
    """Post Events; a namespace without our Role takes none, and the condition says it all the same."""
    for event in news:
        log.info(event.message, reason=str(event.reason), event_type=event.type)
        try:
            environment.kubernetes.post(event, owner, environment.now())
        except AdapterError as error:
            log.debug("the Event was not posted", error=error.message)


def _contested(connector: Manifest) -> Condition | None:
    listed = AponoConnectorStatus.readable(status_of(connector)).conditions or []
    return next((condition for condition in listed if condition.type == ConditionType.CONTESTED), None)


def _apply_as_contender(
    environment: Environment, connector: Manifest, owner: Owner, listed: Sequence[Mapping[str, Any]]
) -> Manifest:
    status = {"conditions": listed} if listed else {}
    version = connector["metadata"]["resourceVersion"]
    return environment.kubernetes.apply_status(owner, status, resource_version=version, manager=CONTENDER)


def _mode_of(connector: Manifest) -> Mode | None:
    """Return the mode, also of a manifest that cannot be read otherwise."""
    spec = connector.get("spec")
    target = spec.get("target") if isinstance(spec, Mapping) else None
    mode = target.get("mode") if isinstance(target, Mapping) else None
    return Mode(mode) if mode in set(Mode) else None


def _write(
    environment: Environment,
    connector: Manifest,
    owner: Owner,
    facts: Mapping[str, Any],
    current: tuple[Condition, ...],
) -> None:
    known = _document(AponoConnectorStatus.readable(status_of(connector)))
    listed = [_document(condition) for condition in current]
    document = _document(AponoConnectorStatus.model_validate({**known, **facts, "conditions": listed}))
    if _comparable(document) == _comparable(known):
        return
    version = connector["metadata"]["resourceVersion"]
    try:
        written = environment.kubernetes.apply_status(owner, document, resource_version=version)
        _clear(environment, written, owner, document)
    except NotFoundError:
        return
    record_events(environment, owner, events(conditions_of(connector), current))


def _clear(environment: Environment, written: Manifest, owner: Owner, document: Mapping[str, Any]) -> None:
    """Remove what *document* says no longer and somebody else wrote as well: an apply of ours leaves that there."""
    status = status_of(written)
    changes: dict[str, Any] = dict.fromkeys(_document(AponoConnectorStatus.readable(status)).keys() - document.keys())
    told = {condition["type"] for condition in document["conditions"]}
    present = status.get("conditions", [])
    kept = [condition for condition in present if condition["type"] not in OURS - told]
    if len(kept) < len(present):
        changes["conditions"] = kept
    if changes:
        version = written["metadata"]["resourceVersion"]
        environment.kubernetes.change_status(owner, changes, resource_version=version)


def _document(value: AponoConnectorStatus | Condition) -> dict[str, Any]:
    """Return *value* as the API server takes it."""
    return value.model_dump(by_alias=True, exclude_none=True, mode="json")


def _comparable(status: Mapping[str, Any]) -> dict[str, Any]:
    """The API server keeps the conditions in an order of its own, and other writers' among them."""
    listed = {condition["type"]: condition for condition in status.get("conditions", ())}
    ours = {kind: condition for kind, condition in listed.items() if kind in OURS}
    return {**status, "conditions": ours}
