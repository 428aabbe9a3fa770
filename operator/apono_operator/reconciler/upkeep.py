"""Towards what the manifest asks for, aspect by aspect.

The steps follow each other as things have to succeed; each returns what the next ones need, and the first that
has nothing to give ends the pass. The downside: aspects that come later are not looked at while an earlier one
fails, so their conditions are as last seen; their ``observedGeneration`` tells.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import structlog
from pydantic import ValidationError

from apono_operator.adapters.errors import AdapterError
from apono_operator.reconciler.children import Children
from apono_operator.reconciler.course import Course, Outcome
from apono_operator.reconciler.environment import Environment, SecretMemory, versions
from apono_operator.reconciler.preflight import Clearance, Preflight, is_elsewhere
from apono_operator.reconciler.realization import Realization
from apono_operator.reconciler.role import contain
from apono_operator.reconciler.stack_containment import contain_stack
from apono_operator.state import connector_token, drift
from apono_operator.state.admission import Request, management_account_granted, management_account_of, refusal
from apono_operator.state.desired import Inputs, connector_id, connector_role
from apono_operator.state.drift import Mandate
from apono_operator.state.finding import Finding, Refusal, found, stuck, waits
from apono_operator.state.management_accounts import ManagementAccount
from apono_operator.state.oidc_provider import provider_finding
from apono_operator.state.preflight import Expectation
from apono_operator.state.resources import Cluster, Manifest, ObjectKey, Owner, State, account_of, look_asked_for
from apono_operator.v1alpha1 import AponoConnectorSpec, ConditionType, Reason

log: structlog.stdlib.BoundLogger = structlog.get_logger()


@dataclass(frozen=True)
class Token:
    """The connector token and the Secret that it was read from."""

    value: str = field(repr=False)
    secret: Manifest = field(repr=False)


@dataclass
class Upkeep:
    """The aspects of one pass, up to what is made in AWS and in the cluster."""

    course: Course
    _spec: AponoConnectorSpec | None = None

    def run(self) -> Outcome:
        """Go through the aspects, as far as they are as asked.

        Raises:
            FencedError: the operator is stopping.
        """
        self._run()
        if ConditionType.CONNECTOR_ROLE_READY not in self.course.findings and not self.course.quick:
            self._contain_role()
        return self.course.outcome()

    @property
    def _environment(self) -> Environment:
        return self.course.environment

    @property
    def _owner(self) -> Owner:
        return self.course.owner

    def _run(self) -> None:
        do = self.course.do
        spec = self._spec = do(ConditionType.ACCEPTED, self._accept)
        if spec is None:
            return
        if spec.suspend:
            self.course.findings[ConditionType.SUSPENDED] = drift.suspension_finding(())
        cluster = do(ConditionType.CREDENTIALS_VALID, lambda: self._identify(spec))
        if cluster is None:
            return
        if do(ConditionType.OIDC_PROVIDER_READY, lambda: self._check_provider(cluster), in_doubt=True):
            account = self._management_account(spec, cluster)
            if isinstance(account, Refusal):
                self._refuse(account, cluster)
                return
            clearance = Preflight(self.course, Expectation(spec, cluster, account)).run() if account else Clearance()
            if clearance.anything:
                self._realize(spec, cluster, account if clearance.stack else None)
                self.course.look_within(clearance.within)

    def _refuse(self, refusal: Refusal, cluster: Cluster) -> None:
        """Tell why there is no management account in mode ManagementAccount: mostly, because it is another one."""
        if is_elsewhere(self.course, cluster) is False:
            del self.course.findings[ConditionType.ORGANIZATION_READY]
            self.course.findings[ConditionType.ACCEPTED] = stuck(refusal.reason, refusal.message)

    def _realize(self, spec: AponoConnectorSpec, cluster: Cluster, account: ManagementAccount | None) -> None:
        token = self.course.do(ConditionType.TOKEN_AVAILABLE, lambda: self._read_token(spec))
        if token is None:
            return
        children = self.course.do(ConditionType.DEPLOYMENT_AVAILABLE, self._observe_children)
        if children is not None:
            asked = self._inputs(spec, cluster, token.value)
            Realization(self.course, asked, cluster, token.secret, children, account).run()

    def _management_account(self, spec: AponoConnectorSpec, cluster: Cluster) -> ManagementAccount | Refusal | None:
        request = Request(self._owner.namespace, spec, cluster.account_id)
        administration = self._environment.administration
        return management_account_granted(request, administration) or management_account_of(request, administration)

    def _contain_role(self) -> None:
        if not self.course.has_role:
            return
        try:
            cluster = self._environment.cluster()
            if self._may_contain(cluster):
                contain(self._environment, self._owner, cluster)
            if self._spec is None or not self._spec.suspend:
                connector = self.course.connector
                self.course.stack_moves = contain_stack(self._environment, connector, self._owner, cluster)
        except AdapterError as error:
            log.warning("the role of a refused manifest was not looked at", error=error.message)

    def _may_contain(self, cluster: Cluster) -> bool:
        """A manifest that is accepted has its say: about a suspension, and about drift that is only to be told."""
        if self._spec is None:
            return True
        wish = drift.Digest.of(State(connector_role(self._inputs(self._spec, cluster, token=""))))
        applied = drift.Digest.parse(self.course.status.get("lastAppliedHash"))
        return Mandate.of(self._spec, carried_out=wish.role == applied.role).changes

    def _accept(self) -> tuple[Finding, AponoConnectorSpec | None]:
        try:
            spec = AponoConnectorSpec.model_validate(self.course.connector.get("spec", {}))
        except ValidationError as error:
            return stuck(Reason.INVALID_SPEC, _readable(error)), None
        self.course.facts["connectorId"] = connector_id(spec, self._owner)
        refused = refusal(Request(self._owner.namespace, spec), self._environment.administration)
        if refused:
            return stuck(refused.reason, refused.message), None
        return found(Reason.ACCEPTED, "The manifest is valid and granted."), spec

    def _identify(self, spec: AponoConnectorSpec) -> tuple[Finding, Cluster | None]:
        cluster = self._environment.cluster()
        asked, had = spec.target.account_id, account_of(self.course.status.get("connectorRoleArn"))
        if asked and asked != cluster.account_id:
            return _account_mismatch(f"spec.target.accountId is {asked}", asked, cluster), None
        if had and had != cluster.account_id:
            return _account_mismatch(f"this connector's role is in account {had}", had, cluster), None
        return found(Reason.CREDENTIALS_ACCEPTED, f"The operator acts in account {cluster.account_id}."), cluster

    def _check_provider(self, cluster: Cluster) -> tuple[Finding, bool | None]:
        """A good answer holds for an hour, or until somebody asks anew; any answer will do for a quick pass."""
        moment = self._environment.monotonic()
        finding, seen = self._environment.providers.get(cluster.provider_arn, (None, moment))
        holds = moment < seen + self._environment.thorough_seconds and not self._is_asked_anew()
        if finding is None and self.course.quick:
            return waits(Reason.RECONCILING, "The OIDC provider will be looked at in a moment."), None
        if finding is None or not (self.course.quick or (finding.good and holds)):
            finding = provider_finding(cluster, self._environment.iam.provider_audiences(cluster))
            self._environment.providers[cluster.provider_arn] = (finding, moment)
        return finding, True if finding.good else None

    def _is_asked_anew(self) -> bool:
        asked = look_asked_for(self.course.connector)
        memory = self._environment.roles.get(self._owner.uid)
        return asked is not None and (memory is None or memory.asked != asked)

    def _read_token(self, spec: AponoConnectorSpec) -> tuple[Finding, Token | None]:
        reference = spec.token_secret_ref
        secret = self._environment.kubernetes.get(ObjectKey("Secret", self._owner.namespace, reference.name))
        token = connector_token.read(secret, self._owner.namespace, reference)
        if isinstance(token, Finding):
            self._remember_bad_token(reference.name, secret)
            return token, None
        return found(Reason.TOKEN_FOUND, f"The token is in Secret {reference.name}."), Token(token, secret or {})

    def _remember_bad_token(self, name: str, secret: Manifest | None) -> None:
        """So that the next version of the Secret is noticed at the next poll."""
        pull_secret_versions = self._environment.secret_versions(self._owner, name).split(" ")[1]
        self._environment.secrets[self._owner.uid] = SecretMemory(name, f"{versions(secret)} {pull_secret_versions}")

    def _observe_children(self) -> tuple[Finding, Children | None]:
        children = Children.observe(self._environment, self._owner)
        return found(Reason.PODS_AVAILABLE, ""), children

    def _inputs(self, spec: AponoConnectorSpec, cluster: Cluster, token: str) -> Inputs:
        administration = self._environment.administration
        return Inputs(spec=spec, owner=self._owner, cluster=cluster, administration=administration, token=token)


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
