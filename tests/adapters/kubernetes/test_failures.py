"""What the API server refuses, and what it fails to say, becomes an error of the kind that it needs."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml
from kubernetes.config import ConfigException

from apono_operator.adapters.api_answers import NotFoundError, UnservedError
from apono_operator.adapters.errors import (
    AdapterError,
    DeniedError,
    FencedError,
    RejectedError,
    TransientError,
)
from apono_operator.adapters.fence import Fence
from apono_operator.adapters.kubernetes import Kubernetes
from apono_operator.state.leadership import Term
from apono_operator.state.resources import ObjectKey, Owner
from apono_operator.v1alpha1 import Reason
from sandbox.controlplane import ControlPlane
from tests.adapters.answering import Answering, unreachable
from tests.adapters.kubernetes.conftest import TOKEN, connected, connected_to
from tests.adapters.kubernetes.objects import deployment, service_account

SECRET = ObjectKey("Secret", "team-a", "apono-token")


@pytest.fixture(scope="module")
def powerless(cluster: ControlPlane, namespace: str) -> Kubernetes:
    """The adapter as a ServiceAccount to which nothing is granted."""
    return connected(cluster.service_account_kubeconfig(namespace, "default"))


def failure_of(adapter: Kubernetes) -> AdapterError:
    with pytest.raises(AdapterError) as failure:
        adapter.check_connectors_listable(None)
    return failure.value


def test_a_right_that_is_missing_is_told_with_who_what_and_where(powerless: Kubernetes, namespace: str) -> None:
    with pytest.raises(DeniedError) as failure:
        powerless.get(ObjectKey("Secret", namespace, "apono-token"))

    assert failure.value.reason is Reason.FORBIDDEN
    assert f'User "system:serviceaccount:{namespace}:default" cannot get resource "secrets"' in failure.value.message


def test_connectors_that_must_not_be_listed_are_denied(powerless: Kubernetes, namespace: str) -> None:
    for place in (None, namespace):
        with pytest.raises(DeniedError, match='cannot list resource "aponoconnectors"'):
            powerless.check_connectors_listable(place)


def test_every_service_account_may_read_the_issuer(powerless: Kubernetes, cluster: ControlPlane) -> None:
    assert cluster.issuer == f"https://{powerless.issuer()}"


def test_an_object_that_the_api_server_finds_invalid_is_rejected_with_the_field(
    kubernetes: Kubernetes, namespace: str, name: str
) -> None:
    manifest = deployment(namespace, name)
    manifest["spec"]["selector"] = {"matchLabels": {"app": "another"}}

    with pytest.raises(RejectedError, match=r"spec\.template\.metadata\.labels: Invalid value") as failure:
        kubernetes.apply(manifest)

    assert failure.value.reason is Reason.REJECTED


def test_an_object_in_a_namespace_that_is_not_there_cannot_be_written(kubernetes: Kubernetes, name: str) -> None:
    with pytest.raises(NotFoundError, match=f'namespaces "{name}" not found'):
        kubernetes.apply(service_account(name, name))


def test_a_token_that_the_api_server_does_not_know_is_denied(cluster: ControlPlane, tmp_path: Path) -> None:
    config = yaml.safe_load(cluster.kubeconfig.read_text(encoding="utf-8"))
    config["users"] = [{"name": user["name"], "user": {"token": TOKEN}} for user in config["users"]]
    kubeconfig = tmp_path / "kubeconfig"
    kubeconfig.write_text(yaml.safe_dump(config), encoding="utf-8")

    error = failure_of(connected(kubeconfig))

    assert isinstance(error, DeniedError)
    assert error.message.endswith(": Unauthorized. Check the operator's token, or the user in its kubeconfig.")


@pytest.mark.parametrize("body", [b"<html>502 Bad Gateway</html>", b'"text"', b"", b"\xff"])
def test_a_failure_that_is_no_status_object_is_told_without_its_body(answering: Answering, body: bytes) -> None:
    answering.status, answering.body = 502, body

    error = failure_of(connected_to(answering))

    assert isinstance(error, TransientError)
    assert error.message.endswith("the answer is no Status object")


def not_found(**changes: Any) -> Any:
    """How the API server says that the Secret of `SECRET` does not exist, with *changes*."""
    usual = {
        "kind": "Status",
        "apiVersion": "v1",
        "status": "Failure",
        "message": 'secrets "apono-token" not found',
        "reason": "NotFound",
        "details": {"name": "apono-token", "kind": "secrets"},
        "code": 404,
    }
    return {name: value for name, value in {**usual, **changes}.items() if value is not None}


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"details": None},
        {"details": {"kind": "secrets"}},
        {"details": {"kind": "namespaces", "name": "team-a"}},
    ],
    ids=["by-name", "without-details", "without-name", "with-its-namespace"],
)
def test_an_object_that_the_api_server_calls_missing_is_gone(answering: Answering, changes: dict[str, Any]) -> None:
    answering.status, answering.body = 404, json.dumps(not_found(**changes)).encode()
    adapter = connected_to(answering)

    assert adapter.get(SECRET) is None
    adapter.delete(SECRET, "uid")
    with pytest.raises(NotFoundError, match='secrets "apono-token" not found'):
        adapter.apply({"kind": "Secret", "metadata": {"namespace": "team-a", "name": "apono-token"}})


@pytest.mark.parametrize(
    "body",
    [
        b"404 page not found\n",
        b"<html>404 Not Found</html>",
        b"",
        b"[]",
        json.dumps(not_found(kind="Problem")).encode(),
        json.dumps(not_found(reason="Expired")).encode(),
        json.dumps(not_found(reason=None)).encode(),
        json.dumps(not_found(details={"name": "another", "kind": "secrets"})).encode(),
    ],
    ids=["unserved", "html", "empty", "list", "another-kind", "another-reason", "without-reason", "another-object"],
)
def test_any_other_404_tells_nothing_of_the_object_and_is_waited_for(answering: Answering, body: bytes) -> None:
    answering.status, answering.body = 404, body
    adapter = connected_to(answering)

    with pytest.raises(UnservedError) as failure:
        adapter.get(SECRET)
    with pytest.raises(UnservedError):
        adapter.delete(SECRET, "uid")

    assert isinstance(failure.value, TransientError)
    assert failure.value.reason is Reason.KUBERNETES_UNAVAILABLE


def test_a_kind_that_the_api_server_does_not_serve_is_told_from_an_object_that_is_gone() -> None:
    with ControlPlane.start() as empty, pytest.raises(UnservedError):
        connected(empty.kubeconfig).get(ObjectKey("AponoConnector", "default", "production"))


@pytest.mark.parametrize("body", [b"<html>Sign in</html>", b"", b"\xff", b"[]", b'"text"'])
def test_a_success_that_is_no_json_object_is_waited_for(answering: Answering, body: bytes) -> None:
    answering.body = body

    error = failure_of(connected_to(answering))

    assert isinstance(error, TransientError)
    assert error.reason is Reason.KUBERNETES_UNAVAILABLE


def test_an_endless_message_is_cut(answering: Answering) -> None:
    answering.status, answering.body = 422, json.dumps({"message": "x" * 100_000}).encode()

    assert len(failure_of(connected_to(answering)).message) < 1200


def test_a_redirect_is_not_followed(answering: Answering) -> None:
    answering.status, answering.headers = 302, {"Location": f"{answering.url}/elsewhere"}

    assert isinstance(failure_of(connected_to(answering)), TransientError)
    assert len(answering.paths) == 1


def test_an_api_server_that_is_away_is_waited_for_and_named() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        answering = Answering(url=f"http://127.0.0.1:{free.getsockname()[1]}")

        error = failure_of(connected_to(answering))

    assert isinstance(error, TransientError)
    assert error.reason is Reason.KUBERNETES_UNAVAILABLE
    assert f"the API server {answering.url} does not answer (NewConnectionError)" in error.message


@pytest.mark.parametrize("said", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"], ids=["nothing", "a part"])
def test_an_answer_that_breaks_off_is_waited_for(said: bytes) -> None:
    with saying(said) as answering:
        error = failure_of(connected_to(answering))

    assert isinstance(error, TransientError)
    assert error.reason is Reason.KUBERNETES_UNAVAILABLE
    assert "does not answer (ProtocolError)" in error.message


@contextmanager
def saying(said: bytes) -> Iterator[Answering]:
    """A server that says so much and closes the connection."""

    def serve() -> None:
        connection, _ = server.accept()
        with connection:
            connection.recv(65536)
            connection.sendall(said)

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=serve)
        thread.start()
        yield Answering(url=f"http://127.0.0.1:{server.getsockname()[1]}")
        thread.join()


def test_an_answer_that_does_not_come_is_not_waited_for_longer_than_the_timeout() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        answering = Answering(url=f"http://127.0.0.1:{silent.getsockname()[1]}")

        error = failure_of(connected_to(answering, timeout=(5, 0.1)))

    assert isinstance(error, TransientError)
    assert "does not answer (ReadTimeoutError)" in error.message


REMAINING = pytest.mark.parametrize(
    ("expiry", "seconds"),
    [(0.5, 0.25), (60.0, 0.5), (0.0, 0.1)],
    ids=["half of what remains each", "no longer than the time-out", "briefly at least"],
)


def fenced(expiry: float) -> Fence:
    """A fence at which nothing moves but what is left: so many seconds until another may lead."""
    fence = Fence(lambda: 0.0)
    fence.extend(Term(deadline=0.1, expiry=expiry))
    return fence


@REMAINING
def test_an_answer_is_waited_for_until_another_may_lead(expiry: float, seconds: float) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        answering = Answering(url=f"http://127.0.0.1:{silent.getsockname()[1]}")

        error = failure_of(connected_to(answering, fenced(expiry), timeout=(1.0, 0.5)))

    assert "does not answer (ReadTimeoutError)" in error.message
    assert f"(read timeout={seconds})" in str(error.__cause__)  # what the HTTP library waited for


@REMAINING
def test_a_connection_is_waited_for_until_another_may_lead(expiry: float, seconds: float) -> None:
    with unreachable() as address:
        error = failure_of(connected_to(Answering(url=f"http://{address}"), fenced(expiry), timeout=(0.5, 1.0)))

    assert "does not answer (ConnectTimeoutError)" in error.message
    assert f"(connect timeout={seconds})" in str(error.__cause__)  # what the HTTP library waited for


def test_a_connection_that_does_not_come_about_is_not_waited_for_longer_than_the_timeout() -> None:
    with unreachable() as address:
        error = failure_of(connected_to(Answering(url=f"http://{address}"), timeout=(0.1, 5)))

    assert isinstance(error, TransientError)
    assert "does not answer (ConnectTimeoutError)" in error.message


@pytest.mark.parametrize(
    "failure",
    [ConfigException("Token file exists but empty."), FileNotFoundError(2, "No such file", "/run/token")],
    ids=["empty", "missing"],
)
def test_a_token_that_cannot_be_read_anew_is_told(answering: Answering, failure: Exception) -> None:
    def renew(_: Any) -> None:
        raise failure

    error = failure_of(connected_to(answering, renewal=renew))

    assert isinstance(error, DeniedError)
    assert error.reason is Reason.FORBIDDEN
    assert error.message.endswith(f": no token for the API server: {failure}")
    assert answering.paths == []


def test_no_message_holds_the_token(answering: Answering) -> None:
    answering.status, answering.body = 401, json.dumps({"message": "Unauthorized"}).encode()

    error = failure_of(connected_to(answering))

    assert answering.authorizations == [f"Bearer {TOKEN}"]
    assert TOKEN not in repr(error) + str(error.__cause__)


def test_a_token_that_is_renewed_is_used_from_then_on(answering: Answering) -> None:
    tokens = iter(["Bearer first", "Bearer second"])

    def renew(configuration: Any) -> None:
        configuration.api_key["BearerToken"] = next(tokens)

    adapter = connected_to(answering, renewal=renew)
    adapter.get(SECRET)
    adapter.get(SECRET)

    assert answering.authorizations == ["Bearer first", "Bearer second"]


def test_behind_the_fence_no_call_leaves(answering: Answering) -> None:
    fence = Fence()
    adapter = connected_to(answering, fence)
    adapter.get(SECRET)
    fence.raise_up()

    with pytest.raises(FencedError):
        adapter.get(SECRET)
    with pytest.raises(FencedError):
        adapter.pods(Owner("team-a", "production", "uid"))
    assert len(answering.paths) == 1


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (None, "no way to the API server: Invalid kube-config file"),
        ("", "no way to the API server: "),
        ("{", "no way to the API server: "),
        ("apiVersion: v1\nkind: Config\ncurrent-context: missing\n", "no way to the API server: "),
    ],
    ids=["missing", "empty", "malformed", "without-context"],
)
def test_a_kubeconfig_that_is_no_good_is_told_in_a_line(tmp_path: Path, text: str | None, words: str) -> None:
    kubeconfig = tmp_path / "kubeconfig"
    if text is not None:
        kubeconfig.write_text(text, encoding="utf-8")

    with pytest.raises(DeniedError) as failure:
        connected(kubeconfig)

    (line,) = failure.value.message.splitlines()
    assert line.startswith(words)
    assert line.endswith("Run in a cluster, or set KUBECONFIG.")
