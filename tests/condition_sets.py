"""Connectors with every set of conditions that the operator can write: made by its own functions, not by hand.

Each aspect in turn is in each of the states that a finding can be in, with what may be before it, behind it and beside
it, and with what the last pass may have left in the status.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from itertools import product
from typing import Any, Final

from apono_operator.state import drift
from apono_operator.state.conditions import INFORMATIVE, Aspects, aspects_of, conditions, deletion_conditions
from apono_operator.state.finding import Finding, Findings, Next, found, retained, stuck, unknown, unverified, waits
from apono_operator.v1alpha1 import AponoConnectorStatus, Condition, ConditionStatus, ConditionType, Mode, Reason
from tests.builders import NOW

Document = dict[str, Any]

GENERATION: Final = 3
FINE: Final = found(Reason.ROLE_IN_SYNC, "Fine.")
REFUSED: Final = stuck(Reason.ACCESS_DENIED, "iam:CreateRole is denied. Allow it to the operator's role.")
_STACK: Final = "apono-production"
_SUSPENDED: Final = drift.Mandate(carried_out=False, suspended=True)

PASSING: Final[Mapping[str, Finding]] = {
    "as asked": FINE,
    "in doubt": retained(FINE, Reason.THROTTLED, "AWS asks for fewer calls."),
    "not to be looked at": unverified(Reason.ACCESS_DENIED, "organizations:DescribeOrganization is denied."),
}
"""What keeps nothing from being Ready."""

FAILING: Final[Mapping[str, Finding]] = {
    "at work": waits(Reason.ROLLOUT_IN_PROGRESS, "0 of 1 pods are available."),
    "out of reach": unknown(Reason.AWS_UNAVAILABLE, "AWS does not answer."),
    "refused": REFUSED,
    "pending": drift.untouched_stack_finding(_SUSPENDED, _STACK, missing=False),
    "missing while suspended": drift.untouched_stack_finding(_SUSPENDED, _STACK, missing=True),
    "missing and only told": drift.untouched_stack_finding(
        drift.Mandate(carried_out=True, report=True), _STACK, missing=True
    ),
}
"""What does."""

BESIDE: Final[Mapping[str, Findings]] = {
    "nothing": {},
    "drift": {ConditionType.DRIFTED: found(Reason.DRIFTED, "Changed by others: the description is another.")},
    "a suspension": {ConditionType.SUSPENDED: drift.suspension_finding(())},
    "drift in a suspension": {
        ConditionType.DRIFTED: found(Reason.DRIFTED, "Changed by others: the description is another."),
        ConditionType.SUSPENDED: drift.suspension_finding(["Deployment is missing"]),
    },
    "what is only told": {
        kind: Finding(ConditionStatus.FALSE, Reason.MEMBER_ACCOUNTS_FAILED, "1 of 3 failed.", Next.NOTHING)
        for kind in INFORMATIVE
    },
}
"""What does not count for Ready."""


@cache
def living() -> tuple[tuple[str, Document], ...]:
    """Return connectors that nobody deletes, each with what is the matter with it."""
    return tuple(_living())


@cache
def deleted() -> tuple[tuple[str, Document], ...]:
    """Return connectors that are being deleted, each with what keeps it."""
    return tuple(_deleted())


def document(listed: Sequence[Condition], *, observed: int = GENERATION, **metadata: Any) -> Document:
    """Return a connector as the API server has it, with the conditions *listed*."""
    status = AponoConnectorStatus(observed_generation=observed, conditions=list(listed))
    return {
        "apiVersion": "apono.io/v1alpha1",
        "kind": "AponoConnector",
        "metadata": {"name": "production", "namespace": "apono", "generation": GENERATION, **metadata},
        "spec": {},
        "status": status.model_dump(by_alias=True, exclude_none=True, mode="json"),
    }


def _living() -> Iterator[tuple[str, Document]]:
    for mode in (Mode.ACCOUNT, Mode.ORGANIZATION):
        aspects = aspects_of(mode)
        for (what, findings), (aside, beside), (before, previous) in product(
            _findings(aspects), BESIDE.items(), _previous(aspects).items()
        ):
            listed = conditions({**findings, **beside}, previous, GENERATION, NOW, aspects)
            yield f"{mode}: {what}; beside it {aside}; before it {before}", document(listed)


def _deleted() -> Iterator[tuple[str, Document]]:
    for mode in (Mode.ACCOUNT, Mode.ORGANIZATION):
        for before, previous in _previous(aspects_of(mode)).items():
            for what in ("at work", "refused"):
                listed = deletion_conditions(FAILING[what], previous, GENERATION, NOW)
                yield (
                    f"{mode}: deletion {what}; before it {before}",
                    document(listed, deletionTimestamp="2026-03-14T09:26:53Z"),
                )


def _findings(aspects: Aspects) -> Iterator[tuple[str, Findings]]:
    yield "nobody has looked", {}
    for place, aspect in enumerate(aspects):
        for how, passing in PASSING.items():
            before: dict[ConditionType, Finding] = {**dict.fromkeys(aspects[:place], FINE), aspect: passing}
            yield f"{aspect} {how}, and nothing behind it", before
            yield f"{aspect} {how}, and all behind it", {**before, **dict.fromkeys(aspects[place + 1 :], FINE)}
            yield from _failing(before, aspects[place + 1 :], f"{aspect} {how}")
    yield from _failing({}, aspects, "the first")


def _failing(before: Findings, behind: Aspects, what: str) -> Iterator[tuple[str, Findings]]:
    if not behind:
        return
    aspect, *others = behind
    for how, failing in FAILING.items():
        for kind, other in {"nothing": None, "all": FINE, "another": REFUSED}.items():
            rest = dict.fromkeys(others, other) if other else {}
            yield f"{what}, {aspect} {how}, {kind} behind it", {**before, aspect: failing, **rest}


def _previous(aspects: Aspects) -> dict[str, tuple[Condition, ...]]:
    fine: Findings = dict.fromkeys(aspects, FINE)
    return {
        "nothing": (),
        "all as asked": conditions(fine, (), GENERATION, NOW, aspects),
        "all as asked of an earlier generation": conditions(fine, (), GENERATION - 1, NOW, aspects),
        "a refusal": conditions({aspects[0]: REFUSED}, (), GENERATION, NOW, aspects),
    }
