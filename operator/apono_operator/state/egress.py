"""The way out of a closed network, which the administrator sets for all connectors: a proxy, and a private CA."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from apono_operator.v1alpha1.scalars import DNS_SUBDOMAIN

PRIVATE_CA_DIRECTORY = "/etc/apono/private-ca"
"""Where pods find the ConfigMap of the private CA."""

CA_VARIABLES = ("AWS_CA_BUNDLE", "NODE_EXTRA_CA_CERTS", "REQUESTS_CA_BUNDLE", "SSL_CERT_FILE")
"""What names the file to the AWS SDKs, Node.js, Python's requests, and to OpenSSL and Go."""

NEVER_PROXIED = (
    "localhost",
    "127.0.0.1",
    "169.254.170.23",
    "[fd00:ec2::23]",
    "$(KUBERNETES_SERVICE_HOST)",
    "kubernetes",
    "kubernetes.default",
    ".svc",
)
"""What no proxy may stand in the way of: the Pod Identity agent and the API server, whose address Kubernetes fills in.

Source: Amazon EKS User Guide, "Learn how EKS Pod Identity grants pods access to AWS services", on proxies; Kubernetes
documentation, "Define Dependent Environment Variables".
"""

_PROXY_URL = r"^(https?://[^\s\"/@]+/?)?$"
_CONFIG_MAP = r"^([a-z0-9]([-a-z0-9.]*[a-z0-9])?)?$"


class Proxy(BaseModel):
    """How pods reach what is outside; without any URL, directly."""

    model_config = ConfigDict(frozen=True, extra="forbid", alias_generator=to_camel, populate_by_name=True)

    http_proxy: Annotated[str, Field(pattern=_PROXY_URL)] = ""
    https_proxy: Annotated[str, Field(pattern=_PROXY_URL)] = ""
    no_proxy: tuple[Annotated[str, Field(pattern=r"^[^,\s]+$")], ...] = ()
    """What is reached without, besides `NEVER_PROXIED`."""

    cluster_domain: Annotated[str, Field(pattern=DNS_SUBDOMAIN, max_length=253)] = "cluster.local"

    def variables(self) -> dict[str, str]:
        """Return the variables that tell a program of it, by name, in both cases: programs read the one or the other.

        Values are as Kubernetes takes them, which expands ``$(KUBERNETES_SERVICE_HOST)``.
        """
        urls = {"HTTP_PROXY": self.http_proxy, "HTTPS_PROXY": self.https_proxy}
        given = {name: url.replace("$", "$$") for name, url in urls.items() if url}
        if not given:
            return {}
        told = {**given, "NO_PROXY": self._never()}
        return {**told, **{name.lower(): value for name, value in told.items()}}

    def _never(self) -> str:
        own = (host.replace("$", "$$") for host in self.no_proxy)
        return ",".join([*NEVER_PROXIED, f".{self.cluster_domain}", *own])


class PrivateCa(BaseModel):
    """A ConfigMap with all certificates that are to be trusted, in the namespace of each pod; none without a name."""

    model_config = ConfigDict(frozen=True, extra="forbid", alias_generator=to_camel, populate_by_name=True)

    config_map: Annotated[str, Field(pattern=_CONFIG_MAP, max_length=253)] = ""
    key: Annotated[str, Field(pattern=r"^[-._a-zA-Z0-9]+$", max_length=253)] = "ca.crt"

    def variables(self) -> dict[str, str]:
        """Return the variables that name the file, by name; none without a ConfigMap."""
        return dict.fromkeys(CA_VARIABLES, f"{PRIVATE_CA_DIRECTORY}/{self.key}") if self.config_map else {}

    def volumes(self) -> list[dict[str, Any]]:
        """Return the volumes of a pod that needs it."""
        return [{"name": "private-ca", "configMap": {"name": self.config_map}}] if self.config_map else []

    def mounts(self) -> list[dict[str, Any]]:
        """Return where a container of that pod finds it."""
        mount = {"name": "private-ca", "mountPath": PRIVATE_CA_DIRECTORY, "readOnly": True}
        return [mount] if self.config_map else []
