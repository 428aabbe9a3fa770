from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from sandbox.aws import FrontDoor, ManualClock
from tests.aws.identities import create_role, trusting
from tests.aws.sessions import assume, session_key
from tests.aws.signed_requests import FORM, form, send, signed_headers

if TYPE_CHECKING:
    from sandbox.aws import Account

WHO = form("sts", "GetCallerIdentity")


def code_of(aws: FrontDoor, account: Account, **changed: str) -> str | None:
    """What a GetCallerIdentity comes to, with some headers changed after signing."""
    headers = signed_headers(aws.endpoint_url, account.credentials, WHO, "sts")
    return send(aws, WHO, headers | changed).code


def test_a_request_signed_by_hand_is_answered(shared_aws: FrontDoor, account: Account) -> None:
    headers = signed_headers(shared_aws.endpoint_url, account.credentials, WHO, "sts")
    answer = send(shared_aws, WHO, headers)
    assert (answer.status, f"<Account>{account.account_id}</Account>" in answer.body) == (200, True)


def test_an_unsigned_request_is_refused(shared_aws: FrontDoor) -> None:
    answer = send(shared_aws, WHO, {"Content-Type": FORM})
    assert (answer.status, answer.code) == (403, "MissingAuthenticationToken")


def test_an_authorization_that_cannot_be_read_is_refused(shared_aws: FrontDoor, account: Account) -> None:
    assert code_of(shared_aws, account, Authorization="Basic abc") == "IncompleteSignature"


def test_an_unknown_key_is_refused(shared_aws: FrontDoor, account: Account) -> None:
    stranger = replace(account.credentials, access_key_id="AKIAAAAAAAAAAAAAAAAA")
    headers = signed_headers(shared_aws.endpoint_url, stranger, WHO, "sts")
    assert send(shared_aws, WHO, headers).code == "InvalidClientTokenId"


def test_a_wrong_secret_is_refused(shared_aws: FrontDoor, account: Account) -> None:
    forger = replace(account.credentials, secret_access_key="guessed")
    headers = signed_headers(shared_aws.endpoint_url, forger, WHO, "sts")
    answer = send(shared_aws, WHO, headers)
    assert (answer.status, answer.code) == (403, "SignatureDoesNotMatch")


def test_a_body_changed_after_signing_is_refused(shared_aws: FrontDoor, account: Account) -> None:
    asked, sent = form("iam", "GetRole", RoleName="a"), form("iam", "GetRole", RoleName="b")
    headers = signed_headers(shared_aws.endpoint_url, account.credentials, asked)
    assert send(shared_aws, sent, headers).code == "SignatureDoesNotMatch"


def test_a_date_changed_after_signing_is_refused(shared_aws: FrontDoor, account: Account) -> None:
    assert code_of(shared_aws, account, **{"X-Amz-Date": "20200101T000000Z"}) == "SignatureDoesNotMatch"


def test_a_date_that_is_none_is_refused(shared_aws: FrontDoor, account: Account) -> None:
    assert code_of(shared_aws, account, **{"X-Amz-Date": "today"}) == "SignatureDoesNotMatch"


def test_a_signature_that_leaves_the_host_out_is_refused(shared_aws: FrontDoor, account: Account) -> None:
    headers = signed_headers(shared_aws.endpoint_url, account.credentials, WHO, "sts")
    changed = headers["Authorization"].replace("host;", "")
    assert code_of(shared_aws, account, Authorization=changed) == "SignatureDoesNotMatch"


def test_a_digest_of_another_body_is_refused(shared_aws: FrontDoor, account: Account) -> None:
    digest = {"X-Amz-Content-SHA256": "UNSIGNED-PAYLOAD"}
    headers = signed_headers(shared_aws.endpoint_url, account.credentials, WHO, "sts", headers=digest)
    assert send(shared_aws, WHO, headers).code == "SignatureDoesNotMatch"


def test_a_key_of_one_partition_is_unknown_in_another(shared_aws: FrontDoor, account: Account) -> None:
    headers = signed_headers(shared_aws.endpoint_url, account.credentials, WHO, "sts", "cn-north-1")
    assert send(shared_aws, WHO, headers).code == "InvalidClientTokenId"


def test_a_session_without_its_token_is_refused(aws: FrontDoor) -> None:
    account = aws.create_account()
    role = create_role(account.client("iam"), "role", trusting({"AWS": account.account_id}))
    key = replace(session_key(assume(aws, account.credentials, role)), session_token=None)
    headers = signed_headers(aws.endpoint_url, key, WHO, "sts")
    assert send(aws, WHO, headers).code == "InvalidClientTokenId"


def test_a_session_ends_when_its_time_is_over(aws: FrontDoor, clock: ManualClock) -> None:
    account = aws.create_account()
    role = create_role(account.client("iam"), "role", trusting({"AWS": account.account_id}))
    key = session_key(assume(aws, account.credentials, role, DurationSeconds=900))

    def now() -> str | None:
        return send(aws, WHO, signed_headers(aws.endpoint_url, key, WHO, "sts")).code

    clock.advance(899)
    assert now() is None
    clock.advance(1)
    assert now() == "ExpiredToken"


def test_the_keys_of_an_administrator_do_not_end(aws: FrontDoor, clock: ManualClock) -> None:
    account = aws.create_account()
    clock.advance(10 * 365 * 86_400)
    assert account.client("sts").get_caller_identity()["Account"] == account.account_id


def test_a_session_whose_role_is_deleted_is_refused(aws: FrontDoor) -> None:
    account = aws.create_account()
    role = create_role(account.client("iam"), "role", trusting({"AWS": account.account_id}))
    key = session_key(assume(aws, account.credentials, role))
    account.client("iam").delete_role(RoleName="role")
    create_role(account.client("iam"), "role", trusting({"AWS": account.account_id}))
    headers = signed_headers(aws.endpoint_url, key, WHO, "sts")
    assert send(aws, WHO, headers).code == "InvalidClientTokenId"


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"RoleName": "x" * 65}, "ValidationError"),
        ({"RoleName": ""}, "ValidationError"),
        ({}, "ValidationError"),
        ({"RoleName.member.1": "x"}, "MalformedInput"),
        ({"RoleName": "missing"}, "NoSuchEntity"),
    ],
)
def test_input_is_held_against_the_model_whoever_built_it(
    shared_aws: FrontDoor, account: Account, fields: dict[str, str], code: str
) -> None:
    body = form("iam", "GetRole", **fields)
    headers = signed_headers(shared_aws.endpoint_url, account.credentials, body)
    assert send(shared_aws, body, headers).code == code


def test_numbers_and_lists_that_cannot_be_read_are_refused(shared_aws: FrontDoor, account: Account) -> None:
    for fields in (
        {"MaxItems": "many"},
        {"MaxItems.member.1": "1"},
        {"Marker": "here", "Marker.deeper": "there"},
    ):
        body = form("iam", "ListRoles", **fields)
        headers = signed_headers(shared_aws.endpoint_url, account.credentials, body)
        assert send(shared_aws, body, headers).code == "MalformedInput"


def test_a_parameter_that_comes_twice_is_refused(shared_aws: FrontDoor, account: Account) -> None:
    body = form("iam", "GetRole", RoleName="a") + "&RoleName=b"
    headers = signed_headers(shared_aws.endpoint_url, account.credentials, body)
    assert send(shared_aws, body, headers).code == "MalformedQueryString"


def test_a_body_that_is_not_utf8_is_refused(shared_aws: FrontDoor, account: Account) -> None:
    body = form("iam", "GetRole") + "&RoleName=%FF"
    headers = signed_headers(shared_aws.endpoint_url, account.credentials, body)
    assert send(shared_aws, body, headers).code == "MalformedQueryString"


def test_a_body_in_chunks_is_refused(shared_aws: FrontDoor) -> None:
    answer = send(shared_aws, "", {"Transfer-Encoding": "chunked"})
    assert answer.status == 501


def test_an_operation_that_aws_does_not_have_is_no_action(shared_aws: FrontDoor, account: Account) -> None:
    body = form("iam", "CreateRoel", RoleName="a")
    headers = signed_headers(shared_aws.endpoint_url, account.credentials, body)
    assert send(shared_aws, body, headers).code == "InvalidAction"
