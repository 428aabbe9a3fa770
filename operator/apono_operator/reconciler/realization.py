"""What the manifest asks for, made real: the role, the children and the stack, each under its mandate."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

from apono_operator.reconciler.children import Children, ChildrenUpkeep
from apono_operator.reconciler.course import Course
from apono_operator.reconciler.member_accounts import look_at_members
from apono_operator.reconciler.report import announce, conditions_of, record_events
from apono_operator.reconciler.role import RoleUpkeep
from apono_operator.reconciler.stack import StackUpkeep
from apono_operator.state import drift, plan
from apono_operator.state.conditions import Event
from apono_operator.state.desired import Inputs, desired_state
from apono_operator.state.drift import Digest, Mandate
from apono_operator.state.finding import stuck
from apono_operator.state.management_accounts import ManagementAccount
from apono_operator.state.resources import Cluster, IamRole, Manifest, State
from apono_operator.state.rollout import injection_of, next_injection
from apono_operator.v1alpha1 import ConditionType, Reason


@dataclass
class Realization:
    """One pass over all that is made for a connector.

    Attributes:
        course: The pass.
        asked: All that the role and the children depend on.
        cluster: The cluster.
        token_secret: The Secret with the connector's token.
        children: What is there of the children.
        account: The management account that the stack belongs in, None in a mode without one, or while nothing may
            be changed there.
    """

    course: Course
    asked: Inputs
    cluster: Cluster
    token_secret: Manifest
    children: Children
    account: ManagementAccount | None = None

    def run(self) -> None:
        """Keep the role, then the children and the stack as long as there is a role."""
        course = self.course
        wish, applied = Digest.of(desired_state(self.asked)), Digest.parse(course.status.get("lastAppliedHash"))
        of_role = Mandate.of(self.asked.spec, carried_out=wish.role == applied.role)
        of_children = Mandate.of(self.asked.spec, carried_out=wish.objects == applied.objects)
        begun = applied.begun(role=of_role, objects=of_children)
        desired = desired_state(self._with_injection(of_children))
        conflict = plan.object_conflict(self.children.objects, desired, course.owner)
        if conflict and not course.has_role:
            course.findings[ConditionType.DEPLOYMENT_AVAILABLE] = stuck(Reason.NAME_CONFLICT, str(conflict))
            return
        role = self._keep_role(of_role, desired, begun)
        below = self._keep_children(of_children, desired, role, begun)
        stack = self._keep_stack(begun, role)
        done = replace(
            begun,
            role=wish.role if self._is_complete(role) else begun.role,
            objects=wish.objects if below.complete else begun.objects,
            stack=stack.applied if stack else begun.stack,
        )
        if done != begun:
            course.facts["lastAppliedHash"] = str(done)
        self._tell_differences(role, [side for side in (role, below, stack) if side])

    def _begin(self, begun: Digest) -> None:
        """Take back that the children are as applied before they are changed, whatever may happen in between."""
        course = self.course
        if course.status.get("lastAppliedHash"):
            facts = {"lastAppliedHash": str(begun)}
            course.connector = announce(course.environment, course.connector, course.owner, facts)

    def _with_injection(self, mandate: Mandate) -> Inputs:
        """Add the account of restarts: as it should be next, or as it stands where nothing may be changed."""
        injection = injection_of(self.children.deployment(self.course.owner))
        if mandate.changes:
            role_arn, now = self.cluster.role_arn(self.course.owner), self.course.environment.now()
            injection = next_injection(injection, self.children.pods, role_arn, now)
        return replace(self.asked, restarts=injection.restarts, settled=injection.settled)

    def _keep_role(self, mandate: Mandate, desired: State, begun: Digest) -> RoleUpkeep:
        course = self.course
        role = RoleUpkeep(
            course.environment, course.connector, course.owner, self.cluster, mandate, course.quick, begun
        )
        wanted = desired.role
        if wanted is not None:
            course.do(ConditionType.CONNECTOR_ROLE_READY, lambda: (role.run(wanted), None))
        finding = course.findings[ConditionType.CONNECTOR_ROLE_READY]
        if role.differs and finding.doubt:  # it was seen not to be as asked: no doubt about that
            course.findings[ConditionType.CONNECTOR_ROLE_READY] = finding.doubted()
        course.connector = role.connector
        course.within = role.settles_in()
        if role.known and not role.anothers:
            self._note_role(role.known)
        return role

    def _note_role(self, role: IamRole) -> None:
        """Note ARN and id; another id than before is told, because trusts elsewhere hold the old one.

        Source: IAM User Guide, "AWS JSON policy elements: Principal", on role principals.
        """
        course = self.course
        course.facts |= {"connectorRoleArn": role.arn, "connectorRoleId": role.role_id}
        before = course.status.get("connectorRoleId")
        if before and before != role.role_id:
            course.facts["previousConnectorRoleId"] = before
            what = (
                f"Role {role.arn} was deleted and made again: its id is {role.role_id}, and was {before}. Policies "
                "elsewhere that name the role as a principal hold the old id; save them again."
            )
            record_events(course.environment, course.owner, [Event("Warning", Reason.ROLE_REPLACED, what)])

    def _is_complete(self, role: RoleUpkeep) -> bool:
        """Tell whether all that was asked of the role was made."""
        finding = self.course.findings.get(ConditionType.CONNECTOR_ROLE_READY)
        in_sync = finding is not None and finding.reason is Reason.ROLE_IN_SYNC and not finding.doubt
        return role.mandate.changes and in_sync

    def _keep_children(self, mandate: Mandate, desired: State, role: RoleUpkeep, begun: Digest) -> ChildrenUpkeep:
        """Keep the children as long as there is, or may be, a role for their pods."""
        course = self.course
        below = ChildrenUpkeep(course.environment, course.owner, self.token_secret, mandate)
        if role.known is None and role.mandate.changes and (role.seen or not course.has_role):
            del course.findings[ConditionType.DEPLOYMENT_AVAILABLE]
            return below
        arn = desired.role.arn if desired.role else ""
        begin = partial(self._begin, begun)
        course.do(ConditionType.DEPLOYMENT_AVAILABLE, lambda: (below.run(desired, self.children, arn, begin), None))
        course.facts["serviceAccountName"] = course.owner.child_name
        return below

    def _keep_stack(self, applied: Digest, role: RoleUpkeep) -> StackUpkeep | None:
        """Keep the stack in a mode that has one, as long as there is a role for it to trust."""
        account, known = self.account, role.known
        if account is None or known is None or role.anothers:
            return None
        course = self.course
        stack = StackUpkeep(
            environment=course.environment,
            connector=course.connector,
            owner=course.owner,
            cluster=self.cluster,
            account=account,
            spec=self.asked.spec,
            applied=applied.stack,
            quick=course.quick,
        )
        course.do(ConditionType.MANAGEMENT_STACK_READY, lambda: (stack.run(known), None))
        finding = course.findings[ConditionType.MANAGEMENT_STACK_READY]
        if stack.differences and finding.doubt:
            course.findings[ConditionType.MANAGEMENT_STACK_READY] = finding.doubted()
        course.connector = stack.connector
        course.facts |= stack.facts
        course.stack_moves = stack.moves
        if course.quick or stack.place:
            look_at_members(course, lambda: stack.access, stack.place)
        self._tell_progress(stack)
        return stack

    def _tell_progress(self, stack: StackUpkeep) -> None:
        """Post an Event for each new status of the stack, unless the condition's own tells it."""
        course = self.course
        status, before = stack.facts.get("managementStackStatus"), course.status.get("managementStackStatus")
        finding = course.findings[ConditionType.MANAGEMENT_STACK_READY]
        known = {condition.type: condition.reason for condition in conditions_of(course.connector)}
        if status and status != before and known.get(ConditionType.MANAGEMENT_STACK_READY) == finding.reason:
            what = f"The management-account stack is {status}."
            record_events(course.environment, course.owner, [Event("Normal", finding.reason, what)])

    def _tell_differences(self, role: RoleUpkeep, sides: Sequence[RoleUpkeep | ChildrenUpkeep | StackUpkeep]) -> None:
        """Of what was carried out before, a difference is drift; of what was not, it waits.

        What was told of a role stays told until somebody has looked at it again.
        """
        course = self.course
        drifted = [line for side in sides if side.mandate.carried_out for line in side.differences]
        finding = drift.drift_finding(drifted, role.foreign, self.cluster.role_arn(course.owner))
        before = None if role.seen else course.before(ConditionType.DRIFTED, of_any_generation=True)
        told = before or finding
        if told:
            course.findings[ConditionType.DRIFTED] = told
        if role.mandate.suspended:
            pending = [line for side in sides if not side.mandate.carried_out for line in side.differences]
            course.findings[ConditionType.SUSPENDED] = drift.suspension_finding(pending)
