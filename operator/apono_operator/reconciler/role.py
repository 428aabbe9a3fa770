"""The connector's role: look, plan, change, remember."""

from __future__ import annotations

from dataclasses import dataclass, replace

import structlog

from apono_operator.adapters.aws.iam import Depth
from apono_operator.adapters.errors import AdapterError
from apono_operator.reconciler.environment import SETTLING_SECONDS, Environment, RoleMemory
from apono_operator.reconciler.report import announce_role
from apono_operator.state import plan
from apono_operator.state.finding import Finding, found, stuck, waits
from apono_operator.state.permissions import permission_set_of
from apono_operator.state.resources import Cluster, IamRole, Manifest, Owner, look_asked_for
from apono_operator.v1alpha1 import Reason

log: structlog.stdlib.BoundLogger = structlog.get_logger()


@dataclass
class RoleUpkeep:
    """One look at the role of a connector.

    Attributes:
        connector: The connector; newer after the run, if its status had to be written.
        quick: Make no call to AWS if there was a look before.
        known: The role, once it is known to be there.
        differs: Whether a difference was seen; then a failure leaves no doubt that the role is not as asked.
    """

    environment: Environment
    connector: Manifest
    owner: Owner
    cluster: Cluster
    quick: bool
    known: IamRole | None = None
    differs: bool = False

    def run(self, desired: IamRole) -> Finding:
        """Make the role as *desired*, and remember how it was found.

        Raises:
            AdapterError: a call failed; that is remembered as well.
        """
        last = self.environment.roles.get(self.owner.uid)
        memory = self._memory(desired)
        if last and last.role and last.role.arn == desired.arn:
            self.known = last.role
        if self.quick and last:
            return self._recall(memory)
        depth = self._depth(memory)
        try:
            finding = self._keep(desired, depth)
        except AdapterError as failure:
            self._remember(failure, memory, Depth.OURS)
            raise
        self._remember(finding, memory, depth)
        return finding

    def _recall(self, memory: RoleMemory | None) -> Finding:
        """Return what the last look found; a look at what has changed since comes with the next pass that may."""
        if memory is None:
            return waits(Reason.RECONCILING, "The role will be looked at in a moment.")
        self.differs = memory.differs
        if isinstance(memory.verdict, AdapterError):
            raise memory.verdict
        return memory.verdict

    def contain(self) -> None:
        """Give a role that is there the administrator's boundary, whatever is the matter with the manifest.

        An author must not be able to keep a role from a stricter boundary by a manifest that is refused.

        Raises:
            AdapterError: a call failed.
        """
        observed = self.environment.iam.observe_role(self.cluster.role_name(self.owner), Depth.OURS)
        if observed is None or plan.role_conflict(observed, self.cluster, self.owner):
            return
        permission_set = permission_set_of(observed.permissions, self.cluster.partition)
        boundaries = self.environment.administration.permissions_boundaries
        boundary = boundaries.get(permission_set) if permission_set else None
        if boundary and boundary != observed.permissions_boundary:
            log.warning("giving the role of a refused manifest its boundary", role=observed.name, boundary=boundary)
            self.environment.iam.apply(plan.PutBoundary(observed.name, boundary))

    def settles_in(self) -> float | None:
        """Return the seconds until IAM shows the last change everywhere, so that a look is to be trusted."""
        memory = self.environment.roles.get(self.owner.uid)
        if memory is None or memory.written is None:
            return None
        left = memory.written + SETTLING_SECONDS - self.environment.monotonic()
        return left if left > 0 else None

    def _keep(self, desired: IamRole, depth: Depth) -> Finding:
        observed = self.environment.iam.observe_role(desired.name, depth)
        conflict = plan.role_conflict(observed, self.cluster, self.owner)
        if conflict:
            return stuck(Reason.NAME_CONFLICT, str(conflict))
        self.known = replace(desired, role_id=observed.role_id) if observed else None
        if observed is None:
            self.connector = announce_role(self.environment, self.connector, self.owner, desired.arn)
        for change in plan.plan_role(desired, observed, self.environment.administration):
            self._apply(change, desired)
        return found(Reason.ROLE_IN_SYNC, f"Role {desired.arn} is as asked.")

    def _apply(self, change: plan.RoleChange, desired: IamRole) -> None:
        self.differs = True
        log.info("changing the role", change=type(change).__name__, role=desired.name)
        role_id = self.environment.iam.apply(change)
        if role_id:
            self.known = replace(desired, role_id=role_id)

    def _memory(self, desired: IamRole) -> RoleMemory | None:
        """Return what is remembered, if it is about this manifest and this very role."""
        memory = self.environment.roles.get(self.owner.uid)
        if memory is None or (memory.generation, memory.asked) != (self._generation, look_asked_for(self.connector)):
            return None
        return memory if memory.role is None or memory.role == desired else None

    def _depth(self, memory: RoleMemory | None) -> Depth:
        """Look at attachments hourly, after a change of the manifest, and after a failure."""
        if memory is None or memory.thoroughly_seen is None:
            return Depth.ATTACHED
        due = memory.thoroughly_seen + self.environment.thorough_seconds
        return Depth.ATTACHED if self.environment.monotonic() >= due else Depth.OURS

    def _remember(self, verdict: Finding | AdapterError, memory: RoleMemory | None, depth: Depth) -> None:
        moment = self.environment.monotonic()
        last = self.environment.roles.get(self.owner.uid)
        good = isinstance(verdict, Finding) and verdict.good
        seen_before = memory.thoroughly_seen if memory and good else None
        self.environment.roles[self.owner.uid] = RoleMemory(
            generation=self._generation,
            asked=look_asked_for(self.connector),
            verdict=verdict,
            differs=self.differs and not good,
            role=self.known,
            thoroughly_seen=moment if depth >= Depth.ATTACHED and good else seen_before,
            written=moment if self.differs else (last.written if last else None),
        )

    @property
    def _generation(self) -> int:
        return int(self.connector["metadata"]["generation"])
