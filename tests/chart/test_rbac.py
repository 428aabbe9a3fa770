"""The rights of the operator's ServiceAccount: these and no others."""

from __future__ import annotations

from typing import Any

import pytest

from tests.chart.rendering import NAMESPACE, RELEASE, Chart, Json, Rendering

Rights = set[tuple[str, str, str]]

CONNECTORS: Rights = {
    *{("apono.io", "aponoconnectors", verb) for verb in ("get", "list", "watch", "patch")},
    ("apono.io", "aponoconnectors/status", "patch"),
}
CHILDREN: Rights = {
    *{("apps", "deployments", verb) for verb in ("get", "list", "watch")},
    *{("", "serviceaccounts", verb) for verb in ("get", "list", "watch")},
    *{("", "pods", verb) for verb in ("get", "list", "watch")},
}
WRITE: Rights = {
    *{("", "secrets", verb) for verb in ("get", "create", "patch")},
    *{("", "serviceaccounts", verb) for verb in ("create", "patch")},
    *{("apps", "deployments", verb) for verb in ("create", "patch", "delete")},
    *{("", "events", verb) for verb in ("create", "patch")},
    ("apono.io", "aponoconnectors/finalizers", "update"),
}
LEASE: Rights = {("coordination.k8s.io", "leases", verb) for verb in ("get", "update", "create")}
WATCH = CONNECTORS | CHILDREN
CLUSTER = ""
PATTERNS: Json = {
    "grants": [{"namespaces": ["team-*", "shared"]}, {"namespaces": ["lab-[!0-9]", "lab-?x"]}],
    "grantedNamespaces": ["team-a", "team-b", "lab-a", "lab-1x"],
}


def rights_by_namespace(rendering: Rendering) -> dict[str, Rights]:
    """What the operator's ServiceAccount may do, by namespace, through the bindings as they stand."""
    roles = {identity(role): role for role in rendering.of("Role", "ClusterRole")}
    subject = {"kind": "ServiceAccount", "name": f"{RELEASE}-apono-operator", "namespace": NAMESPACE}
    found: dict[str, Rights] = {}
    for binding in rendering.of("RoleBinding", "ClusterRoleBinding"):
        assert binding["subjects"] == [subject]
        namespace = binding["metadata"].get("namespace", CLUSTER)
        role = roles.pop((binding["roleRef"]["kind"], namespace, binding["roleRef"]["name"]))
        found.setdefault(namespace, set()).update(rights(role))
    assert roles == {}, "roles that nothing binds"
    return found


def identity(role: Json) -> tuple[str, str, str]:
    return role["kind"], role["metadata"].get("namespace", CLUSTER), role["metadata"]["name"]


def rights(role: Json) -> Rights:
    return {
        (group, resource, verb)
        for rule in role["rules"]
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
    }


def test_it_watches_the_cluster_and_writes_in_its_own_namespace_alone(chart: Chart) -> None:
    assert rights_by_namespace(chart.render({})) == {CLUSTER: WATCH, NAMESPACE: WRITE | LEASE}


def test_it_writes_in_the_granted_namespaces_and_then_not_in_its_own(chart: Chart) -> None:
    grants = [{"namespaces": ["team-a", "team-b"]}, {"namespaces": ["team-b"], "modes": ["Account"]}]

    found = rights_by_namespace(chart.render({"grants": grants}))

    assert found == {CLUSTER: WATCH, "team-a": WRITE, "team-b": WRITE, NAMESPACE: LEASE}


def test_a_pattern_gives_rights_in_the_namespaces_that_are_listed_for_it(chart: Chart) -> None:
    found = rights_by_namespace(chart.render(PATTERNS))

    granted = dict.fromkeys(["shared", "team-a", "team-b", "lab-a", "lab-1x"], WRITE)
    assert found == {CLUSTER: WATCH, NAMESPACE: LEASE, **granted}


def test_a_deleted_namespace_takes_none_of_the_rights_along_that_its_connectors_deletion_needs(chart: Chart) -> None:
    values = {"watchNamespaces": ["team-a", "team-b"], "grants": [{"namespaces": ["team-a"]}]}

    found = rights_by_namespace(chart.render(values))

    assert found == {CLUSTER: CONNECTORS, NAMESPACE: LEASE, "team-a": CHILDREN | WRITE, "team-b": CHILDREN}


def test_what_is_cluster_wide_is_named_after_the_release_and_its_namespace_when_namespaces_are_watched(
    chart: Chart,
) -> None:
    rendering = chart.render({"watchNamespaces": [NAMESPACE]})

    names = {document["metadata"]["name"] for document in rendering.of("ClusterRole", "ClusterRoleBinding")}
    assert names == {f"{RELEASE}-apono-operator-watch-{NAMESPACE}"}


@pytest.mark.parametrize("values", [{}, PATTERNS, {"watchNamespaces": [NAMESPACE]}])
def test_secrets_are_never_listed_watched_or_deleted(chart: Chart, values: dict[str, Any]) -> None:
    everywhere = set().union(*rights_by_namespace(chart.render(values)).values())

    assert {verb for _, resource, verb in everywhere if resource == "secrets"} == {"get", "create", "patch"}
    assert not [right for right in everywhere if "*" in right]


def test_the_one_lease_that_it_reads_and_renews_is_the_one_that_it_is_told(chart: Chart) -> None:
    rendering = chart.render({})

    (role,) = (role for role in rendering.of("Role") if role["metadata"]["name"].endswith("-lease"))
    named = {verb: rule.get("resourceNames") for rule in role["rules"] for verb in rule["verbs"]}
    lease = rendering.environment["APONO_OPERATOR_LEASE_NAME"]
    assert named == {"get": [lease], "update": [lease], "create": None}  # what is created has no name yet


def test_without_leader_election_it_has_no_rights_on_leases(chart: Chart) -> None:
    found = rights_by_namespace(chart.render({"leaderElection": False, "replicas": 1}))

    assert found == {CLUSTER: WATCH, NAMESPACE: WRITE}


def test_rights_go_to_the_service_account_that_the_pod_uses(chart: Chart) -> None:
    rendering = chart.render({"serviceAccount": {"create": False, "name": "given"}})

    subjects = [binding["subjects"] for binding in rendering.of("RoleBinding", "ClusterRoleBinding")]
    assert subjects == [[{"kind": "ServiceAccount", "name": "given", "namespace": NAMESPACE}]] * 3
    assert rendering.pod["spec"]["serviceAccountName"] == "given"
    assert rendering.of("ServiceAccount") == []


def test_the_service_account_carries_its_role_and_hands_no_token_to_other_pods(chart: Chart) -> None:
    annotations = {"eks.amazonaws.com/role-arn": "arn:aws:iam::123456789012:role/apono-operator"}

    rendering = chart.render({"serviceAccount": {"annotations": annotations}})

    account = rendering.one("ServiceAccount")
    assert account["metadata"]["annotations"] == annotations
    assert account["metadata"]["name"] == rendering.pod["spec"]["serviceAccountName"]
    assert account["automountServiceAccountToken"] is False
    assert rendering.pod["spec"]["automountServiceAccountToken"] is True
