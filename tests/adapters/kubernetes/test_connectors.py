"""Which connectors there are."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator
from urllib.parse import parse_qs, urlsplit

import pytest

from apono_operator.adapters.errors import ConflictError
from apono_operator.adapters.kubernetes import CONNECTOR_PAGE, Kubernetes
from apono_operator.state.resources import Owner
from apono_operator.v1alpha1 import FINALIZER
from sandbox.controlplane import ControlPlane
from tests.adapters.answering import Answering
from tests.adapters.kubernetes.conftest import connected_to
from tests.adapters.kubernetes.objects import connector


@pytest.fixture
def empty_namespace(cluster: ControlPlane) -> Iterator[str]:
    name = f"connectors-{secrets.token_hex(4)}"
    cluster.kubectl("create", "namespace", name)
    yield name
    cluster.kubectl("delete", "namespace", name, "--wait=false")


def test_connectors_are_listed_in_a_namespace_or_everywhere(
    kubernetes: Kubernetes, owner: Owner, empty_namespace: str
) -> None:
    assert owner in list(kubernetes.connectors(owner.namespace))
    assert owner in list(kubernetes.connectors(None))
    assert list(kubernetes.connectors(empty_namespace)) == []


def test_a_connector_under_deletion_is_among_them(
    kubernetes: Kubernetes, cluster: ControlPlane, empty_namespace: str
) -> None:
    document = dict(connector(empty_namespace, "going"))
    document["metadata"] = {**document["metadata"], "finalizers": [FINALIZER]}
    kubernetes.apply(document)
    of = f"--namespace={empty_namespace}"
    cluster.kubectl("delete", "aponoconnector", "going", of, "--wait=false")

    assert [found.name for found in kubernetes.connectors(empty_namespace)] == ["going"]

    cluster.kubectl("patch", "aponoconnector", "going", of, "--type=merge", '--patch={"metadata":{"finalizers":null}}')


def test_a_namespace_that_does_not_exist_has_none(kubernetes: Kubernetes) -> None:
    assert list(kubernetes.connectors(f"missing-{secrets.token_hex(4)}")) == []


def test_connectors_come_page_by_page_and_without_spec(answering: Answering) -> None:
    pages = {"": ["a", "b"], "more": ["c"]}

    def page(path: str) -> bytes:
        asked = parse_qs(urlsplit(path).query)
        assert asked["limit"] == [str(CONNECTOR_PAGE)]
        token = asked.get("continue", [""])[0]
        items = [{"metadata": {"namespace": "n", "name": name, "uid": f"uid-{name}"}} for name in pages[token]]
        return json.dumps({"metadata": {"continue": "" if token else "more"}, "items": items}).encode()

    answering.body = page

    found = list(connected_to(answering).connectors("n"))

    assert found == [Owner("n", name, f"uid-{name}") for name in ("a", "b", "c")]
    assert len(answering.paths) == 2
    assert all("as=PartialObjectMetadataList" in accept for accept in answering.accepts)


def test_a_list_that_took_too_long_is_begun_anew_by_whoever_asked(answering: Answering) -> None:
    answering.status = 410
    answering.body = b'{"kind": "Status", "message": "The provided continue parameter is too old"}'

    with pytest.raises(ConflictError):
        list(connected_to(answering).connectors(None))
