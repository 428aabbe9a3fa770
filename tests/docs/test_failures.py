"""The page of failures lists what the code knows, each error with its reaction."""

from __future__ import annotations

import re
from collections.abc import Iterator

from apono_operator.adapters.api_answers import REFUSALS
from apono_operator.adapters.aws.errors import REACTIONS
from apono_operator.adapters.errors import AdapterError, ConflictError, DeniedError, RejectedError, TransientError
from apono_operator.v1alpha1 import ConditionType, Reason
from tests.docs.pages import page

PAGE = page("docs/failures.md")
WORDS: dict[str, type[AdapterError]] = {
    "wait": TransientError,
    "look again": ConflictError,
    "tell": DeniedError,
    "stop": RejectedError,
}
OTHER_WORDS = frozenset({"Correct", "Report", "Retain"})
"""What is written like a Reason and is a value of a field."""


def rows(head: str) -> Iterator[tuple[str, str, list[str]]]:
    """Yield reaction, Reason and errors of each row of the table whose last column is called *head*."""
    table = PAGE.text.partition(f"| {head} |\n| --- | --- | --- |\n")[2].partition("\n\n")[0]
    for line in table.splitlines():
        reaction, reason, errors = (cell.strip() for cell in line.strip("|").split("|"))
        yield reaction, reason.strip("`"), [error.strip("`") for error in errors.split(", ")]


def test_it_lists_each_error_of_aws_with_its_reaction() -> None:
    listed = [
        (error, WORDS[reaction], reason) for reaction, reason, errors in rows("Errors of AWS") for error in errors
    ]

    assert sorted(listed, key=str) == sorted(((code, *reaction) for code, reaction in REACTIONS.items()), key=str)


def test_it_lists_each_status_of_the_api_server_with_its_reaction() -> None:
    listed = {
        int(status): (WORDS[reaction], reason)
        for reaction, reason, statuses in rows("HTTP statuses of the API server")
        for status in statuses
    }

    assert listed.keys() == REFUSALS.keys()
    assert all(issubclass(REFUSALS[status].kind, kind) for status, (kind, _) in listed.items())
    assert {status: reason for status, (_, reason) in listed.items()} == {
        status: refusal.reason for status, refusal in REFUSALS.items()
    }


def test_it_names_no_reason_and_no_condition_that_does_not_exist() -> None:
    before = PAGE.text.partition("## Every error")[0]
    named = set(re.findall(r"`([A-Z][A-Za-z]+)`", before))

    assert named - set(Reason) - set(ConditionType) - OTHER_WORDS == set()
    assert len(named) > 20
