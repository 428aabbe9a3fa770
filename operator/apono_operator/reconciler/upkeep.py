"""Towards what the manifest asks for, aspect by aspect.

The steps follow each other as things have to succeed; each returns what the next ones need, and the first that
has nothing to give ends the pass. The downside: aspects that come later are not looked at while an earlier one
fails, so their conditions are as last seen; their ``observedGeneration`` tells.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

import structlog
from pydantic import ValidationError

from apono_operator.adapters.errors import AdapterError, ConflictError, FencedError, TransientError
from apono_operator.reconciler.children import Children, ChildrenUpkeep
from apono_operator.reconciler.environment import Environment, SecretMemory, versions
from apono_operator.reconciler.failures import finding_of
from apono_operator.reconciler.report import announce, conditions_of, record_events, status_of
from apono_operator.reconciler.role import RoleUpkeep, contain
from apono_operator.state import connector_token, drift, plan
from apono_operator.state.admission import Request, refusal
from apono_operator.state.conditions import Event
from apono_operator.state.desired import Inputs, connector_id, connector_role, desired_state
from apono_operator.state.drift import Mandate
from apono_operator.state.finding import Finding, Next, found, retained, stuck, waits
from apono_operator.state.oidc_provider import provider_finding
from apono_operator.state.resources import (
    Cluster,
    IamRole,
    Manifest,
    ObjectKey,
    Owner,
    State,
    account_of,
    look_asked_for,
)
from apono_operator.state.rollout import injection_of, next_injection
from apono_operator.v1alpha1 import AponoConnectorSpec, ConditionStatus, ConditionType, Reason

log: structlog.stdlib.BoundLogger = structlog.get_logger()

REASONS: Mapping[str, Reason] = {reason.value: reason for reason in Reason}

_CHILDREN = ConditionType.DEPLOYMENT_AVAILABLE

T = TypeVar("T")
Step = Callable[[], tuple[Finding, "T | None"]]


@dataclass(frozen=True)
class Outcome:
    """What a pass says about the next one."""

    awaits: Next
    """What has to happen before a look at AWS can find anything else."""

    children: Next = Next.NOTHING
    """What has to happen before the children can be found otherwise, which costs no call to AWS."""

    hurry: bool = False
    """Something changed under our hands: look again at once."""

    permanent: bool = False
    """Only another manifest or another setting can change the finding."""

    within: float | None = None
    """Look again within so many seconds, even if all is well."""

    read: Manifest | None = field(default=None, repr=False, compare=False)
    """The connector as the pass read it."""


@dataclass(frozen=True)
class Token:
    """The connector token and the Secret that it was read from."""

    value: str = field(repr=False)
    secret: Manifest = field(repr=False)


@dataclass
class Upkeep:
    """The course of one pass.

    Attributes:
        quick: Spare AWS: be content with what the last look found there.
        findings: What was found, by aspect.
        facts: The status fields that the pass came to know.
    """

    environment: Environment
    connector: Manifest
    owner: Owner
    quick: bool = False
    findings: dict[ConditionType, Finding] = field(default_factory=dict)
    facts: dict[str, Any] = field(default_factory=dict)
    _spec: AponoConnectorSpec | None = None
    _hurry: bool = False
    _within: float | None = None

    def run(self) -> Outcome:
        """Go through the aspects, as far as they are as asked.

        Raises:
            FencedError: the operator is stopping.
        """
        self._run()
        if ConditionType.CONNECTOR_ROLE_READY not in self.findings and not self.quick:
            self._contain_role()
        permanent = not self.findings[ConditionType.ACCEPTED].good
        return Outcome(self._awaits_of_aws(), self._awaits_of_children(), self._hurry, permanent, self._within)

    def _awaits_of_aws(self) -> Next:
        """What is the matter with the children costs AWS no look, unless it kept us from one."""
        looked = ConditionType.CONNECTOR_ROLE_READY in self.findings
        return self._awaits(self.findings.keys() - ({_CHILDREN} if looked else set()))

    def _awaits_of_children(self) -> Next:
        """A pass that spares AWS and did not get to the children has to be made again, whatever was in its way."""
        unreached = self.quick and _CHILDREN not in self.findings
        return self._awaits(self.findings.keys() if unreached else {_CHILDREN})

    def _awaits(self, kinds: Collection[ConditionType]) -> Next:
        waiting = {finding.awaits for kind, finding in self.findings.items() if kind in kinds}
        return next((one for one in (Next.TIME, Next.SOMEBODY) if one in waiting), Next.NOTHING)

    def _run(self) -> None:
        spec = self._spec = self._do(ConditionType.ACCEPTED, self._accept)
        if spec is None:
            return
        if spec.suspend:
            self.findings[ConditionType.SUSPENDED] = drift.suspension_finding(())
        cluster = self._do(ConditionType.CREDENTIALS_VALID, lambda: self._identify(spec))
        if cluster is None:
            return
        if self._do(ConditionType.OIDC_PROVIDER_READY, lambda: self._check_provider(cluster), in_doubt=True):
            self._keep_with_token(spec, cluster)

    def _keep_with_token(self, spec: AponoConnectorSpec, cluster: Cluster) -> None:
        token = self._do(ConditionType.TOKEN_AVAILABLE, lambda: self._read_token(spec))
        if token is None:
            return
        children = self._do(ConditionType.DEPLOYMENT_AVAILABLE, self._observe_children)
        if children is not None:
            self._keep(self._inputs(spec, cluster, token.value), cluster, token, children)

    def _keep(self, asked: Inputs, cluster: Cluster, token: Token, children: Children) -> None:
        """Keep the role, and then the children as long as there is a role, whatever is the matter with it now."""
        wish = drift.Digest.of(desired_state(asked))
        applied = self._applied()
        of_role = Mandate.of(asked.spec, carried_out=wish.role == applied.role)
        of_children = Mandate.of(asked.spec, carried_out=wish.objects == applied.objects)
        applied = applied.begun(role=of_role, objects=of_children)
        if not self._do(ConditionType.CONNECTOR_ROLE_READY, lambda: self._announce_begun(applied)):
            return
        desired = desired_state(self._with_injection(asked, cluster, children, of_children))
        conflict = plan.object_conflict(children.objects, desired, self.owner)
        if conflict and not self._has_role():
            self.findings[ConditionType.DEPLOYMENT_AVAILABLE] = stuck(Reason.NAME_CONFLICT, str(conflict))
            return
        role = RoleUpkeep(self.environment, self.connector, self.owner, cluster, of_role, self.quick)
        below = ChildrenUpkeep(self.environment, self.owner, token.secret, of_children)
        self.findings.pop(ConditionType.CONNECTOR_ROLE_READY)
        self._keep_role(role, desired)
        if role.known is None and of_role.changes and (role.seen or not self._has_role()):
            self.findings.pop(ConditionType.DEPLOYMENT_AVAILABLE)
        else:
            self._do(ConditionType.DEPLOYMENT_AVAILABLE, lambda: self._keep_children(below, desired, children))
        done = drift.Digest(
            wish.role if self._is_complete(role) else applied.role, wish.objects if below.complete else applied.objects
        )
        if done != applied:
            self.facts["lastAppliedHash"] = str(done)
        self._tell_differences(role, below, cluster)

    def _applied(self) -> drift.Digest:
        return drift.Digest.parse(status_of(self.connector).get("lastAppliedHash"))

    def _announce_begun(self, applied: drift.Digest) -> tuple[Finding, bool]:
        """Take back that a half is as applied before it is changed, whatever may happen in between."""
        if applied != self._applied():
            self.connector = announce(self.environment, self.connector, self.owner, {"lastAppliedHash": str(applied)})
        return waits(Reason.RECONCILING, "The role is being looked at."), True

    def _is_complete(self, role: RoleUpkeep) -> bool:
        """Tell whether all that was asked of the role was made."""
        finding = self.findings.get(ConditionType.CONNECTOR_ROLE_READY)
        in_sync = finding is not None and finding.reason is Reason.ROLE_IN_SYNC and not finding.doubt
        return role.mandate.changes and in_sync

    def _tell_differences(self, role: RoleUpkeep, below: ChildrenUpkeep, cluster: Cluster) -> None:
        """Of what was carried out before, a difference is drift; of what was not, it waits.

        What was told of a role stays told until somebody has looked at it again.
        """
        drifted = [line for side in (role, below) if side.mandate.carried_out for line in side.differences]
        finding = drift.drift_finding(drifted, role.foreign, cluster.role_arn(self.owner))
        before = None if role.seen else self._before(ConditionType.DRIFTED, of_any_generation=True)
        if before:
            self.findings[ConditionType.DRIFTED] = before
        elif finding:
            self.findings[ConditionType.DRIFTED] = finding
        if role.mandate.suspended:
            pending = [line for side in (role, below) if not side.mandate.carried_out for line in side.differences]
            self.findings[ConditionType.SUSPENDED] = drift.suspension_finding(pending)

    def _has_role(self) -> bool:
        return "connectorRoleArn" in status_of(self.connector)

    def _contain_role(self) -> None:
        if not self._has_role():
            return
        try:
            cluster = self.environment.cluster()
            if self._may_contain(cluster):
                contain(self.environment, self.owner, cluster)
        except AdapterError as error:
            log.warning("the role of a refused manifest was not looked at", error=error.message)

    def _may_contain(self, cluster: Cluster) -> bool:
        """A manifest that is accepted has its say: about a suspension, and about drift that is only to be told."""
        if self._spec is None:
            return True
        wish = drift.Digest.of(State(connector_role(self._inputs(self._spec, cluster, token=""))))
        return Mandate.of(self._spec, carried_out=wish.role == self._applied().role).changes

    def _do(self, aspect: ConditionType, step: Step[T], *, in_doubt: T | None = None) -> T | None:
        """Take a step and note its finding; *in_doubt* is what it gives if it was fine and cannot be confirmed."""
        try:
            self.findings[aspect], result = step()
        except FencedError:
            raise
        except Exception as failure:  # noqa: BLE001 -- the ladder of `failures` tells and logs them all
            finding = self._judged(aspect, failure)
            self.findings[aspect] = finding
            return in_doubt if finding.good else None
        return result

    def _judged(self, aspect: ConditionType, failure: Exception) -> Finding:
        """What may pass by itself does not make an aspect false that was true for this very generation."""
        finding = finding_of(failure, self.environment)
        remembered = self.quick and aspect is ConditionType.CONNECTOR_ROLE_READY
        self._hurry = self._hurry or (isinstance(failure, ConflictError) and not remembered)
        before = self._before(aspect) if isinstance(failure, (TransientError, ConflictError)) else None
        return retained(before, finding.reason, finding.message) if before else finding

    def _before(self, aspect: ConditionType, *, of_any_generation: bool = False) -> Finding | None:
        generation = self.connector["metadata"]["generation"]
        for condition in conditions_of(self.connector):
            if condition.type == aspect and condition.status is ConditionStatus.TRUE:
                reason = REASONS.get(condition.reason)
                current = of_any_generation or condition.observed_generation == generation
                return found(reason, condition.message) if reason and current else None
        return None

    def _accept(self) -> tuple[Finding, AponoConnectorSpec | None]:
        try:
            spec = AponoConnectorSpec.model_validate(self.connector.get("spec", {}))
        except ValidationError as error:
            return stuck(Reason.INVALID_SPEC, _readable(error)), None
        self.facts["connectorId"] = connector_id(spec, self.owner)
        refused = refusal(Request(self.owner.namespace, spec), self.environment.administration)
        if refused:
            return stuck(refused.reason, refused.message), None
        return found(Reason.ACCEPTED, "The manifest is valid and granted."), spec

    def _identify(self, spec: AponoConnectorSpec) -> tuple[Finding, Cluster | None]:
        cluster = self.environment.cluster()
        asked, had = spec.target.account_id, account_of(status_of(self.connector).get("connectorRoleArn"))
        if asked and asked != cluster.account_id:
            return _account_mismatch(f"spec.target.accountId is {asked}", asked, cluster), None
        if had and had != cluster.account_id:
            return _account_mismatch(f"this connector's role is in account {had}", had, cluster), None
        return found(Reason.CREDENTIALS_ACCEPTED, f"The operator acts in account {cluster.account_id}."), cluster

    def _check_provider(self, cluster: Cluster) -> tuple[Finding, bool | None]:
        """A good answer holds for an hour, or until somebody asks anew; any answer will do for a quick pass."""
        moment = self.environment.monotonic()
        finding, seen = self.environment.providers.get(cluster.provider_arn, (None, moment))
        holds = moment < seen + self.environment.thorough_seconds and not self._is_asked_anew()
        if finding is None and self.quick:
            return waits(Reason.RECONCILING, "The OIDC provider will be looked at in a moment."), None
        if finding is None or not (self.quick or (finding.good and holds)):
            finding = provider_finding(cluster, self.environment.iam.provider_audiences(cluster))
            self.environment.providers[cluster.provider_arn] = (finding, moment)
        return finding, True if finding.good else None

    def _is_asked_anew(self) -> bool:
        asked = look_asked_for(self.connector)
        memory = self.environment.roles.get(self.owner.uid)
        return asked is not None and (memory is None or memory.asked != asked)

    def _read_token(self, spec: AponoConnectorSpec) -> tuple[Finding, Token | None]:
        reference = spec.token_secret_ref
        secret = self.environment.kubernetes.get(ObjectKey("Secret", self.owner.namespace, reference.name))
        token = connector_token.read(secret, self.owner.namespace, reference)
        if isinstance(token, Finding):
            self._remember_bad_token(reference.name, secret)
            return token, None
        return found(Reason.TOKEN_FOUND, f"The token is in Secret {reference.name}."), Token(token, secret or {})

    def _remember_bad_token(self, name: str, secret: Manifest | None) -> None:
        """So that the next version of the Secret is noticed at the next poll."""
        pull_secret_versions = self.environment.secret_versions(self.owner, name).split(" ")[1]
        self.environment.secrets[self.owner.uid] = SecretMemory(name, f"{versions(secret)} {pull_secret_versions}")

    def _observe_children(self) -> tuple[Finding, Children | None]:
        children = Children.observe(self.environment, self.owner)
        return found(Reason.PODS_AVAILABLE, ""), children

    def _inputs(self, spec: AponoConnectorSpec, cluster: Cluster, token: str) -> Inputs:
        administration = self.environment.administration
        return Inputs(spec=spec, owner=self.owner, cluster=cluster, administration=administration, token=token)

    def _with_injection(self, asked: Inputs, cluster: Cluster, children: Children, mandate: Mandate) -> Inputs:
        """Add the account of restarts: as it should be next, or as it stands where nothing may be changed."""
        injection = injection_of(children.deployment(self.owner))
        if mandate.changes:
            role_arn = cluster.role_arn(self.owner)
            injection = next_injection(injection, children.pods, role_arn, self.environment.now())
        return replace(asked, restarts=injection.restarts, settled=injection.settled)

    def _keep_role(self, role: RoleUpkeep, desired: State) -> None:
        if desired.role is None:
            return
        wanted = desired.role
        self._do(ConditionType.CONNECTOR_ROLE_READY, lambda: (role.run(wanted), None))
        finding = self.findings[ConditionType.CONNECTOR_ROLE_READY]
        if role.differs and finding.doubt:  # it was seen not to be as asked: no doubt about that
            self.findings[ConditionType.CONNECTOR_ROLE_READY] = finding.doubted()
        self.connector = role.connector
        self._within = role.settles_in()
        if role.known and not role.anothers:
            self._note_role(role.known)

    def _note_role(self, role: IamRole) -> None:
        """Note ARN and id; another id than before is told, because trusts elsewhere hold the old one.

        Source: IAM User Guide, "AWS JSON policy elements: Principal", on role principals.
        """
        self.facts |= {"connectorRoleArn": role.arn, "connectorRoleId": role.role_id}
        before = status_of(self.connector).get("connectorRoleId")
        if before and before != role.role_id:
            self.facts["previousConnectorRoleId"] = before
            what = (
                f"Role {role.arn} was deleted and made again: its id is {role.role_id}, and was {before}. Policies "
                "elsewhere that name the role as a principal hold the old id; save them again."
            )
            record_events(self.environment, self.owner, [Event("Warning", Reason.ROLE_REPLACED, what)])

    def _keep_children(self, below: ChildrenUpkeep, desired: State, children: Children) -> tuple[Finding, None]:
        finding = below.run(desired, children, desired.role.arn if desired.role else "")
        self.facts["serviceAccountName"] = self.owner.child_name
        return finding, None


def _account_mismatch(what: str, account_id: str, cluster: Cluster) -> Finding:
    return stuck(
        Reason.ACCOUNT_MISMATCH,
        f"{what}, but the operator's credentials belong to account {cluster.account_id}. Correct the id, or apply "
        f"the manifest to the cluster of account {account_id}.",
    )


def _readable(error: ValidationError) -> str:
    return "; ".join(
        f"spec.{'.'.join(str(part) for part in problem['loc'])}: {problem['msg']}" for problem in error.errors()
    )
