from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError, ConnectionClosedError

from sandbox.aws import (
    Call,
    ConnectionDroppedError,
    Fault,
    FrontDoor,
    Hang,
    Latency,
    LostResponse,
    ManualClock,
    Refusal,
    ResetConnection,
    access_denied,
    expired_credentials,
    server_error,
    throttle,
)
from tests.aws.identities import create_role, trusting

if TYPE_CHECKING:
    from mypy_boto3_iam import IAMClient

    from sandbox.aws import Account, Effect

ANYBODY = trusting("*")


@pytest.fixture
def home(aws: FrontDoor) -> Account:
    return aws.create_account()


@pytest.fixture
def iam(home: Account) -> IAMClient:
    return home.client("iam")


def outcome(iam: IAMClient, name: str = "role") -> str:
    """What comes of one more CreateRole."""
    try:
        create_role(iam, name, ANYBODY)
    except ClientError as error:
        return error.response["Error"]["Code"]
    except ConnectionClosedError:
        return "closed"
    return "ok"


def role_names(iam: IAMClient) -> list[str]:
    return [role["RoleName"] for role in iam.list_roles()["Roles"]]


@pytest.mark.parametrize(
    ("effect", "code", "status"),
    [
        (throttle(), "Throttling", 400),
        (server_error(), "ServiceFailure", 500),
        (server_error(503, "ServiceUnavailable"), "ServiceUnavailable", 503),
        (expired_credentials(), "ExpiredToken", 403),
        (access_denied("no"), "AccessDenied", 403),
        (Refusal("ConcurrentModification", "again", 409), "ConcurrentModification", 409),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_refusal_is_answered_and_nothing_is_done(
    aws: FrontDoor, iam: IAMClient, effect: Effect, code: str, status: int
) -> None:
    aws.faults.add(Fault(effect, operation="CreateRole"))
    with pytest.raises(ClientError) as caught:
        create_role(iam, "role", ANYBODY)
    assert caught.value.response["Error"]["Code"] == code
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == status
    assert role_names(iam) == []


def test_a_reset_connection_means_nothing_was_done(aws: FrontDoor, iam: IAMClient) -> None:
    aws.faults.add(Fault(ResetConnection(), operation="CreateRole"))
    assert outcome(iam) == "closed"
    assert role_names(iam) == []


@pytest.mark.parametrize(("reset", "seen"), [(False, "ServiceFailure"), (True, "closed")])
def test_a_lost_response_means_it_was_done(aws: FrontDoor, iam: IAMClient, *, reset: bool, seen: str) -> None:
    aws.faults.add(Fault(LostResponse(reset=reset), operation="CreateRole"))
    assert outcome(iam) == seen
    assert role_names(iam) == ["role"]
    (record,) = aws.calls.of(operation="CreateRole")
    assert record.applied
    assert record.outcome != "ok"


def test_a_lost_response_to_a_refused_call_is_still_the_refusal(aws: FrontDoor, iam: IAMClient) -> None:
    create_role(iam, "role", ANYBODY)
    aws.faults.add(Fault(LostResponse(), operation="CreateRole"))
    assert outcome(iam) == "EntityAlreadyExists"


def test_latency_delays_the_answer(aws: FrontDoor, iam: IAMClient) -> None:
    aws.faults.add(Fault(Latency(0.2), operation="CreateRole"))
    assert outcome(iam) == "ok"
    assert aws.calls.of(operation="CreateRole")[0].duration >= 0.2


def test_the_nth_call_suffers_and_as_many_after_it_as_wanted(aws: FrontDoor, iam: IAMClient) -> None:
    fault = aws.faults.add(Fault(throttle(), operation="CreateRole", nth=2, times=2))
    outcomes = [outcome(iam, f"role-{number}") for number in range(5)]
    assert outcomes == ["ok", "Throttling", "Throttling", "ok", "ok"]
    assert (fault.seen, fault.fired) == (5, 2)


def test_a_fault_without_end_lasts_until_it_is_lifted(aws: FrontDoor, iam: IAMClient) -> None:
    fault = aws.faults.add(Fault(throttle(), times=None))
    assert [outcome(iam) for _ in range(3)] == ["Throttling"] * 3
    aws.faults.remove(fault)
    assert outcome(iam) == "ok"


def test_a_fault_may_last_for_a_block(aws: FrontDoor, iam: IAMClient) -> None:
    with aws.faults.during(Fault(throttle(), times=None)):
        assert outcome(iam) == "Throttling"
    assert outcome(iam) == "ok"


def test_a_fault_strikes_only_the_parameters_it_names(aws: FrontDoor, iam: IAMClient) -> None:
    aws.faults.add(Fault(throttle(), parameters={"RoleName": "second"}))
    assert [outcome(iam, name) for name in ("first", "second")] == ["ok", "Throttling"]


def test_a_fault_strikes_only_the_account_it_names(aws: FrontDoor, iam: IAMClient, home: Account) -> None:
    other = aws.create_account()
    aws.faults.add(Fault(throttle(), account=home))
    assert outcome(other.client("iam")) == "ok"
    assert outcome(iam) == "Throttling"


def test_a_fault_strikes_only_the_caller_it_names(aws: FrontDoor, iam: IAMClient, home: Account) -> None:
    aws.faults.add(Fault(throttle(), caller=f"{home.arn_prefix}user/somebody"))
    assert outcome(iam) == "ok"


def test_a_fault_strikes_only_the_service_it_names(aws: FrontDoor, iam: IAMClient) -> None:
    aws.faults.add(Fault(throttle(), service="sts"))
    assert outcome(iam) == "ok"


def test_cleared_faults_strike_no_more(aws: FrontDoor, iam: IAMClient) -> None:
    aws.faults.add(Fault(throttle()))
    aws.faults.clear()
    assert outcome(iam) == "ok"


def test_a_call_that_hangs_goes_on_when_released(aws: FrontDoor, iam: IAMClient) -> None:
    hang = Hang()
    fault = aws.faults.add(Fault(hang, operation="CreateRole"))
    outcomes: list[str] = []
    thread = threading.Thread(target=lambda: outcomes.append(outcome(iam)))
    thread.start()
    wait_until(lambda: fault.fired == 1)
    assert (outcomes, role_names(iam)) == ([], [])
    hang.release()
    thread.join(timeout=10)
    assert (outcomes, role_names(iam)) == (["ok"], ["role"])


def test_a_call_held_up_over_a_reset_finds_its_account_gone(aws: FrontDoor, iam: IAMClient) -> None:
    fault = aws.faults.add(Fault(Hang(), operation="CreateRole"))
    with ThreadPoolExecutor(1) as thread:
        held = thread.submit(outcome, iam)
        wait_until(lambda: fault.fired == 1)
        aws.reset()
        assert held.result(timeout=10) == "InvalidClientTokenId"


def test_an_error_of_a_hook_is_answered_and_raised_in_the_end() -> None:
    with pytest.raises(ExceptionGroup) as caught, FrontDoor() as aws:  # noqa: PT012 -- raised at its end
        iam = aws.create_account().client("iam")
        aws.hooks.before(lambda call: call.parameters["Missing"], operation="CreateRole")
        assert outcome(iam) == "InternalFailure"
    assert [type(error) for error in caught.value.exceptions] == [KeyError]


def test_closing_the_front_door_lets_go_of_calls_that_hang() -> None:
    with FrontDoor() as aws:
        account = aws.create_account()
        fault = aws.faults.add(Fault(Hang(), operation="GetCallerIdentity"))
        thread = threading.Thread(target=lambda: account.client("sts").get_caller_identity())
        thread.start()
        wait_until(lambda: fault.fired == 1)
    thread.join(timeout=10)
    assert not thread.is_alive()


def wait_until(condition: Any, seconds: float = 10) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come true in time"
        threading.Event().wait(0.005)


def test_a_hook_acts_before_the_call_is_carried_out(aws: FrontDoor, iam: IAMClient) -> None:
    seen: list[list[str]] = []
    aws.hooks.before(lambda _call: seen.append(role_names(iam)), operation="CreateRole")
    create_role(iam, "role", ANYBODY)
    assert seen == [[]]


def test_a_hook_acts_after_the_call_is_carried_out_and_before_it_is_answered(aws: FrontDoor, iam: IAMClient) -> None:
    seen: list[list[str]] = []

    def look_and_drop(call: Call) -> None:
        seen.append([*role_names(iam), call.parameters["RoleName"]])
        raise ConnectionDroppedError

    aws.hooks.after(look_and_drop, operation="CreateRole")
    assert outcome(iam) == "closed"
    assert seen == [["role", "role"]]


def test_a_hook_may_act_at_one_call_among_many(aws: FrontDoor, iam: IAMClient) -> None:
    aws.hooks.before(lambda _call: iam.delete_role(RoleName="first"), parameters={"RoleName": "second"})
    assert [outcome(iam, name) for name in ("first", "second")] == ["ok", "ok"]
    assert role_names(iam) == ["second"]


def test_a_new_role_is_unknown_as_a_principal_for_a_while(
    aws: FrontDoor, iam: IAMClient, home: Account, clock: ManualClock
) -> None:
    aws.new_principal_delay = 10
    trusted = create_role(iam, "trusted", ANYBODY)
    with pytest.raises(ClientError, match="Invalid principal in policy"):
        create_role(iam, "trusting", trusting({"AWS": trusted}))
    with pytest.raises(ClientError, match="AccessDenied"):
        home.client("sts").assume_role(RoleArn=trusted, RoleSessionName="early")
    clock.advance(10)
    create_role(iam, "trusting", trusting({"AWS": trusted}))
    home.client("sts").assume_role(RoleArn=trusted, RoleSessionName="late")


def test_a_new_role_may_be_hidden_from_reads_for_a_while(aws: FrontDoor, iam: IAMClient, clock: ManualClock) -> None:
    aws.new_role_read_delay = 5
    create_role(iam, "role", ANYBODY)
    with pytest.raises(ClientError, match="NoSuchEntity"):
        iam.get_role(RoleName="role")
    assert role_names(iam) == []
    assert outcome(iam) == "EntityAlreadyExists"
    clock.advance(5)
    assert iam.get_role(RoleName="role")["Role"]["RoleName"] == "role"
