"""Drains, spread, security contexts, and whatever else an administrator puts beside."""

from __future__ import annotations

import pytest

from tests.chart.rendering import NAMESPACE, RELEASE, Chart, Json

PODS = {"matchLabels": {"app.kubernetes.io/name": "apono-operator", "app.kubernetes.io/instance": RELEASE}}


def test_a_drain_takes_one_pod_at_a_time(chart: Chart) -> None:
    budget = chart.render({}).one("PodDisruptionBudget")

    assert budget["spec"] == {"maxUnavailable": 1, "selector": PODS}


@pytest.mark.parametrize(
    ("values", "bound"),
    [
        ({"minAvailable": 0}, {"minAvailable": 0}),
        ({"minAvailable": "50%"}, {"minAvailable": "50%"}),
        ({"maxUnavailable": "25%"}, {"maxUnavailable": "25%"}),
    ],
)
def test_the_disruption_budget_is_either_bound(chart: Chart, values: Json, bound: Json) -> None:
    budget = chart.render({"podDisruptionBudget": values}).one("PodDisruptionBudget")

    assert budget["spec"] == {**bound, "selector": PODS}


def test_the_disruption_budget_can_be_left_out(chart: Chart) -> None:
    assert chart.render({"podDisruptionBudget": {"enabled": False}}).of("PodDisruptionBudget") == []


def test_pods_are_spread_over_zones_and_nodes_as_far_as_possible(chart: Chart) -> None:
    constraints = chart.render({}).pod["spec"]["topologySpreadConstraints"]

    assert [one["topologyKey"] for one in constraints] == ["topology.kubernetes.io/zone", "kubernetes.io/hostname"]
    assert all(one["labelSelector"] == PODS and one["whenUnsatisfiable"] == "ScheduleAnyway" for one in constraints)


def test_a_spread_of_the_administrators_keeps_its_selector(chart: Chart) -> None:
    selector = {"matchLabels": {"team": "a"}}
    constraint = {"maxSkew": 2, "topologyKey": "rack", "whenUnsatisfiable": "DoNotSchedule", "labelSelector": selector}

    pod = chart.render({"topologySpreadConstraints": [constraint]}).pod

    assert pod["spec"]["topologySpreadConstraints"] == [constraint]


def test_no_spread_can_be_asked_for(chart: Chart) -> None:
    assert "topologySpreadConstraints" not in chart.render({"topologySpreadConstraints": []}).pod["spec"]


def test_security_contexts_are_the_administrators_to_change(chart: Chart) -> None:
    values = {
        "podSecurityContext": {"runAsUser": 1000, "seccompProfile": None},
        "securityContext": {"readOnlyRootFilesystem": False},
    }

    rendering = chart.render(values)

    assert rendering.pod["spec"]["securityContext"] == {"runAsNonRoot": True, "runAsUser": 1000}
    assert rendering.container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
        "readOnlyRootFilesystem": False,
    }


def test_extra_objects_are_templates_whether_written_as_objects_or_as_text(chart: Chart) -> None:
    entry = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "{{ .Release.Name }}-one"}}
    text = 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: "{{ include "apono-operator.fullname" . }}-two"}\n'

    made = chart.render({"extraObjects": [entry, text]}).of("ConfigMap")

    assert [one["metadata"]["name"] for one in made] == [f"{RELEASE}-one", f"{RELEASE}-apono-operator-two"]


def test_the_check_before_an_uninstallation_runs_like_the_operator_and_asks_about_this_installation(
    chart: Chart,
) -> None:
    values = {"imagePullSecrets": [{"name": "registry"}], "tolerations": [{"key": "a", "operator": "Exists"}]}
    rendering = chart.render({**values, "watchNamespaces": [NAMESPACE]})

    (job,) = (hook for hook in rendering.hooks if hook["kind"] == "Job")
    pod = job["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    assert container["args"] == [
        "uninstall-check",
        f"--installation={NAMESPACE}/{RELEASE}-apono-operator",
        f"--namespace={NAMESPACE}",
    ]
    same = ("image", "imagePullPolicy", "securityContext", "resources")
    assert {key: container[key] for key in same} == {key: rendering.container[key] for key in same}
    alike = ("imagePullSecrets", "tolerations", "securityContext")
    assert {key: pod[key] for key in alike} == {key: rendering.pod["spec"][key] for key in alike}
    assert job["metadata"]["annotations"]["helm.sh/hook"] == "pre-delete"


def test_its_pods_are_not_taken_for_the_operators(chart: Chart) -> None:
    rendering = chart.render({})

    (job,) = (hook for hook in rendering.hooks if hook["kind"] == "Job")
    labels = job["spec"]["template"]["metadata"]["labels"]
    assert not rendering.one("Deployment")["spec"]["selector"]["matchLabels"].items() <= labels.items()


def test_connectors_may_be_left_if_that_is_asked_for(chart: Chart) -> None:
    assert chart.render({"uninstall": {"leaveConnectors": True}}).hooks == ()
