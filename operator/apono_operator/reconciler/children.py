"""The connector's children in its namespace: look, plan, write."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import structlog

from apono_operator.adapters.errors import RejectedError
from apono_operator.reconciler.environment import Environment, SecretMemory, versions
from apono_operator.reconciler.report import record_correction
from apono_operator.state import drift, plan
from apono_operator.state.drift import Mandate
from apono_operator.state.finding import Finding, stuck
from apono_operator.state.resources import Manifest, ObjectKey, Owner, State, child_keys, key_of
from apono_operator.state.rollout import availability
from apono_operator.v1alpha1 import Reason

log: structlog.stdlib.BoundLogger = structlog.get_logger()


@dataclass(frozen=True)
class Children:
    """What is there in the cluster for one connector."""

    objects: Mapping[ObjectKey, Manifest]
    pods: list[Manifest]

    @classmethod
    def observe(cls, environment: Environment, owner: Owner) -> Children:
        """Look at all of them.

        Raises:
            AdapterError: if the API server does not say.
        """
        kubernetes = environment.kubernetes
        return cls(kubernetes.get_all(child_keys(owner).values()), kubernetes.pods(owner))

    def deployment(self, owner: Owner) -> Manifest | None:
        """Return the Deployment, None if there is none."""
        return self.objects.get(child_keys(owner)["Deployment"])


@dataclass
class ChildrenUpkeep:
    """One look at the children of a connector.

    Attributes:
        mandate: What may be done about a difference.
        differences: What is not as asked and was left so, in words.
        complete: Whether all that was asked for was made, up to pods that run with the role.
    """

    environment: Environment
    owner: Owner
    token_secret: Manifest
    mandate: Mandate
    differences: tuple[str, ...] = ()
    complete: bool = False

    def run(self, desired: State, observed: Children, role_arn: str, begin: Callable[[], None]) -> Finding:
        """Make the children as *desired*, or tell how they differ; return how the pods are doing.

        Args:
            desired: What should be there.
            observed: What is there.
            role_arn: That of the role that pods have to run with.
            begin: Called before the first change.

        Raises:
            AdapterError: a write failed.
        """
        conflict = plan.object_conflict(observed.objects, desired, self.owner)
        if conflict:
            return stuck(Reason.NAME_CONFLICT, str(conflict))
        writes_secrets = not self.environment.administration.connector_image_pull_secrets
        changes = plan.plan_objects(desired, observed.objects, self.owner, writes_secrets=writes_secrets)
        left, objects = changes, observed.objects
        if self.mandate.changes:
            written = self._write_all(changes, observed, begin)
            objects = {**objects, **written}
            left = plan.plan_objects(desired, objects, self.owner, writes_secrets=writes_secrets)
            self._note_effect(changes, written, left)
        self.differences = drift.object_differences(left)
        self._remember_secrets(objects)
        deployment, now = objects.get(child_keys(self.owner)["Deployment"]), self.environment.now()
        finding = availability(deployment, observed.pods, role_arn, now)
        # Pods without the role are started anew by another Deployment: until all run with it, not all is carried out.
        self.complete = self.mandate.changes and finding.good
        return (
            finding
            if self.mandate.changes
            else drift.untouched_objects_finding(self.mandate, changes, objects, finding)
        )

    def _write_all(
        self, changes: Sequence[plan.ApplyObject], observed: Children, begin: Callable[[], None]
    ) -> Mapping[ObjectKey, Manifest]:
        """Write what may take effect, in order, and return it as it is then."""
        hopeful = [change for change in changes if not self._is_futile(change, observed)]
        if hopeful:
            begin()
        written = {}
        for change in hopeful:
            key = key_of(change.manifest)
            log.info("writing an object", object=str(key), because=", ".join(change.because))
            written[key] = self._write(change, observed.objects.get(key))
        return written

    def _is_futile(self, change: plan.ApplyObject, observed: Children) -> bool:
        """Tell whether the same was written to the same within the hour, and was changed on its way.

        Source: Kubernetes documentation, "Mutating Admission Policy" and "Dynamic Admission Control".
        """
        key = key_of(change.manifest)
        there, tried = observed.objects.get(key), self.environment.futile.get(self.owner.uid, {}).get(key)
        if there is None or tried is None:
            return False
        situation, moment = tried
        is_recent = self.environment.monotonic() - moment < self.environment.thorough_seconds
        return is_recent and situation == drift.situation(change.manifest, there)

    def _note_effect(
        self,
        changes: Sequence[plan.ApplyObject],
        written: Mapping[ObjectKey, Manifest],
        left: Sequence[plan.ApplyObject],
    ) -> None:
        """Tell what was put right, and remember what was written and still differs."""
        futile = self.environment.futile.setdefault(self.owner.uid, {})
        differing = {key_of(change.manifest): change for change in left}
        for key, manifest in written.items():
            futile.pop(key, None)
            if key in differing:
                because = ", ".join(differing[key].because)
                log.warning("somebody changes an object while it is written", object=str(key), differs=because)
                futile[key] = drift.situation(differing[key].manifest, manifest), self.environment.monotonic()
        if self.mandate.corrects:
            corrected = [one for one in changes if key_of(one.manifest) not in differing and drift.is_object_drift(one)]
            record_correction(self.environment, self.owner, drift.object_differences(corrected))

    def _write(self, change: plan.ApplyObject, observed: Manifest | None) -> Manifest:
        """Apply; a Deployment that somebody changed beyond repair is made anew.

        Server-side apply cannot take away what another field manager put beside our fields, such as a value beside
        a reference. That our manifest would be accepted under another name tells such a change from a bad manifest.
        """
        key = key_of(change.manifest)
        try:
            return self.environment.kubernetes.apply(change.manifest)
        except RejectedError:
            if observed is None or key.kind != "Deployment":  # others hold what is not ours to take away
                raise
            self.environment.kubernetes.check_acceptable(change.manifest)
        log.warning("making an object anew that was changed beyond repair", object=str(key))
        self.environment.kubernetes.delete(key, observed["metadata"]["uid"])
        return self.environment.kubernetes.apply(change.manifest)

    def _remember_secrets(self, objects: Mapping[ObjectKey, Manifest]) -> None:
        pull_secret = objects.get(child_keys(self.owner)["Secret"])
        self.environment.secrets[self.owner.uid] = SecretMemory(
            self.token_secret["metadata"]["name"], versions(self.token_secret, pull_secret)
        )
