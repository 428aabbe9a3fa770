from __future__ import annotations

from typing import Any

import pytest

from apono_operator.state.connector_token import read
from apono_operator.state.finding import Finding, Next
from apono_operator.v1alpha1 import Reason, TokenSecretRef
from tests.builders import TOKEN, a_token_secret

REFERENCE = TokenSecretRef(name="apono-token")


def test_the_token_is_read_from_its_key() -> None:
    reference = TokenSecretRef(name="apono-token", key="connector.token")

    assert read(a_token_secret(key="connector.token"), "apono", reference) == TOKEN


@pytest.mark.parametrize("token", [f"{TOKEN}\n", f" {TOKEN}", f"{TOKEN} {TOKEN}"], ids=["line break", "blank", "two"])
def test_white_space_in_the_token_is_told_because_the_pods_would_get_it(token: str) -> None:
    finding = read(a_token_secret(token), "apono", REFERENCE)

    assert isinstance(finding, Finding)
    assert (finding.reason, finding.awaits) == (Reason.TOKEN_INVALID, Next.SOMEBODY)
    assert TOKEN not in finding.message


def test_a_missing_secret_waits_for_somebody_and_the_message_is_the_command_to_run() -> None:
    finding = read(None, "apono", REFERENCE)

    assert isinstance(finding, Finding)
    assert (finding.reason, finding.awaits) == (Reason.TOKEN_SECRET_MISSING, Next.SOMEBODY)
    assert "kubectl create secret generic apono-token -n apono --from-literal=token='<" in finding.message
    assert "Correct spec.tokenSecretRef.name" in finding.message


WITHOUT_TOKEN: dict[str, tuple[dict[str, Any], str]] = {
    "no data": ({}, "none"),
    "another key": ({"data": {"zzz": "eA==", "password": "eA=="}}, "password, zzz"),
    "an empty value": ({"data": {"token": ""}}, "token"),
    "white space": ({"data": {"token": "IAo="}}, "token"),
    "bytes that are no text": ({"data": {"token": "//79"}}, "token"),
    "text that is not base64": ({"data": {"token": "%%%"}}, "token"),
    "base64 with something else in it": ({"data": {"token": "eA==%%"}}, "token"),
    "text beyond ASCII": ({"data": {"token": "tökén"}}, "token"),
}


@pytest.mark.parametrize(("secret", "keys"), WITHOUT_TOKEN.values(), ids=WITHOUT_TOKEN)
def test_a_secret_without_a_token_under_the_key_is_told_with_the_keys_it_has(secret: dict[str, Any], keys: str) -> None:
    finding = read(secret, "apono", REFERENCE)

    assert isinstance(finding, Finding)
    assert (finding.reason, finding.awaits) == (Reason.TOKEN_KEY_MISSING, Next.SOMEBODY)
    assert f"no token under the key token (its keys: {keys})" in finding.message
    assert "spec.tokenSecretRef.key" in finding.message


def test_no_value_of_the_secret_is_told() -> None:
    finding = read(a_token_secret("other-secret", key="other"), "apono", REFERENCE)

    assert "other-secret" not in repr(finding)
