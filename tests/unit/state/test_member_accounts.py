"""The accounts below a unit: each is counted once, and what stands in the way is told."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apono_operator.state.conditions import MESSAGE_LIMIT
from apono_operator.state.finding import Finding, Next
from apono_operator.state.member_accounts import (
    StackInstance,
    StackSetPlace,
    counted,
    members_finding,
    named,
    no_members_finding,
)
from apono_operator.v1alpha1 import ConditionStatus, MemberAccounts, Reason

ONE, TWO, THREE = "111122223333", "222233334444", "333344445555"
UNIT, OTHER = "ou-1a2b-11111111", "ou-1a2b-33333333"
PLACE = StackSetPlace("apono-a-0123456789", "eu-west-1", "2026-03-14T09:26:53Z")

DETAILS = (
    "PENDING",
    "RUNNING",
    "SUCCEEDED",
    "FAILED",
    "CANCELLED",
    "INOPERABLE",
    "SKIPPED_SUSPENDED_ACCOUNT",
    "FAILED_IMPORT",
)
INSTANCES = st.builds(
    StackInstance,
    account_id=st.from_regex(r"[0-9]{12}", fullmatch=True),
    status=st.sampled_from(("CURRENT", "OUTDATED", "INOPERABLE")),
    detail=st.sampled_from(DETAILS),
)


def found(*instances: StackInstance) -> Finding:
    assert PLACE.name
    return members_finding(PLACE.name, PLACE.region, instances)


def failed(account_id: str, reason: str = "", unit_id: str = UNIT) -> StackInstance:
    return StackInstance(account_id, unit_id, "OUTDATED", "FAILED", reason)


# --- counts -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "detail", "kind"),
    [
        ("CURRENT", "SUCCEEDED", "current"),
        ("CURRENT", "RUNNING", "current"),
        ("OUTDATED", "PENDING", "outdated"),
        ("OUTDATED", "RUNNING", "outdated"),
        ("OUTDATED", "SUCCEEDED", "outdated"),
        ("OUTDATED", "FAILED", "failed"),
        ("OUTDATED", "CANCELLED", "failed"),
        ("OUTDATED", "FAILED_IMPORT", "failed"),
        ("CURRENT", "FAILED", "failed"),
        ("INOPERABLE", "SUCCEEDED", "failed"),
        ("INOPERABLE", "INOPERABLE", "failed"),
        ("OUTDATED", "SKIPPED_SUSPENDED_ACCOUNT", "suspended"),
        ("CURRENT", "SKIPPED_SUSPENDED_ACCOUNT", "suspended"),
        ("INOPERABLE", "SKIPPED_SUSPENDED_ACCOUNT", "suspended"),
    ],
)
def test_an_account_counts_as_what_cloudformation_says_of_it(status: str, detail: str, kind: str) -> None:
    counts = counted([StackInstance(ONE, UNIT, status, detail)])

    assert {name: count for name, count in counts.model_dump().items() if count} == {kind: 1}


@given(st.lists(INSTANCES, max_size=20))
def test_counts_add_up_to_the_number_of_accounts(instances: list[StackInstance]) -> None:
    assert sum(counted(instances).model_dump().values()) == len(instances)


@given(INSTANCES)
def test_an_account_is_one_thing_at_most(instance: StackInstance) -> None:
    assert [instance.is_current, instance.is_failed, instance.is_suspended].count(True) <= 1


@given(st.permutations([StackInstance(ONE), failed(TWO), failed(THREE, "no")]))
def test_the_order_in_which_accounts_are_listed_changes_nothing(instances: list[StackInstance]) -> None:
    assert found(*instances) == found(StackInstance(ONE), failed(TWO), failed(THREE, "no"))


# --- what is said of them ---------------------------------------------------------------------------------------------


@given(st.lists(INSTANCES, max_size=20))
def test_the_condition_is_true_exactly_where_no_account_lacks_the_role_but_suspended_ones(
    instances: list[StackInstance],
) -> None:
    counts = counted(instances)

    assert found(*instances).good is (counts.failed == 0 and counts.outdated == 0)


@given(st.lists(INSTANCES, max_size=20))
def test_nothing_else_waits_for_member_accounts(instances: list[StackInstance]) -> None:
    assert found(*instances).awaits is Next.NOTHING


def test_accounts_that_all_have_the_role_are_counted() -> None:
    finding = found(StackInstance(ONE), StackInstance(TWO))

    assert (finding.status, finding.reason) == (ConditionStatus.TRUE, Reason.MEMBER_ROLES_CURRENT)
    assert finding.message == "Member accounts with the role: 2."


def test_a_unit_without_accounts_has_all_that_it_can_have() -> None:
    assert found().message == "Member accounts with the role: 0."
    assert found().good


def test_a_suspended_account_is_passed_over_and_told() -> None:
    finding = found(StackInstance(ONE), StackInstance(TWO, UNIT, "OUTDATED", "SKIPPED_SUSPENDED_ACCOUNT"))

    assert finding.good
    assert finding.message == "Member accounts with the role: 1. Suspended, and passed over: 1."


def test_accounts_that_are_being_served_are_told_with_how_many_there_are() -> None:
    finding = found(StackInstance(ONE), StackInstance(TWO, UNIT, "OUTDATED", "PENDING"))

    assert (finding.status, finding.reason) == (ConditionStatus.FALSE, Reason.MEMBER_ROLES_IN_PROGRESS)
    assert finding.message == "1 of 2 member accounts have the role so far."


def test_of_accounts_that_failed_the_first_is_told_with_its_reason_and_the_command_that_tries_again() -> None:
    waiting = StackInstance("000000000000", UNIT, "OUTDATED", "PENDING")

    finding = found(failed(TWO, "another", OTHER), waiting, failed(ONE, "apono-member-a already exists"))

    assert (finding.status, finding.reason) == (ConditionStatus.FALSE, Reason.MEMBER_ACCOUNTS_FAILED)
    assert finding.message.startswith("2 of 3 member accounts have no role, or not as asked. The first, 111122223333: ")
    assert "apono-member-a already exists. Remove the cause" in finding.message
    assert finding.message.endswith(
        "aws cloudformation update-stack-instances --stack-set-name apono-a-0123456789 --region eu-west-1 "
        "--regions eu-west-1 --deployment-targets "
        f"OrganizationalUnitIds={UNIT},Accounts={ONE},AccountFilterType=INTERSECTION"
    )


def test_a_failure_of_which_aws_tells_no_reason_is_told_as_such() -> None:
    assert "111122223333: AWS tells no reason. " in found(failed(ONE)).message


def test_however_much_aws_says_the_command_behind_it_is_told_whole() -> None:
    longest = members_finding("a" * 128, "ap-southeast-99", [failed(ONE, "x" * 4000, f"ou-{'a' * 32}-{'b' * 32}")])

    assert len(longest.message) <= MESSAGE_LIMIT
    assert longest.message.endswith("AccountFilterType=INTERSECTION")


def test_a_stack_without_a_stack_set_is_told_with_the_setting_that_brings_it() -> None:
    finding = no_members_finding()

    assert (finding.status, finding.reason, finding.awaits) == (
        ConditionStatus.FALSE,
        Reason.MEMBER_ROLES_NOT_MADE,
        Next.NOTHING,
    )
    assert "set memberTemplateUrl in the entry of the account" in finding.message
    assert "chart value managementAccounts" in finding.message


# --- in words ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, ""),
        (1, "a0"),
        (10, "a0, a1, a2, a3, a4, a5, a6, a7, a8, a9"),
        (11, "a0, a1, a2, a3, a4, a5, a6, a7, a8, a9 and 1 more"),
        (300, "a0, a1, a2, a3, a4, a5, a6, a7, a8, a9 and 290 more"),
    ],
)
def test_of_many_accounts_ten_are_named_and_the_rest_is_counted(count: int, text: str) -> None:
    assert named([f"a{number}" for number in range(count)]) == text


def test_no_accounts_are_no_accounts_of_any_kind() -> None:
    assert counted([]) == MemberAccounts(current=0, outdated=0, failed=0, suspended=0)
