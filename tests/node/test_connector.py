"""The stand-in for Apono's connector says what fails; that all of it works is shown in a pod, by `tests/e2e`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox.node.apono import AponoApi, serving
from sandbox.node.connector import connector

NOBODY = "127.0.0.1:9"
"""The port of the service "discard", which nobody offers."""


@pytest.fixture
def api() -> Iterator[AponoApi]:
    api = AponoApi(f"http://{NOBODY}", tokens=frozenset({"known"}))
    with serving(api, "127.0.0.1") as url, pytest.MonkeyPatch.context() as patch:
        patch.setenv("APONO_URL", url)
        patch.setenv("APONO_CONNECTOR_ID", "production")
        patch.setenv("APONO_TOKEN", "known")
        patch.setenv("HOSTNAME", "a-pod")
        patch.delenv("AWS_ROLE_ARN", raising=False)
        patch.delenv("AWS_WEB_IDENTITY_TOKEN_FILE", raising=False)
        yield api


@pytest.fixture
def role(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "token").write_text("a token", encoding="utf-8")
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    monkeypatch.setenv("AWS_ROLE_ARN", "arn:aws:iam::123456789012:role/apono-x")
    monkeypatch.setenv("AWS_WEB_IDENTITY_TOKEN_FILE", str(tmp_path / "token"))


@pytest.mark.usefixtures("api")
def test_a_connector_without_its_token_does_not_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("APONO_TOKEN")

    with pytest.raises(SystemExit, match="missing: APONO_TOKEN"):
        connector.main()


@pytest.mark.usefixtures("api")
def test_a_token_that_apono_does_not_know_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("APONO_TOKEN", "unknown")

    with pytest.raises(connector.StepError, match="refuses the token: 401"):
        connector.work()


@pytest.mark.usefixtures("api")
def test_an_api_out_of_reach_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("APONO_URL", NOBODY)

    with pytest.raises(connector.StepError, match="API cannot be reached"):
        connector.work()


@pytest.mark.usefixtures("api")
def test_a_pod_that_was_given_no_role_is_told() -> None:
    with pytest.raises(
        connector.StepError, match="the pod has no role: AWS_ROLE_ARN, AWS_WEB_IDENTITY_TOKEN_FILE missing"
    ):
        connector.work()


@pytest.mark.usefixtures("api", "role")
def test_aws_out_of_reach_is_told() -> None:
    with pytest.raises(connector.StepError, match="AWS cannot be reached: "):
        connector.work()


@pytest.mark.usefixtures("api")
def test_what_is_known_of_a_connector_is_its_latest_report(api: AponoApi) -> None:
    connector.call_api("report", {"pod": "a-pod", "identities": {"connector": "arn"}})

    assert api.reports["production"].pod == "a-pod"
    assert api.reports["production"].token == "known"
