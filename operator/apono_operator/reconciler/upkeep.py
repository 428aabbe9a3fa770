"""Towards what the manifest asks for, aspect by aspect.

The steps go through `state.conditions.ASPECTS` in order; the first that is not as asked ends the pass, because
what follows would build on it. The downside: aspects that come later are not looked at while an earlier one
fails, so their conditions are as last seen; their ``observedGeneration`` tells.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

import structlog
from pydantic import ValidationError

from apono_operator.adapters.aws.iam import Depth
from apono_operator.adapters.errors import AdapterError, ConflictError, DeniedError, FencedError, TransientError
from apono_operator.reconciler.report import conditions_of
from apono_operator.reconciler.world import RoleMemory, SecretMemory, World, versions
from apono_operator.state import connector_token, plan
from apono_operator.state.admission import Request, refusal
from apono_operator.state.desired import Inputs, child_keys, connector_id, desired_state
from apono_operator.state.finding import Finding, Next, found, retained, stuck, unknown, waits
from apono_operator.state.resources import Cluster, IamRole, Manifest, ObjectKey, Owner, State, key_of
from apono_operator.state.rollout import Injection, availability, injection_of, next_injection
from apono_operator.v1alpha1 import RECONCILE_AT, AponoConnectorSpec, ConditionStatus, ConditionType, Reason

log: structlog.stdlib.BoundLogger = structlog.get_logger()

REASONS: Mapping[str, Reason] = {reason.value: reason for reason in Reason}

T = TypeVar("T")


@dataclass(frozen=True)
class Outcome:
    """What a pass says about the next one."""

    awaits: Next
    hurry: bool = False
    """Something changed under our hands: look again at once."""

    permanent: bool = False
    """Only another manifest or another setting can change the finding."""


Step = Callable[[], Finding]


@dataclass
class Upkeep:
    """The course of one pass: each step leaves behind what the next ones need."""

    world: World
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
        """Go through the aspects, as far as they are as asked."""
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
            if not self._may_go_on(aspect, finding):
                return

    def _may_go_on(self, aspect: ConditionType, finding: Finding) -> bool:
        """Children are looked after as long as there is a role for them, whatever is the matter with it now.

        A finding in doubt is good, but its step has left nothing behind for the next ones.
        """
        if aspect is ConditionType.CONNECTOR_ROLE_READY:
            return self._desired is not None and (finding.good or bool(self.role_id))
        return finding.good and finding.doubt is None

    def facts(self) -> dict[str, Any]:
        """Return the status fields that this pass knows."""
        known = {
            "connectorId": connector_id(self.spec, self.owner) if self.spec else None,
            "connectorRoleArn": self.role.arn if self.role else None,
            "connectorRoleId": self.role_id,
            "serviceAccountName": self.service_account_name,
        }
        return {name: value for name, value in known.items() if value}

    def outcome(self) -> Outcome:
        """Return what the pass says about the next one."""
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
            return self.world.denied(error)
        except AdapterError as error:
            return stuck(error.reason, error.message)
        except FencedError:
            raise
        except Exception:
            log.exception("the pass met a case that the operator does not know", aspect=str(aspect))
            return unknown(Reason.OPERATOR_ERROR, "The operator met a case it does not know; its log has the details.")

    def _kept(self, aspect: ConditionType) -> Finding | None:
        """What may pass by itself does not make an aspect false that was true for this very generation."""
        generation = self.connector["metadata"]["generation"]
        for condition in conditions_of(self.connector):
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
        return self.world.provider(_known(self._cluster))

    def _read_token(self) -> Finding:
        reference = _known(self.spec).token_secret_ref
        key = ObjectKey("Secret", self.owner.namespace, reference.name)
        secret = self.world.kubernetes.get(key)
        pull_key = child_keys(self.owner)["Secret"]
        pull_secret = self.world.kubernetes.get(pull_key)
        self._objects = {pull_key: pull_secret} if pull_secret else {}
        self.world.secrets[self.owner.uid] = SecretMemory(reference.name, versions(secret, pull_secret))
        token = connector_token.read(secret, self.owner.namespace, reference)
        if isinstance(token, Finding):
            return token
        self._token = token
        return found(Reason.TOKEN_FOUND, f"The token is in Secret {reference.name}.")

    def _reconcile_role(self) -> Finding:
        desired = _known(self._decide().role)
        memory = self.world.roles.get(self.owner.uid)
        if memory and self._is_fresh(memory) and memory.role == desired:
            self.role, self.role_id = memory.role, memory.role.role_id
            return _role_in_sync(desired)
        self.world.roles.pop(self.owner.uid, None)
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

    def _is_fresh(self, memory: RoleMemory) -> bool:
        return self._is_of_this_manifest(memory) and self.world.monotonic() < memory.seen + self.world.pace.resync * 0.9

    def _is_of_this_manifest(self, memory: RoleMemory) -> bool:
        return (memory.generation, memory.asked) == (self.connector["metadata"]["generation"], self._asked())

    def _asked(self) -> str | None:
        asked: str | None = self.connector["metadata"].get("annotations", {}).get(RECONCILE_AT)
        return asked

    def _depth(self, memory: RoleMemory | None) -> Depth:
        """Look at attachments hourly, after a change of the manifest, and when nothing is remembered."""
        if memory is None or not self._is_of_this_manifest(memory):
            return Depth.ATTACHED
        due = self.world.monotonic() >= memory.thoroughly_seen + self.world.pace.thorough
        return Depth.ATTACHED if due else Depth.OURS

    def _remember(self, desired: IamRole, depth: Depth, memory: RoleMemory | None) -> None:
        moment = self.world.monotonic()
        thoroughly = moment if depth >= Depth.ATTACHED or memory is None else memory.thoroughly_seen
        role = replace(desired, role_id=self.role_id)
        generation = self.connector["metadata"]["generation"]
        self.world.roles[self.owner.uid] = RoleMemory(generation, self._asked(), role, moment, thoroughly)

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


def _role_in_sync(role: IamRole) -> Finding:
    return found(Reason.ROLE_IN_SYNC, f"Role {role.arn} is as asked.")


def _readable(error: ValidationError) -> str:
    return "; ".join(
        f"spec.{'.'.join(str(part) for part in problem['loc'])}: {problem['msg']}" for problem in error.errors()
    )


def _known(value: T | None) -> T:
    if value is None:
        raise AssertionError("an earlier step of the pass provides this")
    return value
