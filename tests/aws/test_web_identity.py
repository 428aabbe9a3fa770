from __future__ import annotations

from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import ClientError

from sandbox.aws import Fault, FrontDoor, throttle
from tests.aws.identities import AUDIENCE, SUBJECT, Issuer, create_role, trusting

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mypy_boto3_sts import STSClient

    from sandbox.aws import Account, ManualClock


@pytest.fixture
def anonymous(aws: FrontDoor) -> Iterator[STSClient]:
    """A client without any credentials, as an SDK uses to exchange a token."""
    config = Config(signature_version=UNSIGNED, retries={"total_max_attempts": 1})
    client = boto3.client("sts", region_name="us-east-1", endpoint_url=aws.endpoint_url, config=config)
    yield client
    client.close()


@pytest.fixture
def home(aws: FrontDoor, issuer: Issuer) -> Account:
    """An account that knows the issuer."""
    account = aws.create_account()
    issuer.introduce(aws, account)
    return account


@pytest.fixture
def role(home: Account, issuer: Issuer) -> str:
    return create_role(home.client("iam"), "connector", issuer.trust(home))


def exchange(sts: STSClient, role: str, token: str, **more: Any) -> Any:
    return sts.assume_role_with_web_identity(RoleArn=role, RoleSessionName="pod", WebIdentityToken=token, **more)


def refusal(sts: STSClient, role: str, token: str) -> tuple[str, str]:
    with pytest.raises(ClientError) as caught:
        exchange(sts, role, token)
    return caught.value.response["Error"]["Code"], caught.value.response["Error"]["Message"]


NOT_AUTHORIZED = ("AccessDenied", "Not authorized to perform sts:AssumeRoleWithWebIdentity")


def test_a_token_is_exchanged_for_a_session_of_the_role(
    anonymous: STSClient, role: str, issuer: Issuer, clock: ManualClock, home: Account
) -> None:
    answer = exchange(anonymous, role, issuer.token(clock()))
    assert answer["SubjectFromWebIdentityToken"] == SUBJECT
    assert answer["Audience"] == AUDIENCE
    assert answer["Provider"] == f"{home.arn_prefix}oidc-provider/{issuer.host_and_path}"
    assert answer["AssumedRoleUser"]["Arn"] == f"arn:aws:sts::{home.account_id}:assumed-role/connector/pod"


def test_the_session_acts_in_the_account_of_the_role(
    aws: FrontDoor, anonymous: STSClient, role: str, issuer: Issuer, clock: ManualClock, home: Account
) -> None:
    credentials = exchange(anonymous, role, issuer.token(clock()))["Credentials"]
    sts = session_client(aws, credentials)
    assert sts.get_caller_identity()["Account"] == home.account_id
    sts.close()


def session_client(aws: FrontDoor, credentials: Any) -> STSClient:
    return boto3.client(
        "sts",
        region_name="us-east-1",
        endpoint_url=aws.endpoint_url,
        aws_access_key_id=credentials["AccessKeyId"],
        aws_secret_access_key=credentials["SecretAccessKey"],
        aws_session_token=credentials["SessionToken"],
    )


def test_another_subject_is_not_authorized(anonymous: STSClient, role: str, issuer: Issuer, clock: ManualClock) -> None:
    token = issuer.token(clock(), sub="system:serviceaccount:apono:other")
    assert refusal(anonymous, role, token) == NOT_AUTHORIZED


def test_a_role_that_does_not_exist_is_not_told_from_one_that_does_not_trust(
    anonymous: STSClient, home: Account, issuer: Issuer, clock: ManualClock
) -> None:
    assert refusal(anonymous, f"{home.arn_prefix}role/nobody", issuer.token(clock())) == NOT_AUTHORIZED


def test_a_role_that_trusts_another_issuer_is_not_authorized(
    anonymous: STSClient, home: Account, issuer: Issuer, clock: ManualClock
) -> None:
    provider = f"{home.arn_prefix}oidc-provider/oidc.eks.us-east-1.amazonaws.com/id/ANOTHER"
    other = create_role(
        home.client("iam"), "other", trusting({"Federated": provider}, None, "sts:AssumeRoleWithWebIdentity")
    )
    assert refusal(anonymous, other, issuer.token(clock())) == NOT_AUTHORIZED


def test_a_trust_without_conditions_lets_every_subject_of_the_issuer_in(
    anonymous: STSClient, home: Account, issuer: Issuer, clock: ManualClock
) -> None:
    provider = f"{home.arn_prefix}oidc-provider/{issuer.host_and_path}"
    lax = create_role(
        home.client("iam"), "lax", trusting({"Federated": provider}, None, "sts:AssumeRoleWithWebIdentity")
    )
    assert exchange(anonymous, lax, issuer.token(clock(), sub="anybody"))["SubjectFromWebIdentityToken"] == "anybody"


def test_an_audience_the_provider_does_not_list_is_refused(
    anonymous: STSClient, role: str, issuer: Issuer, clock: ManualClock
) -> None:
    token = issuer.token(clock(), aud=["https://kubernetes.default.svc"])
    assert refusal(anonymous, role, token) == ("InvalidIdentityToken", "Incorrect token audience")


def test_an_account_without_the_provider_says_so(
    aws: FrontDoor, anonymous: STSClient, issuer: Issuer, clock: ManualClock
) -> None:
    elsewhere = aws.create_account()
    role = create_role(elsewhere.client("iam"), "connector", issuer.trust(elsewhere))
    assert refusal(anonymous, role, issuer.token(clock())) == (
        "InvalidIdentityToken",
        f"No OpenIDConnect provider found in your account for {issuer.url}",
    )


def test_an_expired_token_is_refused(anonymous: STSClient, role: str, issuer: Issuer, clock: ManualClock) -> None:
    token = issuer.token(clock())
    clock.advance(3601)
    assert refusal(anonymous, role, token)[0] == "ExpiredTokenException"


def test_a_token_from_the_future_is_refused(
    anonymous: STSClient, role: str, issuer: Issuer, clock: ManualClock
) -> None:
    token = issuer.token(clock(), nbf=int(clock().timestamp()) + 60)
    assert refusal(anonymous, role, token)[0] == "InvalidIdentityToken"


def test_a_token_signed_by_somebody_else_under_the_same_key_id_is_refused(
    anonymous: STSClient, role: str, issuer: Issuer, clock: ManualClock
) -> None:
    forged = Issuer(issuer.url).token(clock())
    code, message = refusal(anonymous, role, forged)
    assert (code, "signature" in message) == ("InvalidIdentityToken", True)


def test_a_token_without_signature_is_refused(
    anonymous: STSClient, role: str, issuer: Issuer, clock: ManualClock
) -> None:
    header, claims, _ = issuer.token(clock()).split(".")
    assert refusal(anonymous, role, f"{header}.{claims}.")[0] == "InvalidIdentityToken"


@pytest.mark.parametrize("claims", [{"exp": "tomorrow"}, {"nbf": []}, {"iat": None}])
def test_a_token_whose_times_are_none_is_refused(
    anonymous: STSClient, role: str, issuer: Issuer, clock: ManualClock, claims: dict[str, Any]
) -> None:
    assert refusal(anonymous, role, issuer.token(clock(), **claims))[0] == "InvalidIdentityToken"


def test_a_token_without_a_subject_is_refused(
    anonymous: STSClient, role: str, clock: ManualClock, issuer: Issuer
) -> None:
    code, message = refusal(anonymous, role, issuer.token(clock(), without="sub"))
    assert (code, "sub" in message) == ("InvalidIdentityToken", True)


def test_a_token_for_an_authorized_party_is_not_modelled(
    anonymous: STSClient, role: str, issuer: Issuer, clock: ManualClock
) -> None:
    assert refusal(anonymous, role, issuer.token(clock(), azp="party"))[0] == "NotModelled"


def test_keys_that_cannot_be_read_are_no_keys(
    aws: FrontDoor, anonymous: STSClient, role: str, issuer: Issuer, clock: ManualClock
) -> None:
    aws.trust_issuer(issuer.url, lambda: {"keys": []})
    assert refusal(anonymous, role, issuer.token(clock()))[0] == "InvalidIdentityToken"


def test_a_token_for_several_audiences_is_not_modelled(
    anonymous: STSClient, role: str, issuer: Issuer, clock: ManualClock
) -> None:
    token = issuer.token(clock(), aud=[AUDIENCE, "another"])
    assert refusal(anonymous, role, token)[0] == "NotModelled"


def test_text_that_is_no_token_is_refused(anonymous: STSClient, role: str) -> None:
    assert refusal(anonymous, role, "not a token")[0] == "InvalidIdentityToken"


def test_an_issuer_that_cannot_be_reached_is_named_as_the_cause(
    aws: FrontDoor, anonymous: STSClient, clock: ManualClock
) -> None:
    hidden = Issuer("https://oidc.example.com")
    account = aws.create_account()
    account.client("iam").create_open_id_connect_provider(Url=hidden.url, ClientIDList=[AUDIENCE])
    role = create_role(account.client("iam"), "connector", hidden.trust(account))
    code, message = refusal(anonymous, role, hidden.token(clock()))
    assert (code, "Couldn't retrieve verification key" in message) == ("InvalidIdentityToken", True)


def unreachable() -> dict[str, Any]:
    raise ConnectionRefusedError


def test_an_issuer_that_does_not_answer_may_be_asked_again(
    aws: FrontDoor, anonymous: STSClient, clock: ManualClock
) -> None:
    flaky = Issuer("https://oidc.example.com")
    account = aws.create_account()
    flaky.introduce(aws, account)
    role = create_role(account.client("iam"), "connector", flaky.trust(account))
    aws.trust_issuer(flaky.url, unreachable)
    assert refusal(anonymous, role, flaky.token(clock()))[0] == "IDPCommunicationError"
    aws.trust_issuer(flaky.url, flaky.jwks)
    assert exchange(anonymous, role, flaky.token(clock()))


def test_keys_are_fetched_once_and_again_for_a_key_that_is_not_known(
    aws: FrontDoor, anonymous: STSClient, clock: ManualClock
) -> None:
    rotating = Issuer("https://oidc.example.com")
    account = aws.create_account()
    rotating.introduce(aws, account)
    role = create_role(account.client("iam"), "connector", rotating.trust(account))
    for _ in range(2):
        exchange(anonymous, role, rotating.token(clock()))
    assert rotating.fetches == 1
    rotating.rotate()
    exchange(anonymous, role, rotating.token(clock()))
    assert rotating.fetches == 2


def test_a_web_identity_session_may_last_as_long_as_the_role_allows(
    anonymous: STSClient, home: Account, issuer: Issuer, clock: ManualClock
) -> None:
    role = create_role(home.client("iam"), "long", issuer.trust(home), MaxSessionDuration=7200)
    answer = exchange(anonymous, role, issuer.token(clock()), DurationSeconds=7200)
    assert (answer["Credentials"]["Expiration"] - clock()).total_seconds() == pytest.approx(7200, abs=1)


def test_the_token_does_not_appear_in_the_call_log(
    aws: FrontDoor, anonymous: STSClient, role: str, issuer: Issuer, clock: ManualClock
) -> None:
    exchange(anonymous, role, issuer.token(clock()))
    (record,) = aws.calls.of(operation="AssumeRoleWithWebIdentity")
    assert record.parameters["WebIdentityToken"] == "***"
    assert (record.caller, record.access_key_id, record.outcome) == (None, None, "ok")


def test_faults_strike_unsigned_calls_too(
    aws: FrontDoor, anonymous: STSClient, role: str, issuer: Issuer, clock: ManualClock
) -> None:
    aws.faults.add(Fault(throttle(), operation="AssumeRoleWithWebIdentity"))
    assert refusal(anonymous, role, issuer.token(clock()))[0] == "Throttling"


def test_only_the_exchange_of_tokens_may_go_unsigned(anonymous: STSClient) -> None:
    with pytest.raises(ClientError, match="MissingAuthenticationToken"):
        anonymous.get_caller_identity()


def test_the_sdk_exchanges_the_token_of_a_pod_by_itself(
    aws: FrontDoor,
    role: str,
    issuer: Issuer,
    clock: ManualClock,
    tmp_path: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (tmp_path / "token").write_text(issuer.token(clock()))
    environment = {
        **aws.environment_without_credentials("us-east-1"),
        "AWS_ROLE_ARN": role,
        "AWS_WEB_IDENTITY_TOKEN_FILE": str(tmp_path / "token"),
    }
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    client = boto3.Session().client("sts")
    assert client.get_caller_identity()["Arn"].split("/")[1] == "connector"
    client.close()
