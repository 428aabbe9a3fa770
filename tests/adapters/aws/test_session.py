"""Who we are in AWS, where it is, and what is said of credentials that are none."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import get_args

import pytest

from apono_operator.adapters.aws.iam import Depth
from apono_operator.adapters.aws.rate_limits import RateLimit
from apono_operator.adapters.aws.session import (
    DENIAL_LIFETIME,
    IDENTITY_LIFETIME,
    STALE_LIFETIME,
    AwsSession,
    CallerIdentity,
)
from apono_operator.adapters.errors import AdapterError, DeniedError, FencedError, RejectedError, TransientError
from apono_operator.adapters.fence import Fence
from apono_operator.state.resources import Cluster
from apono_operator.v1alpha1 import Reason
from sandbox.aws import Account, Fault, FrontDoor, Hang, Refusal, expired_credentials, server_error, throttle
from sandbox.aws.account import Partition
from tests.adapters.aws.connection import CREDENTIALS, UNLIMITED, Connection, connect, connect_with
from tests.aws.identities import Issuer, allowing, create_role
from tests.waiting import until

EKS = "oidc.eks.eu-west-1.amazonaws.com/id/0123456789ABCDEF0123456789ABCDEF"


@pytest.fixture
def account(front_door: FrontDoor) -> Account:
    return front_door.create_account()


@pytest.fixture(scope="session")
def issuer() -> Issuer:
    return Issuer(f"https://{EKS}")


def with_issuer(issuer: str) -> AwsSession:
    return AwsSession.connect(issuer=issuer, connections=1, version="1", fence=Fence(), limits=UNLIMITED)


def refusal_of(connection: Connection) -> AdapterError:
    with pytest.raises(AdapterError) as failure:
        connection.session.caller_identity()
    return failure.value


@pytest.fixture
def operator_role(front_door: FrontDoor, account: Account, issuer: Issuer) -> str:
    """The ARN of a role that trusts the issuer's usual subject, and may look at roles."""
    issuer.introduce(front_door, account)
    return create_role(account.client("iam"), "operator", issuer.trust(account), may=allowing("iam:GetRole"))


@pytest.fixture
def token_file(issuer: Issuer, tmp_path: Path) -> Path:
    """A token of the issuer's usual subject."""
    file = tmp_path / "token"
    file.write_text(issuer.token(datetime.now(UTC)), encoding="utf-8")
    return file


Exchange = Callable[..., Connection]


@pytest.fixture
def exchange(front_door: FrontDoor, account: Account, monkeypatch: pytest.MonkeyPatch) -> Exchange:
    """Connect with a role and the file of the token to get it by; the SDK reads the environment as late as then."""

    def exchange(role_arn: str, token_file: Path, **limits: RateLimit) -> Connection:
        environment = {
            **front_door.environment_without_credentials(account.region),
            "AWS_ROLE_ARN": role_arn,
            "AWS_WEB_IDENTITY_TOKEN_FILE": str(token_file),
        }
        for name in CREDENTIALS:
            monkeypatch.delenv(name, raising=False)
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        return connect_with(front_door, account, environment, limits={**UNLIMITED, **limits})

    return exchange


@pytest.mark.parametrize("partition", get_args(Partition))
def test_aws_says_who_we_are_in_every_partition(front_door: FrontDoor, partition: Partition) -> None:
    account = front_door.create_account(partition)

    identity = connect(front_door, account).session.caller_identity()

    assert identity == CallerIdentity(account.account_id, partition, f"{account.arn_prefix}user/administrator")


def test_who_we_are_is_asked_once_an_hour(front_door: FrontDoor, account: Account) -> None:
    moment = [0.0]
    connection = connect(front_door, account, clock=lambda: moment[0])

    for moment[0] in (0.0, 1.0, IDENTITY_LIFETIME - 1):
        connection.session.caller_identity()
    assert connection.calls().operations == ["GetCallerIdentity"]

    moment[0] = IDENTITY_LIFETIME
    connection.session.caller_identity()
    assert connection.calls().operations == ["GetCallerIdentity"] * 2


def test_who_we_are_is_asked_anew_once_it_is_in_doubt(front_door: FrontDoor, account: Account) -> None:
    connection = connect(front_door, account)
    connection.session.caller_identity()

    connection.session.forget_identity()
    connection.session.caller_identity()

    assert connection.calls().operations == ["GetCallerIdentity"] * 2


def test_a_failure_to_learn_who_we_are_is_not_remembered(front_door: FrontDoor, account: Account) -> None:
    connection = connect(front_door, account)

    with front_door.faults.during(Fault(server_error(), account=account)):
        assert isinstance(refusal_of(connection), TransientError)

    assert connection.session.caller_identity().account_id == account.account_id


def test_the_last_answer_holds_while_aws_gives_none(front_door: FrontDoor, account: Account) -> None:
    moment = [0.0]
    connection = connect(front_door, account, clock=lambda: moment[0])
    before = connection.session.caller_identity()
    moment[0] = IDENTITY_LIFETIME

    with front_door.faults.during(Fault(server_error(), account=account)) as fault:
        assert connection.session.caller_identity() == before
        assert connection.session.caller_identity() == before

    assert fault.seen == 1
    moment[0] += STALE_LIFETIME
    connection.session.caller_identity()
    assert connection.calls().operations == ["GetCallerIdentity"] * 3


def test_nobody_waits_while_another_asks_who_we_are(front_door: FrontDoor, account: Account) -> None:
    connection = connect(front_door, account)
    before = connection.session.caller_identity()
    connection.session.forget_identity()
    hang = Hang()

    with ThreadPoolExecutor(1) as pool, front_door.faults.during(Fault(hang, account=account)) as fault:
        asking = pool.submit(connection.session.caller_identity)
        until("AWS is asked", lambda: fault.fired == 1)
        assert connection.session.caller_identity() == before
        hang.release()
        assert asking.result(10) == before


def test_a_denial_is_everybodys_answer_for_a_while(front_door: FrontDoor, account: Account) -> None:
    moment = [0.0]
    connection = connect(front_door, account, clock=lambda: moment[0])
    connection.session.caller_identity()
    moment[0] = IDENTITY_LIFETIME

    with front_door.faults.during(Fault(expired_credentials(), account=account)) as fault:
        first = refusal_of(connection)
    moment[0] += DENIAL_LIFETIME - 0.1
    connection.session.forget_identity()
    second = refusal_of(connection)

    assert isinstance(first, DeniedError)
    assert (type(second), second.reason, second.message) == (DeniedError, first.reason, first.message)
    assert fault.seen == 1
    assert connection.calls().operations == ["GetCallerIdentity"] * 2
    moment[0] += 0.1
    assert connection.session.caller_identity().account_id == account.account_id


def test_a_denial_at_first_is_remembered_as_well(front_door: FrontDoor, account: Account) -> None:
    moment = [0.0]
    connection = connect(front_door, account, clock=lambda: moment[0])

    with front_door.faults.during(Fault(expired_credentials(), account=account)):
        assert refusal_of(connection).message == refusal_of(connection).message
    assert connection.calls().operations == ["GetCallerIdentity"]

    moment[0] = DENIAL_LIFETIME
    assert connection.session.caller_identity().account_id == account.account_id


def test_a_denial_holds_while_another_asks_who_we_are(front_door: FrontDoor, account: Account) -> None:
    moment = [0.0]
    connection = connect(front_door, account, clock=lambda: moment[0])
    connection.session.caller_identity()
    connection.session.forget_identity()
    with front_door.faults.during(Fault(expired_credentials(), account=account)):
        denied = refusal_of(connection)
    moment[0] = DENIAL_LIFETIME
    hang = Hang()

    with ThreadPoolExecutor(1) as pool, front_door.faults.during(Fault(hang, account=account)) as fault:
        asking = pool.submit(connection.session.caller_identity)
        until("AWS is asked", lambda: fault.fired == 1)
        assert refusal_of(connection).message == denied.message
        hang.release()
        assert asking.result(10).account_id == account.account_id


def test_who_we_were_before_a_denial_is_no_answer_while_aws_gives_none(front_door: FrontDoor, account: Account) -> None:
    moment = [0.0]
    connection = connect(front_door, account, clock=lambda: moment[0])
    connection.session.caller_identity()
    connection.session.forget_identity()
    with front_door.faults.during(Fault(expired_credentials(), account=account)):
        refusal_of(connection)
    moment[0] = DENIAL_LIFETIME

    with front_door.faults.during(Fault(server_error(), account=account)):
        assert isinstance(refusal_of(connection), TransientError)

    assert connection.session.last_caller == f"{account.arn_prefix}user/administrator"


def test_a_rejection_of_the_question_itself_is_not_remembered(front_door: FrontDoor, account: Account) -> None:
    connection = connect(front_door, account)

    with front_door.faults.during(Fault(Refusal("NewOnOurSide", "Something."), account=account)):
        assert isinstance(refusal_of(connection), RejectedError)

    assert connection.session.caller_identity().account_id == account.account_id


def test_the_last_caller_is_named_without_asking(front_door: FrontDoor, account: Account) -> None:
    connection = connect(front_door, account)
    assert connection.session.last_caller == "unknown"

    connection.session.caller_identity()

    assert connection.session.last_caller == f"{account.arn_prefix}user/administrator"
    assert connection.calls().operations == ["GetCallerIdentity"]


@pytest.mark.usefixtures("nowhere")
@pytest.mark.parametrize(
    ("issuer", "region"),
    [
        (EKS, "eu-west-1"),
        ("oidc.eks.us-gov-west-1.amazonaws.com/id/0123", "us-gov-west-1"),
        ("oidc.eks.cn-north-1.amazonaws.com.cn/id/0123", "cn-north-1"),
    ],
)
def test_without_a_region_the_clusters_issuer_tells_it(issuer: str, region: str) -> None:
    assert with_issuer(issuer).region == region


@pytest.mark.usefixtures("nowhere")
@pytest.mark.parametrize("variable", ["AWS_REGION", "AWS_DEFAULT_REGION"])
def test_a_region_in_the_environment_goes_before_that_of_the_issuer(
    monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    monkeypatch.setenv(variable, "eu-central-1")

    assert with_issuer(EKS).region == "eu-central-1"


@pytest.mark.usefixtures("nowhere")
def test_no_region_at_all_is_refused_with_the_variable_to_set() -> None:
    with pytest.raises(DeniedError, match=r"no AWS region is known\. Set AWS_REGION"):
        with_issuer("kubernetes.default.svc")


@pytest.mark.usefixtures("nowhere")
@pytest.mark.parametrize(
    ("variables", "kind", "words"),
    [
        ({"AWS_PROFILE": "missing"}, RejectedError, r"The config profile \(missing\) could not be found"),
        ({"AWS_ENDPOINT_URL": "nonsense"}, RejectedError, "Invalid endpoint: nonsense"),
        ({"AWS_REGION": "not a region"}, RejectedError, "not a region"),
        ({"AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE"}, DeniedError, "Partial credentials found in env"),
    ],
)
def test_what_is_wrong_in_the_environment_of_the_sdk_is_told(
    monkeypatch: pytest.MonkeyPatch, variables: Mapping[str, str], kind: type[AdapterError], words: str
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)

    with pytest.raises(kind, match=f"^AWS configuration: .*{words}"):
        with_issuer(EKS)


def test_no_credentials_are_told_as_such(front_door: FrontDoor, account: Account) -> None:
    environment = front_door.environment_without_credentials(account.region)

    error = refusal_of(connect_with(front_door, account, environment))

    assert isinstance(error, DeniedError)
    assert error.reason is Reason.NO_CREDENTIALS
    assert "Unable to locate credentials" in error.message


@pytest.mark.parametrize(
    ("variables", "code"),
    [
        ({"AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE"}, "InvalidClientTokenId"),
        ({"AWS_SECRET_ACCESS_KEY": "wrong"}, "SignatureDoesNotMatch"),
        ({"AWS_SESSION_TOKEN": "wrong"}, "InvalidClientTokenId"),
    ],
)
def test_credentials_that_aws_rejects_are_told_as_such(
    front_door: FrontDoor, account: Account, variables: Mapping[str, str], code: str
) -> None:
    environment = {**front_door.environment(account), **variables}

    error = refusal_of(connect_with(front_door, account, environment))

    assert isinstance(error, DeniedError)
    assert error.reason is Reason.NO_CREDENTIALS
    assert error.message.startswith(f"sts:GetCallerIdentity: {code}: ")
    assert not [value for value in variables.values() if value in error.message]


def test_a_port_on_which_nobody_listens_is_waited_for(front_door: FrontDoor, account: Account) -> None:
    environment = {**front_door.environment(account), "AWS_ENDPOINT_URL": "http://127.0.0.1:1"}

    error = refusal_of(connect_with(front_door, account, environment))

    assert isinstance(error, TransientError)
    assert error.reason is Reason.AWS_UNAVAILABLE


def test_the_clusters_token_is_exchanged_for_a_session_of_the_role(
    account: Account, exchange: Exchange, operator_role: str, token_file: Path
) -> None:
    identity = exchange(operator_role, token_file).session.caller_identity()

    assert identity.arn.startswith(f"arn:aws:sts::{account.account_id}:assumed-role/operator/")


def test_the_last_caller_is_named_by_its_role_as_the_session_is_another_after_each_start(
    exchange: Exchange, operator_role: str, token_file: Path
) -> None:
    session = exchange(operator_role, token_file).session

    session.caller_identity()

    assert session.last_caller == operator_role


def test_a_token_that_the_roles_trust_does_not_name_is_told_as_missing_credentials(
    exchange: Exchange, issuer: Issuer, operator_role: str, token_file: Path
) -> None:
    token_file.write_text(issuer.token(datetime.now(UTC), sub="system:serviceaccount:a:b"), encoding="utf-8")

    error = refusal_of(exchange(operator_role, token_file))

    assert isinstance(error, DeniedError)
    assert error.reason is Reason.NO_CREDENTIALS
    assert error.message.startswith("sts:AssumeRoleWithWebIdentity: AccessDenied: ")


def test_a_token_file_that_is_not_there_is_told_by_its_path(
    exchange: Exchange, operator_role: str, tmp_path: Path
) -> None:
    error = refusal_of(exchange(operator_role, tmp_path / "missing"))

    assert isinstance(error, DeniedError)
    assert error.reason is Reason.NO_CREDENTIALS
    assert str(tmp_path / "missing") in error.message


def test_an_exchange_that_is_throttled_is_waited_for(
    front_door: FrontDoor, account: Account, exchange: Exchange, operator_role: str, token_file: Path
) -> None:
    connection = exchange(operator_role, token_file)

    # The exchange is not signed, and so belongs to no account.
    fault = Fault(throttle(), operation="AssumeRoleWithWebIdentity", parameters={"RoleArn": operator_role})
    with front_door.faults.during(fault):
        error = refusal_of(connection)

    assert isinstance(error, TransientError)
    assert error.reason is Reason.THROTTLED
    assert connection.session.caller_identity().account_id == account.account_id


def test_behind_the_fence_no_credentials_are_fetched(
    front_door: FrontDoor, exchange: Exchange, operator_role: str, token_file: Path
) -> None:
    connection = exchange(operator_role, token_file)
    connection.fence.raise_up()

    with pytest.raises(FencedError):
        connection.session.caller_identity()

    assert front_door.calls.since(connection.mark).operations == []


def test_a_fence_that_comes_up_between_exchange_and_call_stops_the_call(
    front_door: FrontDoor, exchange: Exchange, operator_role: str, token_file: Path
) -> None:
    connection = exchange(operator_role, token_file)
    front_door.hooks.before(lambda _: connection.fence.raise_up(), operation="AssumeRoleWithWebIdentity")

    with pytest.raises(FencedError):
        connection.session.caller_identity()

    assert front_door.calls.since(connection.mark).operations == ["AssumeRoleWithWebIdentity"]
    front_door.hooks.clear()


def test_each_attempt_of_a_call_waits_for_the_limit(front_door: FrontDoor, account: Account) -> None:
    limit = RateLimit(per_second=0.3, burst=2)
    connection = connect(front_door, account, attempts=3, limits={**UNLIMITED, "iam": limit})

    began = time.monotonic()
    fault = Fault(throttle(), operation="GetRole", account=account, times=None)
    with front_door.faults.during(fault), pytest.raises(TransientError):
        connection.iam.observe_role("any", Depth.OURS)

    assert connection.calls().operations == ["GetRole"] * 3
    assert time.monotonic() - began >= 1 / 0.3  # the SDK's own waits are shorter than three seconds together


def test_calls_of_many_threads_keep_to_the_limit(front_door: FrontDoor, account: Account) -> None:
    connection = connect(front_door, account, limits={**UNLIMITED, "iam": RateLimit(per_second=40, burst=4)})

    began = time.monotonic()
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: connection.iam.observe_role("any", Depth.OURS), range(24)))

    assert time.monotonic() - began >= 20 / 40
    assert connection.calls().operations == ["GetRole"] * 24


def test_the_exchange_for_credentials_counts_as_a_call_of_sts(
    front_door: FrontDoor, exchange: Exchange, operator_role: str, token_file: Path
) -> None:
    connection = exchange(operator_role, token_file, sts=RateLimit(per_second=0.5, burst=2))

    began = time.monotonic()
    connection.session.caller_identity()
    connection.session.forget_identity()
    connection.session.caller_identity()

    assert time.monotonic() - began >= 1 / 0.5
    exchange_and_calls = ["AssumeRoleWithWebIdentity", "GetCallerIdentity", "GetCallerIdentity"]
    assert front_door.calls.since(connection.mark).operations == exchange_and_calls


def test_a_call_that_waits_for_the_limit_does_not_leave_after_a_stop(
    front_door: FrontDoor, exchange: Exchange, operator_role: str, token_file: Path
) -> None:
    connection = exchange(operator_role, token_file, sts=RateLimit(per_second=0.1, burst=2))
    connection.session.caller_identity()
    connection.session.forget_identity()

    with ThreadPoolExecutor(1) as pool:
        asking = pool.submit(connection.session.caller_identity)
        until("it is asked anew", asking.running)
        connection.fence.raise_up()
        with pytest.raises(FencedError):
            asking.result(2)

    assert front_door.calls.since(connection.mark).operations == ["AssumeRoleWithWebIdentity", "GetCallerIdentity"]


def test_threads_that_need_credentials_all_at_once_get_them_one_call_at_a_time(
    front_door: FrontDoor, exchange: Exchange, operator_role: str, token_file: Path
) -> None:
    one_at_a_time = RateLimit(per_second=20, burst=1)
    connection = exchange(operator_role, token_file, sts=one_at_a_time, iam=one_at_a_time)

    with ThreadPoolExecutor(4) as pool:
        roles = list(pool.map(lambda _: connection.iam.observe_role("any", Depth.OURS), range(4)))

    assert roles == [None] * 4
    exchanges = front_door.calls.since(connection.mark).of(operation="AssumeRoleWithWebIdentity")
    assert len(exchanges) == 1


@pytest.mark.parametrize("audiences", [["sts.amazonaws.com"], ["sts.amazonaws.com", "another"], ["another"]])
def test_the_audiences_of_the_clusters_provider_are_read(
    front_door: FrontDoor, account: Account, audiences: list[str]
) -> None:
    account.client("iam").create_open_id_connect_provider(Url=f"https://{EKS}", ClientIDList=audiences)
    cluster = Cluster(EKS, account.account_id, account.partition)

    assert connect(front_door, account).iam.provider_audiences(cluster) == frozenset(audiences)


def test_a_provider_that_is_not_there_has_no_audiences(front_door: FrontDoor, account: Account) -> None:
    cluster = Cluster(EKS, account.account_id, account.partition)

    assert connect(front_door, account).iam.provider_audiences(cluster) is None
