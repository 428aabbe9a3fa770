"""The stand-in for EKS' pod identity webhook, for a cluster that is not the sandbox's own, such as kind."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from sandbox.controlplane import ControlPlane, certificates
from sandbox.controlplane.webhook import PodIdentityWebhook, WebhookServer, configuration

_KIND: Final = "mutatingwebhookconfigurations"


@contextmanager
def pod_identity_webhook(control_plane: ControlPlane, address: str) -> Iterator[None]:
    """Serve it at *address* of this machine, which the cluster's API server reaches, for the length of the block.

    A cluster that has one, as the sandbox's own has, keeps it.

    Raises:
        CommandError: the cluster refuses its registration.
    """
    name = configuration("", b"")["metadata"]["name"]
    if control_plane.kubectl("get", _KIND, name, "--ignore-not-found"):
        yield
        return

    def service_account(namespace: str, name: str) -> dict[str, Any] | None:
        told = control_plane.kubectl(
            "get", "serviceaccount", name, f"--namespace={namespace}", "--ignore-not-found", "--output=json"
        )
        return json.loads(told) if told else None

    authority = certificates.authority(name)
    server = _server(PodIdentityWebhook(service_account, control_plane.region), authority, address)
    server.start()
    try:
        registration = json.dumps(configuration(server.url, authority.certificate))
        control_plane.kubectl("apply", "--filename=-", stdin=registration)
        yield
        control_plane.kubectl("delete", _KIND, name)
    finally:
        server.stop()


def _server(webhook: PodIdentityWebhook, authority: certificates.KeyPair, address: str) -> WebhookServer:
    pair = certificates.server(authority, [address])
    with tempfile.TemporaryDirectory() as directory:
        certificate, key = Path(directory, "server.crt"), Path(directory, "server.key")
        certificate.write_bytes(pair.certificate)
        key.write_bytes(pair.key)
        return WebhookServer(webhook, certificate, key, address)
