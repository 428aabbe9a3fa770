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
    *{("", "pods", verb) for verb in ("list", "watch")},
}
WRITE: Rights = {
    *{("", "secrets", verb) for verb in ("get", "create", "patch")},
    *{("", "serviceaccounts", verb) for verb in ("create", "patch")},
    *{("apps", "deployments", verb) for verb in ("create", "patch", "delete")},
    ("", "events", "create"),
    ("apono.io", "aponoconnectors/finalizers", "update"),
}
LEASE: Rights = {("coordination.k8s.io", "leases", verb) for verb in ("get", "update", "create")}
WATCH = CONNECTORS | CHILDREN
CLUSTER = ""
AGGREGATION = "rbac.authorization.k8s.io/aggregate-to-"
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
    assert {kind for kind, _, _ in roles} <= {"ClusterRole"}
    assert all(is_of_people(role) for role in roles.values()), "roles that nothing binds"
    return found


def is_of_people(role: Json) -> bool:
    return any(label.startswith(AGGREGATION) for label in role["metadata"]["labels"])


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


def test_with_named_namespaces_nothing_is_cluster_wide_but_the_definition_and_what_a_deleted_namespace_needs(
    chart: Chart,
) -> None:
    values = {"watchNamespaces": [NAMESPACE], "rbac": {"aggregateToEdit": True}, "networkPolicy": {"enabled": True}}

    rendering = chart.render(values)

    everything = (*rendering.objects, *rendering.hooks)
    assert {one["kind"] for one in everything if "namespace" not in one["metadata"]} == {
        "ClusterRole",
        "ClusterRoleBinding",
        "CustomResourceDefinition",
    }
    (cluster_wide,) = rendering.of("ClusterRole")
    assert rights(cluster_wide) == CONNECTORS


READ: Rights = {("apono.io", "aponoconnectors", verb) for verb in ("get", "list", "watch")}
CHANGE: Rights = {
    ("apono.io", "aponoconnectors", verb) for verb in ("create", "update", "patch", "delete", "deletecollection")
}


@pytest.mark.parametrize(
    ("values", "joined"),
    [
        ({}, {"view": READ}),
        ({"aggregateToView": False}, {}),
        ({"aggregateToEdit": True}, {"view": READ, "edit": CHANGE}),
        ({"aggregateToAdmin": True}, {"view": READ, "admin": CHANGE}),
    ],
)
def test_people_see_connectors_by_default_and_write_them_only_if_it_is_asked_for(
    chart: Chart, values: Json, joined: dict[str, Rights]
) -> None:
    rendering = chart.render({"rbac": values})

    found = {
        label.removeprefix(AGGREGATION): rights(role)
        for role in rendering.of("ClusterRole")
        for label in role["metadata"]["labels"]
        if label.startswith(AGGREGATION)
    }
    assert found == joined


def test_the_operator_only_reads_secrets_when_the_administrator_names_those_to_pull_with(chart: Chart) -> None:
    everywhere = set().union(*rights_by_namespace(chart.render({"connectorImagePullSecrets": ["mirror"]})).values())

    assert {verb for _, resource, verb in everywhere if resource == "secrets"} == {"get"}


@pytest.mark.parametrize(
    ("values", "places"), [({}, [CLUSTER]), ({"watchNamespaces": ["team-a", NAMESPACE]}, ["team-a", NAMESPACE])]
)
def test_the_check_before_an_uninstallation_may_list_connectors_and_nothing_else(
    chart: Chart, values: Json, places: list[str]
) -> None:
    hooks = chart.render(values).hooks

    (account,) = (hook["metadata"]["name"] for hook in hooks if hook["kind"] == "ServiceAccount")
    (job,) = (hook for hook in hooks if hook["kind"] == "Job")
    assert job["spec"]["template"]["spec"]["serviceAccountName"] == account
    roles = [hook for hook in hooks if hook["kind"] in ("Role", "ClusterRole")]
    assert [role["metadata"].get("namespace", CLUSTER) for role in roles] == places
    assert all(rights(role) == {("apono.io", "aponoconnectors", "list")} for role in roles)
    subjects = [hook["subjects"] for hook in hooks if hook["kind"].endswith("Binding")]
    assert subjects == [[{"kind": "ServiceAccount", "name": account, "namespace": NAMESPACE}]] * len(places)


@pytest.mark.parametrize("values", [{}, PATTERNS, {"watchNamespaces": [NAMESPACE]}])
def test_secrets_are_never_listed_watched_or_deleted(chart: Chart, values: dict[str, Any]) -> None:
    everywhere = set().union(*rights_by_namespace(chart.render(values)).values())

    assert {verb for _, resource, verb in everywhere if resource == "secrets"} == {"get", "create", "patch"}
    assert not [right for right in everywhere if "*" in right]


def test_the_one_lease_that_it_reads_and_renews_is_the_one_that_it_is_told(chart: Chart) -> None:
    rendering = chart.render({})

    (role,) = (role for role in rendering.of("Role") if role["metadata"]["name"].endswith("-lease"))
    named = {verb: rule.get("resourceNames") for rule in role["rules"] for verb in rule["verbs"]}
    lease = rendering.environment["APONO_OPERATOR_DEPLOYMENT_NAME"]
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
