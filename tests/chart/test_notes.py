"""What Helm tells when a release is installed."""

from __future__ import annotations

from tests.chart.rendering import NAMESPACE, RELEASE, Chart, Json
from tests.chart.test_connectors_chart import CONNECTOR

ROLE = {"serviceAccount": {"annotations": {"eks.amazonaws.com/role-arn": "arn:aws:iam::123456789012:role/operator"}}}


def notes(chart: Chart, values: Json) -> str:
    arguments = ("install", RELEASE, str(chart.directory), "--dry-run=client", f"--namespace={NAMESPACE}")
    done = chart.run(*arguments, values={**chart.least, **values})
    assert done.returncode == 0, done.stderr
    return done.stdout.partition("\nNOTES:\n")[2]


def test_the_operators_notes_tell_where_connectors_may_be_and_how_to_see_all_its_pods(chart: Chart) -> None:
    pods = chart.render({}).pod["metadata"]["labels"]

    told = notes(chart, {**ROLE, "grants": [{"namespaces": ["team-b", "team-a"]}]})

    assert "Connectors may be made in: team-a, team-b" in told
    labels = ",".join(f"app.kubernetes.io/{key}={pods[f'app.kubernetes.io/{key}']}" for key in ("name", "instance"))
    assert f"kubectl --namespace {NAMESPACE} logs --prefix --selector {labels}\n" in told
    assert "names no IAM role" not in told
    assert "allowUnboundedRoles" not in told


def test_they_warn_of_an_operator_without_a_role_and_of_roles_without_a_boundary(chart: Chart) -> None:
    told = notes(chart, {"serviceAccount": {"annotations": None}, "allowUnboundedRoles": True})

    assert "The operator's ServiceAccount names no IAM role" in told
    assert "allowUnboundedRoles is on" in told


def test_a_connectors_notes_name_its_secret(connectors_chart: Chart) -> None:
    told = notes(connectors_chart, {"connectors": [{**CONNECTOR, "namespace": "team-a"}]})

    assert "kubectl create secret generic apono-token --namespace team-a --from-literal=token=" in told
    assert "aponoconnector/production --timeout=5m" in told
