"""Towards nothing: pods first, then the role with all that hangs on it. Needs no valid spec."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from apono_operator.adapters.api_answers import NotAllowedError
from apono_operator.adapters.aws.errors import DeleteConflictError, NoSuchEntityError
from apono_operator.adapters.aws.iam import Depth
from apono_operator.adapters.errors import AdapterError, FencedError
from apono_operator.reconciler.environment import Environment
from apono_operator.reconciler.failures import finding_of
from apono_operator.reconciler.report import status_of
from apono_operator.reconciler.stack_removal import StackRemoval
from apono_operator.state import drift, plan
from apono_operator.state.conditions import Event
from apono_operator.state.finding import Finding, Next, stuck, waits
from apono_operator.state.resources import (
    Cluster,
    IamRole,
    Manifest,
    Owner,
    account_of,
    child_keys,
    is_controlled_by,
)
from apono_operator.v1alpha1 import DeletionPolicy, Reason

log: structlog.stdlib.BoundLogger = structlog.get_logger()

POD_PATIENCE = timedelta(minutes=2)
"""How long a deletion waits for the pods to end: a pod on a dead node never says goodbye."""

ABSENCE_SECONDS = 10.0
"""For how long IAM must not find a role that was announced, before it is believed to be gone."""


@dataclass
class Removal:
    """The course of one step towards nothing."""

    environment: Environment
    connector: Manifest
    owner: Owner
    quick: bool = False
    """Spare AWS: go as far as that is possible."""

    farewell: tuple[Event, ...] = ()
    """What to say when nothing is left."""

    needs_aws: bool = False
    """Whether only AWS was spared: what comes next is a look there."""

    def run(self) -> Finding | None:
        """Go as far as possible; return what the deletion waits for, None when it is done.

        Raises:
            FencedError: the operator is stopping.
        """
        try:
            return self._remove_pods() or self._remove_role()
        except FencedError:
            raise
        except Exception as failure:  # noqa: BLE001 -- the ladder of `failures` tells and logs them all
            finding = finding_of(failure, self.environment)
            return finding if finding.awaits is Next.SOMEBODY else waits(finding.reason, finding.message)

    def _remove_pods(self) -> Finding | None:
        """Pods go before the role, so that none of them meets an AWS that no longer knows it.

        Where a grant was withdrawn, or the namespace is being deleted and our RoleBindings went first, our rights there
        are gone with it: the garbage collector takes the Deployment when the connector has gone.
        """
        try:
            return self._pods_end()
        except NotAllowedError as error:
            log.warning("the pods are left to the garbage collector", error=error.message)
        except AdapterError as error:  # such as the refusal of an admission webhook
            if not self._is_retained():
                raise
            log.warning("the pods are left to the garbage collector", error=error.message)
        return None

    def _pods_end(self) -> Finding | None:
        key = child_keys(self.owner)["Deployment"]
        deployment = self.environment.kubernetes.get(key)
        if deployment is not None:
            if not is_controlled_by(deployment, self.owner):
                return None
            self.environment.kubernetes.delete(key, deployment["metadata"]["uid"])
        if not self.environment.kubernetes.pods(self.owner) or self._waited_for_pods():
            return None
        return waits(Reason.DELETING, "Waiting for the connector's pods to end.")

    def _waited_for_pods(self) -> bool:
        since = datetime.fromisoformat(self.connector["metadata"]["deletionTimestamp"])
        return self.environment.now() - since > POD_PATIENCE

    def _remove_role(self) -> Finding | None:
        arn = str(status_of(self.connector).get("connectorRoleArn", ""))
        if self._is_retained():
            stack = status_of(self.connector).get("managementStackId")
            kept = [f"role {arn}"] * bool(arn) + [f"stack {stack}"] * bool(stack)
            what = f"As deletionPolicy asks, there stay: {', '.join(kept)}." if kept else "No role was made."
            self.farewell = (Event("Normal", Reason.ROLE_RETAINED, what),)
            return None
        if self.quick:
            self.needs_aws = True
            return waits(Reason.DELETING, "The role will be removed in a moment.")
        cluster = self.environment.cluster()
        if account_of(arn) not in (None, cluster.account_id):
            return _elsewhere(arn, cluster)
        return self._remove_stack(cluster) or self._delete_role(cluster)

    def _remove_stack(self, cluster: Cluster) -> Finding | None:
        """The stack goes before the role that its own role trusts."""
        arn = status_of(self.connector).get("managementStackId")
        return StackRemoval(self.environment, self.owner, cluster, str(arn)).run() if arn else None

    def _is_retained(self) -> bool:
        spec = self.connector.get("spec")  # by whatever definition it was admitted
        return isinstance(spec, Mapping) and spec.get("deletionPolicy") == DeletionPolicy.RETAIN

    def _delete_role(self, cluster: Cluster) -> Finding | None:
        """Delete it with the fewest calls; look for what others hung on it only if IAM says that there is something."""
        self.farewell = (Event("Normal", Reason.DELETED, "Everything made for the connector is gone."),)
        try:
            return self._deleted(cluster, Depth.ATTACHED)
        except DeleteConflictError:
            return self._deleted(cluster, Depth.EVERYTHING)

    def _deleted(self, cluster: Cluster, depth: Depth) -> Finding | None:
        role = self.environment.iam.observe_role(cluster.role_name(self.owner), depth)
        if role is None:
            return self._absent(arn=cluster.role_arn(self.owner))
        self.environment.absences.pop(self.owner.uid, None)
        if plan.role_conflict(role, cluster, self.owner):
            return self._foreign(role)
        if self._is_anothers(role):
            return None
        try:
            self._make(plan.plan_role_deletion(role))
        except NoSuchEntityError:  # IAM has just shown it
            return self._absent(arn=role.arn)
        return None

    def _is_anothers(self, role: IamRole) -> bool:
        """Tell whether an earlier connector of this name left the role, and this one never took it up."""
        previous = drift.taken_up_from(role, self.owner)
        if previous is None or "connectorRoleArn" in status_of(self.connector):
            return False
        what = f"Role {role.arn} was left by an earlier connector of this name (uid {previous}) and stays."
        self.farewell = (Event("Normal", Reason.ROLE_RETAINED, what),)
        return True

    def _make(self, changes: Iterable[plan.RoleChange]) -> None:
        for change in changes:
            log.info("removing the role", change=type(change).__name__)
            self.environment.iam.apply(change)

    def _absent(self, arn: str) -> Finding | None:
        """One answer of an IAM that lags is not enough to forget a role that there may be."""
        if "connectorRoleArn" not in status_of(self.connector):  # which is written before a role is made
            return None
        moment = self.environment.monotonic()
        since = self.environment.absences.setdefault(self.owner.uid, moment)
        if moment - since >= ABSENCE_SECONDS:
            return None
        return waits(Reason.DELETING, f"Making sure that role {arn} is gone.")

    def _foreign(self, role: IamRole) -> Finding | None:
        """A role of our name without our tags stays, unless the status knows it as the one that we made."""
        if role.role_id == status_of(self.connector).get("connectorRoleId"):
            return stuck(
                Reason.NAME_CONFLICT,
                f"role {role.arn} is this connector's by its id, but its tags were taken off or changed, so it is not "
                "deleted. Put the tags apono.io/cluster, apono.io/namespace and apono.io/name back, or set "
                "spec.deletionPolicy to Retain to leave the role.",
            )
        what = f"Role {role.arn} is not this connector's and stays; everything made for the connector is gone."
        self.farewell = (Event("Normal", Reason.DELETED, what),)
        return None


def _elsewhere(arn: str, cluster: Cluster) -> Finding:
    """A role in another account than that of today's credentials must not be forgotten."""
    return stuck(
        Reason.ACCOUNT_MISMATCH,
        f"role {arn} is in another account than the operator's credentials ({cluster.account_id}). Give the "
        "operator credentials of that account, or set spec.deletionPolicy to Retain to leave the role.",
    )
