"""In whose name a stack acts, and what befalls it on its way through the front door."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from sandbox.aws import Fault, Hang, LostResponse, access_denied, throttle
from tests.aws.cloudformation.driving import Driven
from tests.aws.cloudformation.templates import own_role, role, template
from tests.aws.identities import allowing, create_role, trusting
from tests.aws.sessions import assume, client_for, session_key
from tests.waiting import until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sandbox.aws import Account, Calls, FrontDoor, ManualClock

ROLE = template({"Role": own_role("made")})
CREATE_ROLE: dict[str, Any] = {"service": "iam", "operation": "CreateRole", "parameters": {"RoleName": "made"}}


@pytest.fixture
def session(aws: FrontDoor, account: Account, clock: ManualClock) -> Iterator[Driven]:
    """CloudFormation as a session of a role meets it that lasts an hour."""
    trust, may = trusting({"AWS": account.account_id}), allowing("*")
    caller = create_role(account.client("iam"), "caller", trust, may=may)
    key = session_key(assume(aws, account.credentials, caller, "caller"))
    client = client_for(aws, key, "cloudformation")
    yield Driven(client, clock)
    client.close()


@pytest.fixture
def service_role(account: Account) -> str:
    trust = trusting({"Service": "cloudformation.amazonaws.com"})
    return create_role(account.client("iam"), "service", trust, may=allowing("iam:*"))


def reason(driven: Driven, status: str = "CREATE_FAILED") -> str:
    return next(text for _, found, text in driven.events() if found == status)


def made_by(aws: FrontDoor) -> Calls:
    return aws.calls.of(**CREATE_ROLE)


def test_without_a_service_role_the_caller_itself_makes_the_resources(
    aws: FrontDoor, account: Account, session: Driven
) -> None:
    session.create(ROLE)
    session.finish()
    assert [call.caller for call in made_by(aws)] == [f"arn:aws:sts::{account.account_id}:assumed-role/caller/caller"]


def test_with_a_service_role_a_session_of_it_makes_the_resources(
    aws: FrontDoor, account: Account, session: Driven, service_role: str
) -> None:
    session.create(ROLE, RoleARN=service_role)
    session.finish()
    prefix = f"arn:aws:sts::{account.account_id}:assumed-role/service/"
    assert [call.caller for call in made_by(aws)] == [f"{prefix}AWSCloudFormation"]


def test_an_operation_that_outlasts_its_caller_fails(aws: FrontDoor, account: Account, session: Driven) -> None:
    aws.stack_step_seconds = 2000
    session.create(ROLE, DisableValidation=True)
    session.clock.advance(10_000)
    driven = Driven(account.client("cloudformation"), session.clock)
    assert driven.status() == "ROLLBACK_COMPLETE"
    assert "The security token included in the request is expired" in reason(driven)


def test_an_operation_by_a_service_role_outlasts_its_caller(
    aws: FrontDoor, account: Account, session: Driven, service_role: str
) -> None:
    aws.stack_step_seconds = 2000
    session.create(ROLE, RoleARN=service_role)
    session.clock.advance(10_000)
    assert Driven(account.client("cloudformation"), session.clock).status() == "CREATE_COMPLETE"


def test_a_service_role_that_is_deleted_meanwhile_fails_the_stack(
    account: Account, driven: Driven, service_role: str
) -> None:
    driven.create(ROLE, RoleARN=service_role, DisableValidation=True)
    account.client("iam").delete_role_policy(RoleName="service", PolicyName="may")
    account.client("iam").delete_role(RoleName="service")
    assert driven.finish()["StackStatus"] == "ROLLBACK_COMPLETE"
    assert "is invalid or cannot be assumed" in reason(driven)


def test_a_denial_fails_the_stack(aws: FrontDoor, driven: Driven) -> None:
    aws.faults.add(Fault(access_denied("not authorized to perform: iam:CreateRole"), **CREATE_ROLE, times=None))
    driven.create(ROLE)
    assert driven.finish()["StackStatus"] == "ROLLBACK_COMPLETE"
    assert 'message: "not authorized to perform: iam:CreateRole (Service: Iam, Status Code: 403' in reason(driven)
    assert reason(driven).endswith("HandlerErrorCode: AccessDenied)")


def test_throttling_that_passes_does_not_fail_the_stack(aws: FrontDoor, driven: Driven) -> None:
    aws.faults.add(Fault(throttle(), **CREATE_ROLE, times=2))
    driven.create(ROLE)
    assert driven.finish()["StackStatus"] == "CREATE_COMPLETE"


def test_throttling_that_does_not_pass_fails_the_stack(aws: FrontDoor, driven: Driven) -> None:
    aws.faults.add(Fault(throttle(), **CREATE_ROLE, times=None))
    driven.create(ROLE)
    assert driven.finish()["StackStatus"] == "ROLLBACK_COMPLETE"
    assert reason(driven).endswith("HandlerErrorCode: Throttling)")


@pytest.mark.parametrize("lost", [LostResponse(), LostResponse(reset=True)])
def test_a_role_whose_making_goes_unanswered_is_left_behind(
    aws: FrontDoor, account: Account, driven: Driven, lost: LostResponse
) -> None:
    aws.faults.add(Fault(lost, **CREATE_ROLE))
    driven.create(ROLE)
    assert driven.finish()["StackStatus"] == "ROLLBACK_COMPLETE"
    assert "Resource of type 'AWS::IAM::Role' with identifier 'made' already exists." in reason(driven)
    assert [found["RoleName"] for found in account.client("iam").list_roles()["Roles"]] == ["made"]


def test_a_principal_that_is_too_new_fails_the_stack(aws: FrontDoor, account: Account, driven: Driven) -> None:
    aws.new_principal_delay = 60
    connector = create_role(account.client("iam"), "connector", trusting({"AWS": account.account_id}))
    driven.create(template({"Role": role(connector, "made")}))
    driven.clock.advance(20)
    assert driven.resources() == {"Role": "CREATE_FAILED"}
    assert f'Invalid principal in policy: "AWS":"{connector}"' in reason(driven)
    driven.clock.advance(60)
    driven.create(template({"Role": role(connector, "made")}), "later")
    assert driven.finish("later")["StackStatus"] == "CREATE_COMPLETE"


def test_validation_that_cannot_look_is_skipped(aws: FrontDoor, driven: Driven) -> None:
    aws.faults.add(Fault(access_denied(), service="iam", operation="GetRole", times=None))
    driven.create(ROLE)
    assert driven.finish()["StackStatus"] == "CREATE_COMPLETE"
    events = driven.cfn.describe_events(StackName="stack", Filters={"FailedEvents": True})["OperationEvents"]
    assert [(event["ValidationStatus"], event["ValidationFailureMode"]) for event in events] == [("SKIPPED", "WARN")]


def test_a_resource_that_cannot_be_read_makes_a_detection_fail(aws: FrontDoor, driven: Driven) -> None:
    driven.create(ROLE)
    driven.finish()
    aws.faults.add(Fault(access_denied(), service="iam", operation="GetRole", times=None))
    detection = driven.cfn.detect_stack_drift(StackName="stack")["StackDriftDetectionId"]
    driven.finish()
    found = driven.cfn.describe_stack_drift_detection_status(StackDriftDetectionId=detection)
    assert found["DetectionStatus"] == "DETECTION_FAILED"
    assert found["DetectionStatusReason"] == "Failed to detect drift on resource [Role]"


def test_a_step_that_hangs_holds_up_nobody_else(aws: FrontDoor, driven: Driven) -> None:
    hang = Hang()
    fault = aws.faults.add(Fault(hang, **CREATE_ROLE))
    driven.create(ROLE)
    driven.clock.advance(100)
    with ThreadPoolExecutor(1) as threads:
        held = threads.submit(driven.status)
        until("the call that hangs", lambda: fault.fired)
        assert driven.status() == "CREATE_IN_PROGRESS"
        hang.release()
        assert held.result() in {"CREATE_IN_PROGRESS", "CREATE_COMPLETE"}
    assert driven.finish()["StackStatus"] == "CREATE_COMPLETE"


def test_a_detection_of_drift_reads_with_its_callers_own_credentials(
    aws: FrontDoor, account: Account, session: Driven, service_role: str
) -> None:
    session.create(ROLE, RoleARN=service_role)
    session.finish()
    mark = aws.calls.mark()
    account.client("cloudformation").detect_stack_drift(StackName="stack")
    account.client("cloudformation").describe_stacks()
    read = aws.calls.since(mark).of(service="iam", operation="GetRole")
    assert [call.caller for call in read] == [f"arn:aws:iam::{account.account_id}:user/administrator"]
