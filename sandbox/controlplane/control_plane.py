"""A Kubernetes control plane as callers see it, whoever runs it."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from contextlib import ExitStack, contextmanager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from kubernetes.client import ApiClient, ApiException, CoreV1Api
from kubernetes.config import new_client_from_config
from kubernetes.dynamic import DynamicClient

from sandbox.controlplane import kubeconfig as kubeconfigs
from sandbox.controlplane.audit import AuditLog
from sandbox.controlplane.audit import file_in as audit_file_in
from sandbox.controlplane.binaries import executable
from sandbox.controlplane.control import ControlClient
from sandbox.controlplane.errors import CommandError, PartError, UnsupportedError
from sandbox.controlplane.launch import own_service, state_in

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sandbox.controlplane.state import State

DEFAULT_REGION = "us-east-1"
DAY = 86_400
KUBECONFIG_VARIABLE = "SANDBOX_KUBECONFIG"
"""Environment variable: the kubeconfig of a cluster to use instead of one of our own."""
WITHOUT_COLLECTION = {"GOGC": "off"}
"""For kubectl, which ends before it would need memory again: collecting garbage is a fifth of its time (Go
documentation, "A Guide to the Go Garbage Collector")."""


class Webhook:
    """Switches of the pod identity webhook, by namespace, so that tests don't disturb each other."""

    def __init__(self, control: ControlClient) -> None:
        self._control = control

    def pause(self, namespace: str) -> None:
        """From now on new pods of that namespace get no role, as when EKS' webhook is down."""
        self._control.call("pause", namespace)

    def resume(self, namespace: str) -> None:
        """Undo `pause`."""
        self._control.call("resume", namespace)

    @contextmanager
    def paused(self, namespace: str) -> Iterator[None]:
        """Pause for the length of a block."""
        self.pause(namespace)
        try:
            yield
        finally:
            self.resume(namespace)


class ControlPlane:
    """A Kubernetes API server with its controllers; make one by `start`, `attach` or `existing`.

    A context manager: leaving the block stops what `start` started; PartError is raised if a part had died.

    Attributes:
        kubeconfig: kubeconfig file of an administrator.
        server: URL of the API server.
        ca_certificate: the authority that vouches for the API server, PEM.
        issuer: the `iss` of ServiceAccount tokens, on EKS the cluster's OIDC issuer URL.
        region: the AWS region that the pod identity webhook puts into pods.
        directory: a directory for files that shall live as long as the control plane.
    """

    def __init__(self, kubeconfig: Path, directory: Path, region: str, state: State | None, stack: ExitStack) -> None:
        endpoint = kubeconfigs.endpoint_of(kubeconfig)
        self.kubeconfig = kubeconfig
        self.directory = directory
        self.region = region
        self.server = endpoint.server
        self.ca_certificate = endpoint.ca_certificate
        self._control: ControlClient | None = None
        if state is not None:
            self._control = ControlClient(state)
            stack.callback(self._control.close)
        self.issuer: str = state.issuer if state else self._discovery()["issuer"]
        self._stack = stack.pop_all()

    @classmethod
    def start(
        cls, *, region: str = DEFAULT_REGION, crds: Sequence[Path] = (), node_address: str | None = None
    ) -> ControlPlane:
        """Start a control plane of one's own; takes seconds, and minutes when executables must be built.

        With `node_address` it has no nodes, and is one that a real node at that address of this machine joins.

        Raises:
            BuildError: an executable could not be built.
            PartError: a part did not come up; the message has the end of its log.
        """
        with ExitStack() as stack:
            state = stack.enter_context(own_service(region, crds, node_address))
            return cls(state.kubeconfig, state.directory, state.region, state, stack)

    @classmethod
    def attach(cls, state_file: Path) -> ControlPlane:
        """Use the control plane of a `serve --state FILE` (see `__main__`); `close` leaves it running.

        Raises:
            FileNotFoundError: no state was written yet.
            PartError: that control plane did not come up.
        """
        state = state_in(state_file.read_text(encoding="utf-8"))
        return cls(state.kubeconfig, state.directory, state.region, state, ExitStack())

    @classmethod
    def existing(cls, kubeconfig: Path, *, region: str = DEFAULT_REGION) -> ControlPlane:
        """Use the cluster of a kubeconfig's current context, with its own pod identity webhook.

        Raises:
            CommandError: the cluster doesn't answer.
        """
        with ExitStack() as stack:
            directory = stack.enter_context(tempfile.TemporaryDirectory(prefix="apono-sandbox-"))
            return cls(kubeconfig, Path(directory), region, None, stack)

    @classmethod
    def chosen(cls, *, crds: Sequence[Path] = ()) -> ControlPlane:
        """Use the cluster of the kubeconfig that `SANDBOX_KUBECONFIG` names, or else start one.

        Raises:
            BuildError: an executable could not be built.
            CommandError: the chosen cluster doesn't answer.
            PartError: a part did not come up.
        """
        kubeconfig = os.environ.get(KUBECONFIG_VARIABLE)
        return cls.existing(Path(kubeconfig)) if kubeconfig else cls.start(crds=crds)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, _type: object, error: BaseException | None, _traceback: object) -> None:
        try:
            self.check()
        except PartError as failure:
            if error is None:
                raise
            error.add_note(str(failure))
        finally:
            self.close()

    def close(self) -> None:
        """Let go: stop what `start` started, leave what `attach` and `existing` found."""
        self._stack.close()

    @property
    def webhook(self) -> Webhook:
        """The switches of the pod identity webhook.

        Raises:
            UnsupportedError: an existing cluster's webhook is not ours.
        """
        return Webhook(self._supervisor("the webhook cannot be paused"))

    def audit_log(self) -> AuditLog:
        """What ServiceAccounts write, from the beginning on.

        Raises:
            UnsupportedError: an existing cluster's API server logs elsewhere, if at all.
        """
        self._supervisor("its audit log is out of reach")
        return AuditLog(audit_file_in(self.directory))

    def check(self) -> None:
        """Make sure that every part runs; of an existing cluster nothing is known.

        Raises:
            PartError: names a part that died, with the end of its log.
        """
        if self._control is None:
            return
        for part in self._control.call("parts").values():
            if part["failure"]:
                raise PartError(part["failure"])

    def processes(self) -> dict[str, int]:
        """Process ids by part: etcd, kube-apiserver, kube-controller-manager, kube-scheduler, kwok.

        Raises:
            UnsupportedError: an existing cluster's processes are out of reach.
        """
        control = self._supervisor("its processes are unknown")
        return {name: part["pid"] for name, part in control.call("parts").items()}

    def restart_api_server(self) -> None:
        """Kill kube-apiserver and start it again at the same address; returns when it is ready.

        Raises:
            PartError: it did not come back.
            UnsupportedError: an existing cluster's API server is not ours.
        """
        self._supervisor("its API server cannot be restarted").call("restart-api-server")

    def kubectl(self, *arguments: str, stdin: str | None = None) -> str:
        """Run kubectl as the administrator and return its standard output.

        Raises:
            CommandError: kubectl refused; the message is its standard error.
            PartError: kubectl failed and so did a part of the control plane.
        """
        files = [f"--kubeconfig={self.kubeconfig}", f"--cache-dir={self.directory / 'kubectl-cache'}"]
        command = [str(executable("kubectl")), *files, *arguments]
        environment = {**os.environ, **WITHOUT_COLLECTION}
        done = subprocess.run(command, env=environment, input=stdin, capture_output=True, text=True, check=False)
        if done.returncode:
            self.check()
            raise CommandError(f"kubectl {' '.join(arguments)}: {done.stderr.strip()}")
        return done.stdout

    def jwks(self) -> dict[str, Any]:
        """The keys that sign ServiceAccount tokens, a JSON Web Key Set (RFC 7517)."""
        keys: dict[str, Any] = json.loads(self.kubectl("get", "--raw", "/openid/v1/jwks"))
        return keys

    def service_account_token(
        self, namespace: str, name: str, audience: str | None = None, expiration_seconds: int = 3600
    ) -> str:
        """A token of that ServiceAccount (TokenRequest API), for the API server itself without `audience`.

        Raises:
            CommandError: there is no such ServiceAccount, or fewer than 600 seconds were asked for.
        """
        wish = {"audiences": [audience] if audience else None, "expirationSeconds": expiration_seconds}
        with _refusals(f"token of {namespace}/{name}"):
            granted = CoreV1Api(self._client).create_namespaced_service_account_token(name, namespace, {"spec": wish})
        token: str = granted.status.token
        return token

    def apply(self, documents: Sequence[dict[str, Any]]) -> None:
        """Apply objects on the server's side, one after the other, as ``kubectl apply --server-side`` does.

        Raises:
            CommandError: the API server refused one of them.
        """
        for document in documents:
            metadata = document["metadata"]
            with _refusals(f"{document['kind']} {metadata['name']}"):
                resource = self._dynamic.resources.get(api_version=document["apiVersion"], kind=document["kind"])
                resource.server_side_apply(
                    document,
                    metadata["name"],
                    metadata.get("namespace"),
                    force_conflicts=True,
                    field_manager="sandbox",
                )

    def service_account_kubeconfig(self, namespace: str, name: str) -> Path:
        """A new kubeconfig file that identifies itself as that ServiceAccount, for a day.

        Raises:
            CommandError: there is no such ServiceAccount.
        """
        token = self.service_account_token(namespace, name, expiration_seconds=DAY)
        directory = Path(tempfile.mkdtemp(prefix=f"{namespace}-{name}-", dir=self.directory))
        endpoint = kubeconfigs.Endpoint(self.server, self.ca_certificate)
        return kubeconfigs.write(directory / "kubeconfig", endpoint, {"token": token}, namespace)

    @cached_property
    def _client(self) -> ApiClient:
        return new_client_from_config(str(self.kubeconfig))

    @cached_property
    def _dynamic(self) -> DynamicClient:
        return DynamicClient(self._client)

    def _discovery(self) -> dict[str, Any]:
        document: dict[str, Any] = json.loads(self.kubectl("get", "--raw", "/.well-known/openid-configuration"))
        return document

    def _supervisor(self, otherwise: str) -> ControlClient:
        if self._control is None:
            raise UnsupportedError(f"this is an existing cluster: {otherwise}")
        return self._control


@contextmanager
def _refusals(what: str) -> Iterator[None]:
    try:
        yield
    except ApiException as error:
        raise CommandError(f"{what}: {error.reason}: {error.body}") from error
