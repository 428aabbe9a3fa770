"""What goes wrong between us and AWS becomes an error of the kind that it needs, with a Reason for people."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager

import boto3
import pytest
from botocore.exceptions import (
    ConnectionClosedError,
    ConnectTimeoutError,
    EndpointConnectionError,
    HTTPClientError,
    ProxyConnectionError,
    ReadTimeoutError,
    SSLError,
)
from botocore.stub import Stubber
from prometheus_client import REGISTRY

from apono_operator.adapters.aws.errors import translated
from apono_operator.adapters.aws.iam import Depth, Iam
from apono_operator.adapters.errors import (
    AdapterError,
    ConflictError,
    FencedError,
    TransientError,
)
from apono_operator.adapters.fence import Fence
from apono_operator.state import plan
from apono_operator.state.leadership import Term
from apono_operator.v1alpha1 import Reason
from sandbox.aws import (
    AwsError,
    Effect,
    Fault,
    FrontDoor,
    Hang,
    LostResponse,
    Refusal,
    ResetConnection,
    access_denied,
    expired_credentials,
    server_error,
    throttle,
)
from tests.adapters.answering import Answering, unreachable
from tests.adapters.aws.connection import (
    Connection,
    connect,
    connect_with,
    create,
    role_of,
    trusting_the_account,
)

STS = "sts.eu-west-1.amazonaws.com"


class RaisingTheFence(Effect):
    """Throttles, and raises the fence meanwhile."""

    def __init__(self, fence: Fence) -> None:
        self._fence = fence

    def before(self) -> None:
        """Raise it."""
        self._fence.raise_up()
        raise AwsError("Throttling", "Rate exceeded")


@contextmanager
def suffering(
    connection: Connection, effect: Effect, operation: str = "UpdateRole", times: int | None = None
) -> Iterator[Fault]:
    """Let an operation of the connection's account suffer *effect*."""
    fault = Fault(effect, account=connection.account, operation=operation, times=times)
    with connection.aws.faults.during(fault):
        yield fault


def failure_of(connection: Connection) -> AdapterError:
    """What UpdateRole fails with."""
    with pytest.raises(AdapterError) as failure:
        connection.iam.apply(plan.UpdateRole(connection.name, "", 3600))
    return failure.value


def patient(connection: Connection) -> Connection:
    """A connection to the same account that tries again as the operator does."""
    return connect(connection.aws, connection.account, attempts=3)


def behind(aws: FrontDoor, answering: Answering) -> Connection:
    """A connection on whose way to AWS something else answers."""
    account = aws.create_account()
    return connect_with(aws, account, {**aws.environment(account), "AWS_ENDPOINT_URL": answering.url})


@pytest.mark.parametrize(
    ("effect", "reason"),
    [
        (throttle(), Reason.THROTTLED),
        (server_error(503), Reason.AWS_UNAVAILABLE),
        (ResetConnection(), Reason.AWS_UNAVAILABLE),
    ],
    ids=["throttled", "unavailable", "reset"],
)
def test_what_may_pass_by_itself_is_waited_for(connection: Connection, effect: Effect, reason: Reason) -> None:
    with suffering(connection, effect):
        error = failure_of(connection)

    assert isinstance(error, TransientError)
    assert error.reason is reason


def test_denied_actions_and_expired_credentials_are_told_apart(connection: Connection) -> None:
    with suffering(connection, access_denied()):
        assert failure_of(connection).reason is Reason.ACCESS_DENIED
    with suffering(connection, expired_credentials()):
        assert failure_of(connection).reason is Reason.NO_CREDENTIALS


def test_a_call_that_is_throttled_once_is_tried_again(connection: Connection) -> None:
    create(connection, role_of(connection))
    persistent = patient(connection)

    with suffering(connection, throttle(), times=1):
        persistent.iam.apply(plan.UpdateRole(connection.name, "", 3600))

    assert [record.outcome for record in persistent.calls()] == ["Throttling", "ok"]


def test_a_call_is_tried_three_times_and_then_left_to_the_next_pass(connection: Connection) -> None:
    persistent = patient(connection)

    with suffering(connection, throttle()):
        error = failure_of(persistent)

    assert error.reason is Reason.THROTTLED
    assert len(persistent.calls()) == 3


def test_each_attempt_is_counted_by_what_came_of_it(connection: Connection) -> None:
    def counted(outcome: str) -> float:
        labels = {"service": "iam", "outcome": outcome}
        return REGISTRY.get_sample_value("apono_operator_aws_calls_total", labels) or 0.0

    before = {outcome: counted(outcome) for outcome in ("throttled", "unanswered", "refused")}
    with suffering(connection, throttle()):
        failure_of(patient(connection))
    with suffering(connection, Hang()):
        failure_of(connect(connection.aws, connection.account, read_timeout=0.2))
    failure_of(connection)

    after = {outcome: counted(outcome) - count for outcome, count in before.items()}
    assert after == {"throttled": 3, "unanswered": 1, "refused": 1}


def test_an_answer_that_does_not_come_is_not_waited_for_longer_than_the_read_timeout(connection: Connection) -> None:
    hasty = connect(connection.aws, connection.account, read_timeout=0.2)

    with suffering(connection, Hang()):
        error = failure_of(hasty)

    assert isinstance(error, TransientError)
    assert error.reason is Reason.AWS_UNAVAILABLE
    assert error.message == "iam:UpdateRole: no answer from 127.0.0.1 (ReadTimeoutError)"


@pytest.mark.parametrize(
    ("expiry", "seconds"),
    [(1.25, 0.25), (1.0, 0.1), (60.0, 0.5)],
    ids=["until another may lead", "briefly at least", "for the read time-out at most"],
)
def test_an_answer_is_waited_for_until_another_may_lead(connection: Connection, expiry: float, seconds: float) -> None:
    fence = Fence(lambda: 0.0)
    fence.extend(Term(deadline=0.5, expiry=expiry))
    bounded = connect(connection.aws, connection.account, fence=fence, connect_timeout=1.0, read_timeout=0.5)

    with suffering(connection, Hang()):
        error = failure_of(bounded)

    assert error.message == "iam:UpdateRole: no answer from 127.0.0.1 (ReadTimeoutError)"
    assert isinstance(error.__cause__, ReadTimeoutError)
    assert f"(read timeout={seconds})" in str(error.__cause__.kwargs["error"])  # what the HTTP library waited for


def test_a_connection_that_does_not_come_about_is_waited_for(front_door: FrontDoor) -> None:
    account = front_door.create_account()
    with unreachable() as address:
        connection = connect_with(
            front_door, account, {**front_door.environment(account), "AWS_ENDPOINT_URL": f"http://{address}"}
        )
        error = failure_of(connection)

    assert isinstance(error, TransientError)
    assert error.reason is Reason.AWS_UNAVAILABLE
    assert error.message == "iam:UpdateRole: no answer from 127.0.0.1 (ConnectTimeoutError)"


def test_a_connection_that_is_refused_is_waited_for(front_door: FrontDoor) -> None:
    account = front_door.create_account()
    environment = {**front_door.environment(account), "AWS_ENDPOINT_URL": "http://127.0.0.1:1"}

    error = failure_of(connect_with(front_door, account, environment))

    assert isinstance(error, TransientError)
    assert error.reason is Reason.AWS_UNAVAILABLE
    assert error.message == "iam:UpdateRole: no answer from 127.0.0.1 (EndpointConnectionError)"


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (ConnectTimeoutError(endpoint_url="https://sts.eu-west-1.amazonaws.com/", error="<object at 0x7f>"), STS),
        (EndpointConnectionError(endpoint_url="https://sts.eu-west-1.amazonaws.com:443/", error="port 4711"), STS),
        (ConnectionClosedError(endpoint_url="https://sts.eu-west-1.amazonaws.com/?a=b", error="4711"), STS),
        (SSLError(endpoint_url="https://sts.eu-west-1.amazonaws.com/", error=OSError("<object at 0x7f>")), STS),
        (ProxyConnectionError(proxy_url="http://user:password@proxy.example:3128", error="4711"), "proxy.example"),
        (HTTPClientError(error="<object at 0x7f>"), "AWS"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else None,
)
def test_a_connection_that_fails_is_told_by_host_and_type_alone_so_that_the_message_stays(
    error: Exception, words: str
) -> None:
    with pytest.raises(TransientError) as failure, translated("iam:GetRole"):
        raise error

    assert failure.value.reason is Reason.AWS_UNAVAILABLE
    assert failure.value.message == f"iam:GetRole: no answer from {words} ({type(error).__name__})"


@pytest.mark.parametrize(
    ("status", "body"),
    [(200, b"<html>Sign in"), (200, b""), (403, b"Blocked by the proxy of example.com"), (404, b"<html>")],
    ids=["sign-in", "empty", "blocked", "not-found"],
)
def test_an_answer_that_is_not_one_of_aws_is_waited_for_and_not_quoted(
    front_door: FrontDoor, answering: Answering, status: int, body: bytes
) -> None:
    answering.status, answering.body = status, body
    connection = behind(front_door, answering)

    with pytest.raises(TransientError) as failure:
        connection.iam.observe_role("any", Depth.OURS)

    assert failure.value.reason is Reason.AWS_UNAVAILABLE
    assert failure.value.message == "iam:GetRole: the answer is not one of AWS (a proxy's, perhaps)"


@pytest.mark.parametrize(("status", "reason"), [(408, Reason.AWS_UNAVAILABLE), (429, Reason.THROTTLED)])
def test_a_status_that_says_later_is_waited_for_without_a_code(
    front_door: FrontDoor, answering: Answering, status: int, reason: Reason
) -> None:
    answering.status, answering.body = status, b"<ErrorResponse></ErrorResponse>"
    connection = behind(front_door, answering)

    with pytest.raises(TransientError) as failure:
        connection.iam.observe_role("any", Depth.OURS)

    assert failure.value.reason is reason


def test_a_role_whose_creation_was_not_answered_is_there_at_the_next_look(connection: Connection) -> None:
    role = role_of(connection)

    with suffering(connection, LostResponse(reset=True), "CreateRole"), pytest.raises(TransientError):
        connection.iam.apply(plan.CreateRole(role))

    observed = connection.iam.observe_role(connection.name, Depth.OURS)
    assert observed is not None
    assert observed.tags == role.tags


def test_a_creation_that_botocore_tries_again_after_a_lost_answer_is_a_conflict(connection: Connection) -> None:
    persistent = patient(connection)
    role = role_of(persistent)

    with (
        suffering(connection, LostResponse(), "CreateRole", times=1),
        pytest.raises(ConflictError, match="EntityAlreadyExists"),
    ):
        persistent.iam.apply(plan.CreateRole(role))

    assert len(persistent.calls().of(operation="CreateRole")) == 2


def test_a_principal_that_iam_does_not_know_yet_is_waited_for(connection: Connection) -> None:
    create(connection, role_of(connection))
    unknown = {"AWS": connection.arn("role/made-a-moment-ago")}

    with pytest.raises(TransientError, match="Invalid principal in policy") as failure:
        connection.iam.apply(
            plan.PutTrust(connection.name, trusting_the_account(connection.account, Principal=unknown))
        )

    assert failure.value.reason is Reason.PROPAGATING


def test_a_role_that_cannot_be_read_yet_is_none_and_cannot_be_made_twice() -> None:
    with FrontDoor() as aws:
        aws.new_role_read_delay = 60
        connection = connect(aws, aws.create_account())
        connection.iam.apply(plan.CreateRole(role_of(connection)))

        assert connection.iam.observe_role(connection.name, Depth.OURS) is None
        with pytest.raises(ConflictError):
            connection.iam.apply(plan.CreateRole(role_of(connection)))


def test_a_role_that_still_has_its_unique_id_for_an_arn_is_waited_for() -> None:
    client = boto3.client("iam", region_name="us-east-1", aws_access_key_id="a", aws_secret_access_key="b")
    trust = json.dumps({"Version": "2012-10-17", "Statement": []})
    role = {
        "Path": "/",
        "RoleName": "new-role",
        "RoleId": "AROAEXAMPLEEXAMPLE123",
        "Arn": "AROAEXAMPLEEXAMPLE123",
        "CreateDate": "2026-01-01T00:00:00Z",
        "AssumeRolePolicyDocument": trust,
    }
    with Stubber(client) as stub:
        stub.add_response("get_role", {"Role": role})

        with pytest.raises(TransientError, match="the ARN of new-role is not there yet"):
            Iam(client).observe_role("new-role", Depth.OURS)


def test_no_message_holds_an_access_key_a_line_break_or_a_whole_response(connection: Connection) -> None:
    text = f"The key AKIAIOSFODNN7EXAMPLE\nor ASIAIOSFODNN7EXAMPLE is not known. {'x' * 100_000}"

    with suffering(connection, Refusal("InvalidClientTokenId", text, 403)):
        message = failure_of(connection).message

    assert message.startswith(
        "iam:UpdateRole: InvalidClientTokenId: The key (access key) or (access key) is not known."
    )
    assert len(message) < 600


def test_behind_the_fence_no_call_leaves(connection: Connection) -> None:
    fenced = connect(connection.aws, connection.account)
    fenced.fence.raise_up()

    with pytest.raises(FencedError):
        fenced.iam.observe_role(connection.name, Depth.OURS)
    with pytest.raises(FencedError):
        fenced.session.caller_identity()

    assert fenced.calls().operations == []


def test_the_fence_stops_the_retries_inside_botocore(connection: Connection) -> None:
    persistent = patient(connection)

    with suffering(connection, RaisingTheFence(persistent.fence)), pytest.raises(FencedError):
        persistent.iam.apply(plan.UpdateRole(connection.name, "", 3600))

    assert persistent.calls().operations == ["UpdateRole"]
