"""Which installation a connector belongs to."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apono_operator.state.claim import CLAIMED_BY, Installation, claimant, contest_message
from apono_operator.state.resources import ObjectKey
from apono_operator.v1alpha1 import AponoConnectorStatus

ONE = Installation("apono", "first")
NAMES = st.from_regex(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?", fullmatch=True)


@given(NAMES, NAMES)
def test_an_installation_is_read_as_it_is_written(namespace: str, deployment: str) -> None:
    one = Installation(namespace, deployment)

    assert Installation.parse(str(one)) == one


@pytest.mark.parametrize(
    "text", ["", "apono", "apono/", "/first", "a/b/c", "Apono/first", "apono/first\n", None, 1, {}]
)
def test_what_names_no_installation_claims_nothing(text: Any) -> None:
    assert claimant({"status": {CLAIMED_BY: text}}) is None


@pytest.mark.parametrize("connector", [{}, {"status": {}}])
def test_a_new_connector_is_nobodys(connector: dict[str, Any]) -> None:
    assert claimant(connector) is None


def test_the_claim_is_a_field_of_the_status() -> None:
    status = AponoConnectorStatus(claimed_by=str(ONE)).model_dump(by_alias=True, exclude_none=True)

    assert claimant({"status": status}) == ONE


def test_an_installation_is_there_as_long_as_its_deployment_is() -> None:
    assert ONE.key == ObjectKey("Deployment", "apono", "first")


def test_the_message_names_both_installations_and_what_to_do() -> None:
    message = contest_message(ONE, Installation("other", "second"))

    assert "other/second" in message
    assert "apono/first has claimed it" in message
    assert "grants, watchNamespaces" in message
