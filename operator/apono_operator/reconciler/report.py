"""Telling: the status, written only when it says something new, and Events about what became another."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import structlog

from apono_operator.adapters.errors import AdapterError
from apono_operator.adapters.kubernetes import NotFoundError
from apono_operator.reconciler.world import World
from apono_operator.state.conditions import Event, conditions, deletion_conditions, events
from apono_operator.state.finding import Finding, Findings
from apono_operator.state.resources import Manifest, Owner
from apono_operator.v1alpha1 import AponoConnectorStatus, Condition, ConditionType

log: structlog.stdlib.BoundLogger = structlog.get_logger()


def status_of(connector: Manifest) -> dict[str, Any]:
    """Return the status as the API server has it, empty if there is none."""
    return dict(connector.get("status", {}))


def conditions_of(connector: Manifest) -> list[Condition]:
    """Return the conditions in the status."""
    return [Condition.model_validate(condition) for condition in status_of(connector).get("conditions", ())]


def tell(world: World, connector: Manifest, owner: Owner, findings: Findings, facts: Mapping[str, Any]) -> None:
    """Write what a pass found; *facts* are status fields that it knows, others stay as they are.

    Raises:
        AdapterError: the status was not written.
    """
    before = conditions_of(connector)
    generation = connector["metadata"]["generation"]
    current = conditions(findings, before, generation, world.now())
    _write(world, connector, owner, {**facts, "observedGeneration": generation}, current)


def tell_deletion(world: World, connector: Manifest, owner: Owner, finding: Finding) -> None:
    """Write what a deletion waits for.

    Raises:
        AdapterError: the status was not written.
    """
    generation = connector["metadata"]["generation"]
    current = deletion_conditions(finding, conditions_of(connector), generation, world.now())
    _write(world, connector, owner, {"observedGeneration": generation}, current)


def say(world: World, owner: Owner, news: Iterable[Event]) -> None:
    """Post Events; a namespace without our Role takes none, and the condition says it all the same."""
    for event in news:
        log.info(event.message, reason=str(event.reason), event_type=event.type)
        try:
            world.kubernetes.post(event, owner, world.now())
        except AdapterError as error:
            log.debug("the Event was not posted", error=error.message)


def _write(
    world: World, connector: Manifest, owner: Owner, facts: Mapping[str, Any], current: tuple[Condition, ...]
) -> None:
    listed = [condition.model_dump(by_alias=True, exclude_none=True, mode="json") for condition in current]
    status = AponoConnectorStatus.model_validate({**status_of(connector), **facts, "conditions": listed})
    document = status.model_dump(by_alias=True, exclude_none=True, mode="json")
    if _same(document, status_of(connector)):
        return
    try:
        world.kubernetes.apply_status(owner, document, resource_version=connector["metadata"]["resourceVersion"])
    except NotFoundError:
        return
    say(world, owner, events(conditions_of(connector), current))


def _same(new: Mapping[str, Any], old: Mapping[str, Any]) -> bool:
    return _comparable(new) == _comparable(old)


def _comparable(status: Mapping[str, Any]) -> dict[str, Any]:
    """The API server keeps the conditions in an order of its own, and other writers' among them."""
    listed = {condition["type"]: condition for condition in status.get("conditions", ())}
    ours = {kind: condition for kind, condition in listed.items() if kind in set(ConditionType)}
    return {**status, "conditions": ours}
