"""The one next step of a stack, whatever is seen."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apono_operator.state.finding import Next
from apono_operator.state.stack import (
    CHANGE_SET_STATUSES,
    EXECUTION_STATUSES,
    MEANINGS,
    REPLACEMENT_CONSENT,
    ChangeSet,
    ChangeSetMeaning,
    ContinueRollback,
    DeleteStack,
    DiscardChangeSet,
    ExecuteChangeSet,
    MakeChangeSet,
    Meaning,
    ResourceChange,
)
from apono_operator.state.stack_plan import (
    Compared,
    History,
    is_propagating,
    needs_change_set,
    plan_comparison,
    plan_correction,
    plan_stack_deletion,
    words_of,
)
from apono_operator.v1alpha1 import ConditionStatus, Reason
from tests.unit.state.stacks import (
    CHANGE_SET_ID,
    DESIRED,
    FAILED,
    FRESH,
    GOOD,
    ID,
    RETRY,
    ROLE,
    TRUST,
    WAITS,
    a_change_set,
    a_stack,
    another,
    message,
    step,
    told,
)

# --- towards a stack --------------------------------------------------------------------------------------------------


def test_where_there_is_no_stack_one_is_asked_for() -> None:
    assert step(None) == MakeChangeSet("CREATE")
    assert step(a_stack("DELETE_COMPLETE")) == MakeChangeSet("CREATE")


def test_an_empty_stack_that_a_crash_left_gets_the_change_set_that_is_missing() -> None:
    empty = a_stack("REVIEW_IN_PROGRESS", tags={}, parameters={}, change_set_id="", outputs={})

    assert step(empty) == MakeChangeSet("CREATE")
    assert step(empty, a_change_set()) == ExecuteChangeSet(CHANGE_SET_ID)


def test_a_stack_as_asked_is_told_with_its_role() -> None:
    for status in ("CREATE_COMPLETE", "UPDATE_COMPLETE", "IMPORT_COMPLETE"):
        assert told(step(a_stack(status))) == GOOD
        assert ROLE in message(step(a_stack(status)))


def test_a_stack_without_the_output_is_of_no_use() -> None:
    assert told(step(a_stack(outputs={}))) == FAILED


def test_a_stack_that_is_not_as_asked_is_changed() -> None:
    assert step(another()) == MakeChangeSet("UPDATE")
    assert step(another(), a_change_set()) == ExecuteChangeSet(CHANGE_SET_ID)


@pytest.mark.parametrize("status", [one for one, meaning in MEANINGS.items() if meaning is Meaning.BUSY])
def test_whatever_is_under_way_is_waited_for(status: str) -> None:
    assert told(step(another(status), a_change_set())) == WAITS


def test_a_deletion_by_somebody_else_is_waited_for() -> None:
    assert told(step(a_stack("DELETE_IN_PROGRESS"))) == WAITS


def test_a_status_of_the_future_is_told_and_waited_for() -> None:
    assert told(step(a_stack("TELEPORTING"))) == WAITS
    assert "TELEPORTING" in message(step(a_stack("TELEPORTING")))


@pytest.mark.parametrize("status", sorted(MEANINGS))
def test_a_stack_of_somebody_else_is_never_touched(status: str) -> None:
    foreign = a_stack(status, tags={"team": "platform"})
    if foreign.meaning in (Meaning.GONE, Meaning.EMPTY):
        return

    assert told(step(foreign, a_change_set(), RETRY))[1] is Reason.NAME_CONFLICT


@pytest.mark.parametrize("status", ["CREATE_FAILED", "ROLLBACK_COMPLETE", "ROLLBACK_FAILED"])
def test_a_stack_that_was_never_made_is_told_and_made_anew_when_it_is_time(status: str) -> None:
    observed = a_stack(status, outputs={})

    assert told(step(observed, history=History(failure="Role: Invalid principal"))) == FAILED
    assert "Role: Invalid principal" in message(step(observed, history=History(failure="Role: Invalid principal")))
    assert step(observed, history=RETRY) == DeleteStack(ID)
    assert told(step(replace(observed, termination_protected=True), history=RETRY)) == FAILED


def test_after_a_creation_that_failed_another_wish_is_tried_at_once() -> None:
    assert step(another("ROLLBACK_COMPLETE")) == DeleteStack(ID)
    assert told(step(another("ROLLBACK_COMPLETE", termination_protected=True))) == FAILED


def test_a_creation_that_failed_and_of_which_nobody_knows_what_it_was_to_be_is_not_made_anew_at_once() -> None:
    assert told(step(another("ROLLBACK_COMPLETE", change_set_id=""))) == FAILED


@pytest.mark.parametrize("status", ["UPDATE_ROLLBACK_FAILED", "IMPORT_ROLLBACK_FAILED"])
def test_a_rollback_that_failed_is_told_and_continued_when_it_is_time(status: str) -> None:
    assert told(step(another(status))) == FAILED
    assert step(another(status), history=RETRY) == ContinueRollback(ID)


def test_a_deletion_that_failed_is_told_and_tried_again_when_it_is_time() -> None:
    assert told(step(a_stack("DELETE_FAILED"))) == FAILED
    assert step(a_stack("DELETE_FAILED"), history=RETRY) == DeleteStack(ID)
    assert told(step(a_stack("DELETE_FAILED", termination_protected=True), history=RETRY)) == FAILED


def test_a_change_that_failed_is_told_and_tried_again_when_it_is_time() -> None:
    tried = another("UPDATE_ROLLBACK_COMPLETE", change_set_id=CHANGE_SET_ID, status_reason="No")

    assert told(step(tried)) == FAILED
    assert message(step(tried)).endswith("UPDATE_ROLLBACK_COMPLETE: No")
    assert step(tried, history=RETRY) == MakeChangeSet("UPDATE")


def test_after_a_change_that_failed_another_wish_is_tried_at_once() -> None:
    assert step(another("UPDATE_ROLLBACK_COMPLETE")) == MakeChangeSet("UPDATE")


def test_a_change_that_was_undone_is_not_as_asked_though_nothing_shows_it() -> None:
    undone = a_stack("UPDATE_ROLLBACK_COMPLETE")

    assert told(step(undone)) == FAILED
    assert step(undone, history=RETRY) == MakeChangeSet("UPDATE")
    assert told(step(undone, history=History(unchanged=undone.updated))) == GOOD


# --- change sets ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "execution"),
    [
        ("CREATE_PENDING", "UNAVAILABLE"),
        ("CREATE_IN_PROGRESS", "UNAVAILABLE"),
        ("CREATE_COMPLETE", "UNAVAILABLE"),
        ("CREATE_COMPLETE", "EXECUTE_IN_PROGRESS"),
        ("CREATE_COMPLETE", "DREAMT_OF"),
        ("DREAMT_OF", "AVAILABLE"),
        ("DELETE_IN_PROGRESS", "UNAVAILABLE"),
    ],
)
def test_a_change_set_under_way_is_waited_for(status: str, execution: str) -> None:
    assert told(step(another(), a_change_set(status, execution))) == WAITS


def test_an_execution_that_failed_is_told_and_tried_again_when_it_is_time() -> None:
    failed = a_change_set(execution="EXECUTE_FAILED")

    assert told(step(another(), failed)) == FAILED
    assert "EXECUTE_FAILED" in message(step(another(), failed))
    assert step(another(), failed, RETRY) == DiscardChangeSet(CHANGE_SET_ID)


def test_a_change_set_that_failed_is_told_with_what_validation_says() -> None:
    failed = a_change_set("FAILED", "UNAVAILABLE", status_reason="Validation failed")

    assert "Role: exists" in message(step(another(), failed, History(failure="Role: exists")))


@pytest.mark.parametrize("execution", ["EXECUTE_COMPLETE", "OBSOLETE"])
def test_a_change_set_that_was_used_or_overtaken_is_discarded(execution: str) -> None:
    assert step(another(), a_change_set(execution=execution)) == DiscardChangeSet(CHANGE_SET_ID)


def test_a_change_set_that_failed_is_told_and_made_anew_when_it_is_time() -> None:
    failed = a_change_set("FAILED", "UNAVAILABLE", status_reason="Template error")

    assert told(step(another(), failed)) == FAILED
    assert "Template error" in message(step(another(), failed))
    assert step(another(), failed, RETRY) == DiscardChangeSet(CHANGE_SET_ID)


@pytest.mark.parametrize(
    "reason",
    [
        "The submitted information didn't contain changes. Submit different information to create a change set.",
        "No updates are to be performed.",
    ],
)
def test_a_change_set_that_would_change_nothing_is_discarded_and_remembered(reason: str) -> None:
    changed_by_hand = a_stack(change_set_id="")
    unchanged = a_change_set("FAILED", "UNAVAILABLE", status_reason=reason)

    assert unchanged.meaning is ChangeSetMeaning.UNCHANGED
    assert step(changed_by_hand, unchanged) == DiscardChangeSet(CHANGE_SET_ID, unchanged=True)
    assert told(step(changed_by_hand, history=History(unchanged=changed_by_hand.updated))) == GOOD
    assert step(changed_by_hand, history=History(unchanged="earlier")) == MakeChangeSet("UPDATE")


LOSSES = (
    ResourceChange("Remove", "ManagementRole", "AWS::IAM::Role"),
    ResourceChange("Modify", "ManagementRole", "AWS::IAM::Role", "True"),
    ResourceChange("Modify", "ManagementRole", "AWS::IAM::Role", "Conditional"),
)


@pytest.mark.parametrize("loss", LOSSES, ids=lambda loss: f"{loss.action}-{loss.replacement}")
def test_a_change_that_would_replace_or_remove_a_role_waits_for_consent(loss: ResourceChange) -> None:
    change_set = a_change_set(changes=(ResourceChange("Modify", "Policy", "AWS::IAM::Policy", "True"), loss))

    refused = step(another(), change_set)

    assert told(refused) == (ConditionStatus.FALSE, Reason.ROLE_WOULD_BE_REPLACED, Next.SOMEBODY)
    assert f"{REPLACEMENT_CONSENT}={DESIRED.change_set_name}" in message(refused)
    assert step(another(), change_set, History(may_lose_role=True)) == ExecuteChangeSet(CHANGE_SET_ID)


def test_a_change_that_keeps_the_role_needs_no_consent() -> None:
    changes = (
        ResourceChange("Modify", "ManagementRole", "AWS::IAM::Role"),
        ResourceChange("Add", "Another", "AWS::IAM::Role"),
        ResourceChange("Remove", "Policy", "AWS::IAM::Policy"),
    )

    assert step(another(), a_change_set(changes=changes)) == ExecuteChangeSet(CHANGE_SET_ID)


# --- comparisons ------------------------------------------------------------------------------------------------------


NO_UPDATES = a_change_set("FAILED", "UNAVAILABLE", status_reason="No updates are to be performed.")


def test_a_stack_that_rests_is_compared_by_a_change_set_that_is_looked_at() -> None:
    assert plan_comparison(None, "") == MakeChangeSet("UPDATE")
    assert plan_comparison(a_change_set(changes=(TRUST,)), "") == Compared(a_change_set(changes=(TRUST,)))
    assert plan_comparison(NO_UPDATES, "") == Compared(NO_UPDATES)


@pytest.mark.parametrize("execution", ["EXECUTE_COMPLETE", "EXECUTE_FAILED", "OBSOLETE"])
def test_a_change_set_that_was_used_or_overtaken_compares_nothing(execution: str) -> None:
    assert plan_comparison(a_change_set(execution=execution), "") == DiscardChangeSet(CHANGE_SET_ID)


def test_a_change_set_that_is_being_made_is_waited_for_to_compare() -> None:
    assert told(plan_comparison(a_change_set("CREATE_IN_PROGRESS", "UNAVAILABLE"), "")) == WAITS


def test_why_a_comparison_failed_is_told_in_the_best_words_that_there_are() -> None:
    failed, silent = (a_change_set("FAILED", "UNAVAILABLE", status_reason=reason) for reason in ("No", ""))

    assert plan_comparison(failed, "Role: exists") == Compared(failed, "Role: exists")
    assert plan_comparison(failed, "") == Compared(failed, "No")
    assert plan_comparison(silent, "") == Compared(silent, "FAILED")


def test_what_a_comparison_found_is_put_right_unless_a_role_would_be_lost() -> None:
    assert plan_correction(a_change_set(changes=(TRUST,)), FRESH) == ExecuteChangeSet(CHANGE_SET_ID)
    assert told(plan_correction(a_change_set(changes=(TRUST, LOSSES[0])), FRESH))[1] is Reason.ROLE_WOULD_BE_REPLACED


# --- towards nothing --------------------------------------------------------------------------------------------------


def test_where_there_is_no_stack_nothing_is_to_be_deleted() -> None:
    assert plan_stack_deletion(None, FRESH) is None
    assert plan_stack_deletion(a_stack("DELETE_COMPLETE"), FRESH) is None


@pytest.mark.parametrize(
    "status", [one for one, meaning in MEANINGS.items() if meaning in (Meaning.BUSY, Meaning.DELETING)] + ["NEW"]
)
def test_a_deletion_waits_for_what_is_under_way(status: str) -> None:
    assert told(plan_stack_deletion(a_stack(status), FRESH)) == WAITS


@pytest.mark.parametrize(
    "status",
    [
        one
        for one, meaning in MEANINGS.items()
        if meaning not in (Meaning.BUSY, Meaning.DELETING, Meaning.GONE, Meaning.DELETION_STUCK)
    ],
)
def test_a_stack_that_rests_is_deleted(status: str) -> None:
    assert plan_stack_deletion(a_stack(status), FRESH) == DeleteStack(ID)


def test_a_protected_stack_is_told_with_the_way_out() -> None:
    protected = plan_stack_deletion(a_stack(termination_protected=True), RETRY)

    assert told(protected)[1:] == (Reason.STACK_PROTECTED, Next.SOMEBODY)
    assert "--no-enable-termination-protection" in message(protected)


def test_a_deletion_that_failed_names_what_blocks_it_and_is_tried_again_when_it_is_time() -> None:
    stuck = a_stack("DELETE_FAILED")

    assert told(plan_stack_deletion(stuck, History(failure="ManagementRole: must detach all policies first"))) == FAILED
    assert plan_stack_deletion(stuck, RETRY) == DeleteStack(ID)


# --- whatever is seen -------------------------------------------------------------------------------------------------


@given(
    status=st.sampled_from([*MEANINGS, "NEW"]),
    change_set=st.none()
    | st.builds(
        a_change_set,
        st.sampled_from([*CHANGE_SET_STATUSES, "NEW"]),
        st.sampled_from([*EXECUTION_STATUSES, "NEW"]),
        changes=st.lists(st.sampled_from(LOSSES), max_size=2).map(tuple),
    ),
    history=st.builds(History, may_retry=st.booleans(), may_lose_role=st.just(value=False)),
    as_asked=st.booleans(),
)
def test_whatever_is_seen_a_role_that_serves_is_not_lost_without_consent(
    status: str, change_set: ChangeSet | None, history: History, *, as_asked: bool
) -> None:
    observed = a_stack(status) if as_asked else another(status)

    taken = step(observed, change_set, history)

    if isinstance(taken, DeleteStack):
        assert observed.meaning in (Meaning.NEVER_MADE, Meaning.DELETION_STUCK)
    if isinstance(taken, ExecuteChangeSet):
        assert change_set is not None
        assert not any(change.loses_role for change in change_set.changes)


# --- what a visit has to know -----------------------------------------------------------------------------------------


def test_the_change_set_is_looked_at_only_where_it_decides() -> None:
    assert not needs_change_set(DESIRED, None)
    assert not needs_change_set(DESIRED, a_stack())
    assert not needs_change_set(DESIRED, another("UPDATE_IN_PROGRESS"))
    assert needs_change_set(DESIRED, another())
    assert needs_change_set(DESIRED, another("UPDATE_ROLLBACK_COMPLETE"))
    assert needs_change_set(DESIRED, a_stack("REVIEW_IN_PROGRESS"))


def test_a_principal_that_iam_does_not_know_yet_passes() -> None:
    assert is_propagating('Role: Invalid principal in policy: "AWS":"arn"')
    assert not is_propagating("Role: access denied")


def test_every_step_has_words() -> None:
    assert {words_of(step) for step in (MakeChangeSet("CREATE"), DeleteStack(ID), ContinueRollback(ID))} == {
        "a change set is being made",
        "it is being deleted, to be made anew",
        "its rollback goes on",
    }
