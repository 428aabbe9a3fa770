"""Whether an organization is as a connector needs it: looked at before anything is changed in AWS, and only read.

What is surely wrong ends the pass; trusted access that is off keeps the stack as it is; what nobody may look at is told
and holds nothing up. The answers are those of an account, not of a connector: they hold for an hour, and for seconds
if something is wrong.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from apono_operator.adapters.aws.management import ManagementAccess
from apono_operator.adapters.aws.organizations import Organizations
from apono_operator.adapters.errors import AdapterError, DeniedError
from apono_operator.reconciler.answers import Answer, NotAskedError
from apono_operator.reconciler.course import Course
from apono_operator.reconciler.environment import Environment
from apono_operator.reconciler.failures import finding_of
from apono_operator.state import preflight as judge
from apono_operator.state.finding import Finding, unverified, waits
from apono_operator.state.management_sessions import Entrance
from apono_operator.state.preflight import Denial, Expectation, IdentityCenterInstance, Organization
from apono_operator.state.resources import Cluster, look_asked_for
from apono_operator.state.stack import Meaning
from apono_operator.v1alpha1 import ConditionType, Reason

BAD_ANSWER_SECONDS = 10.0
"""For how long an answer that something is wrong is everybody's, so that many connectors do not ask at once."""

INFORMED_SECONDS = 300.0
"""After which is looked again at what is told and holds nothing up, so that mending it shows."""

T = TypeVar("T")


@dataclass(frozen=True)
class Clearance:
    """What may go on after a preflight."""

    anything: bool = True
    """Whether there may be changes in AWS at all."""

    stack: bool = True
    """Whether the stack may be made and changed."""

    within: float | None = None
    """Seconds within which to look again, even if all else is well."""


def is_elsewhere(course: Course, cluster: Cluster) -> bool | None:
    """Look whether *cluster* is outside of its organization's management account, and note it; None if nobody says.

    Raises:
        FencedError: the operator is stopping.
    """

    def step() -> tuple[Finding, bool]:
        environment = course.environment
        finding = judge.elsewhere_finding(cluster, _own_organization(environment))
        return finding or waits(Reason.RECONCILING, "The organization will be looked at in a moment."), bool(finding)

    return course.do(ConditionType.ORGANIZATION_READY, step)


def _own_organization(environment: Environment) -> Organization | Denial | None:
    """Ask for the organization of our own account, at most once in a while."""

    def ask() -> Organization | Denial | None:
        return _allowed(environment, lambda: Organizations(environment.session.organizations).organization())

    def holds(answer: Answer) -> bool:
        return environment.monotonic() < answer.asked + BAD_ANSWER_SECONDS

    return environment.answers.get(("own organization",), ask, holds, environment.monotonic)


def _allowed(environment: Environment, call: Callable[[], T]) -> T | Denial:
    """Make a call that we may not be allowed; what is denied is an answer as well."""
    try:
        return call()
    except DeniedError as error:
        if error.reason is not Reason.ACCESS_DENIED:
            raise
        return Denial(finding_of(error, environment).message)


@dataclass
class Preflight:
    """One look at the organization of a connector.

    Attributes:
        course: The pass.
        expected: What should be.
    """

    course: Course
    expected: Expectation
    _started: float = field(init=False)
    _asks_anew: bool = field(init=False)

    def __post_init__(self) -> None:
        self._started, asked = self._environment.monotonic(), look_asked_for(self.course.connector)
        self._asks_anew = self._environment.preflights.get(self.course.owner.uid, asked) != asked

    def run(self) -> Clearance:
        """Look, note the findings, and tell what may go on.

        Raises:
            FencedError: the operator is stopping.
        """
        if not self._step(ConditionType.ORGANIZATION_READY, self._organization):
            return Clearance(anything=False, stack=False)
        stack = self._step(ConditionType.TRUSTED_ACCESS_ENABLED, self._trusted_access)
        self._step(ConditionType.IDENTITY_CENTER_FOUND, self._identity_center)
        if not self.course.quick:
            self._environment.preflights[self.course.owner.uid] = look_asked_for(self.course.connector)
        return Clearance(stack=bool(stack), within=self._within())

    @property
    def _environment(self) -> Environment:
        return self.course.environment

    @property
    def _access(self) -> ManagementAccess:
        name, uid = self.expected.cluster.stack_name(self.course.owner), self.course.owner.uid
        return self._environment.management.enter(Entrance.to(self.expected.account, name, uid))

    def _step(self, kind: ConditionType, look: Callable[[], Finding]) -> bool | None:
        def step() -> tuple[Finding, bool | None]:
            try:
                finding = look()
            except NotAskedError:
                soon = waits(Reason.RECONCILING, "The organization will be looked at in a moment.")
                finding = self.course.before(kind) or soon
            return finding, True if finding.passes else None

        return self.course.do(kind, step, in_doubt=True)

    def _within(self) -> float | None:
        """Mending what is told alone has to show as well."""
        found = [self.course.findings[kind] for kind in _LOOKED_AT]
        return None if all(finding.good for finding in found) else INFORMED_SECONDS

    # --- the organization ---------------------------------------------------------------------------------------

    def _organization(self) -> Finding:
        finding = judge.partition_finding(self.expected)
        if finding:
            return finding
        finding = judge.organization_finding(self.expected, self._seen_organization())
        for look in (self._unit, self._foreign_role):
            other = look() if finding.passes else None
            if other and (finding.good or not other.passes):
                finding = other
        return finding

    def _seen_organization(self) -> Organization | Denial | None:
        expected = self.expected
        question = ("organization", expected.cluster.account_id, expected.account.account_id)
        return self._answer(question, self._ask_organization, lambda seen: judge.organization_finding(expected, seen))

    def _ask_organization(self) -> Organization | Denial | None:
        """Ask for our own account, which tells the most; if that is denied, for the management account."""
        own = self._allowed(lambda: Organizations(self._environment.session.organizations).organization())
        return self._allowed(self._access.organizations.organization) if isinstance(own, Denial) else own

    def _unit(self) -> Finding | None:
        expected = self.expected
        question = ("unit", expected.account.account_id, expected.unit_id)
        exists: bool | Denial = self._answer(
            question,
            lambda: self._allowed(lambda: self._access.organizations.has_unit(expected.unit_id)),
            lambda exists: judge.unit_finding(expected, exists),
        )
        return judge.unit_finding(expected, exists)

    def _foreign_role(self) -> Finding | None:
        """Look for a role in the way of a stack that was not begun; CloudFormation would take minutes to tell."""
        if self.course.quick or "managementStackId" in self.course.status:
            return None
        cluster, owner = self.expected.cluster, self.course.owner
        role = self._allowed(lambda: self._access.role(cluster.management_role_name(owner)))
        finding = judge.foreign_role_finding(self.expected, owner, role)
        return None if finding and not finding.passes and self._has_stack() else finding

    def _has_stack(self) -> bool:
        """Tell whether there is a stack of our name: then the role is its own, whatever became of its tags."""
        observed = self._access.stacks.observe(self.expected.cluster.stack_name(self.course.owner))
        return observed is not None and observed.meaning not in (Meaning.GONE, Meaning.EMPTY)

    # --- what else it has ---------------------------------------------------------------------------------------

    def _trusted_access(self) -> Finding:
        expected = self.expected
        status: str | Denial = self._answer(
            ("trusted access", expected.account.account_id, expected.account.region),
            lambda: self._allowed(self._access.stacks.stack_sets_access),
            lambda status: judge.trusted_access_finding(expected, status),
        )
        return judge.trusted_access_finding(expected, status)

    def _identity_center(self) -> Finding:
        """Whatever the matter is: it is told, and holds nothing up."""
        try:
            instances, administrators = self._answer(
                ("identity center", self.expected.account.account_id),
                self._ask_identity_center,
                lambda answer: judge.identity_center_finding(self.expected, *answer),
            )
        except AdapterError as error:
            return unverified(error.reason, error.message)
        return judge.identity_center_finding(self.expected, instances, administrators)

    def _ask_identity_center(self) -> tuple[tuple[IdentityCenterInstance, ...] | Denial, tuple[str, ...] | Denial]:
        access, service = self._access, judge.IDENTITY_CENTER_SERVICE
        return (
            self._allowed(access.identity_center.instances),
            self._allowed(lambda: access.organizations.delegated_administrators(service)),
        )

    # --- asking -------------------------------------------------------------------------------------------------

    def _answer(self, question: tuple[str, ...], ask: Callable[[], T], judged: Callable[[T], Finding | None]) -> T:
        """Return what AWS says, or said; a pass that spares AWS takes any answer.

        Raises:
            NotAskedError: the pass spares AWS, and nobody has asked before.
            AdapterError: AWS does not say.
        """
        answers = self._environment.answers
        if self.course.quick:
            last: T = answers.last(question)
            return last
        return answers.get(question, ask, lambda answer: self._holds(answer, judged), self._environment.monotonic)

    def _holds(self, answer: Answer, judged: Callable[[T], Finding | None]) -> bool:
        if self._asks_anew and answer.asked < self._started:
            return False
        finding = judged(answer.content)
        good = finding is None or finding.good
        seconds = self._environment.thorough_seconds if good else BAD_ANSWER_SECONDS
        return self._environment.monotonic() < answer.asked + seconds

    def _allowed(self, call: Callable[[], T]) -> T | Denial:
        return _allowed(self._environment, call)


_LOOKED_AT = (
    ConditionType.ORGANIZATION_READY,
    ConditionType.TRUSTED_ACCESS_ENABLED,
    ConditionType.IDENTITY_CENTER_FOUND,
)
