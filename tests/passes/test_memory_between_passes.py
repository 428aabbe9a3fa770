"""What a pass remembers for the next one, on a clock that the test drives."""

from __future__ import annotations

import base64
import secrets
from collections.abc import Iterator

import pytest

from apono_operator.reconciler import Environment, Reconciler
from apono_operator.reconciler.environment import SETTLING_SECONDS
from apono_operator.state.resources import Owner
from apono_operator.v1alpha1 import FINALIZER
from sandbox.aws import FrontDoor
from sandbox.controlplane import ControlPlane
from sandbox.installation import create_oidc_provider
from tests.adapters.aws.connection import Connection, connect
from tests.adapters.kubernetes.conftest import connected
from tests.builders import an_administration
from tests.scenarios.cluster import Cluster, Document
from tests.scenarios.scenario import NAME, TOKEN, condition_of, manifest

HOUR = 3600.0


class Passes:
    """A connector, and passes over it in this very process."""

    def __init__(self, cluster: Cluster, reconciler: Reconciler, connection: Connection, owner: Owner) -> None:
        self.cluster = cluster
        self.reconciler = reconciler
        self.owner = owner
        self.moment = 0.0
        self._connection = connection

    def role_condition(self) -> Document:
        """What the status says of the role."""
        return condition_of(self.cluster.get("AponoConnector", NAME) or {}, "ConnectorRoleReady")

    def calls(self, *, quick: bool = False) -> list[str]:
        """Make a pass; return what it asked of AWS."""
        self._connection = self._connection.from_now_on()
        self.outcome = self.reconciler.reconcile(self.owner, quick=quick)
        return self._connection.calls().operations


@pytest.fixture
def passes(control_plane: ControlPlane) -> Iterator[Passes]:
    namespace = f"passes-{secrets.token_hex(4)}"
    control_plane.kubectl("create", "namespace", namespace)
    cluster = Cluster(control_plane.kubeconfig, namespace)
    token = {"token": base64.b64encode(TOKEN.encode()).decode()}
    cluster.create("Secret", {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "apono-token"}, "data": token})
    document = manifest()
    document["metadata"]["finalizers"] = [FINALIZER]
    uid = cluster.create("AponoConnector", document)["metadata"]["uid"]
    with FrontDoor() as aws:
        account = aws.create_account()
        create_oidc_provider(account, control_plane.issuer)
        connection = connect(aws, account)
        environment = Environment(
            connected(control_plane.kubeconfig),
            connection.session,
            connection.iam,
            an_administration(
                permissions_boundaries={}, allow_unbounded_roles=True, grants=({"namespaces": [namespace]},)
            ),
            control_plane.issuer.removeprefix("https://"),
            monotonic=lambda: made.moment,
        )
        made = Passes(cluster, Reconciler(environment), connection, Owner(namespace, NAME, uid))
        yield made
    control_plane.kubectl("delete", "namespace", namespace, "--wait=false")


def test_a_role_is_made_with_the_fewest_calls(passes: Passes) -> None:
    assert passes.calls() == [
        "GetCallerIdentity",
        "GetOpenIDConnectProvider",
        "GetRole",
        "CreateRole",
        "PutRolePolicy",
        *["AttachRolePolicy"] * 3,
    ]


def test_a_change_is_looked_at_again_when_iam_has_settled(passes: Passes) -> None:
    passes.calls()
    assert passes.outcome is not None
    assert passes.outcome.within == pytest.approx(SETTLING_SECONDS)

    passes.moment = SETTLING_SECONDS
    assert passes.calls() == ["GetRole", "GetRolePolicy"]
    assert passes.outcome is not None
    assert passes.outcome.within is None


def test_attachments_and_provider_are_looked_at_hourly(passes: Passes) -> None:
    passes.calls()

    passes.moment = HOUR - 1
    assert passes.calls() == ["GetRole", "GetRolePolicy"]
    passes.moment = HOUR
    assert passes.calls() == ["GetOpenIDConnectProvider", "GetRole", "GetRolePolicy", "ListAttachedRolePolicies"]
    passes.moment = HOUR + 1
    assert passes.calls() == ["GetRole", "GetRolePolicy"]


def test_a_quick_pass_asks_nothing_of_aws_and_says_the_same(passes: Passes) -> None:
    passes.calls()
    before = passes.role_condition()

    assert passes.calls(quick=True) == []
    assert passes.role_condition() == before
    assert before["status"] == "True"


def test_a_connector_without_our_finalizer_gets_nothing(passes: Passes) -> None:
    passes.cluster.patch("AponoConnector", NAME, {"metadata": {"finalizers": None}})

    assert passes.calls() == []
    assert passes.outcome is None


def test_another_connector_of_the_same_name_is_not_touched(passes: Passes) -> None:
    passes.owner = Owner(passes.owner.namespace, passes.owner.name, "the-uid-of-one-that-is-gone")

    assert passes.calls() == []
    assert passes.outcome is None
