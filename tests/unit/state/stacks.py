"""Stacks and change sets as tests of their plan see them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from apono_operator.state.finding import Next
from apono_operator.state.stack import (
    ROLE_OUTPUT,
    TEMPLATE_TAG,
    ChangeSet,
    ObservedStack,
    ResourceChange,
    Stack,
    Template,
)
from apono_operator.state.stack_plan import (
    Compared,
    History,
    Ownership,
    StackStep,
    Tell,
    plan_stack,
)
from apono_operator.v1alpha1 import ConditionStatus, Reason
from tests.builders import a_cluster, an_owner

NAME = "apono-production"
ID = f"arn:aws:cloudformation:eu-west-1:999988887777:stack/{NAME}/1"
ROLE = "arn:aws:iam::999988887777:role/apono-management"
SERVICE_ROLE = "arn:aws:iam::999988887777:role/connector-operator-cloudformation"
OWNERSHIP = Ownership(a_cluster(), an_owner())
PARAMETERS = {"OrganizationId": "o-k012345a67", "Permissions": "ReadOnly"}
TAGS = {**a_cluster().ownership_tags(an_owner()), TEMPLATE_TAG: "t1"}
FRESH, RETRY = History(), History(may_retry=True)
DESIRED = Stack(
    name=NAME,
    account_id="999988887777",
    region="eu-west-1",
    template=Template("t1", url="https://templates.example/management-account.yaml"),
    parameters=PARAMETERS,
    capabilities=("CAPABILITY_NAMED_IAM",),
    service_role_arn=SERVICE_ROLE,
    tags=TAGS,
)


CHANGE_SET_ID = f"arn:aws:cloudformation:eu-west-1:999988887777:changeSet/{DESIRED.change_set_name}/1"


def a_stack(status: str = "CREATE_COMPLETE", **changes: Any) -> ObservedStack:
    as_asked = ObservedStack(
        stack_id=ID,
        name=NAME,
        status=status,
        status_reason="",
        parameters=PARAMETERS,
        outputs={ROLE_OUTPUT: ROLE},
        tags=TAGS,
        service_role_arn=SERVICE_ROLE,
        change_set_id=CHANGE_SET_ID,
        updated="2026-03-14T09:26:53Z",
    )
    return replace(as_asked, **changes)


def another(status: str = "CREATE_COMPLETE", **changes: Any) -> ObservedStack:
    """A stack that is not as asked, and was last changed by an earlier change set of ours."""
    earlier = {"parameters": {**PARAMETERS, "Permissions": "FullAccess"}, "change_set_id": "arn:changeSet/apono-0/1"}
    return a_stack(status, **{**earlier, **changes})


def a_change_set(status: str = "CREATE_COMPLETE", execution: str = "AVAILABLE", **changes: Any) -> ChangeSet:
    return ChangeSet(CHANGE_SET_ID, status, execution, **changes)


def step(observed: ObservedStack | None, change_set: ChangeSet | None = None, history: History = FRESH) -> StackStep:
    return plan_stack(DESIRED, observed, change_set, history, OWNERSHIP)


def told(step: StackStep | Compared | None) -> tuple[ConditionStatus, Reason, Next]:
    assert isinstance(step, Tell)
    return step.finding.status, step.finding.reason, step.finding.awaits


def message(step: StackStep | None) -> str:
    assert isinstance(step, Tell)
    return step.finding.message


WAITS = (ConditionStatus.FALSE, Reason.STACK_IN_PROGRESS, Next.TIME)
FAILED = (ConditionStatus.FALSE, Reason.STACK_FAILED, Next.SOMEBODY)
GOOD = (ConditionStatus.TRUE, Reason.STACK_IN_SYNC, Next.NOTHING)
TRUST = ResourceChange("Modify", "ManagementRole", "AWS::IAM::Role", properties=("AssumeRolePolicyDocument",))
NOTED = ResourceChange("SyncWithActual", "ManagementRole", "AWS::IAM::Role")
