"""The stand-in for EKS' pod identity webhook: a TLS server and its registration with the API server."""

from __future__ import annotations

import json
import ssl
from base64 import b64encode
from http.server import BaseHTTPRequestHandler
from socketserver import ThreadingTCPServer
from threading import Event, Thread
from typing import TYPE_CHECKING, Any

from sandbox.controlplane.pod_identity import SKIP_LABEL, identity_of, patch

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

Json = dict[str, Any]


def configuration(url: str, ca_certificate: bytes) -> Json:
    """The MutatingWebhookConfiguration, with the rules of EKS' own: pods, on creation, failures ignored."""
    return {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "MutatingWebhookConfiguration",
        "metadata": {"name": "pod-identity-webhook"},
        "webhooks": [
            {
                "name": "iam-for-pods.amazonaws.com",
                "clientConfig": {"url": url, "caBundle": b64encode(ca_certificate).decode()},
                "rules": [
                    {
                        "apiGroups": [""],
                        "apiVersions": ["v1"],
                        "operations": ["CREATE"],
                        "resources": ["pods"],
                    }
                ],
                "objectSelector": {"matchExpressions": [{"key": SKIP_LABEL, "operator": "DoesNotExist"}]},
                "failurePolicy": "Ignore",
                "reinvocationPolicy": "IfNeeded",
                "sideEffects": "None",
                "admissionReviewVersions": ["v1"],
                "timeoutSeconds": 10,
            }
        ],
    }


class PodIdentityWebhook:
    """Answers admission reviews of pods; paused namespaces get an answer that changes nothing.

    `service_account` looks a ServiceAccount up by namespace and name and returns None if there is none.
    """

    def __init__(self, service_account: Callable[[str, str], Json | None], region: str) -> None:
        self.paused: set[str] = set()
        self.asked = Event()  # set by every review: shows that the API server uses the configuration
        self._service_account = service_account
        self._region = region

    def review(self, review: Json) -> Json:
        """The AdmissionReview (admission.k8s.io/v1) that answers the given one."""
        self.asked.set()
        request = review["request"]
        response: Json = {"uid": request["uid"], "allowed": True}
        operations = self._operations(request["namespace"], request["object"])
        if operations:
            response["patchType"] = "JSONPatch"
            response["patch"] = b64encode(json.dumps(operations).encode()).decode()
        return {"apiVersion": review["apiVersion"], "kind": review["kind"], "response": response}

    def _operations(self, namespace: str, pod: Json) -> list[Json]:
        if namespace in self.paused:
            return []
        account = self._service_account(namespace, pod["spec"].get("serviceAccountName") or "default")
        identity = identity_of(pod, account, self._region) if account else None
        return patch(pod, identity) if identity else []


class WebhookServer(ThreadingTCPServer):
    """Serves a webhook over TLS on a free port of `address`, in threads of its own.

    Not an http.server.HTTPServer, which looks its own name up and so depends on the machine's name service.
    """

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, webhook: PodIdentityWebhook, certificate: Path, key: Path, address: str = "127.0.0.1") -> None:
        super().__init__((address, 0), _handler(webhook))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        # The handshake belongs to the connection's own thread: a silent client must not stop the others.
        self.socket = context.wrap_socket(self.socket, server_side=True, do_handshake_on_connect=False)
        self._thread = Thread(target=self.serve_forever, name="pod-identity-webhook", daemon=True)

    @property
    def url(self) -> str:
        """Where the API server finds it."""
        address, port = self.server_address[:2]
        return f"https://{address!s}:{port}/mutate"

    def start(self) -> None:
        """Begin to serve."""
        self._thread.start()

    def stop(self) -> None:
        """Stop serving and free the port."""
        self.shutdown()
        self.server_close()


def _handler(webhook: PodIdentityWebhook) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1  # an answer leaves in one piece, or Nagle's algorithm holds its end back

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            answer = json.dumps(webhook.review(json.loads(body))).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
            """Keep the log to what went wrong."""

    return Handler
