"""Who might try to get more than is theirs, by what, and what stops them: one row an attempt.

The author is a real one: a ServiceAccount that may write AponoConnectors in one namespace, and nothing else.
"""

from __future__ import annotations

import json
import secrets
from typing import Any, NamedTuple

import pytest
import yaml
from kubernetes.dynamic.exceptions import DynamicApiError

from apono_operator.state.resources import Cluster as AwsCluster
from apono_operator.state.resources import Owner
from sandbox.installation import AUDIENCE, RELEASE
from tests.scenarios.cluster import Cluster, Document
from tests.scenarios.conftest import StartScenario
from tests.scenarios.scenario import TOKEN_SECRET, Role, Scenario, condition_of, manifest
from tests.waiting import until


class Threat(NamedTuple):
    """An attempt by a field of the spec, and the words of what stops it."""

    tries: str
    spec: Document
    stopped_by: str


def rows(*threats: Threat) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("threat", threats, ids=lambda threat: threat.tries)


def pods(**options: Any) -> Document:
    return {"deployment": options}


def variable(name: str) -> Document:
    return pods(env=[{"name": name, "value": "https://example.com"}])


@pytest.fixture(scope="module")
def author(shared_scenario: Scenario) -> Cluster:
    """The namespace as somebody sees it who may write AponoConnectors there, and nothing else."""
    namespace = shared_scenario.cluster.namespace
    control_plane = shared_scenario.installation.control_plane
    everything = {"apiGroups": ["apono.io"], "resources": ["aponoconnectors"], "verbs": ["*"]}
    subject = {"kind": "ServiceAccount", "name": "author", "namespace": namespace}
    rbac = "rbac.authorization.k8s.io"
    documents: list[Document] = [
        {"apiVersion": "v1", "kind": "ServiceAccount"},
        {"apiVersion": f"{rbac}/v1", "kind": "Role", "rules": [everything]},
        {
            "apiVersion": f"{rbac}/v1",
            "kind": "RoleBinding",
            "roleRef": {"apiGroup": rbac, "kind": "Role", "name": "author"},
            "subjects": [subject],
        },
    ]
    named = [{**document, "metadata": {"name": "author", "namespace": namespace}} for document in documents]
    control_plane.kubectl("apply", "-f", "-", stdin=yaml.safe_dump_all(named))
    return Cluster(control_plane.service_account_kubeconfig(namespace, "author"), namespace)


def some_name() -> str:
    return f"attempt-{secrets.token_hex(4)}"


def role_of(scenario: Scenario, connector: Document) -> Role:
    role = scenario.role(connector)
    assert role is not None
    return role


# --- the author of a connector, stopped by the API server: there is no field for it, or a rule forbids the value ----

_NO_FIELD = "field not declared in schema"
_SET_BY_OPERATOR = "are set by the operator"


@rows(
    Threat("to name another role", {"role": {"arn": "arn:aws:iam::123456789012:role/admin"}}, _NO_FIELD),
    Threat("to choose the boundary", {"role": {"permissionsBoundary": "arn:aws:iam::aws:policy/x"}}, _NO_FIELD),
    Threat("to trust somebody else", {"role": {"assumeRolePolicyDocument": "{}"}}, _NO_FIELD),
    Threat("to write a policy", {"role": {"policy": "{}"}}, _NO_FIELD),
    Threat("to extend sessions", {"role": {"maxSessionDuration": 43200}}, _NO_FIELD),
    Threat("to take up another's role by its tags", {"role": {"tags": {"apono.io/name": "x"}}}, "are reserved"),
    Threat("to write those tags in another case", {"role": {"tags": {"aPoNo.io/uid": "x"}}}, "are reserved"),
    Threat("to write AWS' own tags", {"role": {"tags": {"AWS:x": "x"}}}, "are reserved"),
    Threat(
        "to read another namespace's Secret",
        {"tokenSecretRef": {"name": TOKEN_SECRET, "namespace": "kube-system"}},
        _NO_FIELD,
    ),
    Threat(
        "to climb to another namespace by the path",
        {"tokenSecretRef": {"name": "../../kube-system/secrets/x"}},
        "spec.tokenSecretRef.name",
    ),
    Threat("to run as another ServiceAccount", pods(serviceAccountName=RELEASE), _NO_FIELD),
    Threat("to use the host's network", pods(hostNetwork=True), _NO_FIELD),
    Threat("to mount the host's files", pods(volumes=[{"name": "x", "hostPath": {"path": "/"}}]), _NO_FIELD),
    Threat("to add a container", pods(containers=[{"name": "x", "image": "x"}]), _NO_FIELD),
    Threat("to be privileged", pods(securityContext={"privileged": True}), _NO_FIELD),
    Threat("to gain capabilities", pods(securityContext={"capabilities": {"add": ["SYS_ADMIN"]}}), _NO_FIELD),
    Threat("to assume another role", variable("AWS_ROLE_ARN"), "AWS_\\* are set"),
    Threat("to be sent to another AWS", variable("AWS_ENDPOINT_URL"), "AWS_\\* are set"),
    Threat("to send the token to another host", variable("APONO_URL"), "APONO_\\* and AWS_"),
    Threat("to set a token beside its Secret", variable("APONO_TOKEN"), "APONO_\\* and AWS_"),
    Threat("to send the token in clear", variable("APONO_WEBSOCKET_SSL"), "APONO_\\* and AWS_"),
    Threat("to evict others' pods", pods(priorityClassName="system-node-critical"), "priority classes system-"),
    Threat("to pass for another connector's pods", pods(podLabels={"apono.io/connector": "x"}), _SET_BY_OPERATOR),
    Threat(
        "to keep the webhook off", pods(podAnnotations={"eks.amazonaws.com/skip-containers": "x"}), _SET_BY_OPERATOR
    ),
    Threat(
        "to forge the account of restarts",
        pods(podAnnotations={"apono.io/role-injection-restarts": "9"}),
        _SET_BY_OPERATOR,
    ),
    Threat("to climb out of the registry", pods(image="registry.apono.io/../evil:1"), "spec.deployment.image"),
    Threat("to hide a registry behind @", pods(image="registry.apono.io/x@evil.example/x"), "spec.deployment.image"),
    Threat("to break a line", {"connectorId": "x\nAPONO_URL=example.com"}, "spec.connectorId"),
    Threat("to fill the cluster with pods", pods(replicas=11), "less than or equal to 10"),
    Threat("to overflow a number", pods(replicas=2**63), "int"),
    Threat(
        "to send more than anybody needs",
        pods(env=[{"name": f"X{n}", "value": "x"} for n in range(51)]),
        "must have at most 50 items",
    ),
)
def test_the_author_is_stopped_by_the_api_server(author: Cluster, threat: Threat) -> None:
    name = some_name()

    with pytest.raises(DynamicApiError, match=threat.stopped_by):
        author.apply(manifest(name, **threat.spec))

    assert author.get("AponoConnector", name) is None


# --- the author of a connector, stopped by the administrator's grants and lists -------------------------------------


@rows(
    Threat("an image of nobody's", pods(image="evil"), "image evil"),
    Threat("Apono's host as a repository", pods(image="registry.apono.io"), "image registry.apono.io"),
    Threat("a longer host", pods(image="registry.apono.io.example/x"), "image registry.apono.io.example/x"),
    Threat("another port of the host", pods(image="registry.apono.io:8443/x"), "image registry.apono.io:8443/x"),
    Threat("the host as a path", pods(image="example.com/registry.apono.io/x"), "image example.com/registry"),
    Threat("a registry on the node", pods(image="localhost/registry.apono.io/x"), "image localhost/registry"),
    Threat("an image from elsewhere by digest", pods(image=f"x.y/z@sha256:{'0' * 64}"), "image x.y/z@sha256"),
    Threat(
        "an administrator's policy",
        {"role": {"managedPolicyArns": ["arn:aws:iam::aws:policy/AdministratorAccess"]}},
        "AdministratorAccess is not on the administrator's list",
    ),
    Threat(
        "a tag that opens doors", {"role": {"tags": {"apono-connector-read": "true"}}}, "apono-connector-read is not"
    ),
    Threat("code of his own in the connector's process", variable("NODE_OPTIONS"), "env: NODE_OPTIONS is not"),
    Threat("a library of his own in it", variable("LD_PRELOAD"), "env: LD_PRELOAD is not"),
    Threat("any certificate for true", variable("NODE_TLS_REJECT_UNAUTHORIZED"), "env: NODE_TLS_REJECT_UNAUTHORIZED"),
    Threat("to join another's Service", pods(podLabels={"app": "shop"}), "podLabels: app is not"),
    Threat(
        "pods without AppArmor",
        pods(podAnnotations={"container.apparmor.security.beta.kubernetes.io/connector": "unconfined"}),
        "podAnnotations: container.apparmor.security.beta.kubernetes.io/connector is not",
    ),
    Threat(
        "a container by an injector",
        pods(podAnnotations={"sidecar.istio.io/inject": "true"}),
        "podAnnotations: sidecar.istio.io/inject is not",
    ),
)
def test_the_author_is_stopped_by_the_administrators_limits(
    shared_scenario: Scenario, author: Cluster, threat: Threat
) -> None:
    name, mark = some_name(), shared_scenario.aws.calls.mark()
    shared_scenario.create_token()
    author.apply(manifest(name, **threat.spec))

    connector = shared_scenario.condition("Accepted", "False", "NotPermitted", name=name)

    assert threat.stopped_by in condition_of(connector, "Accepted")["message"]
    assert shared_scenario.role_writes(mark) == []
    assert shared_scenario.cluster.get("Deployment", f"apono-connector-{name}") is None


def test_the_author_cannot_make_the_operator_show_a_secret(shared_scenario: Scenario, author: Cluster) -> None:
    hidden = "hidden-from-the-author"
    secret = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": hidden},
        "stringData": {"password": hidden * 2},
    }
    shared_scenario.cluster.apply(secret)
    name = some_name()

    author.apply(manifest(name, tokenSecretRef={"name": hidden, "key": "password"}))
    shared_scenario.ready(name)

    told = [author.get("AponoConnector", name), shared_scenario.cluster.list("Event"), shared_scenario.operator.log]
    assert hidden * 2 not in str(told)
    with pytest.raises(DynamicApiError, match=r"secrets .* is forbidden"):
        author.get("Secret", f"apono-connector-{name}")


# --- others in a connector's namespace, stopped by proofs that cannot be forged there -------------------------------


def patch_status(scenario: Scenario, name: str, status: Document) -> None:
    place = ("aponoconnector", name, "--namespace", scenario.cluster.namespace)
    change = ("--subresource=status", "--type=merge", "--patch", json.dumps({"status": status}))
    scenario.installation.control_plane.kubectl("patch", *place, *change)


def test_a_forged_status_turns_no_deletion_against_another_role(shared_scenario: Scenario) -> None:
    name, victim = some_name(), shared_scenario.apply_ready(some_name())
    own = shared_scenario.apply_ready(name)["status"]["connectorRoleArn"]
    patch_status(shared_scenario, name, {"connectorRoleArn": victim["status"]["connectorRoleArn"]})

    shared_scenario.cluster.delete("AponoConnector", name)
    shared_scenario.gone("AponoConnector", name)

    assert shared_scenario.role(victim) is not None
    assert shared_scenario.role_named(own.rpartition("/")[2]) is None


def test_a_forged_ready_does_not_last(shared_scenario: Scenario) -> None:
    name = some_name()
    shared_scenario.create_token()
    shared_scenario.apply(name, role={"tags": {"team": "red"}})
    shared_scenario.condition("Accepted", "False", name=name)
    forged = {
        "status": "True",
        "reason": "ConnectorReady",
        "message": "x",
        "lastTransitionTime": "2026-01-01T00:00:00Z",
    }
    patch_status(shared_scenario, name, {"conditions": [{"type": "Ready", **forged}]})

    shared_scenario.cluster.patch(
        "AponoConnector", name, {"metadata": {"annotations": {"apono.io/reconcile-at": "now"}}}
    )

    shared_scenario.condition("Ready", "False", "NotPermitted", name=name)


@pytest.mark.parametrize("forged", ["-1", "1e9", "9" * 30, "x" * 1000])
def test_a_forged_account_of_restarts_counts_as_none(shared_scenario: Scenario, forged: str) -> None:
    name = some_name()
    shared_scenario.apply_ready(name)
    account = {"metadata": {"annotations": {"apono.io/role-injection-restarts": forged}}}

    shared_scenario.cluster.patch("Deployment", f"apono-connector-{name}", {"spec": {"template": account}})

    until("the account is put right", lambda: restarts(shared_scenario, name) == "0")
    shared_scenario.ready(name)


def restarts(scenario: Scenario, name: str) -> str:
    deployment = scenario.cluster.get("Deployment", f"apono-connector-{name}") or {}
    value: str = deployment["spec"]["template"]["metadata"]["annotations"]["apono.io/role-injection-restarts"]
    return value


def test_an_object_that_is_labelled_by_hand_is_not_taken_for_the_connectors(shared_scenario: Scenario) -> None:
    name = some_name()
    shared_scenario.apply_ready(name)
    mine = {"metadata": {"name": f"mine-of-{name}", "labels": {"apono.io/connector": name}}}
    shared_scenario.cluster.create("ServiceAccount", {"apiVersion": "v1", "kind": "ServiceAccount", **mine})

    shared_scenario.cluster.delete("AponoConnector", name)
    shared_scenario.gone("AponoConnector", name)

    assert shared_scenario.cluster.get("ServiceAccount", f"mine-of-{name}") is not None


def test_the_role_of_another_clusters_connector_of_the_same_name_is_not_taken_up(shared_scenario: Scenario) -> None:
    name, account = some_name(), shared_scenario.account
    owner = Owner(shared_scenario.cluster.namespace, name, "a-uid")
    here = AwsCluster(shared_scenario.issuer, account.account_id, "aws")
    there = AwsCluster("oidc.eks.eu-west-1.amazonaws.com/id/ANOTHER", account.account_id, "aws")
    trust = {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}
    account.client("iam").create_role(
        RoleName=here.role_name(owner),
        AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [trust]}),
        Tags=[{"Key": key, "Value": value} for key, value in there.ownership_tags(owner).items()],
    )
    before = shared_scenario.role_named(here.role_name(owner))
    shared_scenario.create_token()

    shared_scenario.apply(name)

    shared_scenario.condition("ConnectorRoleReady", "False", "NameConflict", name=name)
    assert shared_scenario.role_named(here.role_name(owner)) == before


# --- another connector, another namespace, stopped by the trust policy ----------------------------------------------


def assume(scenario: Scenario, role_arn: str, namespace: str, service_account: str) -> None:
    token = scenario.installation.control_plane.service_account_token(namespace, service_account, AUDIENCE)
    scenario.account.client("sts").assume_role_with_web_identity(
        RoleArn=role_arn, RoleSessionName="escape", WebIdentityToken=token
    )


def test_a_connectors_pods_open_their_own_role_alone(shared_scenario: Scenario) -> None:
    account, namespace = shared_scenario.account, shared_scenario.cluster.namespace
    mine, other = (shared_scenario.apply_ready(some_name())["status"] for _ in range(2))
    operators = f"arn:aws:iam::{account.account_id}:role/connector-operator-{namespace}"

    assume(shared_scenario, mine["connectorRoleArn"], namespace, mine["serviceAccountName"])
    for arn in (other["connectorRoleArn"], operators):
        with pytest.raises(account.client("sts").exceptions.ClientError, match="Not authorized"):
            assume(shared_scenario, arn, namespace, mine["serviceAccountName"])


def test_names_that_read_alike_across_namespaces_lead_to_different_roles(start: StartScenario) -> None:
    """Both would be called ``<namespace>-team-production`` if dashes were all that joined the names."""
    scenario = start(
        values=lambda own: {"watchNamespaces": [own, f"{own}-team"], "grants": [{"namespaces": [own, f"{own}-team"]}]}
    )
    own = scenario.cluster
    victim = scenario.apply_ready("team-production")
    before = role_of(scenario, victim)

    scenario.cluster = Cluster(scenario.installation.control_plane.kubeconfig, f"{own.namespace}-team")
    scenario.apply("production")
    scenario.condition("TokenAvailable", "False", "TokenSecretMissing", name="production")  # the other has one
    mine = scenario.apply_ready("production")["status"]

    with pytest.raises(scenario.account.client("sts").exceptions.ClientError, match="Not authorized"):
        assume(
            scenario, victim["status"]["connectorRoleArn"], scenario.cluster.namespace, str(mine["serviceAccountName"])
        )
    assert mine["connectorRoleArn"] != victim["status"]["connectorRoleArn"]
    assert role_of(scenario, victim) == before


# --- whoever gets hold of the operator's ServiceAccount, stopped by RBAC --------------------------------------------


@pytest.mark.parametrize(
    ("verb", "group", "resource", "elsewhere"),
    [
        pytest.param("get", "", "secrets", True, id="to read a Secret of another namespace"),
        pytest.param("create", "apps", "deployments", True, id="to write to another namespace"),
        pytest.param("list", "", "secrets", False, id="to list Secrets"),
        pytest.param("delete", "", "secrets", False, id="to delete a Secret"),
        pytest.param("create", "", "serviceaccounts/token", False, id="to get a ServiceAccount's token"),
        pytest.param("create", "", "pods", False, id="to run a pod of its own"),
        pytest.param("create", "", "pods/exec", False, id="to enter a pod"),
        pytest.param("delete", "", "pods", False, id="to end others' pods"),
        pytest.param("create", "apono.io", "aponoconnectors", False, id="to make connectors"),
        pytest.param("delete", "apono.io", "aponoconnectors", False, id="to delete connectors"),
        pytest.param("create", "rbac.authorization.k8s.io", "rolebindings", False, id="to bind itself more"),
        pytest.param("patch", "rbac.authorization.k8s.io", "roles", False, id="to widen its Role"),
    ],
)
def test_the_operators_service_account_is_stopped_by_rbac(
    shared_scenario: Scenario, *, verb: str, group: str, resource: str, elsewhere: bool
) -> None:
    namespace = "kube-system" if elsewhere else shared_scenario.cluster.namespace

    assert not operator_may(shared_scenario, verb, group, resource, namespace)


def test_the_operators_service_account_may_read_a_secret_where_connectors_are_granted(
    shared_scenario: Scenario,
) -> None:
    assert operator_may(shared_scenario, "get", "", "secrets", shared_scenario.cluster.namespace)


def operator_may(scenario: Scenario, verb: str, group: str, resource: str, namespace: str) -> bool:
    kind, _, subresource = resource.partition("/")
    asked = {"namespace": namespace, "verb": verb, "group": group, "resource": kind, "subresource": subresource}
    user = f"system:serviceaccount:{scenario.cluster.namespace}:{RELEASE}"
    review = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SubjectAccessReview",
        "spec": {"user": user, "resourceAttributes": asked},
    }
    kubectl = scenario.installation.control_plane.kubectl
    answer = kubectl("create", "-f", "-", "-o", "jsonpath={.status.allowed}", stdin=json.dumps(review))
    return bool(json.loads(answer))
