from __future__ import annotations

import base64
import secrets
from collections.abc import Iterator

import pytest

from apono_operator.reconciler import Environment
from apono_operator.state.resources import Owner
from apono_operator.v1alpha1 import FINALIZER
from sandbox.aws import FrontDoor
from sandbox.controlplane import ControlPlane
from sandbox.installation import create_oidc_provider
from tests.adapters.aws.connection import connect, customer_policy
from tests.adapters.kubernetes.conftest import connected
from tests.builders import an_administration
from tests.passes.passes import Passes
from tests.scenarios.cluster import Cluster
from tests.scenarios.scenario import NAME, TOKEN, TOKEN_SECRET, manifest


@pytest.fixture
def passes(control_plane: ControlPlane) -> Iterator[Passes]:
    namespace = f"passes-{secrets.token_hex(4)}"
    control_plane.kubectl("create", "namespace", namespace)
    cluster = Cluster(control_plane.kubeconfig, namespace)
    token = {"token": base64.b64encode(TOKEN.encode()).decode()}
    cluster.create("Secret", {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": TOKEN_SECRET}, "data": token})
    document = manifest()
    document["metadata"]["finalizers"] = [FINALIZER]
    uid = cluster.create("AponoConnector", document)["metadata"]["uid"]
    with FrontDoor() as aws:
        account = aws.create_account()
        create_oidc_provider(account, control_plane.issuer)
        connection = connect(aws, account)
        administration = an_administration(
            permissions_boundaries={"ReadOnly": customer_policy(account, "boundary")},
            allow_unbounded_roles=True,
            grants=({"namespaces": [namespace]},),
            allowed_role_tag_keys=("team",),
        )
        environment = Environment(
            connected(control_plane.kubeconfig),
            connection.session,
            connection.iam,
            administration,
            control_plane.issuer.removeprefix("https://"),
            monotonic=lambda: made.moment,
        )
        made = Passes(cluster, environment, Owner(namespace, NAME, uid), connection)
        # The namespace stays: with a finalizer in it that nobody takes off, its deletion is tried again without end,
        # which kept the API server busy for the rest of the run.
        yield made
