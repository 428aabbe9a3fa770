"""Every change that a plan can hold is made in IAM, and read back as what was asked for."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import get_args

import pytest

from apono_operator.adapters.aws.errors import NoSuchEntityError
from apono_operator.adapters.aws.iam import Depth
from apono_operator.adapters.errors import ConflictError, RejectedError, TransientError
from apono_operator.state import plan
from apono_operator.state.permissions import INLINE_POLICY_NAME
from apono_operator.state.resources import IamRole
from apono_operator.v1alpha1 import Reason
from tests.adapters.aws.changes import ENDINGS, REMOVALS, UPDATES, Row, name_of
from tests.adapters.aws.connection import Connection, allowing, create, role_of

FOREIGN_POLICY = "AWSRevokeOlderSessions"


def _bare(role: IamRole) -> IamRole:
    return replace(role, permissions=None, managed_policy_arns=frozenset(), permissions_boundary=None)


def test_a_role_with_everything_is_read_back_as_it_was_asked_for(connection: Connection) -> None:
    desired = role_of(connection)

    role_id = create(connection, desired)

    observed = connection.iam.observe_role(connection.name, Depth.EVERYTHING)
    assert observed == desired
    assert observed is not None
    assert observed.role_id == role_id
    assert role_id.startswith("AROA")


def test_a_role_is_made_without_a_boundary_if_none_is_asked_for(connection: Connection) -> None:
    desired = _bare(role_of(connection))

    create(connection, desired)

    assert connection.iam.observe_role(connection.name, Depth.EVERYTHING) == desired


@pytest.mark.parametrize("row", [*UPDATES, *REMOVALS], ids=name_of)
def test_a_change_is_read_back_as_it_was_asked_for_and_touches_nothing_else(connection: Connection, row: Row) -> None:
    before = role_of(connection)
    create(connection, before)

    assert connection.iam.apply(row.change(connection)) is None

    expected = replace(before, **row.then(connection))
    assert connection.iam.observe_role(connection.name, Depth.THOROUGH) == expected


def test_every_kind_of_change_is_made_here() -> None:
    tried = {row.kind for row in (*UPDATES, *REMOVALS, *ENDINGS)}

    assert tried | {plan.CreateRole} == set(get_args(plan.RoleChange))


@pytest.mark.parametrize("row", [*UPDATES, *REMOVALS], ids=name_of)
def test_a_change_costs_one_call(connection: Connection, row: Row) -> None:
    create(connection, role_of(connection))
    change = row.change(connection)
    counted = connection.from_now_on()

    counted.iam.apply(change)

    assert len(counted.calls()) == 1


def test_a_role_that_is_not_there_is_none(connection: Connection) -> None:
    assert connection.iam.observe_role(connection.name, Depth.EVERYTHING) is None
    assert connection.calls().operations == ["GetRole"]


@pytest.mark.parametrize(
    ("depth", "operations"),
    [
        (Depth.OURS, ["GetRole", "GetRolePolicy"]),
        (Depth.ATTACHED, ["GetRole", "ListAttachedRolePolicies"]),
        (Depth.THOROUGH, ["GetRole", "GetRolePolicy", "ListAttachedRolePolicies", "ListRolePolicies"]),
        (
            Depth.EVERYTHING,
            [
                "GetRole",
                "GetRolePolicy",
                "ListAttachedRolePolicies",
                "ListRolePolicies",
                "ListInstanceProfilesForRole",
            ],
        ),
    ],
)
def test_a_look_costs_as_many_calls_as_its_depth_says(
    connection: Connection, depth: Depth, operations: list[str]
) -> None:
    create(connection, role_of(connection))
    counted = connection.from_now_on()

    counted.iam.observe_role(connection.name, depth)

    assert sorted(counted.calls().operations) == sorted(operations)


def test_what_was_not_looked_at_is_not_claimed_to_be_missing(connection: Connection) -> None:
    create(connection, role_of(connection))

    observed = connection.iam.observe_role(connection.name, Depth.OURS)

    assert observed == replace(role_of(connection), managed_policy_arns=None)


def test_foreign_inline_policies_and_instance_profiles_are_seen_at_full_depth(connection: Connection) -> None:
    create(connection, role_of(connection))
    _add_foreign_things(connection)

    observed = connection.iam.observe_role(connection.name, Depth.EVERYTHING)

    assert observed is not None
    assert observed.other_inline_policies == {FOREIGN_POLICY}
    assert observed.instance_profiles == {connection.profile}


def test_a_long_list_is_read_to_its_end(connection: Connection) -> None:
    create(connection, _bare(role_of(connection)))
    iam = connection.account.client("iam")
    names = [f"p{number}" for number in range(101)]  # IAM gives 100 at a time
    for name in names:
        iam.put_role_policy(RoleName=connection.name, PolicyName=name, PolicyDocument=allowing("s3:A").json)

    observed = connection.iam.observe_role(connection.name, Depth.EVERYTHING)

    assert observed is not None
    assert observed.other_inline_policies == set(names)


def test_the_plan_of_a_deletion_leaves_nothing_of_a_role_on_which_everything_hangs(connection: Connection) -> None:
    create(connection, role_of(connection))
    _add_foreign_things(connection)

    for change in plan.plan_role_deletion(connection.iam.observe_role(connection.name, Depth.EVERYTHING)):
        connection.iam.apply(change)

    assert connection.iam.observe_role(connection.name, Depth.OURS) is None
    profile = connection.account.client("iam").get_instance_profile(InstanceProfileName=connection.profile)
    assert profile["InstanceProfile"]["Roles"] == []


def test_that_a_role_to_be_deleted_is_gone_is_told(connection: Connection) -> None:
    with pytest.raises(NoSuchEntityError):
        connection.iam.apply(plan.DeleteRole(connection.name))


@pytest.mark.parametrize("row", [row for row in (*REMOVALS, *ENDINGS) if row.kind is not plan.DeleteRole], ids=name_of)
def test_removing_what_is_gone_is_fine(connection: Connection, row: Row) -> None:
    connection.iam.apply(row.change(connection))

    assert [record.outcome for record in connection.calls()] == ["NoSuchEntity"]


def test_dropping_a_boundary_that_is_gone_is_fine(connection: Connection) -> None:
    desired = _bare(role_of(connection))
    create(connection, desired)

    connection.iam.apply(plan.DropBoundary(connection.name))

    assert connection.iam.observe_role(connection.name, Depth.THOROUGH) == desired


def test_a_role_on_which_something_hangs_is_deleted_later(connection: Connection) -> None:
    create(connection, role_of(connection))

    with pytest.raises(TransientError, match="iam:DeleteRole: DeleteConflict") as failure:
        connection.iam.apply(plan.DeleteRole(connection.name))

    assert failure.value.reason is Reason.PROPAGATING


def test_a_role_of_that_name_that_appeared_meanwhile_is_a_conflict(connection: Connection) -> None:
    create(connection, _bare(role_of(connection)))

    with pytest.raises(ConflictError, match="iam:CreateRole: EntityAlreadyExists"):
        connection.iam.apply(plan.CreateRole(role_of(connection)))


@pytest.mark.parametrize("row", UPDATES, ids=name_of)
def test_a_change_to_a_role_that_iam_does_not_know_yet_waits(connection: Connection, row: Row) -> None:
    change = row.change(connection)

    with pytest.raises(TransientError, match="NoSuchEntity: The role with name") as failure:
        connection.iam.apply(change)

    assert failure.value.reason is Reason.PROPAGATING


@pytest.mark.parametrize("operation", ["ListAttachedRolePolicies", "ListRolePolicies", "ListInstanceProfilesForRole"])
def test_a_role_that_goes_while_it_is_looked_at_is_looked_at_again(connection: Connection, operation: str) -> None:
    create(connection, _bare(role_of(connection)))
    iam = connection.account.client("iam")
    connection.aws.hooks.before(
        lambda _: iam.delete_role(RoleName=connection.name), operation=operation, account=connection.account
    )

    with pytest.raises(TransientError, match="NoSuchEntity: The role with name") as failure:
        connection.iam.observe_role(connection.name, Depth.EVERYTHING)

    assert failure.value.reason is Reason.PROPAGATING


@pytest.mark.parametrize("kind", [plan.AttachPolicy, plan.PutBoundary])
def test_a_policy_that_does_not_exist_is_told_by_its_arn(
    connection: Connection, kind: Callable[[str, str], plan.RoleChange]
) -> None:
    create(connection, _bare(role_of(connection)))
    missing = connection.arn("policy/missing")

    with pytest.raises(RejectedError, match=f"NoSuchEntity: .*{missing}") as failure:
        connection.iam.apply(kind(connection.name, missing))

    assert failure.value.reason is Reason.REJECTED


def test_a_boundary_that_does_not_exist_keeps_a_role_from_being_made(connection: Connection) -> None:
    missing = connection.arn("policy/missing")

    words = f"^permissions boundary {missing}: iam:CreateRole: NoSuchEntity: "
    with pytest.raises(RejectedError, match=words) as failure:
        connection.iam.apply(plan.CreateRole(replace(role_of(connection), permissions_boundary=missing)))

    assert failure.value.reason is Reason.REJECTED
    assert connection.iam.observe_role(connection.name, Depth.OURS) is None


def test_a_malformed_policy_is_rejected(connection: Connection) -> None:
    create(connection, _bare(role_of(connection)))

    with pytest.raises(RejectedError, match="iam:PutRolePolicy: MalformedPolicyDocument") as failure:
        connection.iam.apply(plan.PutInlinePolicy(connection.name, INLINE_POLICY_NAME, allowing("not an action")))

    assert failure.value.reason is Reason.REJECTED


def test_a_quota_is_told_as_such(connection: Connection) -> None:
    create(connection, _bare(role_of(connection)))

    with pytest.raises(RejectedError, match="iam:PutRolePolicy: LimitExceeded") as failure:
        connection.iam.apply(plan.PutInlinePolicy(connection.name, INLINE_POLICY_NAME, allowing(f"s3:{'A' * 11_000}")))

    assert failure.value.reason is Reason.LIMIT_EXCEEDED


def _add_foreign_things(connection: Connection) -> None:
    iam = connection.account.client("iam")
    iam.put_role_policy(
        RoleName=connection.name, PolicyName=FOREIGN_POLICY, PolicyDocument=json.dumps(allowing("s3:*").document)
    )
    iam.create_instance_profile(InstanceProfileName=connection.profile)
    iam.add_role_to_instance_profile(InstanceProfileName=connection.profile, RoleName=connection.name)
