"""The connector's role: look, plan, change if that is allowed, remember."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import structlog

from apono_operator.adapters.aws.iam import Depth
from apono_operator.adapters.errors import AdapterError
from apono_operator.reconciler.environment import SETTLING_SECONDS, Environment, RoleMemory
from apono_operator.reconciler.report import announce, record_correction, record_events, status_of, was_drifted
from apono_operator.state import drift, plan
from apono_operator.state.conditions import Event
from apono_operator.state.drift import Digest, Mandate
from apono_operator.state.finding import Finding, found, stuck, waits
from apono_operator.state.permissions import permission_sets_of
from apono_operator.state.resources import Cluster, IamRole, Manifest, Owner, look_asked_for
from apono_operator.v1alpha1 import Reason

log: structlog.stdlib.BoundLogger = structlog.get_logger()


@dataclass
class RoleUpkeep:
    """One look at the role of a connector.

    Attributes:
        connector: The connector; newer after the run, if its status had to be written.
        mandate: What may be done about a difference.
        quick: Make no call to AWS if there was a look before.
        begun: What is left of what was applied, once a change is begun.
        known: The role, once it is known to be there.
        differs: Whether a difference was seen; then a failure leaves no doubt that the role is not as asked.
        differences: What is not as asked and was left so, in words.
        foreign: Policies on the role that are not ours, in words.
        seen: Whether the role was looked at, or an earlier look still holds.
        anothers: Whether the role was made for an earlier connector and is not taken up.
    """

    environment: Environment
    connector: Manifest
    owner: Owner
    cluster: Cluster
    mandate: Mandate
    quick: bool
    begun: Digest
    known: IamRole | None = None
    differs: bool = False
    differences: tuple[str, ...] = ()
    foreign: tuple[str, ...] = ()
    seen: bool = False
    anothers: bool = False

    def run(self, desired: IamRole) -> Finding:
        """Make the role as *desired*, or tell how it differs, and remember how it was found.

        Raises:
            AdapterError: a call failed; that is remembered as well.
        """
        last = self.environment.roles.get(self.owner.uid)
        memory = self._memory(desired)
        if last and last.role and last.role.arn == desired.arn:
            self.known, self.foreign = last.role, last.foreign
        if memory:
            self.differences = memory.differences
        if self.quick:
            return self._recall(last, desired)
        depth = self._depth(memory)
        try:
            finding = self._keep(desired, depth)
        except AdapterError as failure:
            self._remember(failure, memory, Depth.OURS)
            raise
        self._remember(finding, memory, depth)
        return finding

    def settles_in(self) -> float | None:
        """Return the seconds until IAM shows the last change everywhere, so that a look is to be trusted."""
        memory = self.environment.roles.get(self.owner.uid)
        if memory is None or memory.written is None:
            return None
        left = memory.written + SETTLING_SECONDS - self.environment.monotonic()
        return left if left > 0 else None

    def _recall(self, last: RoleMemory | None, desired: IamRole) -> Finding:
        """Return what the last look found; a look at what has changed since comes with the next pass that may."""
        if last is None or not self._is_about(last, desired):
            return waits(Reason.RECONCILING, "The role will be looked at in a moment.")
        self.seen, self.differs = True, last.differs
        self.differences, self.foreign, self.anothers = last.differences, last.foreign, last.anothers
        if isinstance(last.verdict, AdapterError):
            raise last.verdict
        return last.verdict

    def _keep(self, desired: IamRole, depth: Depth) -> Finding:
        observed = self.environment.iam.observe_role(desired.name, depth)
        if Depth.THOROUGH not in depth and self._may_be_half_made(observed):
            depth = Depth.THOROUGH
            observed = self.environment.iam.observe_role(desired.name, depth)
        conflict = plan.role_conflict(observed, self.cluster, self.owner)
        if conflict:
            return stuck(Reason.NAME_CONFLICT, str(conflict))
        self._see(desired, observed, depth)
        changes = plan.plan_role(desired, observed, self.environment.administration)
        self.differences = drift.role_differences(changes, observed)
        if changes and not self.mandate.changes:
            return self._leave(desired, observed)
        self._change(changes, desired, observed)
        return found(Reason.ROLE_IN_SYNC, f"Role {desired.arn} is as asked.")

    def _leave(self, desired: IamRole, observed: IamRole | None) -> Finding:
        self.anothers = drift.taken_up_from(observed, self.owner) is not None
        if self.settles_in() is not None:  # what differs may be what was there before our own change
            self.differences = ()
            return waits(Reason.PROPAGATING, "IAM may not show the last change of the role everywhere yet.")
        return drift.untouched_role_finding(self.mandate, desired, observed)

    def _may_be_half_made(self, observed: IamRole | None) -> bool:
        """Tell whether the role is another than the one in the status: whoever made it may have died on the way."""
        return observed is not None and observed.role_id != status_of(self.connector).get("connectorRoleId")

    def _see(self, desired: IamRole, observed: IamRole | None, depth: Depth) -> None:
        self.seen = True
        self.known = replace(desired, role_id=observed.role_id) if observed else None
        if observed is None:
            self.foreign = ()
        elif Depth.THOROUGH in depth:
            self.foreign = plan.foreign_policies(desired, observed, self.environment.administration)

    def _change(self, changes: Sequence[plan.RoleChange], desired: IamRole, observed: IamRole | None) -> None:
        """Make *changes* in order, and tell what is worth an Event once all are made."""
        previous = drift.taken_up_from(observed, self.owner)
        facts = {"connectorRoleArn": desired.arn} if observed is None or previous else {}
        if changes and "lastAppliedHash" in status_of(self.connector):
            facts["lastAppliedHash"] = str(self.begun)
        self.connector = announce(self.environment, self.connector, self.owner, facts)
        lagging = self.settles_in() is not None  # IAM may show what was before our own change
        for change in changes:
            self._apply(change, desired)
        if previous and changes:
            record_events(self.environment, self.owner, [_taken_up(desired, previous)])
        elif self.mandate.corrects and not lagging:
            record_correction(self.environment, self.owner, self.differences)
        self.differences = ()

    def _apply(self, change: plan.RoleChange, desired: IamRole) -> None:
        self.differs = True
        log.info("changing the role", change=type(change).__name__, role=desired.name)
        role_id = self.environment.iam.apply(change)
        if role_id:
            self.known = replace(desired, role_id=role_id)

    def _memory(self, desired: IamRole) -> RoleMemory | None:
        """Return what is remembered, if it is about this manifest and this very role."""
        memory = self.environment.roles.get(self.owner.uid)
        if memory is None or memory.asked != look_asked_for(self.connector):
            return None
        return memory if self._is_about(memory, desired) else None

    def _is_about(self, memory: RoleMemory, desired: IamRole) -> bool:
        return memory.generation == self._generation and memory.role in (None, desired)

    def _depth(self, memory: RoleMemory | None) -> Depth:
        """Look at all policies hourly, after a change, after a failure, and as long as something differs."""
        if memory is None or memory.thoroughly_seen is None:
            return Depth.OURS if self._is_fine_since_before() else Depth.THOROUGH
        due = memory.thoroughly_seen + self.environment.thorough_seconds
        if memory.written is not None and memory.thoroughly_seen < memory.written + SETTLING_SECONDS:
            due = min(due, memory.written + SETTLING_SECONDS)
        is_due = self.environment.monotonic() >= due
        return Depth.THOROUGH if is_due or memory.differences else Depth.OURS

    def _is_fine_since_before(self) -> bool:
        """Tell whether this process sees the connector for the first time, and another one left it complete.

        So a restart does not spend the account's rate on thousands of roles that are as they were.
        """
        first = self.owner.uid not in self.environment.roles
        complete = self.mandate.carried_out and not was_drifted(self.connector)
        return first and complete and look_asked_for(self.connector) is None

    def _remember(self, verdict: Finding | AdapterError, memory: RoleMemory | None, depth: Depth) -> None:
        last = self.environment.roles.get(self.owner.uid)
        good = isinstance(verdict, Finding) and verdict.good
        moment = self.environment.monotonic()
        self.environment.roles[self.owner.uid] = RoleMemory(
            generation=self._generation,
            asked=look_asked_for(self.connector),
            verdict=verdict,
            differs=self.differs and not good,
            role=self.known,
            thoroughly_seen=self._seen_at(memory, depth) if good else None,
            differences=self.differences,
            foreign=self.foreign,
            anothers=self.anothers,
            written=moment if self.differs else (last.written if last else None),
        )

    def _seen_at(self, memory: RoleMemory | None, depth: Depth) -> float | None:
        moment = self.environment.monotonic()
        if Depth.THOROUGH in depth:
            return moment
        if memory:
            return memory.thoroughly_seen
        return moment - self.environment.since_due(self.owner)

    @property
    def _generation(self) -> int:
        return int(self.connector["metadata"]["generation"])


def contain(environment: Environment, owner: Owner, cluster: Cluster) -> None:
    """Give a role that is there the administrator's boundary, whatever is the matter with the manifest.

    An author must not be able to keep a role from a stricter boundary by a manifest that is refused.

    Raises:
        AdapterError: a call failed.
    """
    observed = environment.iam.observe_role(cluster.role_name(owner), Depth.OURS)
    if observed is None or plan.role_conflict(observed, cluster, owner):
        return
    boundaries = environment.administration.permissions_boundaries
    sets = permission_sets_of(observed.permissions, cluster.partition)
    suitable = [boundaries[one] for one in sets if one in boundaries]
    if suitable and observed.permissions_boundary not in suitable:
        boundary = suitable[0]  # the strictest withholds nothing of what the role's policy allows
        log.warning("giving the role of a refused manifest its boundary", role=observed.name, boundary=boundary)
        environment.iam.apply(plan.PutBoundary(observed.name, boundary))


def _taken_up(role: IamRole, previous: str) -> Event:
    what = f"Role {role.arn} was made for an earlier connector of this name (uid {previous}) and is this one's now."
    return Event("Normal", Reason.ROLE_TAKEN_UP, what)
