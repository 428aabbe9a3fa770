"""Finding roles of connectors among all roles of an account."""

from __future__ import annotations

import json
from typing import Any

import pytest

from apono_operator.adapters.errors import DeniedError, TransientError
from sandbox.aws import Fault, FrontDoor, access_denied, throttle
from tests.adapters.aws.connection import Connection, connect, create, role_of, trusting_the_account


@pytest.fixture
def connection(front_door: FrontDoor) -> Connection:
    """A connection to an account that has no role yet."""
    return connect(front_door, front_door.create_account())


def make(connection: Connection, *names: str, **arguments: Any) -> None:
    iam = connection.account.client("iam")
    trust = json.dumps(trusting_the_account(connection.account).document)
    for name in names:
        iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust, **arguments)


def test_roles_are_found_by_how_they_are_called_and_where_they_lie(connection: Connection) -> None:
    make(connection, "apono-connector-b", "apono-connector-a", "apono", "connector", "my-apono-connector-c")
    make(connection, "apono-connector-elsewhere", Path="/apono/")

    assert connection.iam.connector_role_names() == ["apono-connector-a", "apono-connector-b"]


def test_an_account_without_roles_has_none(connection: Connection) -> None:
    assert connection.iam.connector_role_names() == []


def test_a_thousand_roles_cost_one_call() -> None:
    with FrontDoor() as aws:
        aws.roles_per_account = 2000
        connection = connect(aws, aws.create_account())
        make(connection, *(f"apono-connector-{number:04}" for number in range(1001)))

        assert_listed(connection, roles=1001, calls=2)
        connection.account.client("iam").delete_role(RoleName="apono-connector-0000")
        assert_listed(connection, roles=1000, calls=1)


def assert_listed(connection: Connection, *, roles: int, calls: int) -> None:
    counted = connection.from_now_on()
    assert len(counted.iam.connector_role_names()) == roles
    assert counted.calls().operations == ["ListRoles"] * calls


def test_tags_cost_one_call(connection: Connection) -> None:
    role = role_of(connection)
    create(connection, role)
    counted = connection.from_now_on()

    assert counted.iam.role_tags(role.name) == role.tags
    assert counted.calls().operations == ["GetRole"]


def test_a_role_without_tags_has_none_of_them(connection: Connection) -> None:
    make(connection, connection.name)

    assert connection.iam.role_tags(connection.name) == {}


def test_a_role_that_is_not_there_has_no_tags(connection: Connection) -> None:
    assert connection.iam.role_tags(connection.name) is None


@pytest.mark.parametrize(("effect", "error"), [(access_denied(), DeniedError), (throttle(), TransientError)])
def test_a_list_that_cannot_be_had_is_an_error_and_not_an_empty_one(
    connection: Connection, effect: Any, error: type[Exception]
) -> None:
    fault = Fault(effect, operation="ListRoles", account=connection.account)
    with connection.aws.faults.during(fault), pytest.raises(error, match="iam:ListRoles"):
        connection.iam.connector_role_names()
