from __future__ import annotations

import pytest

from apono_operator.state.finding import Finding, Next, found, retained, stuck, unknown, unverified, waits
from apono_operator.v1alpha1 import ConditionStatus, Reason

KINDS = {
    "as asked": (found(Reason.ACCEPTED, "m"), ConditionStatus.TRUE, Next.NOTHING),
    "not yet": (waits(Reason.PROPAGATING, "m"), ConditionStatus.FALSE, Next.TIME),
    "wrong until somebody corrects it": (stuck(Reason.NAME_CONFLICT, "m"), ConditionStatus.FALSE, Next.SOMEBODY),
    "not looked at": (unknown(Reason.THROTTLED, "m"), ConditionStatus.UNKNOWN, Next.TIME),
    "not to be looked at": (unverified(Reason.ACCESS_DENIED, "m"), ConditionStatus.UNKNOWN, Next.NOTHING),
}


@pytest.mark.parametrize(("finding", "status", "awaits"), KINDS.values(), ids=KINDS)
def test_a_finding_says_how_it_is_and_what_it_waits_for(
    finding: Finding, status: ConditionStatus, awaits: Next
) -> None:
    assert (finding.status, finding.awaits, finding.doubt) == (status, awaits, None)
    assert finding.good is (status is ConditionStatus.TRUE)
    assert finding.unverified is ((status, awaits) == (ConditionStatus.UNKNOWN, Next.NOTHING))
    assert finding.passes is (finding.good or finding.unverified)


def test_a_finding_that_nobody_could_confirm_is_the_one_before_with_a_doubt_and_is_looked_at_again() -> None:
    kept = retained(found(Reason.ROLE_IN_SYNC, "Fine."), Reason.THROTTLED, "Later.")

    assert (kept.good, kept.reason, kept.message, kept.awaits) == (True, Reason.ROLE_IN_SYNC, "Fine.", Next.TIME)
    assert kept.doubt is not None
    assert (kept.doubt.reason, kept.doubt.message) == (Reason.THROTTLED, "Later.")


def test_a_doubt_that_has_to_be_told_takes_the_place_of_what_was_known_before() -> None:
    kept = retained(found(Reason.ROLE_IN_SYNC, "Fine."), Reason.THROTTLED, "Later.")

    assert kept.doubted() == unknown(Reason.THROTTLED, "Later.")


def test_a_finding_without_a_doubt_is_doubted_for_its_own_reason() -> None:
    assert stuck(Reason.ACCESS_DENIED, "Denied.").doubted() == unknown(Reason.ACCESS_DENIED, "Denied.")
