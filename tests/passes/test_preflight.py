"""What an organization is asked, how often, and for whom: on a clock that the test drives."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, cast

import pytest

from apono_operator.reconciler.course import Course
from apono_operator.reconciler.environment import Environment
from apono_operator.reconciler.preflight import BAD_ANSWER_SECONDS, INFORMED_SECONDS, Clearance, Preflight
from apono_operator.state.finding import Finding, Next
from apono_operator.state.preflight import Expectation
from apono_operator.state.resources import Cluster, Owner
from apono_operator.v1alpha1 import RECONCILE_AT, ConditionStatus, ConditionType, Reason
from sandbox.aws import Fault, FrontDoor, access_denied, expired_credentials, server_error
from sandbox.aws.identity_center.instance import Instance
from sandbox.aws.organizations.organization import Organization, Unit
from tests.adapters.aws.connection import Connection, connect
from tests.adapters.aws.management import EXTERNAL_ID, Management, management_for
from tests.aws.cloudformation.templates import HANDLE, template
from tests.aws.identities import trusting
from tests.builders import ISSUER, Json, a_management_account, an_administration, an_organizations_spec, an_owner

HOUR = 3600.0
ORGANIZATION, TRUSTED_ACCESS = ConditionType.ORGANIZATION_READY, ConditionType.TRUSTED_ACCESS_ENABLED
IDENTITY_CENTER = ConditionType.IDENTITY_CENTER_FOUND
SHARED = [
    "DescribeOrganization",
    "DescribeOrganizationalUnit",
    "DescribeOrganizationsAccess",
    "ListInstances",
    "ListDelegatedAdministrators",
]
FREE = Clearance()
STOPPED = Clearance(anything=False, stack=False)
BEGUN = {"managementStackId": "arn:aws:cloudformation:eu-west-1:999988887777:stack/apono-a/1"}


@dataclass
class Looks:
    """An organization, and looks at it for connectors of its member; `moment` is the time, driven by the test."""

    management: Management
    organization: Organization
    environment: Environment
    expected: Expectation
    moment: float = 0.0
    findings: dict[ConditionType, Finding] = field(default_factory=dict)
    clearance: Clearance = FREE
    status: Json = field(default_factory=lambda: dict(BEGUN))
    annotations: dict[str, str] = field(default_factory=dict)

    def look(
        self, owner: Owner | None = None, *, quick: bool = False, expected: Expectation | None = None
    ) -> list[str]:
        """Look once; return what it asked of AWS."""
        mark = self.management.connection.aws.calls.mark()
        self.clearance, self.findings = self._preflight(owner or an_owner(), expected, quick=quick)
        asked = self.management.connection.aws.calls.since(mark)
        return [one.operation for one in asked if one.operation != "AssumeRole"]

    def _preflight(
        self, owner: Owner, expected: Expectation | None = None, *, quick: bool = False
    ) -> tuple[Clearance, dict[ConditionType, Finding]]:
        metadata = {"generation": 1, "annotations": self.annotations}
        course = Course(self.environment, {"metadata": metadata, "status": self.status}, owner, quick=quick)
        clearance = Preflight(course, expected or self.expected).run()
        return clearance, course.findings

    def look_side_by_side(self, owners: list[Owner]) -> None:
        """Look for several connectors at once."""
        with ThreadPoolExecutor(len(owners)) as threads:
            list(threads.map(self._preflight, owners))

    def delete_unit(self) -> Unit:
        """Delete the unit that is asked for, with nothing in it."""
        self.organization.join(self.management.connection.account)
        return self.organization.units.pop(self.expected.unit_id)

    def reasons(self) -> dict[ConditionType, Reason]:
        return {kind: finding.reason for kind, finding in self.findings.items()}

    @property
    def role_name(self) -> str:
        return self.expected.cluster.management_role_name(an_owner())


@pytest.fixture
def looks(monkeypatch: pytest.MonkeyPatch) -> Iterator[Looks]:
    with FrontDoor() as aws:
        connection = connect(aws, aws.create_account())
        connection.session.caller_identity()
        management = management_for(connection, monkeypatch)
        organization = aws.create_organization(management.account)
        organization.stacksets_access, organization.identity_center = "ENABLED", Instance(management.account.region)
        unit = organization.unit("Workloads")
        organization.join(connection.account, unit)
        made = Looks(
            management, organization, _environment(connection, lambda: made.moment), _expected(management, unit)
        )
        yield made


def _environment(connection: Connection, monotonic: Callable[[], float]) -> Environment:
    return Environment(
        cast("Any", None),  # an organization is looked at without a call to the cluster
        connection.session,
        connection.iam,
        an_administration(),
        ISSUER,
        monotonic=monotonic,
    )


def _expected(management: Management, unit: Unit) -> Expectation:
    account = a_management_account(
        management.account.account_id,
        roleArn=management.entrance.role_arn,
        cloudFormationRoleArn=management.entrance.service_role_arn,
        externalId=EXTERNAL_ID,
        region=management.account.region,
    )
    organization = management.account.client("organizations").describe_organization()["Organization"]
    target = {"organizationId": organization["Id"], "organizationUnitId": unit.id}
    cluster = Cluster(ISSUER, management.connection.account.account_id, "aws")
    return Expectation(an_organizations_spec(target=target), cluster, account)


# --- how often --------------------------------------------------------------------------------------------------------


def test_a_first_look_takes_five_calls_and_one_for_the_name_of_a_stack_that_is_not_begun(looks: Looks) -> None:
    looks.status = {}

    assert looks.look() == [*SHARED[:2], "GetRole", *SHARED[2:]]
    assert looks.clearance == FREE
    assert all(finding.good for finding in looks.findings.values())


def test_good_answers_hold_for_an_hour(looks: Looks) -> None:
    assert looks.look() == SHARED

    looks.moment = HOUR - 1
    assert looks.look() == []
    looks.moment = HOUR
    assert looks.look() == SHARED


def test_the_connectors_of_an_organization_share_answers(looks: Looks) -> None:
    looks.look()

    assert looks.look(an_owner("another", uid="2")) == []


def test_of_another_unit_only_the_unit_is_asked_for(looks: Looks) -> None:
    looks.look()
    other = looks.organization.unit("Other")
    target = {"organizationId": looks.organization.id, "organizationUnitId": other.id}
    spec = an_organizations_spec(target=target)

    assert looks.look(expected=Expectation(spec, looks.expected.cluster, looks.expected.account)) == [
        "DescribeOrganizationalUnit"
    ]


def test_connectors_that_look_at_once_ask_once(looks: Looks) -> None:
    mark = looks.management.connection.aws.calls.mark()

    looks.look_side_by_side([an_owner(f"c{number}", uid=str(number)) for number in range(8)])

    asked = looks.management.connection.aws.calls.since(mark).operations
    assert sorted(one for one in asked if one != "AssumeRole") == sorted(SHARED)


def test_whoever_asks_for_a_look_gets_one_once(looks: Looks) -> None:
    looks.look()
    looks.annotations, looks.moment = {RECONCILE_AT: "now"}, 1.0

    assert looks.look() == SHARED
    assert looks.look() == []
    looks.annotations, looks.moment = {RECONCILE_AT: "again"}, 2.0
    assert looks.look() == SHARED


def test_an_annotation_from_before_a_restart_asks_for_nothing(looks: Looks) -> None:
    looks.annotations = {RECONCILE_AT: "long ago"}
    looks.look(an_owner("another", uid="2"))

    assert looks.look() == []


# --- what is wrong ----------------------------------------------------------------------------------------------------


def test_a_bad_answer_is_believed_for_seconds_and_only_what_is_bad_is_asked_for_again(looks: Looks) -> None:
    unit = looks.delete_unit()

    assert looks.look() == SHARED[:2]
    assert (looks.clearance, looks.reasons()) == (STOPPED, {ORGANIZATION: Reason.UNIT_MISSING})
    looks.moment = BAD_ANSWER_SECONDS - 1
    assert looks.look() == []
    looks.organization.units[unit.id] = unit
    looks.moment = BAD_ANSWER_SECONDS

    assert looks.look() == SHARED[1:]
    assert looks.clearance == FREE


def test_of_another_organization_nothing_else_is_asked(looks: Looks) -> None:
    looks.organization.leave(looks.management.connection.account)

    assert looks.look() == ["DescribeOrganization"]
    assert (looks.clearance, looks.reasons()) == (STOPPED, {ORGANIZATION: Reason.ORGANIZATION_MISMATCH})


def test_trusted_access_that_is_off_keeps_the_stack_alone_from_being_changed(looks: Looks) -> None:
    looks.organization.stacksets_access = "DISABLED"

    looks.look()

    assert (looks.clearance.anything, looks.clearance.stack) == (True, False)
    assert looks.findings[TRUSTED_ACCESS].awaits is Next.SOMEBODY


@pytest.mark.parametrize("begun", [True, False])
def test_a_foreign_role_is_looked_for_until_the_stack_is_begun(looks: Looks, begun: bool) -> None:  # noqa: FBT001 -- a case
    looks.management.account.client("iam").create_role(
        RoleName=looks.role_name, AssumeRolePolicyDocument=trusting({"Service": "ec2.amazonaws.com"})
    )
    looks.status = dict(BEGUN) if begun else {}

    looks.look()

    assert looks.findings[ORGANIZATION].reason is (Reason.ORGANIZATION_FOUND if begun else Reason.NAME_CONFLICT)
    assert looks.clearance.anything is begun


def test_the_role_of_a_stack_that_was_left_is_not_foreign_even_without_its_tags(looks: Looks) -> None:
    looks.management.account.client("iam").create_role(
        RoleName=looks.role_name, AssumeRolePolicyDocument=trusting({"Service": "ec2.amazonaws.com"})
    )
    looks.management.cloudformation.create_stack(
        StackName=looks.expected.cluster.stack_name(an_owner()), TemplateBody=template({"Handle": HANDLE})
    )
    looks.status = {}

    looks.look()

    assert looks.clearance == FREE


# --- what holds nothing up --------------------------------------------------------------------------------------------


def test_identity_center_that_is_missing_is_looked_for_again_in_minutes(looks: Looks) -> None:
    looks.organization.identity_center = None

    looks.look()

    assert looks.clearance == Clearance(within=INFORMED_SECONDS)
    looks.moment = INFORMED_SECONDS
    assert looks.look() == ["ListInstances", "ListDelegatedAdministrators"]


@pytest.mark.parametrize(
    ("operation", "kind"),
    [
        ("DescribeOrganization", ORGANIZATION),
        ("DescribeOrganizationalUnit", ORGANIZATION),
        ("GetRole", ORGANIZATION),
        ("DescribeOrganizationsAccess", TRUSTED_ACCESS),
        ("ListInstances", IDENTITY_CENTER),
    ],
)
def test_what_nobody_may_look_at_is_unknown_and_looked_at_again_in_minutes(
    looks: Looks, operation: str, kind: ConditionType
) -> None:
    looks.status = {}
    with looks.management.connection.aws.faults.during(Fault(access_denied(), operation=operation, times=None)):
        looks.look()

    assert looks.clearance == Clearance(within=INFORMED_SECONDS)
    told = looks.findings.pop(kind)
    assert (told.status, told.reason) == (ConditionStatus.UNKNOWN, Reason.ACCESS_DENIED)
    assert f":{operation}: AccessDenied" in told.message
    assert "Allow it to the operator's role in the management account" in told.message
    assert all(finding.good for finding in looks.findings.values())


def test_a_denied_look_does_not_hide_that_something_else_is_wrong(looks: Looks) -> None:
    looks.delete_unit()
    fault = Fault(access_denied(), operation="DescribeOrganization", times=None)
    with looks.management.connection.aws.faults.during(fault):
        looks.look()

    assert (looks.clearance, looks.reasons()) == (STOPPED, {ORGANIZATION: Reason.UNIT_MISSING})


def test_a_management_account_that_shuts_the_operator_out_is_no_wrong_organization(looks: Looks) -> None:
    with looks.management.connection.aws.faults.during(Fault(access_denied(), operation="AssumeRole", times=None)):
        looks.look()

    assert {finding.reason for finding in looks.findings.values()} == {Reason.ACCESS_DENIED}
    assert looks.clearance == Clearance(within=INFORMED_SECONDS)


def test_credentials_that_are_refused_are_no_denial(looks: Looks) -> None:
    fault = Fault(expired_credentials(), operation="DescribeOrganization", times=None)
    with looks.management.connection.aws.faults.during(fault):
        looks.look()

    assert (looks.clearance, looks.reasons()) == (STOPPED, {ORGANIZATION: Reason.NO_CREDENTIALS})


# --- when AWS does not answer -----------------------------------------------------------------------------------------


def condition(kind: ConditionType, reason: Reason) -> Json:
    moment = "2026-03-14T09:26:53Z"
    return {
        "type": kind.value,
        "status": "True",
        "reason": reason.value,
        "message": "As before.",
        "lastTransitionTime": moment,
        "observedGeneration": 1,
    }


VERIFIED = [
    condition(ORGANIZATION, Reason.ORGANIZATION_FOUND),
    condition(TRUSTED_ACCESS, Reason.TRUSTED_ACCESS_ENABLED),
    condition(IDENTITY_CENTER, Reason.IDENTITY_CENTER_FOUND),
]


def test_what_was_never_verified_is_waited_for(looks: Looks) -> None:
    fault = Fault(server_error(), operation="DescribeOrganization", times=None)
    with looks.management.connection.aws.faults.during(fault):
        looks.look()

    assert looks.clearance == STOPPED
    assert looks.findings[ORGANIZATION].status is ConditionStatus.UNKNOWN
    assert looks.findings[ORGANIZATION].awaits is Next.TIME


@pytest.mark.parametrize("operation", ["DescribeOrganization", "DescribeOrganizationsAccess"])
def test_what_was_verified_for_this_manifest_counts_on_with_a_doubt(looks: Looks, operation: str) -> None:
    looks.status["conditions"] = VERIFIED
    with looks.management.connection.aws.faults.during(Fault(server_error(), operation=operation, times=None)):
        looks.look()

    assert looks.clearance == FREE
    assert [finding.message for finding in looks.findings.values() if finding.doubt] == ["As before."]


def test_the_stack_waits_for_an_answer_about_trusted_access(looks: Looks) -> None:
    fault = Fault(server_error(), operation="DescribeOrganizationsAccess", times=None)
    with looks.management.connection.aws.faults.during(fault):
        looks.look()

    assert (looks.clearance.anything, looks.clearance.stack) == (True, False)


def test_identity_center_that_does_not_answer_holds_nothing_up(looks: Looks) -> None:
    with looks.management.connection.aws.faults.during(Fault(server_error(), operation="ListInstances", times=None)):
        looks.look()

    told = looks.findings[IDENTITY_CENTER]
    assert (told.status, told.reason, told.awaits) == (ConditionStatus.UNKNOWN, Reason.AWS_UNAVAILABLE, Next.NOTHING)
    assert looks.clearance == Clearance(within=INFORMED_SECONDS)


# --- passes that spare AWS --------------------------------------------------------------------------------------------


def test_a_pass_that_spares_aws_says_the_same_however_old_it_is(looks: Looks) -> None:
    looks.status = {}
    looks.look()
    before = looks.findings
    looks.moment = 2 * HOUR

    assert looks.look(quick=True) == []
    assert (looks.findings, looks.clearance) == (before, FREE)


def test_a_pass_that_spares_aws_waits_for_a_first_look(looks: Looks) -> None:
    assert looks.look(quick=True) == []

    assert (looks.clearance, looks.reasons()) == (STOPPED, {ORGANIZATION: Reason.RECONCILING})


def test_a_pass_that_spares_aws_goes_by_what_the_status_says_of_this_manifest(looks: Looks) -> None:
    looks.status["conditions"] = VERIFIED

    assert looks.look(quick=True) == []
    assert looks.clearance == FREE


def test_a_pass_that_spares_aws_does_not_take_up_a_wish_for_a_look(looks: Looks) -> None:
    looks.look()
    looks.annotations, looks.moment = {RECONCILE_AT: "now"}, 1.0

    assert looks.look(quick=True) == []
    assert looks.look() == SHARED
