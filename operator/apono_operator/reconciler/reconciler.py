"""The entry: what the handlers call, a pass at a time."""

from __future__ import annotations

from dataclasses import dataclass, replace

from apono_operator import v1alpha1
from apono_operator.adapters.errors import ConflictError
from apono_operator.reconciler.claims import claimed, holder_elsewhere
from apono_operator.reconciler.course import Course, Outcome
from apono_operator.reconciler.environment import Environment
from apono_operator.reconciler.removal import Removal
from apono_operator.reconciler.report import record_events, write_deletion_status, write_status
from apono_operator.reconciler.upkeep import Upkeep
from apono_operator.state.finding import Finding, Next, stuck
from apono_operator.state.resources import Manifest, ObjectKey, Owner
from apono_operator.v1alpha1 import Reason


@dataclass(frozen=True)
class Remainder:
    """What a deletion waits for, and which generation of the connector it was about."""

    finding: Finding
    generation: int | None
    needs_aws: bool = False
    """Whether only AWS was spared: what comes next is a look there."""


class Reconciler:
    """Makes connectors true. Safe to use from several threads, one at a time for each connector.

    Args:
        environment: What passes stand on.
    """

    def __init__(self, environment: Environment) -> None:
        self.environment = environment

    def reconcile(self, owner: Owner, *, quick: bool = False) -> Outcome | None:
        """Make one pass over *owner*; None if there is nothing to do before the next news of it.

        Args:
            owner: The connector.
            quick: Spare AWS: for news from the cluster alone.

        Raises:
            FencedError: the operator is stopping.
            AdapterError: the API server failed us before anything could be told.
        """
        connector = self._connector(owner)
        if connector is None or "deletionTimestamp" in connector["metadata"]:
            return None
        try:
            mine = claimed(self.environment, connector, owner)
        except ConflictError:  # another pass, or another installation, was there first
            return Outcome(Next.TIME, hurry=True, read=connector)
        if mine is None:
            return Outcome(Next.SOMEBODY, read=connector)
        course = Course(self.environment, mine, owner, quick=quick)
        outcome = replace(Upkeep(course).run(), read=connector)
        try:
            write_status(self.environment, course.connector, owner, course.findings, course.facts)
        except ConflictError:  # somebody changed the connector during the pass
            return replace(outcome, hurry=True)
        return outcome

    def finalize(self, owner: Owner, *, quick: bool = False) -> Remainder | None:
        """Work towards nothing; None once nothing of the connector is left, or is to be left.

        Needs no valid spec.

        Args:
            owner: The connector.
            quick: Spare AWS: enough for the pods, and for a role that is to stay.

        Raises:
            FencedError: the operator is stopping.
            AdapterError: the API server failed us before anything could be told.
        """
        connector = self._connector(owner)
        if connector is None:
            return None
        holder = holder_elsewhere(self.environment, connector, owner)
        if holder:
            waiting = stuck(Reason.CLAIMED_ELSEWHERE, f"The installation {holder} of the operator takes it away.")
            return Remainder(waiting, connector["metadata"]["generation"])
        removal = Removal(self.environment, connector, owner, quick=quick)
        finding = removal.run()
        if finding:
            if not removal.needs_aws:
                write_deletion_status(self.environment, connector, owner, finding)
            return Remainder(finding, connector["metadata"]["generation"], removal.needs_aws)
        record_events(self.environment, owner, removal.farewell)
        self.environment.forget(owner.uid)
        return None

    def secrets_changed(self, owner: Owner) -> bool:
        """Tell whether token Secret or pull Secret are others than last seen: they are not watched.

        Raises:
            AdapterError: if the API server does not say.
        """
        memory = self.environment.secrets.get(owner.uid)
        if memory is None:
            return False
        versions = self.environment.secret_versions(owner, memory.token_secret)
        self.environment.secrets[owner.uid] = replace(memory, versions=versions)
        return versions != memory.versions

    def generation(self, owner: Owner) -> int | None:
        """Return the connector's present metadata.generation, None if it is gone.

        Raises:
            AdapterError: if the API server does not say.
        """
        connector = self.environment.kubernetes.get(_key(owner))
        return int(connector["metadata"]["generation"]) if connector else None

    def forget(self, owner: Owner) -> None:
        """Drop what is remembered of a connector that is gone."""
        self.environment.forget(owner.uid)

    def _connector(self, owner: Owner) -> Manifest | None:
        """Return the connector if it is still the one we mean and our finalizer stands.

        Without the finalizer, a deletion could slip through between our reading and the first AWS call.
        """
        connector = self.environment.kubernetes.get(_key(owner))
        if connector is None or connector["metadata"]["uid"] != owner.uid:
            return None
        return connector if v1alpha1.FINALIZER in connector["metadata"].get("finalizers", ()) else None


def _key(owner: Owner) -> ObjectKey:
    return ObjectKey(v1alpha1.KIND, owner.namespace, owner.name)
