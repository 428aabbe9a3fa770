"""An agent for credentials, as EKS Pod Identity has one on each node: its troubles are waited for, its refusals told.

Source: AWS SDKs and Tools reference guide, "Container credential provider".
"""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from apono_operator.adapters.aws.iam import Depth
from apono_operator.adapters.aws.session import AwsSession
from apono_operator.adapters.errors import AdapterError, DeniedError, TransientError
from apono_operator.adapters.fence import Fence
from apono_operator.v1alpha1 import Reason
from sandbox.aws import Account, FrontDoor
from tests.adapters.answering import Answering
from tests.adapters.aws.connection import CREDENTIALS, UNLIMITED, Connection, connect_with

ISSUER = "oidc.eks.eu-west-1.amazonaws.com/id/0123456789ABCDEF0123456789ABCDEF"
BODY = b"The pod's ServiceAccount token is not known, says somebody at length."


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let botocore ask the agent three times without a pause between.

    It has no setting for that: these constants of its own are the only way, and without it each test takes seconds.
    """
    monkeypatch.setattr("botocore.utils.ContainerMetadataFetcher.SLEEP_TIME", 0.0)
    monkeypatch.setattr("botocore.utils.ContainerMetadataFetcher.TIMEOUT_SECONDS", 0.2)


@pytest.fixture
def agent(nowhere: None, answering: Answering, monkeypatch: pytest.MonkeyPatch) -> Answering:
    """The agent that the environment names."""
    del nowhere
    monkeypatch.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", f"{answering.url}/v1/credentials")
    return answering


def failure_at_start() -> AdapterError:
    with pytest.raises(AdapterError) as failure:
        AwsSession.connect(issuer=ISSUER, connections=1, version="1", fence=Fence(), limits=UNLIMITED)
    return failure.value


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (500, Reason.AWS_UNAVAILABLE),
        (502, Reason.AWS_UNAVAILABLE),
        (503, Reason.AWS_UNAVAILABLE),
        (504, Reason.AWS_UNAVAILABLE),
        (408, Reason.AWS_UNAVAILABLE),
        (429, Reason.THROTTLED),
    ],
)
def test_an_agent_in_trouble_is_waited_for_with_a_message_that_stays(
    agent: Answering, status: int, reason: Reason
) -> None:
    agent.status, agent.body = status, BODY

    error = failure_at_start()

    assert isinstance(error, TransientError)
    assert error.reason is reason
    assert error.message == f"AWS configuration: the agent for credentials answers with status {status}"
    assert len(agent.paths) == 3


@pytest.mark.parametrize("status", [400, 401, 403, 404])
def test_an_agent_that_refuses_is_told_as_missing_credentials_with_its_words(agent: Answering, status: int) -> None:
    agent.status, agent.body = status, BODY

    error = failure_at_start()

    assert isinstance(error, DeniedError)
    assert error.reason is Reason.NO_CREDENTIALS
    assert f"Received non 200 response {status} from container metadata: {BODY.decode()}" in error.message


@pytest.mark.parametrize("body", [b"<html>Sign in</html>", b""], ids=["sign-in", "empty"])
def test_an_agent_that_is_none_is_waited_for_and_not_quoted(agent: Answering, body: bytes) -> None:
    agent.body = body

    error = failure_at_start()

    assert isinstance(error, TransientError)
    assert error.reason is Reason.AWS_UNAVAILABLE
    assert error.message == "AWS configuration: what answers is no agent for credentials (a proxy, perhaps)"


@pytest.mark.parametrize(
    "answer",
    [{}, {"Code": "Failed"}, [], "text", {"Expiration": "soon"}],
    ids=["empty", "a-code", "a-list", "text", "without-a-key"],
)
def test_credentials_that_cannot_be_read_are_told_as_none(agent: Answering, answer: Any) -> None:
    agent.body = json.dumps(answer).encode()

    error = failure_at_start()

    assert isinstance(error, DeniedError)
    assert error.reason is Reason.NO_CREDENTIALS
    assert error.message.startswith("AWS configuration: no credentials: ")


def test_credentials_that_end_at_no_known_time_are_told_as_none(agent: Answering) -> None:
    agent.body = json.dumps(credentials("soon")).encode()

    error = failure_at_start()

    assert isinstance(error, DeniedError)
    assert error.message.startswith("AWS configuration: no credentials: ")
    assert "of-a-test" not in error.message


@pytest.mark.usefixtures("nowhere")
def test_an_agent_on_whose_port_nobody_listens_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://127.0.0.1:1/v1/credentials")

    error = failure_at_start()

    assert isinstance(error, TransientError)
    assert error.reason is Reason.AWS_UNAVAILABLE
    assert error.message == "AWS configuration: no answer from 127.0.0.1 (EndpointConnectionError)"


@pytest.fixture
def silent(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """An agent that takes connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        monkeypatch.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", f"http://127.0.0.1:{port}/v1/credentials")
        yield


@pytest.mark.usefixtures("nowhere", "silent")
def test_an_agent_that_says_nothing_is_waited_for() -> None:
    error = failure_at_start()

    assert isinstance(error, TransientError)
    assert error.reason is Reason.AWS_UNAVAILABLE
    assert error.message == "AWS configuration: no answer from 127.0.0.1 (ReadTimeoutError)"


@pytest.mark.usefixtures("agent")
def test_a_token_for_the_agent_that_is_not_there_is_told_by_its_path(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", str(tmp_path / "missing"))

    error = failure_at_start()

    assert isinstance(error, DeniedError)
    assert error.reason is Reason.NO_CREDENTIALS
    assert str(tmp_path / "missing") in error.message


@pytest.mark.usefixtures("nowhere")
def test_an_agent_on_another_machine_is_not_asked_for_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://192.0.2.1/v1/credentials")

    error = failure_at_start()

    assert isinstance(error, DeniedError)
    assert "Unsupported host '192.0.2.1'" in error.message


def credentials(expiration: str) -> dict[str, str]:
    """What an agent gives, ending at a time."""
    return {
        "AccessKeyId": "access-key-of-a-test",
        "SecretAccessKey": "secret-of-a-test",
        "Token": "token-of-a-test",
        "Expiration": expiration,
    }


@pytest.fixture
def running(
    front_door: FrontDoor, account: Account, answering: Answering, monkeypatch: pytest.MonkeyPatch
) -> Connection:
    """A connection whose credentials came from the agent, and are about to end."""
    soon = datetime.now(UTC) + timedelta(seconds=5)
    answering.body = json.dumps(credentials(soon.isoformat())).encode()
    environment = {
        **front_door.environment_without_credentials(account.region),
        "AWS_CONTAINER_CREDENTIALS_FULL_URI": f"{answering.url}/v1/credentials",
    }
    for name in CREDENTIALS:
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    return connect_with(front_door, account, environment)


def failure_of(connection: Connection) -> AdapterError:
    with pytest.raises(AdapterError) as failure:
        connection.iam.observe_role("any", Depth.OURS)
    return failure.value


@pytest.fixture
def account(front_door: FrontDoor) -> Account:
    return front_door.create_account()


def test_an_agent_in_trouble_when_credentials_are_renewed_is_waited_for(
    running: Connection, answering: Answering
) -> None:
    answering.status, answering.body = 503, BODY

    error = failure_of(running)

    assert isinstance(error, TransientError)
    assert error.message == "iam:GetRole: the agent for credentials answers with status 503"


def test_an_agent_that_refuses_to_renew_credentials_is_told(running: Connection, answering: Answering) -> None:
    answering.status, answering.body = 403, BODY

    error = failure_of(running)

    assert isinstance(error, DeniedError)
    assert error.reason is Reason.NO_CREDENTIALS
    assert error.message.startswith("iam:GetRole: ")


def test_credentials_that_are_over_when_they_come_are_told(running: Connection, answering: Answering) -> None:
    answering.body = json.dumps(credentials("2020-01-01T00:00:00Z")).encode()

    error = failure_of(running)

    assert isinstance(error, DeniedError)
    assert error.reason is Reason.NO_CREDENTIALS
    assert "the refreshed credentials are still expired" in error.message


def test_credentials_that_are_renewed_without_a_key_are_told(running: Connection, answering: Answering) -> None:
    answering.body = b"{}"

    error = failure_of(running)

    assert isinstance(error, DeniedError)
    assert error.message == "iam:GetRole: no credentials: KeyError: 'AccessKeyId'"
