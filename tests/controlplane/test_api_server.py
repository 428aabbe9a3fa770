"""The API server and its controllers behave as a real cluster's."""

from __future__ import annotations

import json
import re
import socket
import ssl
import subprocess
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import jwt
import pytest

from sandbox.controlplane import (
    CommandError,
    ControlPlane,
    UnsupportedError,
    helm,
    kubeconfig,
    kubeconform,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.controlplane.conftest import Namespace

STS = "sts.amazonaws.com"


def signing_key(control_plane: ControlPlane, token: str) -> jwt.PyJWK:
    keys = jwt.PyJWKSet.from_dict(control_plane.jwks())
    return keys[jwt.get_unverified_header(token)["kid"]]


def config_map(name: str, owner: dict[str, Any] | None = None) -> dict[str, Any]:
    metadata: dict[str, Any] = {"name": name}
    if owner:
        reference = {"apiVersion": "v1", "kind": "ConfigMap", "name": owner["metadata"]["name"]}
        metadata["ownerReferences"] = [{**reference, "uid": owner["metadata"]["uid"]}]
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata}


def test_a_service_account_without_rights_is_refused(namespace: Namespace) -> None:
    namespace.service_account("nobody")
    user = namespace.control_plane.service_account_kubeconfig(namespace.name, "nobody")

    with pytest.raises(CommandError, match=f'User "system:serviceaccount:{namespace.name}:nobody" cannot list'):
        namespace.kubectl(f"--kubeconfig={user}", "get", "secrets")


def test_a_role_grants_what_it_names_and_no_more(namespace: Namespace) -> None:
    namespace.service_account("reader")
    namespace.kubectl("create", "role", "reader", "--verb=list", "--resource=pods")
    subject = f"--serviceaccount={namespace.name}:reader"
    namespace.kubectl("create", "rolebinding", "reader", "--role=reader", subject)
    user = namespace.control_plane.service_account_kubeconfig(namespace.name, "reader")

    assert namespace.kubectl(f"--kubeconfig={user}", "get", "pods", "--output=name") == ""
    with pytest.raises(CommandError, match='cannot create resource "pods"'):
        namespace.kubectl(f"--kubeconfig={user}", "run", "app", "--image=app")


def test_the_issuer_looks_like_that_of_an_eks_cluster(control_plane: ControlPlane) -> None:
    assert re.fullmatch(r"https://oidc\.eks\.us-east-1\.amazonaws\.com/id/[0-9A-F]{32}", control_plane.issuer)


def test_the_discovery_document_names_the_issuer(control_plane: ControlPlane) -> None:
    document = json.loads(control_plane.kubectl("get", "--raw", "/.well-known/openid-configuration"))

    assert document["issuer"] == control_plane.issuer
    assert document["jwks_uri"] == f"{control_plane.issuer}/keys"


def test_a_token_for_sts_verifies_against_the_published_keys(namespace: Namespace) -> None:
    control_plane = namespace.control_plane

    token = control_plane.service_account_token(namespace.name, "default", STS, expiration_seconds=900)

    key = signing_key(control_plane, token)
    claims = jwt.decode(token, key, audience=STS, issuer=control_plane.issuer, algorithms=["RS256"])
    assert claims["sub"] == f"system:serviceaccount:{namespace.name}:default"
    assert claims["exp"] - claims["iat"] == 900


def test_a_token_for_sts_does_not_open_the_api_server(namespace: Namespace, tmp_path: Path) -> None:
    control_plane = namespace.control_plane
    token = control_plane.service_account_token(namespace.name, "default", STS)
    endpoint = kubeconfig.Endpoint(control_plane.server, control_plane.ca_certificate)
    user = kubeconfig.write(tmp_path / "kubeconfig", endpoint, {"token": token})

    with pytest.raises(CommandError, match="Unauthorized"):
        namespace.kubectl(f"--kubeconfig={user}", "auth", "whoami")


def test_the_certificate_passes_the_strict_x509_check(control_plane: ControlPlane) -> None:
    context = ssl.create_default_context(cadata=control_plane.ca_certificate.decode())
    context.verify_flags |= ssl.VERIFY_X509_STRICT
    port = urlsplit(control_plane.server).port

    with (
        socket.create_connection(("127.0.0.1", port or 0)) as connection,
        context.wrap_socket(connection, server_hostname="localhost") as secured,
    ):
        assert secured.version() == "TLSv1.3"


def test_objects_go_with_their_owner(namespace: Namespace) -> None:
    owner = namespace.create(config_map("owner"))
    namespace.create(config_map("owned", owner))

    namespace.kubectl("delete", "configmap", "owner")

    namespace.kubectl("wait", "configmap/owned", "--for=delete", "--timeout=20s")


def test_a_namespace_terminates_with_its_content(control_plane: ControlPlane, namespace: Namespace) -> None:
    other = f"{namespace.name}-other"
    control_plane.kubectl("create", "namespace", other)
    control_plane.kubectl("create", "configmap", "content", f"--namespace={other}")

    control_plane.kubectl("delete", "namespace", other, "--timeout=30s")

    assert other not in control_plane.kubectl("get", "namespaces", "--output=name")


def test_server_and_client_are_of_the_same_version(control_plane: ControlPlane) -> None:
    versions = json.loads(control_plane.kubectl("version", "--output=json"))

    assert versions["serverVersion"]["gitVersion"] == "v1.37.2"
    assert versions["clientVersion"]["gitVersion"] == "v1.37.2"


def test_kubectl_tells_why_it_was_refused(namespace: Namespace) -> None:
    with pytest.raises(CommandError, match=r'configmaps "missing" not found'):
        namespace.kubectl("get", "configmap", "missing")


def test_an_existing_cluster_is_used_through_its_kubeconfig(namespace: Namespace) -> None:
    control_plane = namespace.control_plane

    with ControlPlane.existing(control_plane.kubeconfig) as existing:
        assert existing.issuer == control_plane.issuer
        assert existing.jwks() == control_plane.jwks()
        assert existing.service_account_kubeconfig(namespace.name, "default").is_relative_to(existing.directory)
        with pytest.raises(UnsupportedError, match="cannot be restarted"):
            existing.restart_api_server()
    assert not existing.directory.exists()


@pytest.mark.parametrize(
    ("program", "arguments", "version"),
    [(helm, ["version", "--short"], "v4.3.1"), (kubeconform, ["-v"], "v0.8.0")],
)
def test_helm_and_kubeconform_are_at_hand(program: Callable[[], Path], arguments: list[str], version: str) -> None:
    said = subprocess.run([program(), *arguments], capture_output=True, text=True, check=True).stdout

    assert said.startswith(version)
