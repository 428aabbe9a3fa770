"""One pass over one connector: look, decide, change, tell. The only place where the parts meet.

A pass is plain synchronous code and level-triggered: it starts from a fresh read and does not ask why it runs.
It walks through the aspects of `state.conditions.ASPECTS` in order; the first that is not as asked ends it,
because what follows would build on it. What it found becomes the status; what it says about *when to look
again* is for the caller.

The downside of this shape: aspects that come later are not looked at while an earlier one fails, so their
conditions are as last seen. Their ``observedGeneration`` tells.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import structlog
from pydantic import ValidationError

from apono_operator import v1alpha1
from apono_operator.adapters.aws.iam import Depth, Iam
from apono_operator.adapters.aws.session import AwsSession
from apono_operator.adapters.errors import AdapterError, ConflictError, DeniedError, TransientError
from apono_operator.adapters.kubernetes import Kubernetes
from apono_operator.adapters.kubernetes import NotFoundError as ObjectNotFoundError
from apono_operator.state import connector_token, plan
from apono_operator.state.administration import Administration
from apono_operator.state.admission import Request, refusal
from apono_operator.state.conditions import Event, conditions, deletion_conditions, events
from apono_operator.state.desired import AUDIENCE, Inputs, child_keys, connector_id, desired_state
from apono_operator.state.finding import Finding, Next, found, retained, stuck, unknown, waits
from apono_operator.state.oidc_provider import provider_finding
from apono_operator.state.resources import (
    Cluster,
    IamRole,
    Manifest,
    ObjectKey,
    Owner,
    State,
    is_controlled_by,
    key_of,
)
from apono_operator.state.rollout import Injection, availability, injection_of, next_injection
from apono_operator.v1alpha1 import (
    AponoConnectorSpec,
    AponoConnectorStatus,
    Condition,
    ConditionStatus,
    ConditionType,
    DeletionPolicy,
    Reason,
)

log: structlog.stdlib.BoundLogger = structlog.get_logger()

POD_PATIENCE = timedelta(minutes=2)
"""How long a deletion waits for the pods to end: a pod on a dead node never says goodbye."""

REASONS: Mapping[str, Reason] = {reason.value: reason for reason in Reason}

Now = Callable[[], datetime]
T = TypeVar("T")


@dataclass(frozen=True)
class Pace:
    """How often AWS is looked at, in seconds."""

    resync: float = 600.0
    """Our own part of a role."""

    thorough: float = 3600.0
    """What is attached to a role, and the OIDC provider."""


@dataclass(frozen=True)
class Outcome:
    """What a pass says about the next one."""

    awaits: Next
    hurry: bool = False
    """Something changed under our hands: look again at once."""

    permanent: bool = False
    """Only another manifest or another setting can change the finding."""


@dataclass
class _RoleMemory:
    """When a role was last seen to be as asked, so that news from children costs no AWS call."""

    generation: int
    role: IamRole
    seen: float
    thoroughly_seen: float


class Reconciler:
    """Makes connectors true, one pass at a time for each; safe to use from several threads.

    Args:
        kubernetes: The cluster.
        session: Who we are in AWS.
        iam: The account's roles.
        administration: The administrator's decisions.
        issuer: Host and path of the cluster's OIDC issuer, without ``https://``.
        pace: How often AWS is looked at.
        now: The wall clock, with a time zone.
        monotonic: Seconds that never go back.
    """

    def __init__(
        self,
        kubernetes: Kubernetes,
        session: AwsSession,
        iam: Iam,
        administration: Administration,
        *,
        issuer: str,
        pace: Pace,
        now: Now = lambda: datetime.now(UTC),
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.kubernetes = kubernetes
        self.session = session
        self.iam = iam
        self.administration = administration
        self.pace = pace
        self.now = now
        self.monotonic = monotonic
        self._issuer = issuer
        self._provider_seen: dict[str, float] = {}
        self._roles: dict[str, _RoleMemory] = {}
        self._secrets: dict[str, tuple[str, str]] = {}

    def reconcile(self, owner: Owner) -> Outcome | None:
        """Make one pass over *owner*; None if there is nothing to do before the next news of it.

        Raises:
            FencedError: the operator is stopping.
            AdapterError: the API server failed us before anything could be told.
        """
        connector = self.kubernetes.get(_key(owner))
        if connector is None or not _is_ours_to_reconcile(connector, owner):
            return None
        work = _Pass(self, connector, owner)
        work.run()
        self._tell(connector, owner, work)
        return work.outcome()

    def finalize(self, owner: Owner) -> Finding | None:
        """Work towards nothing; None once nothing of the connector is left (or is to be left).

        Needs no valid spec. The finding says what the deletion waits for.

        Raises:
            FencedError: the operator is stopping.
            AdapterError: the API server failed us before anything could be told.
        """
        connector = self.kubernetes.get(_key(owner))
        if connector is None or not _is_being_finalized(connector, owner):
            return None
        removal = _Removal(self, connector, owner)
        finding = removal.run()
        if finding is None:
            self._say(removal.farewell, owner)
            self.forget(owner.uid)
        else:
            self._tell_deletion(connector, owner, finding)
        return finding

    def generation(self, owner: Owner) -> int | None:
        """Return the connector's present metadata.generation, None if it is gone.

        Raises:
            AdapterError: if the API server does not say.
        """
        connector = self.kubernetes.get(_key(owner))
        return int(connector["metadata"]["generation"]) if connector else None

    def secrets_changed(self, owner: Owner) -> bool:
        """Tell whether the token Secret or the pull Secret is another than in the last pass: they are not watched.

        Raises:
            AdapterError: if the API server does not say.
        """
        connector_secrets = self._secrets.get(owner.uid)
        if connector_secrets is None:
            return False
        token_name, seen = connector_secrets
        return self.secret_versions(owner, token_name) != seen

    def secret_versions(self, owner: Owner, token_name: str) -> str:
        """Return a fingerprint of the token Secret's and the pull Secret's versions."""
        keys = (ObjectKey("Secret", owner.namespace, token_name), child_keys(owner)["Secret"])
        secrets = self.kubernetes.get_all(keys)
        return " ".join(_version(secrets.get(key)) for key in keys)

    def remember_secrets(self, owner: Owner, token_name: str, versions: str) -> None:
        """Note which versions of its Secrets the last pass over *owner* saw."""
        self._secrets[owner.uid] = (token_name, versions)

    def forget(self, uid: str) -> None:
        """Drop what is remembered of a connector that is gone."""
        self._roles.pop(uid, None)
        self._secrets.pop(uid, None)

    def cluster(self) -> Cluster:
        """Return issuer, account and partition, as discovered.

        Raises:
            AdapterError: if AWS does not say.
        """
        identity = self.session.caller_identity()
        return Cluster(self._issuer, identity.account_id, identity.partition)

    def provider_finding(self, cluster: Cluster) -> Finding:
        """Return whether IAM trusts the cluster's tokens; a good answer holds for an hour.

        Raises:
            AdapterError: if AWS does not say.
        """
        seen = self._provider_seen.get(cluster.provider_arn)
        if seen is not None and self.monotonic() < seen + self.pace.thorough:
            return provider_finding(cluster, frozenset({AUDIENCE}))
        finding = provider_finding(cluster, self.iam.provider_audiences(cluster))
        if finding.good:
            self._provider_seen[cluster.provider_arn] = self.monotonic()
        return finding

    def recall_role(self, uid: str) -> _RoleMemory | None:
        """Return what is remembered of the connector's role."""
        return self._roles.get(uid)

    def remember_role(self, uid: str, memory: _RoleMemory | None) -> None:
        """Note that the role was seen as asked, or forget it."""
        if memory is None:
            self._roles.pop(uid, None)
        else:
            self._roles[uid] = memory

    def _tell(self, connector: Manifest, owner: Owner, work: _Pass) -> None:
        before = _conditions_of(connector)
        generation = connector["metadata"]["generation"]
        current = conditions(work.findings, before, generation, self.now())
        previous = _status_of(connector)
        status = AponoConnectorStatus(
            observed_generation=generation,
            connector_id=connector_id(work.spec, owner) if work.spec else previous.get("connectorId"),
            connector_role_arn=work.role.arn if work.role else previous.get("connectorRoleArn"),
            connector_role_id=work.role_id or previous.get("connectorRoleId"),
            service_account_name=work.service_account_name or previous.get("serviceAccountName"),
            conditions=list(current),
        )
        self._write(connector, owner, status, events(before, current))

    def _tell_deletion(self, connector: Manifest, owner: Owner, finding: Finding) -> None:
        before = _conditions_of(connector)
        generation = connector["metadata"]["generation"]
        current = deletion_conditions(finding, before, generation, self.now())
        known = {**_status_of(connector), "observedGeneration": generation}
        known["conditions"] = [condition.model_dump(by_alias=True, mode="json") for condition in current]
        self._write(connector, owner, AponoConnectorStatus.model_validate(known), events(before, current))

    def _write(self, connector: Manifest, owner: Owner, status: AponoConnectorStatus, news: tuple[Event, ...]) -> None:
        document = status.model_dump(by_alias=True, exclude_none=True, mode="json")
        if _same_status(document, connector.get("status", {})):
            return
        try:
            self.kubernetes.apply_status(owner, document)
        except ObjectNotFoundError:
            return
        self._say(news, owner)

    def _say(self, news: tuple[Event, ...], owner: Owner) -> None:
        """Post Events; a namespace without our Role takes none, and the condition says it all the same."""
        for event in news:
            log.info(event.message, reason=str(event.reason), event_type=event.type)
            try:
                self.kubernetes.post(event, owner, self.now())
            except AdapterError as error:
                log.debug("the Event was not posted", error=error.message)


Step = Callable[[], Finding]


@dataclass
class _Pass:
    """The course of one pass: each step leaves behind what the next ones need."""

    world: Reconciler
    connector: Manifest
    owner: Owner
    findings: dict[ConditionType, Finding] = field(default_factory=dict)
    spec: AponoConnectorSpec | None = None
    role: IamRole | None = None
    role_id: str = ""
    service_account_name: str | None = None
    hurry: bool = False
    _cluster: Cluster | None = None
    _token: str = ""
    _desired: State | None = None
    _objects: Mapping[ObjectKey, Manifest] = field(default_factory=dict)
    _pods: list[Manifest] = field(default_factory=list)
    _injection: Injection = field(default_factory=Injection)

    def run(self) -> None:
        steps: tuple[tuple[ConditionType, Step], ...] = (
            (ConditionType.ACCEPTED, self._accept),
            (ConditionType.CREDENTIALS_VALID, self._identify),
            (ConditionType.OIDC_PROVIDER_READY, self._check_provider),
            (ConditionType.TOKEN_AVAILABLE, self._read_token),
            (ConditionType.CONNECTOR_ROLE_READY, self._reconcile_role),
            (ConditionType.DEPLOYMENT_AVAILABLE, self._reconcile_objects),
        )
        for aspect, step in steps:
            finding = self._guarded(aspect, step)
            self.findings[aspect] = finding
            if not finding.good and not (aspect is ConditionType.CONNECTOR_ROLE_READY and self.role_id):
                return

    def outcome(self) -> Outcome:
        waiting = {finding.awaits for finding in self.findings.values()}
        awaits = next((one for one in (Next.TIME, Next.SOMEBODY) if one in waiting), Next.NOTHING)
        return Outcome(awaits, self.hurry, permanent=not self.findings[ConditionType.ACCEPTED].good)

    def _guarded(self, aspect: ConditionType, step: Step) -> Finding:
        try:
            return step()
        except ConflictError as error:
            self.hurry = True
            return self._kept(aspect) or waits(error.reason, error.message)
        except TransientError as error:
            kept = self._kept(aspect)
            return retained(kept, error.reason, error.message) if kept else unknown(error.reason, error.message)
        except DeniedError as error:
            if error.reason is Reason.NO_CREDENTIALS:
                self.world.session.forget_identity()
            return stuck(error.reason, _with_caller(error, self.world))
        except AdapterError as error:
            return stuck(error.reason, error.message)

    def _kept(self, aspect: ConditionType) -> Finding | None:
        """What may pass by itself does not make an aspect false that was true for this very generation."""
        generation = self.connector["metadata"]["generation"]
        for condition in _conditions_of(self.connector):
            if (
                condition.type == aspect
                and condition.status is ConditionStatus.TRUE
                and condition.observed_generation == generation
            ):
                reason = REASONS.get(condition.reason)
                return found(reason, condition.message) if reason else None
        return None

    def _accept(self) -> Finding:
        try:
            self.spec = AponoConnectorSpec.model_validate(self.connector.get("spec", {}))
        except ValidationError as error:
            return stuck(Reason.INVALID_SPEC, _readable(error))
        refused = refusal(Request(self.owner.namespace, self.spec), self.world.administration)
        if refused:
            return stuck(refused.reason, refused.message)
        return found(Reason.ACCEPTED, "The manifest is valid and granted.")

    def _identify(self) -> Finding:
        spec = _known(self.spec)
        self._cluster = cluster = self.world.cluster()
        asked = spec.target.account_id
        if asked and asked != cluster.account_id:
            return stuck(
                Reason.ACCOUNT_MISMATCH,
                f"spec.target.accountId is {asked}, but the operator's credentials belong to account "
                f"{cluster.account_id}. Correct the id, or apply the manifest to the cluster of account {asked}.",
            )
        return found(Reason.CREDENTIALS_ACCEPTED, f"The operator acts in account {cluster.account_id}.")

    def _check_provider(self) -> Finding:
        return self.world.provider_finding(_known(self._cluster))

    def _read_token(self) -> Finding:
        reference = _known(self.spec).token_secret_ref
        key = ObjectKey("Secret", self.owner.namespace, reference.name)
        secret = self.world.kubernetes.get(key)
        pull_key = child_keys(self.owner)["Secret"]
        pull_secret = self.world.kubernetes.get(pull_key)
        self._objects = {pull_key: pull_secret} if pull_secret else {}
        versions = f"{_version(secret)} {_version(pull_secret)}"
        self.world.remember_secrets(self.owner, reference.name, versions)
        token = connector_token.read(secret, self.owner.namespace, reference)
        if isinstance(token, Finding):
            return token
        self._token = token
        return found(Reason.TOKEN_FOUND, f"The token is in Secret {reference.name}.")

    def _reconcile_role(self) -> Finding:
        desired = _known(self._decide().role)
        memory = self.world.recall_role(self.owner.uid)
        if memory and self._is_fresh(memory) and memory.role == desired:
            self.role, self.role_id = memory.role, memory.role.role_id
            return _role_in_sync(desired)
        self.world.remember_role(self.owner.uid, None)
        depth = self._depth(memory)
        observed = self.world.iam.observe_role(desired.name, depth)
        conflict = plan.role_conflict(observed, _known(self._cluster), self.owner)
        if conflict:
            return stuck(Reason.NAME_CONFLICT, str(conflict))
        self._change_role(desired, observed)
        self._remember(desired, depth if observed else Depth.ATTACHED, memory)
        return _role_in_sync(desired)

    def _change_role(self, desired: IamRole, observed: IamRole | None) -> None:
        if observed:
            self.role, self.role_id = desired, observed.role_id
        for change in plan.plan_role(desired, observed, self.world.administration):
            log.info("changing the role", change=type(change).__name__, role=desired.name)
            role_id = self.world.iam.apply(change)
            if role_id:
                self.role, self.role_id = desired, role_id

    def _is_fresh(self, memory: _RoleMemory) -> bool:
        same = memory.generation == self.connector["metadata"]["generation"]
        return same and self.world.monotonic() < memory.seen + self.world.pace.resync * 0.9

    def _depth(self, memory: _RoleMemory | None) -> Depth:
        """Look at attachments hourly, after a change of the manifest, and when nothing is remembered."""
        if memory is None or memory.generation != self.connector["metadata"]["generation"]:
            return Depth.ATTACHED
        due = self.world.monotonic() >= memory.thoroughly_seen + self.world.pace.thorough
        return Depth.ATTACHED if due else Depth.OURS

    def _remember(self, desired: IamRole, depth: Depth, memory: _RoleMemory | None) -> None:
        moment = self.world.monotonic()
        thoroughly = moment if depth >= Depth.ATTACHED or memory is None else memory.thoroughly_seen
        role = IamRole(**{**vars(desired), "role_id": self.role_id})
        self.world.remember_role(
            self.owner.uid,
            _RoleMemory(self.connector["metadata"]["generation"], role, moment, thoroughly),
        )

    def _decide(self) -> State:
        """Gather what the cluster has, and decide what should be."""
        keys = child_keys(self.owner)
        cluster = _known(self._cluster)
        seen = self.world.kubernetes.get_all((keys["ServiceAccount"], keys["Deployment"]))
        self._objects = {**self._objects, **seen}
        self._pods = self.world.kubernetes.pods(self.owner)
        self._injection = next_injection(
            injection_of(self._objects.get(keys["Deployment"])),
            self._pods,
            cluster.role_arn(self.owner),
            self.world.now(),
        )
        self._desired = desired_state(
            Inputs(
                spec=_known(self.spec),
                owner=self.owner,
                cluster=cluster,
                administration=self.world.administration,
                token=self._token,
                restarts=self._injection.restarts,
                settled=self._injection.settled,
            )
        )
        return self._desired

    def _reconcile_objects(self) -> Finding:
        desired = _known(self._desired)
        conflict = plan.object_conflict(self._objects, desired, self.owner)
        if conflict:
            return stuck(Reason.NAME_CONFLICT, str(conflict))
        written = dict(self._objects)
        for change in plan.plan_objects(desired, self._objects, self.owner):
            key = key_of(change.manifest)
            log.info("writing an object", object=str(key), because=", ".join(change.because))
            written[key] = self.world.kubernetes.apply(change.manifest)
        keys = child_keys(self.owner)
        self.service_account_name = keys["ServiceAccount"].name
        role_arn = _known(desired.role).arn
        return availability(written.get(keys["Deployment"]), self._pods, role_arn)


@dataclass
class _Removal:
    """The course of one step towards nothing."""

    world: Reconciler
    connector: Manifest
    owner: Owner
    farewell: tuple[Event, ...] = ()

    def run(self) -> Finding | None:
        try:
            return self._remove_pods() or self._remove_role()
        except TransientError as error:
            return waits(error.reason, error.message)
        except ConflictError as error:
            return waits(error.reason, error.message)
        except DeniedError as error:
            if error.reason is Reason.NO_CREDENTIALS:
                self.world.session.forget_identity()
            return stuck(error.reason, _with_caller(error, self.world))
        except AdapterError as error:
            return stuck(error.reason, error.message)

    def _remove_pods(self) -> Finding | None:
        """Pods go before the role, so that none of them meets an AWS that no longer knows it."""
        key = child_keys(self.owner)["Deployment"]
        deployment = self.world.kubernetes.get(key)
        if deployment is not None and is_controlled_by(deployment, self.owner):
            self.world.kubernetes.delete(key, deployment["metadata"]["uid"])
        elif deployment is not None:
            return None
        pods = self.world.kubernetes.pods(self.owner)
        if not pods or self._waited_for_pods():
            return None
        return waits(Reason.DELETING, "Waiting for the connector's pods to end.")

    def _waited_for_pods(self) -> bool:
        since = datetime.fromisoformat(self.connector["metadata"]["deletionTimestamp"])
        return self.world.now() - since > POD_PATIENCE

    def _remove_role(self) -> Finding | None:
        if self.connector.get("spec", {}).get("deletionPolicy") == DeletionPolicy.RETAIN:
            known = _status_of(self.connector).get("connectorRoleArn", "(none was made)")
            self.farewell = (Event("Normal", Reason.ROLE_RETAINED, f"Role {known} stays, as deletionPolicy asks."),)
            return None
        cluster = self.world.cluster()
        elsewhere = self._is_elsewhere(cluster)
        if elsewhere:
            return elsewhere
        role = self.world.iam.observe_role(cluster.role_name(self.owner), Depth.EVERYTHING)
        if role is not None and plan.role_conflict(role, cluster, self.owner) is None:
            for change in plan.plan_role_deletion(role):
                log.info("removing the role", change=type(change).__name__, role=role.name)
                self.world.iam.apply(change)
        self.farewell = (Event("Normal", Reason.DELETED, "Everything made for the connector is gone."),)
        return None

    def _is_elsewhere(self, cluster: Cluster) -> Finding | None:
        """A role in another account than that of today's credentials must not be forgotten."""
        arn = str(_status_of(self.connector).get("connectorRoleArn", ""))
        if not arn or arn.split(":")[4] == cluster.account_id:
            return None
        return stuck(
            Reason.ACCOUNT_MISMATCH,
            f"role {arn} is in another account than the operator's credentials ({cluster.account_id}). Give the "
            "operator credentials of that account, or set spec.deletionPolicy to Retain to leave the role.",
        )


def _key(owner: Owner) -> ObjectKey:
    return ObjectKey(v1alpha1.KIND, owner.namespace, owner.name)


def _is_ours_to_reconcile(connector: Manifest, owner: Owner) -> bool:
    """The finalizer must stand before the first AWS call, or a deletion could slip through in between."""
    metadata = connector["metadata"]
    return (
        metadata["uid"] == owner.uid
        and "deletionTimestamp" not in metadata
        and v1alpha1.FINALIZER in metadata.get("finalizers", ())
    )


def _is_being_finalized(connector: Manifest, owner: Owner) -> bool:
    metadata = connector["metadata"]
    return metadata["uid"] == owner.uid and v1alpha1.FINALIZER in metadata.get("finalizers", ())


def _status_of(connector: Manifest) -> dict[str, Any]:
    return dict(connector.get("status", {}))


def _conditions_of(connector: Manifest) -> list[Condition]:
    return [Condition.model_validate(condition) for condition in _status_of(connector).get("conditions", ())]


def _same_status(new: Mapping[str, Any], old: Mapping[str, Any]) -> bool:
    def by_type(status: Mapping[str, Any]) -> dict[str, Any]:
        listed = {condition["type"]: condition for condition in status.get("conditions", ())}
        ours = {kind: condition for kind, condition in listed.items() if kind in set(ConditionType)}
        return {**status, "conditions": ours}

    return by_type(new) == by_type(old)


def _role_in_sync(role: IamRole) -> Finding:
    return found(Reason.ROLE_IN_SYNC, f"Role {role.arn} is as asked.")


def _with_caller(error: DeniedError, world: Reconciler) -> str:
    """AWS names the action, but not always who was denied."""
    if error.reason is not Reason.ACCESS_DENIED:
        return error.message
    return f"{error.message} Allow it to the operator's role ({world.session.caller_identity().arn})."


def _readable(error: ValidationError) -> str:
    return "; ".join(
        f"spec.{'.'.join(str(part) for part in problem['loc'])}: {problem['msg']}" for problem in error.errors()
    )


def _version(manifest: Manifest | None) -> str:
    return str(manifest["metadata"]["resourceVersion"]) if manifest else "-"


def _known(value: T | None) -> T:
    if value is None:
        raise AssertionError("an earlier step of the pass provides this")
    return value
