from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from botocore.exceptions import ClientError

from tests.aws.identities import create_role, trusting

if TYPE_CHECKING:
    from sandbox.aws import FrontDoor, ManualClock


def test_a_call_is_recorded_with_who_asked_what_and_how_it_went(aws: FrontDoor, clock: ManualClock) -> None:
    account = aws.create_account()
    create_role(account.client("iam"), "role", trusting("*"), Path="/a/")
    (record,) = aws.calls
    assert record.time == clock()
    assert (record.account_id, record.caller) == (
        account.account_id,
        f"{account.arn_prefix}user/administrator",
    )
    assert record.access_key_id == account.credentials.access_key_id
    assert (record.service, record.operation) == ("iam", "CreateRole")
    assert (record.parameters["RoleName"], record.parameters["Path"]) == ("role", "/a/")
    assert (record.outcome, record.applied) == ("ok", True)
    assert 0 < record.duration < 10


def test_a_refused_call_is_recorded_with_its_error(aws: FrontDoor) -> None:
    iam = aws.create_account().client("iam")
    with pytest.raises(ClientError):
        iam.get_role(RoleName="missing")
    (record,) = aws.calls
    assert (record.outcome, record.applied) == ("NoSuchEntity", False)


def test_a_call_that_is_not_modelled_is_recorded(aws: FrontDoor) -> None:
    iam = aws.create_account().client("iam")
    with pytest.raises(ClientError):
        iam.list_users()
    (record,) = aws.calls.of(outcome="NotModelled")
    assert record.operation == "ListUsers"


def test_no_secret_is_shown_by_a_record_or_an_account(aws: FrontDoor) -> None:
    account = aws.create_account()
    account.client("sts").get_caller_identity()
    shown = repr(aws.calls.all()) + repr(account)
    assert account.credentials.secret_access_key not in shown


def test_calls_are_found_by_what_they_are(aws: FrontDoor) -> None:
    first, second = aws.create_account(), aws.create_account()
    for account in (first, second):
        create_role(account.client("iam"), "role", trusting("*"))
        account.client("iam").get_role(RoleName="role")
    assert aws.calls.of(account=first).operations == ["CreateRole", "GetRole"]
    assert len(aws.calls.of(operation="GetRole")) == 2
    assert len(aws.calls.of(account=second.account_id, operation="GetRole", service="iam")) == 1
    assert len(aws.calls.of(parameters={"RoleName": "other"})) == 0
    assert len(aws.calls.of(caller=f"{first.arn_prefix}user/administrator")) == 2


def test_calls_since_a_mark_leave_out_those_before(aws: FrontDoor) -> None:
    sts = aws.create_account().client("sts")
    sts.get_caller_identity()
    mark = aws.calls.mark()
    assert len(aws.calls.since(mark)) == 0
    sts.get_caller_identity()
    assert aws.calls.since(mark).operations == ["GetCallerIdentity"]
    assert len(aws.calls) == 2


def test_a_mark_outlives_a_cleared_log(aws: FrontDoor) -> None:
    sts = aws.create_account().client("sts")
    sts.get_caller_identity()
    mark = aws.calls.mark()
    aws.calls.clear()
    sts.get_caller_identity()
    assert len(aws.calls.since(mark)) == 1
