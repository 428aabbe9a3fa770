"""A deletion, step by step, before an IAM that lags and people who change things in between."""

from __future__ import annotations

from typing import Any

import pytest

from apono_operator.reconciler.removal import ABSENCE_SECONDS
from apono_operator.v1alpha1 import Reason
from sandbox.aws.faults import Fault, Refusal
from tests.passes.passes import Passes
from tests.scenarios.scenario import CHILD
from tests.waiting import until

NO_SUCH_ROLE = Refusal("NoSuchEntity", "The role with name x cannot be found.", 404)


@pytest.fixture
def settled(passes: Passes) -> Passes:
    """A connector with its role, and without pods that a deletion would wait for."""
    passes.settle()
    passes.cluster.delete("Deployment", CHILD)
    until("its pods are gone", lambda: not passes.cluster.list("Pod"))
    return passes


def test_a_role_that_iam_does_not_show_counts_as_gone_after_a_while_only(settled: Passes) -> None:
    with not_shown(settled, "GetRole", times=None):
        assert settled.deletes() is not None
        settled.moment += ABSENCE_SECONDS - 1
        assert settled.deletes() is not None

    assert settled.deletes() is None
    assert not settled.has_role()


def test_a_role_that_was_seen_again_has_to_be_absent_anew(settled: Passes) -> None:
    with not_shown(settled, "GetRole"):
        settled.deletes()
    settled.moment += ABSENCE_SECONDS
    with settled.connection.aws.faults.during(Fault(Refusal("Throttling", "Rate exceeded"), operation="DeleteRole")):
        settled.deletes()

    with not_shown(settled, "GetRole"):
        assert settled.deletes() is not None
    assert settled.has_role()


def test_a_role_that_is_shown_and_cannot_be_found_to_delete_it_is_not_forgotten(settled: Passes) -> None:
    with not_shown(settled, "DeleteRole"):
        assert settled.deletes() is not None

    assert settled.deletes() is None
    assert not settled.has_role()


def test_a_role_that_is_not_shown_after_a_conflict_is_not_forgotten(settled: Passes) -> None:
    put_by_hand(settled)
    with not_shown(settled, "GetRole", nth=2):
        assert settled.deletes() is not None

    assert settled.deletes() is None
    assert not settled.has_role()


def test_a_role_whose_tags_go_between_two_looks_is_not_deleted(settled: Passes) -> None:
    put_by_hand(settled)
    names = [tag["Key"] for tag in settled.iam.list_role_tags(RoleName=settled.role_name)["Tags"]]
    hooks = settled.connection.aws.hooks
    hooks.after(
        lambda _: settled.iam.untag_role(RoleName=settled.role_name, TagKeys=names), operation="DetachRolePolicy"
    )

    remainder = settled.deletes()

    hooks.clear()
    assert remainder is not None
    assert remainder.finding.reason is Reason.NAME_CONFLICT
    assert settled.has_role()


@pytest.mark.parametrize(
    "spec", [{"permissions": "FullAccess", "role": {"tags": {"not-listed": "x"}}}, {"suspend": True}], ids=str
)
def test_a_role_that_an_earlier_connector_left_stays_if_this_one_never_took_it_up(
    passes: Passes, spec: dict[str, Any]
) -> None:
    passes.settle()
    passes.cluster.delete("Deployment", CHILD)
    until("its pods are gone", lambda: not passes.cluster.list("Pod"))
    later = passes.as_another(**spec)
    later.calls()
    assert "connectorRoleArn" not in later.status

    assert later.deletes() is None

    assert later.has_role()
    assert later.events("RoleRetained")


def test_a_role_that_is_to_stay_needs_no_look_at_aws(settled: Passes) -> None:
    settled.change(deletionPolicy="Retain")
    mark = settled.connection.aws.calls.mark()

    assert settled.deletes_quickly() is None

    assert settled.connection.aws.calls.since(mark).operations == []
    assert settled.has_role()


def put_by_hand(passes: Passes) -> None:
    passes.iam.put_role_policy(
        RoleName=passes.role_name,
        PolicyName="by-hand",
        PolicyDocument='{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"*","Resource":"*"}]}',
    )


def not_shown(passes: Passes, operation: str, **when: Any) -> Any:
    return passes.connection.aws.faults.during(Fault(NO_SUCH_ROLE, operation=operation, **when))
