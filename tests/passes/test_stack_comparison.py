"""What others change in what a stack has made is noticed within the hour, at the price of a few calls."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any, cast

import pytest

from apono_operator.adapters.aws.management import ManagementAccess
from apono_operator.reconciler.environment import SETTLING_SECONDS, Environment, StackMemory
from apono_operator.reconciler.stack_comparison import StackComparison
from apono_operator.state.drift import Mandate
from apono_operator.state.finding import Finding, Next
from apono_operator.state.management_sessions import Entrance
from apono_operator.state.management_stack import StackInputs, management_stack
from apono_operator.state.resources import Cluster
from apono_operator.state.stack import ExecuteChangeSet, MakeChangeSet, ObservedStack, Stack, Template
from apono_operator.state.stack_plan import History
from apono_operator.templates import management_account
from apono_operator.v1alpha1 import Reason
from sandbox.aws import FrontDoor
from tests.adapters.aws.connection import connect, customer_policy
from tests.adapters.aws.management import EXTERNAL_ID, Management, management_for
from tests.aws.cloudformation.templates import HANDLE
from tests.aws.identities import trusting
from tests.builders import ISSUER, a_management_account, a_role, an_administration, an_organizations_spec, an_owner

HOUR = 3600.0
CORRECT, REPORT = Mandate(carried_out=True), Mandate(carried_out=True, report=True)
SUSPENDED = Mandate(carried_out=True, suspended=True)
COMPARISON = ["DescribeChangeSet", "CreateChangeSet", "DescribeChangeSet", "DeleteChangeSet"]
ROLE = replace(a_role(), role_id="AROACONNECTOR")


@dataclass
class Looks:
    """A stack that was just made, and looks at it; `moment` is the time, driven by the test."""

    management: Management
    inputs: StackInputs
    desired: Stack
    environment: Environment
    moment: float = 0.0
    memory: StackMemory = field(default_factory=lambda: StackMemory("", compared=0.0))
    differences: tuple[str, ...] = ()
    calls: list[str] = field(default_factory=list)

    @property
    def access(self) -> ManagementAccess:
        owner = self.inputs.owner
        return self.environment.management.enter(Entrance.to(self.inputs.account, self.desired.name, owner.uid))

    @property
    def iam(self) -> Any:
        """IAM of the management account, as its administrator by hand."""
        return self.management.account.client("iam")

    @property
    def role_name(self) -> str:
        return self.inputs.cluster.management_role_name(self.inputs.owner)

    def observed(self) -> ObservedStack:
        found = self.access.stacks.observe(self.desired.name)
        assert found is not None
        return found

    def look(self, mandate: Mandate = CORRECT, asked: str | None = None) -> Finding | ExecuteChangeSet | None:
        """Look until CloudFormation is at rest; `calls` are those that it took."""
        self.calls, moves, mark = [], True, self.management.connection.aws.calls.mark()
        found: Finding | ExecuteChangeSet | None = None
        observed = self.observed()
        while moves:
            comparison = self._comparison(observed, mandate, asked)
            found = comparison.run(ROLE)
            self.memory, moves, self.differences = comparison.memory, comparison.moves, comparison.differences
        calls = self.management.connection.aws.calls.since(mark).of(account=self.management.account)
        self.calls = [call.operation for call in calls if ":assumed-role/connector-operator-m" in str(call.caller)][1:]
        return found

    def _comparison(self, observed: ObservedStack, mandate: Mandate, asked: str | None) -> StackComparison:
        return StackComparison(
            environment=self.environment,
            access=self.access,
            inputs=self.inputs,
            desired=self.desired,
            observed=observed,
            mandate=mandate,
            history=History(),
            asked=asked,
            explain=lambda _, change_set: self.access.stacks.validation_failure(change_set.change_set_id),
            memory=self.memory,
        )

    def carry_out(self, step: Finding | ExecuteChangeSet | None) -> None:
        """Execute a change set, as the operator does where drift is put right."""
        assert isinstance(step, ExecuteChangeSet)
        self.access.stacks.apply(step, self.desired)
        self.memory = self.memory.compared_now(self.moment)
        assert self.observed().status in ("CREATE_COMPLETE", "UPDATE_COMPLETE")

    def change_trust(self) -> None:
        """Let somebody else in, by hand."""
        trust = trusting({"AWS": f"{self.management.account.arn_prefix}root"})
        self.iam.update_assume_role_policy(RoleName=self.role_name, PolicyDocument=trust)

    def trust(self) -> Any:
        return self.iam.get_role(RoleName=self.role_name)["Role"]["AssumeRolePolicyDocument"]

    def add_to_policy(self) -> None:
        """Widen what the role's own policy allows, by hand."""
        wide = {"Effect": "Allow", "Action": "organizations:*", "Resource": "*"}
        document = json.dumps({"Version": "2012-10-17", "Statement": [wide]})
        self.iam.put_role_policy(RoleName=self.role_name, PolicyName="apono-connector", PolicyDocument=document)

    def policy(self) -> Any:
        return self.iam.get_role_policy(RoleName=self.role_name, PolicyName="apono-connector")["PolicyDocument"]


@pytest.fixture
def looks(monkeypatch: pytest.MonkeyPatch) -> Iterator[Looks]:
    with FrontDoor() as aws:
        connection = connect(aws, aws.create_account())
        management = management_for(connection, monkeypatch)
        account = a_management_account(
            accountId=management.account.account_id,
            roleArn=management.entrance.role_arn,
            externalId=EXTERNAL_ID,
            cloudFormationRoleArn=management.entrance.service_role_arn,
            region=management.account.region,
            permissionsBoundaries={"ReadOnly": customer_policy(management.account, "boundary")},
            templateUrl=None,
            sendTemplateBody=True,
        )
        cluster = Cluster(ISSUER, connection.account.account_id, "aws")
        environment = Environment(
            kubernetes=cast("Any", None),  # a comparison takes no call to the cluster
            session=connection.session,
            iam=connection.iam,
            administration=an_administration(),
            issuer=ISSUER,
            monotonic=lambda: made.moment,
        )
        inputs = StackInputs(an_organizations_spec(), an_owner(), cluster, account)
        made = Looks(management, inputs, cast("Stack", None), environment)
        made.desired = _desired(made)
        _make(made)
        yield made


def _desired(looks: Looks) -> Stack:
    template = Template("t1", body=management_account.text())
    access = looks.environment.management.enter(
        Entrance.to(looks.inputs.account, looks.inputs.cluster.stack_name(looks.inputs.owner), looks.inputs.owner.uid)
    )
    desired = management_stack(looks.inputs, template, access.stacks.template_summary(template))
    assert isinstance(desired, Stack)
    return desired


def _make(looks: Looks) -> None:
    stacks = looks.access.stacks
    stacks.apply(MakeChangeSet("CREATE"), looks.desired)
    change_set = stacks.change_set(looks.desired.name, looks.desired.change_set_name)
    assert change_set is not None
    looks.carry_out(ExecuteChangeSet(change_set.change_set_id))
    looks.look()  # reads the role back


# --- what it costs ------------------------------------------------------------------------------------------------


def test_within_the_hour_a_stack_at_rest_costs_no_call_but_its_description(looks: Looks) -> None:
    looks.moment += HOUR - 1

    assert looks.look() is None
    assert looks.calls == []


def test_hourly_a_stack_is_compared_and_what_nobody_changed_is_left(looks: Looks) -> None:
    looks.look(asked="first")  # the change set that made the stack is discarded
    looks.moment += HOUR

    assert looks.look(asked="first") is None
    assert looks.calls == ["GetRole", *COMPARISON]

    looks.moment += HOUR - 1
    assert looks.look(asked="first") is None
    assert looks.calls == []


def test_a_look_that_is_asked_for_compares_once(looks: Looks) -> None:
    assert looks.look(asked="now") is None
    assert "CreateChangeSet" in looks.calls

    assert looks.look(asked="now") is None
    assert looks.calls == []


# --- what others change -------------------------------------------------------------------------------------------


def test_a_trust_policy_changed_by_hand_is_put_right_within_the_hour(looks: Looks) -> None:
    before = looks.trust()
    looks.change_trust()
    looks.moment += HOUR

    step = looks.look()
    while not isinstance(step, ExecuteChangeSet):  # the role is seen to be of no use before
        looks.moment += SETTLING_SECONDS
        step = looks.look()

    assert looks.differences == (f"stack {looks.desired.name}: ManagementRole is another (AssumeRolePolicyDocument)",)
    looks.carry_out(step)
    assert looks.trust() == before
    assert looks.look() is None


def test_a_policy_changed_by_hand_is_put_right_within_the_hour(looks: Looks) -> None:
    before = looks.policy()
    looks.add_to_policy()
    looks.moment += HOUR

    looks.carry_out(looks.look())

    assert looks.policy() == before


def test_a_boundary_changed_by_hand_is_put_right_within_the_hour(looks: Looks) -> None:
    other = customer_policy(looks.management.account, "other")
    looks.iam.put_role_permissions_boundary(RoleName=looks.role_name, PermissionsBoundary=other)
    looks.moment += HOUR

    looks.carry_out(looks.look())

    boundary = looks.iam.get_role(RoleName=looks.role_name)["Role"]["PermissionsBoundary"]
    assert boundary["PermissionsBoundaryArn"] in looks.inputs.account.permissions_boundaries.values()


def test_a_role_deleted_by_hand_is_made_again(looks: Looks) -> None:
    looks.iam.delete_role_policy(RoleName=looks.role_name, PolicyName="apono-connector")
    looks.iam.delete_role(RoleName=looks.role_name)
    looks.moment += HOUR

    step = looks.look()

    assert looks.differences == (f"stack {looks.desired.name}: ManagementRole is missing",)
    looks.carry_out(step)
    assert looks.look() is None


def test_a_template_changed_in_place_is_noticed_at_the_next_look(looks: Looks) -> None:
    looks.look()
    body = management_account.text().replace("sts:TagSession", "sts:SetSourceIdentity")
    kept = [{"ParameterKey": name, "UsePreviousValue": True} for name in looks.desired.parameters]
    looks.management.cloudformation.update_stack(
        StackName=looks.desired.name, TemplateBody=body, Parameters=kept, Capabilities=["CAPABILITY_NAMED_IAM"]
    )
    looks.memory = replace(looks.memory, compared_of="before")

    step = looks.look()

    assert isinstance(step, ExecuteChangeSet)
    looks.carry_out(step)
    assert "SetSourceIdentity" not in json.dumps(looks.trust())


# --- what is told and left ----------------------------------------------------------------------------------------


def test_under_report_what_differs_is_told_and_left_until_it_may_be_put_right(looks: Looks) -> None:
    looks.add_to_policy()
    changed = looks.policy()
    looks.moment += HOUR

    assert looks.look(REPORT) is None
    assert looks.memory.drift == (f"stack {looks.desired.name}: ManagementRole is another (Policies)",)
    assert looks.look(REPORT) is None
    assert looks.calls == []
    assert looks.policy() == changed

    looks.carry_out(looks.look(CORRECT))
    assert looks.policy() != changed


def test_while_suspended_not_even_a_change_set_is_made(looks: Looks) -> None:
    looks.change_trust()
    looks.moment += HOUR

    found = looks.look(SUSPENDED)

    assert isinstance(found, Finding)
    assert (found.reason, found.awaits) == (Reason.TRUST_BROKEN, Next.SOMEBODY)
    assert looks.calls == ["GetRole"]


def test_why_cloudformation_could_not_compare_is_remembered_and_tried_again_hourly(looks: Looks) -> None:
    leave_the_role_out(looks)
    looks.moment += HOUR

    assert looks.look() is None
    assert "already exists" in looks.memory.incomparable
    assert looks.look() is None
    assert looks.calls == []
    looks.moment += HOUR
    looks.look()
    assert looks.calls == [*COMPARISON[:-1], "DescribeEvents", COMPARISON[-1]]


def leave_the_role_out(looks: Looks) -> None:
    """Take the role out of the stack by hand, so that it stays, and is in the way of the template."""
    body = management_account.template()
    body["Resources"] = {**body["Resources"], "Handle": HANDLE}
    body["Resources"]["ManagementRole"] = {**body["Resources"]["ManagementRole"], "DeletionPolicy": "Retain"}
    without = {**body, "Resources": {"Handle": HANDLE}, "Outputs": {}}
    kept = [{"ParameterKey": name, "UsePreviousValue": True} for name in looks.desired.parameters]
    for template in (body, without):
        looks.management.cloudformation.update_stack(
            StackName=looks.desired.name,
            TemplateBody=json.dumps(template),
            Parameters=kept,
            Capabilities=["CAPABILITY_NAMED_IAM"],
        )
        assert looks.observed().status == "UPDATE_COMPLETE"


def test_a_role_that_stays_of_no_use_after_a_comparison_waits_for_somebody(looks: Looks) -> None:
    looks.memory = replace(looks.memory, role_seen=None)
    looks.inputs = replace(
        looks.inputs,
        account=looks.inputs.account.model_copy(
            update={"permissions_boundaries": {"ReadOnly": "arn:aws:iam::999988887777:policy/another"}}
        ),
    )

    first = looks.look()
    looks.moment += SETTLING_SECONDS
    second = looks.look()

    assert isinstance(first, Finding)
    assert first.awaits is Next.TIME
    assert isinstance(second, Finding)
    assert second.reason is Reason.MANAGEMENT_ROLE_UNUSABLE
    assert second.awaits is Next.SOMEBODY
    assert "CreateChangeSet" in looks.calls
    looks.look()
    assert "CreateChangeSet" not in looks.calls
