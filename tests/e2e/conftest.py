"""One release for the whole run, on a cluster whose node runs containers: `make e2e`, or kind."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest

from sandbox.aws import Account, FrontDoor
from sandbox.bootstrap import Bootstrapped, bootstrap
from sandbox.controlplane import ControlPlane
from sandbox.controlplane.control_plane import KUBECONFIG_VARIABLE
from sandbox.node.__main__ import ADDRESS_VARIABLE
from sandbox.node.apono import AponoApi, serving
from sandbox.node.images import CONNECTOR_IMAGE, OPERATOR_IMAGE
from sandbox.node.webhook import pod_identity_webhook
from sandbox.surroundings import Surroundings
from tests.e2e.installed import Installed
from tests.e2e.release import Release
from tests.scenarios.cluster import Cluster

NAMESPACE = "apono"
UNWANTED = "unwanted"
"""A connector whose token Apono refuses from the start: until its probe ends it, it takes two minutes."""


@pytest.fixture(scope="session")
def address() -> str:
    """Where pods reach this machine."""
    if not {KUBECONFIG_VARIABLE, ADDRESS_VARIABLE} <= os.environ.keys():
        raise pytest.UsageError(f"needs a cluster that runs containers, as of make e2e: {ADDRESS_VARIABLE}")
    return os.environ[ADDRESS_VARIABLE]


@pytest.fixture(scope="session")
def around(control_plane: ControlPlane, address: str) -> Iterator[Surroundings]:
    """AWS where pods reach it; the custom resource definition comes with the chart."""
    with pod_identity_webhook(control_plane, address), FrontDoor(address=address) as aws:
        aws.trust_issuer(control_plane.issuer, control_plane.jwks)
        yield Surroundings(control_plane, aws)


@pytest.fixture(scope="session")
def installed(control_plane: ControlPlane, around: Surroundings, address: str) -> Iterator[Installed]:
    account = around.create_account()
    managed = around.create_organization(account)
    issuer = control_plane.issuer.removeprefix("https://")
    made = bootstrap(around.aws, account, managed, issuer, NAMESPACE)
    create_namespace(control_plane)
    api = AponoApi(around.aws.endpoint_url)
    release = Release(control_plane.kubeconfig, NAMESPACE)
    with serving(api, address) as url:
        release.install(values(control_plane, around.aws, account, made, url))
        cluster = Cluster(control_plane.kubeconfig, NAMESPACE)
        installed = Installed(control_plane, cluster, release, around.aws, account, managed, api)
        installed.create_token(UNWANTED, known=False)
        installed.apply(UNWANTED)
        yield installed


def create_namespace(control_plane: ControlPlane) -> None:
    """Make the namespace, which admits only pods that are as restricted as Kubernetes knows."""
    control_plane.kubectl("create", "namespace", NAMESPACE)
    control_plane.kubectl("label", "namespace", NAMESPACE, "pod-security.kubernetes.io/enforce=restricted")


def values(
    control_plane: ControlPlane, aws: FrontDoor, account: Account, made: Bootstrapped, api_url: str
) -> dict[str, Any]:
    """The chart's values: what bootstrap printed, where images are, and where AWS and Apono's API are."""
    repository, _, tag = OPERATOR_IMAGE.partition(":")
    environment = aws.environment_without_credentials(account.region)
    return {
        "image": {"repository": repository, "tag": tag, "pullPolicy": "Never"},
        "serviceAccount": {"annotations": {"eks.amazonaws.com/role-arn": made.operator_role_arn}},
        "permissionsBoundaries": dict(made.boundaries),
        "managementAccounts": [{**made.management_account, "namespaces": [NAMESPACE]}],
        "grants": [{"namespaces": [NAMESPACE], "imageRegistries": ["localhost"]}],
        "connectorImage": CONNECTOR_IMAGE,
        "aponoUrl": api_url,
        # As far as the node enforces it: kind does.
        "networkPolicy": {"enabled": True, "httpsPorts": [*ports(control_plane.server, aws.endpoint_url)]},
        "secretPollSeconds": 1,
        "stackPollSeconds": 1,
        "logFormat": "console",
        "extraEnv": [{"name": "AWS_ENDPOINT_URL", "value": environment["AWS_ENDPOINT_URL"]}],
    }


def ports(*urls: str) -> list[int]:
    """The ports of *urls*, and those that API servers have behind their Service."""
    return sorted({443, 6443} | {port for url in urls if (port := urlsplit(url).port)})
