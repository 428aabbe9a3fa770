"""The operator driven pass by pass, as its handlers drive it, on a clock that jumps over every wait."""

from __future__ import annotations

from dataclasses import dataclass

import structlog

from apono_operator.adapters.errors import AdapterError
from apono_operator.reconciler import Outcome, Reconciler, Remainder
from apono_operator.state.finding import Next
from apono_operator.state.resources import Owner
from apono_operator.v1alpha1 import Reason
from tests.scenarios.cluster import Document
from tests.sweeps.world import World

HOUR = 3600.0
"""Seconds; an hour lies between thorough looks."""

log: structlog.stdlib.BoundLogger = structlog.get_logger()


class NotConvergedError(Exception):
    """The operator has not come to rest within `World.pass_limit` passes."""


@dataclass
class Driver:
    """One operator at work on one connector.

    Attributes:
        world: Where it works.
        owner: The connector.
        reconciler: The operator; its memory is in it.
        left: The Deployment, if it is still there when a deletion is done.
    """

    world: World
    owner: Owner
    reconciler: Reconciler
    left: Document | None = None

    def converge(self) -> None:
        """Make passes until nothing is awaited and a pass has changed nothing.

        Raises:
            NotConvergedError: it does not come to that.
            Death: as the line was asked for.
        """
        outcome: Outcome | None = None
        waited = False
        for number in range(self.world.pass_limit):
            mark = self.world.line.count
            outcome = self.step()
            calls = [call for call in self.world.line.recording() if call.number > mark]
            changed = any(call.writes and not call.tells for call in calls)
            if outcome and _awaits_nothing(outcome) and not changed:
                if waited or not self.world.awaits_hourly_look(self.owner):
                    return
                self.world.clock.seconds += HOUR
                waited = True
            self.world.pause(number, paced=outcome is not None and (outcome.paced or outcome.stack_moves))
        raise NotConvergedError(f"after {self.world.pass_limit} passes: {outcome}")

    def step(self) -> Outcome | None:
        """Make one pass, and let pods run; None if the pass failed.

        Raises:
            Death: as the line was asked for.
        """
        outcome = self._pass()
        self.world.namespace.run_pods(self.owner)
        return outcome

    def remove(self) -> None:
        """Take steps of the deletion until it is done, and the finalizer off.

        Raises:
            NotConvergedError: it does not come to that.
            Death: as the line was asked for.
        """
        remainder: Remainder | None = None
        for number in range(self.world.pass_limit):
            try:
                remainder = self.reconciler.finalize(self.owner)
            except AdapterError as error:
                remainder = None
                log.warning("the deletion cannot go on", error=error.message)
            else:
                if remainder is None:
                    self.world.line.answered()
                    self.left = self.world.namespace.get("Deployment", self.owner.child_name)
                    self.world.namespace.patch("AponoConnector", self.owner.name, {"metadata": {"finalizers": None}})
                    return
            self.world.pause(number, paced=_is_of_stack(remainder))
        raise NotConvergedError(f"after {self.world.pass_limit} steps: {remainder}")

    def _pass(self) -> Outcome | None:
        try:
            outcome = self.reconciler.reconcile(self.owner)
        except AdapterError as error:
            log.warning("the pass failed", error=error.message)
            return None
        self.world.line.answered()
        return outcome


def _awaits_nothing(outcome: Outcome) -> bool:
    return {outcome.awaits, outcome.children} == {Next.NOTHING} and not (outcome.hurry or outcome.stack_moves)


def _is_of_stack(remainder: Remainder | None) -> bool:
    return remainder is not None and remainder.finding.reason is Reason.STACK_IN_PROGRESS
