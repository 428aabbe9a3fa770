"""Management accounts are entered for one stack, with what proves who comes, and never for longer than needed."""

from __future__ import annotations

import json
import time
import tracemalloc
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, cast

import pytest

from apono_operator.adapters.aws.organizations import Organizations
from apono_operator.adapters.aws.rate_limits import RateLimit
from apono_operator.adapters.errors import AdapterError, DeniedError, FencedError, RejectedError, TransientError
from apono_operator.reconciler.environment import Environment
from apono_operator.reconciler.failures import finding_of
from apono_operator.state.preflight import IdentityCenterInstance, Organization
from apono_operator.state.stack import MakeChangeSet
from apono_operator.v1alpha1 import Reason
from sandbox.aws import Fault, FrontDoor, ManualClock, Refusal, access_denied, server_error
from sandbox.aws.identity_center.instance import Instance
from tests.adapters.aws.connection import UNLIMITED, Connection, connect
from tests.adapters.aws.management import EXTERNAL_ID, UID, Management, management_for
from tests.aws.identities import allowing
from tests.builders import ISSUER, an_administration

MIB = 1 << 20
MINUTE = 60


@pytest.fixture
def management(connection: Connection, monkeypatch: pytest.MonkeyPatch) -> Management:
    return management_for(connection, monkeypatch)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def timed(monkeypatch: pytest.MonkeyPatch, clock: ManualClock) -> Iterator[Management]:
    """A management account where credentials expire by the clock, here and there."""
    with FrontDoor(clock) as aws:
        yield management_for(connect(aws, aws.create_account()), monkeypatch, now=clock)


def look(management: Management) -> None:
    assert management.access.stacks.observe(management.entrance.stack_name) is None


def refusal_of(management: Management) -> AdapterError:
    with pytest.raises(AdapterError) as failure:
        look(management)
    return failure.value


# --- entering -----------------------------------------------------------------------------------------------------


def test_the_role_is_assumed_for_one_connector_and_no_more(management: Management) -> None:
    look(management)

    (entry,) = management.entries()
    assert dict(entry.parameters) == {
        "RoleArn": management.entrance.role_arn,
        "RoleSessionName": f"apono-{UID}",
        "ExternalId": EXTERNAL_ID,
        "DurationSeconds": 3600,
        "Policy": management.entrance.session_policy,
    }
    assert f":stack/{management.entrance.stack_name}/*" in json.dumps(json.loads(entry.parameters["Policy"]))
    assert management.calls().operations == ["DescribeStacks"]


def test_nobody_enters_who_has_nothing_to_do_there(management: Management) -> None:
    management.sessions.enter(management.entrance)

    assert len(management.entries()) == 0


def test_the_role_is_assumed_once_for_many_calls(management: Management) -> None:
    for _ in range(3):
        look(management)
    management.access.role("apono-a")

    assert len(management.entries()) == 1
    assert management.calls().operations == [*["DescribeStacks"] * 3, "GetRole"]


def test_each_connector_has_a_session_of_its_own(management: Management) -> None:
    other = management.with_entrance(uid="another", stack_name="apono-another")

    look(management)
    look(other)

    names = [entry.parameters["RoleSessionName"] for entry in management.entries()]
    assert names == [f"apono-{UID}", "apono-another"]
    assert other.calls().operations == ["DescribeStacks"]


def test_stacks_are_looked_for_in_the_region_that_is_configured(management: Management) -> None:
    management.access.stacks.apply(MakeChangeSet("CREATE"), management.stack())

    assert management.access.stacks.observe(management.entrance.stack_name) is not None
    look(management.with_entrance(region="eu-central-1"))


# --- expiry -------------------------------------------------------------------------------------------------------


def test_credentials_are_fetched_anew_a_quarter_of_an_hour_before_they_expire(
    timed: Management, clock: ManualClock
) -> None:
    look(timed)
    clock.advance(45 * MINUTE - 1)
    look(timed)
    assert len(timed.entries()) == 1

    clock.advance(2)
    look(timed)

    assert len(timed.entries()) == 2


def test_credentials_that_cannot_be_fetched_anew_serve_as_long_as_they_are_safe(
    timed: Management, clock: ManualClock
) -> None:
    look(timed)
    with timed.connection.aws.faults.during(Fault(server_error(), operation="AssumeRole", times=None)):
        clock.advance(46 * MINUTE)
        look(timed)

        clock.advance(5 * MINUTE)
        failure = refusal_of(timed)

    assert isinstance(failure, TransientError)
    assert failure.message.startswith("sts:AssumeRole: ")
    look(timed)


def test_credentials_that_are_over_before_their_time_are_fetched_anew(management: Management) -> None:
    look(management)
    iam = management.account.client("iam")
    name = management.entrance.role_arn.split("/")[-1]
    trust = json.dumps(iam.get_role(RoleName=name)["Role"]["AssumeRolePolicyDocument"])
    iam.delete_role_policy(RoleName=name, PolicyName="all")
    iam.delete_role(RoleName=name)
    iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust)
    iam.put_role_policy(RoleName=name, PolicyName="all", PolicyDocument=allowing("*"))

    failure = refusal_of(management)

    assert isinstance(failure, TransientError)
    assert failure.reason is Reason.NO_CREDENTIALS
    look(management)
    assert len(management.entries()) == 2


def not_for_the_region() -> Refusal:
    """As AWS answers in a region that the account has not enabled: the credentials are unknown there."""
    return Refusal("UnrecognizedClientException", "The security token included in the request is invalid.", 403)


def test_fresh_credentials_that_a_region_refuses_again_are_told_with_the_way_out(management: Management) -> None:
    fault = Fault(not_for_the_region(), account=management.account, operation="DescribeStacks", times=None)
    with management.connection.aws.faults.during(fault):
        first, second = refusal_of(management), refusal_of(management)

    assert isinstance(first, TransientError)
    assert isinstance(second, RejectedError)
    assert second.reason is Reason.NO_CREDENTIALS
    assert f"aws account enable-region --region-name {management.account.region}" in second.message
    look(management)


def test_credentials_that_a_region_took_before_are_fetched_anew_each_time(management: Management) -> None:
    for _ in range(2):
        look(management)
        fault = Fault(not_for_the_region(), account=management.account, operation="DescribeStacks")
        with management.connection.aws.faults.during(fault):
            assert isinstance(refusal_of(management), TransientError)


def test_a_region_that_says_itself_that_it_is_closed_is_told_at_once(management: Management) -> None:
    closed = Refusal("OptInRequired", "You are not subscribed to this service", 403)
    with management.connection.aws.faults.during(
        Fault(closed, account=management.account, operation="DescribeStacks", times=None)
    ):
        assert isinstance(refusal_of(management), RejectedError)


# --- being refused ------------------------------------------------------------------------------------------------


def test_a_wrong_external_id_does_not_open_the_account(management: Management) -> None:
    management.connection.session.caller_identity()

    failure = refusal_of(management.with_entrance(external_id="another"))

    assert isinstance(failure, DeniedError)
    assert failure.reason is Reason.ACCESS_DENIED
    assert failure.message.startswith("sts:AssumeRole: AccessDenied: ")
    assert f"The trust policy of {management.entrance.role_arn} has to let it in" in failure.message
    assert failure.caller == f"the operator's role ({management.connection.session.last_caller})"
    assert len(management.calls()) == 0


def test_the_role_that_is_denied_an_action_is_named(management: Management) -> None:
    fault = Fault(access_denied(), account=management.account, operation="DescribeStacks")
    with management.connection.aws.faults.during(fault):
        failure = refusal_of(management)

    assert isinstance(failure, DeniedError)
    assert failure.message.startswith("cloudformation:DescribeStacks: AccessDenied: ")
    assert failure.caller == f"the operator's role in the management account ({management.entrance.role_arn})"


def test_the_role_that_is_denied_reading_a_role_is_named(management: Management) -> None:
    fault = Fault(access_denied(), account=management.account, operation="GetRole")
    with management.connection.aws.faults.during(fault), pytest.raises(DeniedError) as failure:
        management.access.role("apono-a")

    assert failure.value.caller.endswith(f"({management.entrance.role_arn})")


def test_users_read_which_role_to_allow_the_action_to(management: Management) -> None:
    connection = management.connection
    connection.session.caller_identity()
    passes = Environment(
        kubernetes=cast("Any", None),  # what a failed call means takes no call to the cluster
        session=connection.session,
        iam=connection.iam,
        administration=an_administration(),
        issuer=ISSUER,
    )
    fault = Fault(access_denied(), account=management.account, operation="DescribeStacks")
    with connection.aws.faults.during(fault):
        there = finding_of(refusal_of(management), passes)
    way_in = finding_of(refusal_of(management.with_entrance(external_id="another")), passes)

    assert there.message.endswith(
        f" Allow it to the operator's role in the management account ({management.entrance.role_arn})."
    )
    assert way_in.message.endswith(f" Allow it to the operator's role ({connection.session.last_caller}).")


# --- limits, fence, cost ------------------------------------------------------------------------------------------


def test_behind_the_fence_no_call_leaves(front_door: FrontDoor, monkeypatch: pytest.MonkeyPatch) -> None:
    management = management_for(connect(front_door, front_door.create_account()), monkeypatch)
    look(management)
    access, fence = management.access, management.connection.fence
    before = len(front_door.calls)

    fence.raise_up()

    with pytest.raises(FencedError):
        look(management)
    with pytest.raises(FencedError):
        access.organizations.organization()
    with pytest.raises(FencedError):
        look(management.with_entrance(uid="another"))
    assert len(front_door.calls) == before


def test_limits_hold_for_all_sessions_together(front_door: FrontDoor, monkeypatch: pytest.MonkeyPatch) -> None:
    limits = {**UNLIMITED, "cloudformation": RateLimit(per_second=5, burst=1)}
    management = management_for(connect(front_door, front_door.create_account(), limits=limits), monkeypatch)
    started = time.monotonic()

    for uid in ("a", "b", "c"):
        look(management.with_entrance(uid=uid))

    assert time.monotonic() - started > 0.35


def test_the_connectors_that_were_seen_last_keep_their_sessions(
    connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    management = management_for(connection, monkeypatch, kept=2)
    first, second, third = (management.with_entrance(uid=uid) for uid in ("1", "2", "3"))

    for one in (first, second, first, third, first, second):
        look(one)

    names = [entry.parameters["RoleSessionName"] for entry in management.entries()]
    assert names == ["apono-1", "apono-2", "apono-3", "apono-2"]


def test_threads_share_sessions(management: Management) -> None:
    entrances = [management.with_entrance(uid=str(number % 4)) for number in range(16)]
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(look, entrances))

    assert len(management.entries()) == 4


def test_a_connector_costs_less_than_a_mebibyte(management: Management) -> None:
    look(management)
    management.access.organizations.organization()
    tracemalloc.start()
    try:
        for number in range(8):
            look(management.with_entrance(uid=str(number)))
        held, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert held / 8 < MIB


# --- what else is read there --------------------------------------------------------------------------------------


def test_a_role_of_the_account_is_read_with_its_trust_and_id(management: Management) -> None:
    iam = management.account.client("iam")
    trust = json.dumps(
        {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Effect": "Allow",
                    "Principal": {"AWS": f"{management.account.arn_prefix}root"},
                    "Action": "sts:AssumeRole",
                }
            ],
        }
    )
    made = iam.create_role(RoleName="apono-management-a", AssumeRolePolicyDocument=trust)["Role"]

    role = management.access.role("apono-management-a")

    assert role is not None
    assert (role.arn, role.role_id) == (made["Arn"], made["RoleId"])
    assert role.trust.document == json.loads(trust)
    assert management.calls().operations == ["GetRole"]


def test_a_role_that_there_is_not_is_none(management: Management) -> None:
    assert management.access.role("apono-management-a") is None


def test_the_organization_is_read(management: Management) -> None:
    organizations = management.access.organizations
    assert organizations.organization() is None
    made = management.connection.aws.create_organization(management.account)

    found = organizations.organization()

    assert found is not None
    assert found.organization_id == made.id
    assert found.management_account_id == management.account.account_id
    assert found.has_all_features


def test_any_member_reads_its_organization_by_its_own_credentials(management: Management) -> None:
    connection = management.connection
    own = Organizations(connection.session.organizations)
    assert own.organization() is None
    made = connection.aws.create_organization(management.account)
    made.feature_set = "CONSOLIDATED_BILLING"
    made.join(connection.account)

    assert own.organization() == Organization(made.id, management.account.account_id, has_all_features=False)
    assert len(management.entries()) == 0


def test_threads_share_the_client_of_organizations(management: Management) -> None:
    session = management.connection.session
    with ThreadPoolExecutor(8) as threads:
        clients = list(threads.map(lambda _: session.organizations, range(8)))

    assert len({id(client) for client in clients}) == 1


def test_delegated_administrators_are_read_by_service(management: Management) -> None:
    organizations = management.access.organizations
    made = management.connection.aws.create_organization(management.account)
    members = [management.connection.aws.create_account() for _ in range(2)]
    for member in members:
        made.join(member)
        made.delegate("sso.amazonaws.com", member)

    assert organizations.delegated_administrators("config.amazonaws.com") == ()
    found = organizations.delegated_administrators("sso.amazonaws.com")
    assert sorted(found) == sorted(member.account_id for member in members)


def test_identity_center_is_found_in_whichever_region_it_is(management: Management) -> None:
    center = management.access.identity_center
    made = management.connection.aws.create_organization(management.account)
    assert center.instances() == ()

    made.identity_center = Instance("eu-north-1", status="CREATE_IN_PROGRESS")

    (found,) = center.instances()
    assert found == IdentityCenterInstance(
        f"arn:aws:sso:::instance/{made.identity_center.id}",
        management.account.account_id,
        "CREATE_IN_PROGRESS",
        "eu-north-1",
    )


def test_a_denied_look_at_identity_center_names_action_and_role(management: Management) -> None:
    fault = Fault(access_denied(), operation="ListInstances")
    with management.connection.aws.faults.during(fault), pytest.raises(DeniedError) as failure:
        management.access.identity_center.instances()

    assert failure.value.message.startswith("sso:ListInstances: AccessDenied")
    assert failure.value.caller.endswith(f"({management.entrance.role_arn})")


def test_roots_and_units_are_found(management: Management) -> None:
    organizations = management.access.organizations
    unit = management.connection.aws.create_organization(management.account).unit("Workloads")
    (root,) = management.account.client("organizations").list_roots()["Roots"]

    assert organizations.has_unit(root["Id"])
    assert organizations.has_unit(unit.id)
    assert not organizations.has_unit("r-zzzz")
    assert not organizations.has_unit(f"{unit.id[:-1]}{'a' if unit.id[-1] != 'a' else 'b'}")
