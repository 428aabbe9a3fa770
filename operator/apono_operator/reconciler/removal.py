"""Towards nothing: pods first, then the role with all that hangs on it. Needs no valid spec."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from apono_operator.adapters.aws.iam import Depth
from apono_operator.adapters.errors import AdapterError, ConflictError, DeniedError, FencedError, TransientError
from apono_operator.reconciler.report import status_of
from apono_operator.reconciler.world import World
from apono_operator.state import plan
from apono_operator.state.conditions import Event
from apono_operator.state.desired import child_keys
from apono_operator.state.finding import Finding, stuck, waits
from apono_operator.state.resources import Cluster, Manifest, Owner, is_controlled_by
from apono_operator.v1alpha1 import DeletionPolicy, Reason

log: structlog.stdlib.BoundLogger = structlog.get_logger()

POD_PATIENCE = timedelta(minutes=2)
"""How long a deletion waits for the pods to end: a pod on a dead node never says goodbye."""


@dataclass
class Removal:
    """The course of one step towards nothing."""

    world: World
    connector: Manifest
    owner: Owner
    farewell: tuple[Event, ...] = ()
    """What to say when nothing is left."""

    def run(self) -> Finding | None:
        """Go as far as possible; return what the deletion waits for, None when it is done."""
        try:
            return self._remove_pods() or self._remove_role()
        except (TransientError, ConflictError) as error:
            return waits(error.reason, error.message)
        except DeniedError as error:
            return self.world.denied(error)
        except AdapterError as error:
            return stuck(error.reason, error.message)
        except FencedError:
            raise
        except Exception:
            log.exception("the deletion met a case that the operator does not know")
            return waits(Reason.OPERATOR_ERROR, "The operator met a case it does not know; its log has the details.")

    def _remove_pods(self) -> Finding | None:
        """Pods go before the role, so that none of them meets an AWS that no longer knows it."""
        key = child_keys(self.owner)["Deployment"]
        deployment = self.world.kubernetes.get(key)
        if deployment is not None and not is_controlled_by(deployment, self.owner):
            return None
        if deployment is not None:
            self.world.kubernetes.delete(key, deployment["metadata"]["uid"])
        if not self.world.kubernetes.pods(self.owner) or self._waited_for_pods():
            return None
        return waits(Reason.DELETING, "Waiting for the connector's pods to end.")

    def _waited_for_pods(self) -> bool:
        since = datetime.fromisoformat(self.connector["metadata"]["deletionTimestamp"])
        return self.world.now() - since > POD_PATIENCE

    def _remove_role(self) -> Finding | None:
        arn = str(status_of(self.connector).get("connectorRoleArn", ""))
        if self.connector.get("spec", {}).get("deletionPolicy") == DeletionPolicy.RETAIN:
            what = f"Role {arn} stays, as deletionPolicy asks." if arn else "No role was made."
            self.farewell = (Event("Normal", Reason.ROLE_RETAINED, what),)
            return None
        cluster = self.world.cluster()
        if arn and arn.split(":")[4] != cluster.account_id:
            return _elsewhere(arn, cluster)
        self._delete_role(cluster)
        self.farewell = (Event("Normal", Reason.DELETED, "Everything made for the connector is gone."),)
        return None

    def _delete_role(self, cluster: Cluster) -> None:
        role = self.world.iam.observe_role(cluster.role_name(self.owner), Depth.EVERYTHING)
        if role is None or plan.role_conflict(role, cluster, self.owner):
            return
        for change in plan.plan_role_deletion(role):
            log.info("removing the role", change=type(change).__name__, role=role.name)
            self.world.iam.apply(change)


def _elsewhere(arn: str, cluster: Cluster) -> Finding:
    """A role in another account than that of today's credentials must not be forgotten."""
    return stuck(
        Reason.ACCOUNT_MISMATCH,
        f"role {arn} is in another account than the operator's credentials ({cluster.account_id}). Give the "
        "operator credentials of that account, or set spec.deletionPolicy to Retain to leave the role.",
    )
