from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apono_operator.state.conditions import (
    INFORMATIVE,
    MESSAGE_LIMIT,
    Aspects,
    Event,
    aspects_of,
    conditions,
    deletion_conditions,
    events,
    one_line,
)
from apono_operator.state.finding import Finding, Findings, Next, found, retained, stuck, unknown, unverified, waits
from apono_operator.v1alpha1 import Condition, ConditionStatus, ConditionType, Mode, Reason
from tests.builders import NOW

LATER = NOW + timedelta(minutes=10)
STAMP, LATER_STAMP = "2026-03-14T09:26:53Z", "2026-03-14T09:36:53Z"
ASPECTS = aspects_of(Mode.ACCOUNT)
OF_ORGANIZATIONS = aspects_of(Mode.ORGANIZATION)
GOOD_REASONS = (
    Reason.ACCEPTED,
    Reason.CREDENTIALS_ACCEPTED,
    Reason.PROVIDER_FOUND,
    Reason.TOKEN_FOUND,
    Reason.ROLE_IN_SYNC,
    Reason.PODS_AVAILABLE,
)
ALL_GOOD: Findings = {kind: found(reason, "Fine.") for kind, reason in zip(ASPECTS, GOOD_REASONS, strict=True)}
DENIED = stuck(Reason.ACCESS_DENIED, "iam:CreateRole is denied.")
ROLLING = waits(Reason.ROLLOUT_IN_PROGRESS, "0 of 1 pods are available.")
PENDING = Finding(ConditionStatus.FALSE, Reason.SUSPENDED, "Not as asked yet.", Next.NOTHING)
THROTTLED = unknown(Reason.THROTTLED, "AWS asks for fewer calls.")


def up_to(kind: ConditionType, finding: Finding) -> Findings:
    """All aspects before *kind* as asked, *kind* with *finding*, and no look at what follows."""
    index = ASPECTS.index(kind)
    return {**{one: ALL_GOOD[one] for one in ASPECTS[:index]}, kind: finding}


ROLLOUT = up_to(ConditionType.DEPLOYMENT_AVAILABLE, ROLLING)
NO_ROLE = up_to(ConditionType.CONNECTOR_ROLE_READY, DENIED)


def of(listed: Sequence[Condition], kind: ConditionType) -> Condition:
    (condition,) = [one for one in listed if one.type == kind]
    return condition


def types(listed: Sequence[Condition]) -> list[str]:
    return [one.type for one in listed]


FINDINGS = st.dictionaries(
    st.sampled_from(ASPECTS),
    st.builds(Finding, st.sampled_from(ConditionStatus), st.sampled_from(Reason), st.just("m"), st.sampled_from(Next)),
)


@given(FINDINGS, FINDINGS)
def test_a_transition_time_changes_with_the_status_and_never_without(first: Findings, second: Findings) -> None:
    before = {one.type: one for one in conditions(first, (), 1, NOW)}

    for condition in conditions(second, tuple(before.values()), 2, LATER):
        old = before.get(condition.type)
        kept = old is not None and old.status is condition.status
        assert condition.last_transition_time == (STAMP if kept else LATER_STAMP)


@given(FINDINGS)
def test_nothing_new_leaves_every_condition_as_it_is(findings: Findings) -> None:
    before = conditions(findings, (), 1, NOW)

    assert conditions(findings, before, 1, LATER) == before
    assert events(before, before) == ()


@given(FINDINGS)
def test_ready_is_true_only_if_every_aspect_was_seen_to_be_as_asked_or_may_not_be_seen(findings: Findings) -> None:
    ready = of(conditions(findings, (), 1, NOW), ConditionType.READY)

    complete = set(findings) == set(ASPECTS) and all(one.passes for one in findings.values())
    assert (ready.status is ConditionStatus.TRUE) is complete


@given(FINDINGS)
def test_ready_repeats_the_first_aspect_that_is_not_as_asked(findings: Findings) -> None:
    bad = [findings[kind] for kind in ASPECTS if kind in findings and not findings[kind].passes]
    ready = of(conditions(findings, (), 1, NOW), ConditionType.READY)

    if bad:
        assert (ready.status, ready.reason) == (ConditionStatus.FALSE, bad[0].reason)
    elif set(findings) != set(ASPECTS):
        assert (ready.status, ready.reason) == (ConditionStatus.UNKNOWN, Reason.WAITING)


def test_an_aspect_that_was_as_asked_for_this_manifest_counts_when_nobody_could_look() -> None:
    before = conditions(ALL_GOOD, (), 1, NOW)
    doubtful = retained(ALL_GOOD[ConditionType.CREDENTIALS_VALID], Reason.THROTTLED, "Rate exceeded")
    findings = {**up_to(ConditionType.CREDENTIALS_VALID, doubtful)}

    assert of(conditions(findings, before, 1, LATER), ConditionType.READY).status is ConditionStatus.TRUE
    assert of(conditions(findings, before, 2, LATER), ConditionType.READY).status is ConditionStatus.UNKNOWN


def test_without_a_look_nothing_is_known() -> None:
    listed = conditions({}, (), 1, NOW)

    assert {one.status for one in listed if one.type != ConditionType.RECONCILING} == {ConditionStatus.UNKNOWN}
    assert of(listed, ConditionType.READY).message == "Waits for a look at Accepted."
    assert of(listed, ConditionType.ACCEPTED).message == "Waits for a first look."


def test_a_connector_that_is_as_asked_has_exactly_ready_and_its_aspects() -> None:
    listed = conditions(ALL_GOOD, (), 3, NOW)

    assert types(listed) == [ConditionType.READY, *ASPECTS]
    assert {(one.status, one.observed_generation) for one in listed} == {(ConditionStatus.TRUE, 3)}


def test_aspects_after_the_first_bad_one_wait_for_it() -> None:
    waiting = of(conditions(NO_ROLE, (), 1, NOW), ConditionType.DEPLOYMENT_AVAILABLE)

    assert (waiting.status, waiting.reason) == (ConditionStatus.UNKNOWN, Reason.WAITING)
    assert waiting.message == "Waits for ConnectorRoleReady."


def test_an_aspect_that_was_not_looked_at_keeps_its_condition_with_its_generation() -> None:
    before = conditions(ALL_GOOD, (), 1, NOW)

    after = conditions(NO_ROLE, before, 2, LATER)

    kept = of(after, ConditionType.DEPLOYMENT_AVAILABLE)
    assert kept == of(before, ConditionType.DEPLOYMENT_AVAILABLE)
    assert of(after, ConditionType.CONNECTOR_ROLE_READY).observed_generation == 2


PROGRESS: dict[str, tuple[Findings, list[str]]] = {
    "all is as asked": (ALL_GOOD, []),
    "work goes on": (ROLLOUT, ["Reconciling"]),
    "nobody could look": (up_to(ConditionType.CONNECTOR_ROLE_READY, THROTTLED), ["Reconciling"]),
    "somebody has to correct something": (NO_ROLE, ["Stalled"]),
    "somebody has to end the suspension": (up_to(ConditionType.CONNECTOR_ROLE_READY, PENDING), ["Stalled"]),
}


@pytest.mark.parametrize(("findings", "shown"), PROGRESS.values(), ids=PROGRESS)
def test_reconciling_and_stalled_are_shown_only_while_true(findings: Findings, shown: list[str]) -> None:
    fresh = conditions(findings, (), 1, NOW)

    for previous in ((), conditions(ROLLOUT, (), 1, NOW), conditions(NO_ROLE, (), 1, NOW)):
        listed = conditions(findings, previous, 1, LATER)
        assert types(listed)[1 + len(ASPECTS) :] == shown
        assert all(one.status is ConditionStatus.TRUE for one in listed[1 + len(ASPECTS) :])
    assert types(fresh)[1 + len(ASPECTS) :] == shown


def test_what_nobody_could_confirm_stays_true_and_the_doubt_is_shown() -> None:
    doubtful = retained(found(Reason.ROLE_IN_SYNC, "Fine."), Reason.THROTTLED, "AWS asks for fewer calls.")

    listed = conditions({**ALL_GOOD, ConditionType.CONNECTOR_ROLE_READY: doubtful}, (), 1, NOW)

    assert of(listed, ConditionType.READY).status is ConditionStatus.TRUE
    assert of(listed, ConditionType.CONNECTOR_ROLE_READY).message == "Fine."
    assert not {ConditionType.RECONCILING, ConditionType.STALLED} & set(types(listed))
    doubt = of(listed, ConditionType.UNCONFIRMED)
    assert (doubt.reason, doubt.message) == (Reason.THROTTLED, "AWS asks for fewer calls.")


def test_a_doubt_is_told_beside_what_is_wrong_and_is_no_event() -> None:
    doubtful = retained(ALL_GOOD[ConditionType.CONNECTOR_ROLE_READY], Reason.THROTTLED, "Rate exceeded")
    findings = {**up_to(ConditionType.DEPLOYMENT_AVAILABLE, DENIED), ConditionType.CONNECTOR_ROLE_READY: doubtful}

    listed = conditions(findings, (), 1, NOW)

    assert types(listed)[1 + len(ASPECTS) :] == [ConditionType.STALLED, ConditionType.UNCONFIRMED]
    assert Reason.THROTTLED not in {one.reason for one in events((), listed)}


def test_times_are_written_in_utc_to_the_second() -> None:
    elsewhere = NOW.astimezone(timezone(timedelta(hours=5, minutes=30))).replace(microsecond=999_999)

    assert conditions(ALL_GOOD, (), 1, elsewhere)[0].last_transition_time == STAMP


# --- aspects: what Ready sums up depends on the mode ------------------------------------------------------------------

STACK = ConditionType.MANAGEMENT_STACK_READY
ORGANIZATION, TRUSTED_ACCESS = ConditionType.ORGANIZATION_READY, ConditionType.TRUSTED_ACCESS_ENABLED
IDENTITY_CENTER = ConditionType.IDENTITY_CENTER_FOUND
LOOKED_AT: Findings = {
    **ALL_GOOD,
    ORGANIZATION: found(Reason.ORGANIZATION_FOUND, "Fine."),
    TRUSTED_ACCESS: found(Reason.TRUSTED_ACCESS_ENABLED, "Fine."),
}
IN_ORGANIZATION: Findings = {**LOOKED_AT, STACK: found(Reason.STACK_IN_SYNC, "Fine.")}
NOBODY_MAY_LOOK = unverified(Reason.ACCESS_DENIED, "organizations:DescribeOrganization is denied.")


def test_an_organizations_connector_has_its_organization_before_and_its_stack_after_its_role() -> None:
    begun, (token, role, pods) = ASPECTS[:3], ASPECTS[3:]
    assert (*begun, ORGANIZATION, token, role, TRUSTED_ACCESS, STACK, pods) == OF_ORGANIZATIONS


@pytest.mark.parametrize("mode", [Mode.ORGANIZATION, Mode.MANAGEMENT_ACCOUNT])
def test_each_mode_of_an_organization_has_its_stack(mode: Mode) -> None:
    assert aspects_of(mode) == OF_ORGANIZATIONS


@pytest.mark.parametrize("mode", [Mode.ACCOUNT, None])
def test_no_other_mode_has_a_stack(mode: Mode | None) -> None:
    assert aspects_of(mode) == ASPECTS


def test_member_accounts_are_told_of_and_do_not_count() -> None:
    members = ConditionType.MEMBER_ACCOUNTS_READY
    failing = {
        **IN_ORGANIZATION,
        members: Finding(ConditionStatus.FALSE, Reason.MEMBER_ACCOUNTS_FAILED, "", Next.NOTHING),
    }

    listed = conditions(failing, (), 1, NOW, OF_ORGANIZATIONS)

    assert of(listed, members).status is ConditionStatus.FALSE
    assert of(listed, ConditionType.READY).status is ConditionStatus.TRUE
    assert ConditionType.STALLED not in types(listed)


def test_a_connector_of_an_account_never_shows_a_stack_even_if_a_status_tells_of_one() -> None:
    before = conditions(IN_ORGANIZATION, (), 1, NOW, OF_ORGANIZATIONS)

    for listed in (conditions(IN_ORGANIZATION, (), 1, NOW), conditions(ALL_GOOD, before, 1, NOW)):
        assert types(listed) == [ConditionType.READY, *ASPECTS]
        assert of(listed, ConditionType.READY).status is ConditionStatus.TRUE


def test_an_organizations_connector_is_ready_only_with_its_stack() -> None:
    complete = conditions(IN_ORGANIZATION, (), 1, NOW, OF_ORGANIZATIONS)
    unseen = conditions(LOOKED_AT, (), 1, NOW, OF_ORGANIZATIONS)

    assert types(complete) == [ConditionType.READY, *OF_ORGANIZATIONS, *INFORMATIVE]
    assert of(complete, ConditionType.READY).status is ConditionStatus.TRUE
    assert of(unseen, ConditionType.READY).message == "Waits for a look at ManagementStackReady."


@pytest.mark.parametrize("kind", [ORGANIZATION, TRUSTED_ACCESS])
def test_what_nobody_may_look_at_is_told_and_keeps_nothing_from_being_ready(kind: ConditionType) -> None:
    listed = conditions({**IN_ORGANIZATION, kind: NOBODY_MAY_LOOK}, (), 1, NOW, OF_ORGANIZATIONS)

    told = of(listed, kind)
    assert (told.status, told.reason) == (ConditionStatus.UNKNOWN, Reason.ACCESS_DENIED)
    assert of(listed, ConditionType.READY).status is ConditionStatus.TRUE
    assert not {ConditionType.RECONCILING, ConditionType.STALLED} & set(types(listed))
    assert ("Warning", Reason.ACCESS_DENIED) in {(one.type, one.reason) for one in events((), listed)}


def test_what_nobody_may_look_at_stays_so_while_an_earlier_step_is_in_doubt() -> None:
    before = conditions({**IN_ORGANIZATION, ORGANIZATION: NOBODY_MAY_LOOK}, (), 1, NOW, OF_ORGANIZATIONS)
    doubtful = retained(ALL_GOOD[ConditionType.CREDENTIALS_VALID], Reason.THROTTLED, "Rate exceeded")
    findings = up_to(ConditionType.CREDENTIALS_VALID, doubtful)

    ready = [of(conditions(findings, before, n, LATER, OF_ORGANIZATIONS), ConditionType.READY).status for n in (1, 2)]

    assert ready == [ConditionStatus.TRUE, ConditionStatus.UNKNOWN]


def test_a_wrong_organization_is_what_all_else_waits_for() -> None:
    wrong = {**up_to(ConditionType.OIDC_PROVIDER_READY, ALL_GOOD[ConditionType.OIDC_PROVIDER_READY])}
    wrong[ORGANIZATION] = stuck(Reason.ORGANIZATION_MISMATCH, "Another one.")

    listed = conditions(wrong, (), 1, NOW, OF_ORGANIZATIONS)

    assert of(listed, ConditionType.READY).reason == Reason.ORGANIZATION_MISMATCH
    for kind in (ConditionType.CONNECTOR_ROLE_READY, TRUSTED_ACCESS, STACK, IDENTITY_CENTER):
        assert of(listed, kind).message == "Waits for OrganizationReady."


def test_identity_center_that_is_missing_is_told_and_does_not_count_for_ready() -> None:
    missing = Finding(ConditionStatus.FALSE, Reason.IDENTITY_CENTER_MISSING, "None.", Next.NOTHING)

    listed = conditions({**IN_ORGANIZATION, IDENTITY_CENTER: missing}, (), 1, NOW, OF_ORGANIZATIONS)

    assert of(listed, IDENTITY_CENTER).reason == Reason.IDENTITY_CENTER_MISSING
    assert of(listed, ConditionType.READY).status is ConditionStatus.TRUE


def test_the_pods_of_an_organizations_connector_wait_for_its_stack() -> None:
    making = {**LOOKED_AT, STACK: waits(Reason.STACK_IN_PROGRESS, "Later.")}
    del making[ConditionType.DEPLOYMENT_AVAILABLE]

    listed = conditions(making, (), 1, NOW, OF_ORGANIZATIONS)

    assert of(listed, ConditionType.DEPLOYMENT_AVAILABLE).message == "Waits for ManagementStackReady."
    assert of(listed, ConditionType.READY).reason == Reason.STACK_IN_PROGRESS


def test_a_stack_is_told_as_it_comes_and_is_no_warning_while_it_is_made() -> None:
    making = {**LOOKED_AT, STACK: waits(Reason.STACK_IN_PROGRESS, "Later.")}
    first = conditions(making, conditions(ALL_GOOD, (), 1, NOW), 1, NOW, OF_ORGANIZATIONS)
    then = conditions(IN_ORGANIZATION, first, 1, NOW, OF_ORGANIZATIONS)

    told = [events(conditions(ALL_GOOD, (), 1, NOW), first), events(first, then)]

    assert [[(one.type, one.reason) for one in some] for some in told] == [
        [("Normal", Reason.STACK_IN_PROGRESS)],
        [("Normal", Reason.CONNECTOR_READY), ("Normal", Reason.STACK_IN_SYNC)],
    ]


@pytest.mark.parametrize("aspects", [ASPECTS, OF_ORGANIZATIONS], ids=["an account's", "an organization's"])
def test_a_deletion_keeps_the_aspects_that_were_there(aspects: Aspects) -> None:
    before = conditions(IN_ORGANIZATION, (), 1, NOW, aspects)

    listed = deletion_conditions(waits(Reason.DELETING, "Waiting for pods."), before, 2, LATER)

    assert types(listed) == [ConditionType.READY, *aspects, *(INFORMATIVE if aspects == OF_ORGANIZATIONS else ())]


# --- messages: they quote what others wrote, and end up in terminals ------------------------------------------------

WRITTEN: dict[str, tuple[str, str]] = {
    "a plain sentence": ("All is well.", "All is well."),
    "several lines": ("one\n  two\r\n\tthree\n", "one two three"),
    "a sequence that would colour a terminal": ("\x1b[31mred\x1b[0m", "[31mred [0m"),
    "signs that turn the direction of reading": ("safe\u202eefas", "safe efas"),
    "separators of lines that are no line breaks": ("one\u2028two\x85three", "one two three"),
    "letters of any language": ("größer → 大", "größer → 大"),
    "nothing": ("", ""),
}


@pytest.mark.parametrize(("text", "line"), WRITTEN.values(), ids=WRITTEN)
def test_a_message_is_one_line_of_signs_that_can_be_seen(text: str, line: str) -> None:
    assert one_line(text) == line


@given(st.text(max_size=40))
def test_no_text_brings_anything_but_visible_signs_and_single_spaces_into_a_message(text: str) -> None:
    line = one_line(text)

    assert line.isprintable()
    assert line == " ".join(line.split(" ")) == one_line(line)
    assert not line.startswith(" ")


@pytest.mark.parametrize(("length", "cut"), [(1024, False), (1025, True), (40_000, True)], ids=str)
def test_a_message_that_no_event_would_take_is_cut_and_shows_it(length: int, cut: bool) -> None:  # noqa: FBT001 -- a table's column
    line = one_line("x" * length)

    assert len(line) == MESSAGE_LIMIT == 1024
    assert line.endswith("…") is cut


def test_conditions_carry_their_messages_in_one_line() -> None:
    listed = conditions(up_to(ConditionType.CREDENTIALS_VALID, stuck(Reason.REJECTED, "one\ntwo")), (), 1, NOW)

    assert {one.message for one in listed if one.reason == Reason.REJECTED} == {"one two"}


# --- deletion ----------------------------------------------------------------------------------------------------


def test_a_deletion_on_its_way_keeps_the_aspects_and_is_not_ready() -> None:
    before = conditions(ROLLOUT, (), 1, NOW)

    listed = deletion_conditions(waits(Reason.DELETING, "Waiting for pods."), before, 2, LATER)

    assert types(listed) == [ConditionType.READY, *ASPECTS]
    assert (listed[0].status, listed[0].reason) == (ConditionStatus.FALSE, Reason.DELETING)
    assert listed[1:] == before[1 : 1 + len(ASPECTS)]


def test_a_deletion_that_cannot_go_on_says_why() -> None:
    listed = deletion_conditions(DENIED, conditions(ALL_GOOD, (), 1, NOW), 2, LATER)

    blocked = of(listed, ConditionType.DELETION_BLOCKED)
    assert (blocked.status, blocked.reason) == (ConditionStatus.TRUE, Reason.ACCESS_DENIED)
    assert blocked.message == DENIED.message
    assert "DeletionBlocked" in of(listed, ConditionType.READY).message
    assert of(listed, ConditionType.READY).last_transition_time == LATER_STAMP


@pytest.mark.parametrize(
    "finding", [waits(Reason.DELETING, "Waiting for pods."), waits(Reason.THROTTLED, "Later."), THROTTLED], ids=str
)
def test_a_deletion_that_will_go_on_by_itself_is_not_blocked_so_that_nobody_is_called_for_nothing(
    finding: Finding,
) -> None:
    (ready,) = deletion_conditions(finding, (), 2, NOW)

    assert (ready.type, ready.reason) == (ConditionType.READY, Reason.DELETING)
    assert ready.message == f"The connector is being taken away. {finding.message}"


def test_a_deletion_that_goes_on_again_is_no_longer_blocked() -> None:
    blocked = deletion_conditions(DENIED, (), 2, NOW)

    assert types(deletion_conditions(waits(Reason.DELETING, "Goes on."), blocked, 2, LATER)) == [ConditionType.READY]


# --- Events ------------------------------------------------------------------------------------------------------


def told(before: Findings | None, after: Findings) -> list[tuple[str, str]]:
    """Type and reason of the Events of a transition."""
    previous = conditions(before, (), 1, NOW) if before is not None else ()
    return [(event.type, event.reason) for event in events(previous, conditions(after, previous, 1, LATER))]


TRANSITIONS: dict[str, tuple[Findings | None, Findings, list[tuple[str, str]]]] = {
    "a first rollout": (None, ROLLOUT, [("Normal", "RoleInSync"), ("Normal", "RolloutInProgress")]),
    "a rollout that ends": (ROLLOUT, ALL_GOOD, [("Normal", "ConnectorReady"), ("Normal", "PodsAvailable")]),
    "a role that is denied": (None, NO_ROLE, [("Warning", "AccessDenied")]),
    "a role that is allowed at last": (NO_ROLE, ROLLOUT, [("Normal", "RoleInSync"), ("Normal", "RolloutInProgress")]),
    "pods that fail": (
        ALL_GOOD,
        up_to(ConditionType.DEPLOYMENT_AVAILABLE, waits(Reason.CRASH_LOOPING, "m")),
        [("Warning", "CrashLooping")],
    ),
    "another trouble than before": (
        up_to(ConditionType.DEPLOYMENT_AVAILABLE, waits(Reason.CRASH_LOOPING, "m")),
        up_to(ConditionType.DEPLOYMENT_AVAILABLE, waits(Reason.IMAGE_PULL_FAILED, "m")),
        [("Warning", "ImagePullFailed")],
    ),
    "another message of the same trouble": (
        up_to(ConditionType.DEPLOYMENT_AVAILABLE, waits(Reason.CRASH_LOOPING, "back-off 10s")),
        up_to(ConditionType.DEPLOYMENT_AVAILABLE, waits(Reason.CRASH_LOOPING, "back-off 20s")),
        [],
    ),
    "a token that is found again": (
        up_to(ConditionType.TOKEN_AVAILABLE, stuck(Reason.TOKEN_SECRET_MISSING, "m")),
        ROLLOUT,
        [("Normal", "TokenFound"), ("Normal", "RoleInSync"), ("Normal", "RolloutInProgress")],
    ),
    "a role that AWS has not told everybody of": (
        None,
        up_to(ConditionType.CONNECTOR_ROLE_READY, waits(Reason.PROPAGATING, "m")),
        [("Normal", "Propagating")],
    ),
    "nothing new": (ALL_GOOD, ALL_GOOD, []),
}


@pytest.mark.parametrize(("before", "after", "expected"), TRANSITIONS.values(), ids=TRANSITIONS)
def test_transitions_are_told_once_and_only_them(
    before: Findings | None, after: Findings, expected: list[tuple[str, str]]
) -> None:
    assert told(before, after) == expected


def test_an_event_carries_the_message_of_its_condition() -> None:
    listed = conditions(NO_ROLE, (), 1, NOW)

    assert events((), listed) == (Event("Warning", "AccessDenied", "iam:CreateRole is denied."),)


def test_a_deletion_is_told_and_so_is_what_blocks_it() -> None:
    before = conditions(ALL_GOOD, (), 1, NOW)
    going = deletion_conditions(waits(Reason.DELETING, "Waiting for pods."), before, 2, LATER)
    blocked = deletion_conditions(DENIED, going, 2, LATER)

    assert [(event.type, event.reason) for event in events(before, going)] == [("Normal", "Deleting")]
    assert [(event.type, event.reason) for event in events(going, blocked)] == [("Warning", "AccessDenied")]


# --- asides: what does not count for Ready ----------------------------------------------------------------------------

DRIFTED = found(Reason.DRIFTED, "Changed by others: a is missing.")
SUSPENDED = found(Reason.SUSPENDED, "Nothing is changed.")


def test_drift_and_suspension_are_told_beside_a_ready_connector() -> None:
    findings = {**ALL_GOOD, ConditionType.DRIFTED: DRIFTED, ConditionType.SUSPENDED: SUSPENDED}

    listed = conditions(findings, (), 1, NOW)

    assert of(listed, ConditionType.READY).status is ConditionStatus.TRUE
    assert of(listed, ConditionType.DRIFTED).message == DRIFTED.message
    assert of(listed, ConditionType.SUSPENDED).reason == Reason.SUSPENDED


def test_drift_and_suspension_that_are_over_are_not_told_any_more() -> None:
    before = conditions({**ALL_GOOD, ConditionType.DRIFTED: DRIFTED, ConditionType.SUSPENDED: SUSPENDED}, (), 1, NOW)

    assert not {ConditionType.DRIFTED, ConditionType.SUSPENDED} & set(types(conditions(ALL_GOOD, before, 1, LATER)))


def test_drift_stays_told_while_nobody_can_look_at_the_role() -> None:
    before = conditions({**ALL_GOOD, ConditionType.DRIFTED: DRIFTED}, (), 1, NOW)

    after = conditions(up_to(ConditionType.TOKEN_AVAILABLE, THROTTLED), before, 1, LATER)

    assert of(after, ConditionType.DRIFTED) == of(before, ConditionType.DRIFTED)


def test_drift_and_suspension_are_events_when_they_come() -> None:
    quiet = conditions(ALL_GOOD, (), 1, NOW)
    loud = conditions({**ALL_GOOD, ConditionType.DRIFTED: DRIFTED, ConditionType.SUSPENDED: SUSPENDED}, quiet, 1, NOW)

    assert events(quiet, loud) == (
        Event("Warning", Reason.DRIFTED, DRIFTED.message),
        Event("Normal", Reason.SUSPENDED, SUSPENDED.message),
    )
    assert events(loud, loud) == ()
