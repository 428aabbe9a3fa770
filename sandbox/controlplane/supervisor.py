"""The supervisor: brings the parts of a control plane up, watches them and takes them down."""

from __future__ import annotations

import secrets
import time
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, Self

import yaml

from sandbox.controlplane import certificates, components, kubeconfig
from sandbox.controlplane.api import ApiError, ApiServer
from sandbox.controlplane.components import Layout
from sandbox.controlplane.errors import PartError
from sandbox.controlplane.nodes import NODES, REAL_NODE, is_usable, node
from sandbox.controlplane.processes import Part, reserve_port
from sandbox.controlplane.webhook import PodIdentityWebhook, WebhookServer, configuration

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

START_SECONDS = 90.0
POLL_SECONDS = 0.03
DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
CONFIGURATIONS = "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations"
PROBE = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {"generateName": "webhook-probe-"},
    "spec": {"containers": [{"name": "probe", "image": "probe"}]},
}


class Supervisor:
    """One control plane in `directory`, made of `binaries` (executables by name), as EKS has it in `region`.

    KWOK plays its nodes, or, with `node_address`, a real one at that address joins it. `check` is called again and
    again while it waits for a part, and ends the waiting by an exception.
    A context manager: all parts are stopped at the end of the block.
    """

    def __init__(
        self,
        directory: Path,
        binaries: Mapping[str, Path],
        region: str,
        node_address: str | None,
        check: Callable[[], None],
    ) -> None:
        self._stack = ExitStack()
        self._check = check
        api, etcd_client, etcd_peer = (self._stack.enter_context(reserve_port()).getsockname()[1] for _ in range(3))
        issuer = f"https://oidc.eks.{region}.amazonaws.com/id/{secrets.token_hex(16).upper()}"
        self.layout = Layout(directory, binaries, issuer, api, etcd_client, etcd_peer, node_address)
        self._nodes = [node(number, region) for number in range(0 if node_address else NODES)]
        self._api = ApiServer(self.layout)
        self._webhook = PodIdentityWebhook(self._service_account, region)
        self._api_server = components.kube_apiserver(self.layout)
        self._controllers = components.kube_controller_manager(self.layout)
        self._kwok = components.kwok(self.layout)
        etcd, scheduler = components.etcd(self.layout), components.kube_scheduler(self.layout)
        self._storage = (etcd, self._api_server)
        self._clients = (self._controllers, scheduler, *([] if node_address else [self._kwok]))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for part in self._parts:
            part.kill()
        for part in self._parts:
            part.wait()
        self._stack.close()

    def start(self, crds: Sequence[Path] = ()) -> None:
        """Start everything and wait until pods can run.

        The custom resource definitions in *crds* are there before the garbage collector looks for kinds, which it
        does every 30 seconds only.

        Raises:
            PartError: a part ended or did not become ready in time.
        """
        authority = write_credentials(self.layout)
        for part in self._storage:
            part.start()
        webhook_url = self._serve_webhook()
        self._wait(self._api_server, "did not become ready", self._api.ready)
        for crd in crds:
            self._api.create(DEFINITIONS, yaml.safe_load(crd.read_text(encoding="utf-8")))
        for part in self._clients:
            part.start()
        self._api.create(CONFIGURATIONS, configuration(webhook_url, authority))
        for each in self._nodes:
            self._api.create("/api/v1/nodes", each)
        self._wait_until_usable()

    def restart_api_server(self) -> None:
        """Kill the API server and start it again at the same address; returns when it is ready.

        Raises:
            PartError: it did not come back.
        """
        self._api_server.kill()
        self._api_server.wait()
        self._api_server.start()
        self._wait(self._api_server, "did not come back", self._api.ready)
        self._wait_until_usable()

    def pause(self, namespace: str) -> None:
        """Let the pod identity webhook leave new pods of that namespace alone."""
        self._webhook.paused.add(namespace)

    def resume(self, namespace: str) -> None:
        """Undo `pause`."""
        self._webhook.paused.discard(namespace)

    def parts(self) -> dict[str, Any]:
        """For each part its `pid` and its `failure`, the message of the PartError or None."""
        return {part.name: {"pid": part.pid, "failure": _failure(part)} for part in self._parts}

    @property
    def _parts(self) -> tuple[Part, ...]:
        return (*self._storage, *self._clients)

    def _service_account(self, namespace: str, name: str) -> dict[str, Any] | None:
        return self._api.get(f"/api/v1/namespaces/{namespace}/serviceaccounts/{name}")

    def _serve_webhook(self) -> str:
        certificate, key = self.layout.pki("server.crt"), self.layout.pki("server.key")
        server = WebhookServer(self._webhook, certificate, key)
        server.start()
        self._stack.callback(server.stop)
        return server.url

    def _wait_until_usable(self) -> None:
        self._webhook.asked.clear()
        self._wait(self._controllers, "made no ServiceAccount", self._default_account_exists)
        self._wait(self._kwok, "made no node usable", self._nodes_are_usable)
        self._wait(self._api_server, "does not ask the webhook", self._webhook_is_asked)

    def _default_account_exists(self) -> bool:
        return self._service_account("default", "default") is not None

    def _nodes_are_usable(self) -> bool:
        names = [each["metadata"]["name"] for each in self._nodes]
        return all(is_usable(self._api.get(f"/api/v1/nodes/{name}")) for name in names)

    def _webhook_is_asked(self) -> bool:
        self._api.create("/api/v1/namespaces/default/pods?dryRun=All", PROBE)
        return self._webhook.asked.is_set()

    def _wait(self, part: Part, otherwise: str, condition: Callable[[], bool]) -> None:
        deadline = time.monotonic() + START_SECONDS
        refused = ""
        while time.monotonic() < deadline:
            self._check()
            try:
                if condition():
                    return
            except ApiError as error:
                refused = f" ({error})"
            for each in self._parts:
                each.check()
            time.sleep(POLL_SECONDS)
        raise part.failure(f"{otherwise} within {START_SECONDS:.0f} s{refused}")


def write_credentials(layout: Layout) -> bytes:
    """Write keys, certificates and kubeconfigs of all parts; returns the authority's certificate, PEM."""
    for name in ("pki", "kubeconfig", "logs"):
        (layout.directory / name).mkdir()
    authority = certificates.authority("sandbox")
    layout.pki("ca.crt").write_bytes(authority.certificate)
    hosts = [layout.address, components.LOOPBACK, "localhost", "kubernetes.default.svc", components.SERVICE_IP]
    _write_pair(layout, "server", certificates.server(authority, hosts))
    private, public = certificates.signing_key()
    layout.pki("service-account.key").write_bytes(private)
    layout.pki("service-account.pub").write_bytes(public)
    endpoint = kubeconfig.Endpoint(layout.server, authority.certificate)
    for user, name, group in (
        ("admin", "kubernetes-admin", "system:masters"),
        ("kube-controller-manager", "system:kube-controller-manager", None),
        ("kube-scheduler", "system:kube-scheduler", None),
        ("kwok", "kwok", "system:masters"),
        ("kubelet-client", "kube-apiserver-kubelet-client", "system:masters"),
        ("kubelet", f"system:node:{REAL_NODE}", "system:nodes"),
        ("kube-proxy", "system:kube-proxy", None),
    ):
        pair = certificates.client(authority, name, group)
        _write_pair(layout, user, pair)
        kubeconfig.write(layout.kubeconfig(user), endpoint, kubeconfig.certificate_user(pair))
    return authority.certificate


def _write_pair(layout: Layout, name: str, pair: certificates.KeyPair) -> None:
    layout.pki(f"{name}.crt").write_bytes(pair.certificate)
    layout.pki(f"{name}.key").write_bytes(pair.key)


def _failure(part: Part) -> str | None:
    try:
        part.check()
    except PartError as error:
        return str(error)
    return None
