"""The entry: what the handlers call, a pass at a time."""

from __future__ import annotations

from apono_operator import v1alpha1
from apono_operator.adapters.errors import ConflictError
from apono_operator.reconciler.removal import Removal
from apono_operator.reconciler.report import say, tell, tell_deletion
from apono_operator.reconciler.upkeep import Outcome, Upkeep
from apono_operator.reconciler.world import World
from apono_operator.state.finding import Finding, Next
from apono_operator.state.resources import Manifest, ObjectKey, Owner


class Reconciler:
    """Makes connectors true. Safe to use from several threads, one at a time for each connector.

    Args:
        world: What passes stand on.
    """

    def __init__(self, world: World) -> None:
        self.world = world

    def reconcile(self, owner: Owner) -> Outcome | None:
        """Make one pass over *owner*; None if there is nothing to do before the next news of it.

        Raises:
            FencedError: the operator is stopping.
            AdapterError: the API server failed us before anything could be told.
        """
        connector = self._connector(owner)
        if connector is None or "deletionTimestamp" in connector["metadata"]:
            return None
        upkeep = Upkeep(self.world, connector, owner)
        upkeep.run()
        try:
            tell(self.world, connector, owner, upkeep.findings, upkeep.facts())
        except ConflictError:  # somebody changed the connector during the pass
            return Outcome(Next.TIME, hurry=True)
        return upkeep.outcome()

    def finalize(self, owner: Owner) -> Finding | None:
        """Work towards nothing; None once nothing of the connector is left, or is to be left.

        Needs no valid spec. The finding says what the deletion waits for.

        Raises:
            FencedError: the operator is stopping.
            AdapterError: the API server failed us before anything could be told.
        """
        connector = self._connector(owner)
        if connector is None:
            return None
        removal = Removal(self.world, connector, owner)
        finding = removal.run()
        if finding:
            tell_deletion(self.world, connector, owner, finding)
            return finding
        say(self.world, owner, removal.farewell)
        self.world.forget(owner.uid)
        return None

    def secrets_changed(self, owner: Owner) -> bool:
        """Tell whether token Secret or pull Secret are others than in the last pass: they are not watched.

        Raises:
            AdapterError: if the API server does not say.
        """
        memory = self.world.secrets.get(owner.uid)
        return memory is not None and self.world.secret_versions(owner, memory.token_secret) != memory.versions

    def generation(self, owner: Owner) -> int | None:
        """Return the connector's present metadata.generation, None if it is gone.

        Raises:
            AdapterError: if the API server does not say.
        """
        connector = self.world.kubernetes.get(_key(owner))
        return int(connector["metadata"]["generation"]) if connector else None

    def forget(self, owner: Owner) -> None:
        """Drop what is remembered of a connector that is gone."""
        self.world.forget(owner.uid)

    def _connector(self, owner: Owner) -> Manifest | None:
        """Return the connector if it is still the one we mean and our finalizer stands.

        Without the finalizer, a deletion could slip through between our reading and the first AWS call.
        """
        connector = self.world.kubernetes.get(_key(owner))
        if connector is None or connector["metadata"]["uid"] != owner.uid:
            return None
        return connector if v1alpha1.FINALIZER in connector["metadata"].get("finalizers", ()) else None


def _key(owner: Owner) -> ObjectKey:
    return ObjectKey(v1alpha1.KIND, owner.namespace, owner.name)
