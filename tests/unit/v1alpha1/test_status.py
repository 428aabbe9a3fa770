"""A status is read as far as it can be: another version of the operator, or somebody else, may have written it."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apono_operator.v1alpha1 import AponoConnectorStatus

Json = dict[str, Any]

CONDITION: Json = {
    "type": "Ready",
    "status": "True",
    "reason": "ConnectorReady",
    "message": "The connector runs with its role.",
    "lastTransitionTime": "2026-03-14T09:26:53Z",
    "observedGeneration": 3,
}
STATUS: Json = {
    "observedGeneration": 3,
    "connectorId": "production",
    "connectorRoleArn": "arn:aws:iam::123456789012:role/apono-connector-apono-production-0123456789",
    "connectorRoleId": "AROAEXAMPLE",
    "managementAccountRoleArn": "arn:aws:iam::999988887777:role/apono-management-apono-production-0123456789",
    "managementStackId": "arn:aws:cloudformation:eu-west-1:999988887777:stack/apono-apono-production-0123456789/1",
    "managementStackStatus": "CREATE_COMPLETE",
    "serviceAccountName": "apono-connector-production",
    "memberAccounts": {"current": 3, "outdated": 1, "failed": 0, "suspended": 2},
    "conditions": [CONDITION],
}
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


def read(document: Json) -> Json:
    """What is read of *document*, as it would be written again."""
    return AponoConnectorStatus.readable(document).model_dump(by_alias=True, exclude_none=True, mode="json")


def test_a_status_of_our_own_is_read_whole() -> None:
    assert read(STATUS) == STATUS


def test_a_connector_that_has_no_status_yet_has_no_conditions() -> None:
    assert read({}) == {"conditions": []}


def test_a_field_of_another_version_is_passed_over_so_that_going_back_a_version_stops_nobody() -> None:
    assert read({**STATUS, "shards": ["a"]}) == STATUS


@pytest.mark.parametrize("name", [name for name in STATUS if name != "conditions"])
@pytest.mark.parametrize("value", [None, ["text"], "x" * 4096], ids=["null", "a list", "far too long"])
def test_a_field_that_cannot_be_read_is_lost_alone(name: str, value: Any) -> None:
    assert read({**STATUS, name: value}) == {known: STATUS[known] for known in STATUS if known != name}


@pytest.mark.parametrize("counts", [{"current": -1}, {"failed": "1"}, {"suspended": None}])
def test_counts_that_cannot_be_read_are_lost_together(counts: Json) -> None:
    known = {name: value for name, value in STATUS.items() if name != "memberAccounts"}

    assert read({**STATUS, "memberAccounts": {**STATUS["memberAccounts"], **counts}}) == known


FOREIGN: dict[str, Any] = {
    "a field that we do not know": {**CONDITION, "severity": "Info"},
    "a status that we do not know": {**CONDITION, "status": "Perhaps"},
    "a time that is none": {**CONDITION, "lastTransitionTime": "yesterday"},
    "a field is missing": {"type": "Ready", "status": "True"},
    "no condition at all": "Ready",
}


@pytest.mark.parametrize("foreign", FOREIGN.values(), ids=FOREIGN)
def test_a_condition_that_cannot_be_read_is_lost_alone(foreign: Any) -> None:
    ours = {**CONDITION, "type": "Accepted"}

    assert read({**STATUS, "conditions": [foreign, ours]}) == {**STATUS, "conditions": [ours]}


@settings(derandomize=True, database=None, deadline=None, max_examples=100)
@given(st.dictionaries(st.sampled_from([name for name in STATUS if name != "conditions"]), JSON), st.lists(JSON))
def test_nothing_that_stands_in_the_fields_of_a_status_keeps_it_from_being_read(
    fields: Json, listed: list[Any]
) -> None:
    """The API server sees to it that conditions are a list, each type once."""
    again = read({**fields, "conditions": listed})

    assert again == {**{name: value for name, value in fields.items() if name in again}, "conditions": []}
