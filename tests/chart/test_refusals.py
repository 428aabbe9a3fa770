"""Values that contradict each other, or that the chart does not know, are refused with what to write instead."""

from __future__ import annotations

import pytest

from tests.chart.rendering import BOUNDARIES, Chart, Json


def test_without_a_boundary_the_chart_asks_for_one(chart: Chart) -> None:
    message = chart.refusal({})

    assert "permissionsBoundaries.ReadOnly=arn:aws:iam::123456789012:policy/connector-boundary" in message
    assert "allowUnboundedRoles=true" in message


ACCOUNT: Json = {
    "accountId": "999988887777",
    "roleArn": "arn:aws:iam::999988887777:role/way-in",
    "externalId": "0123456789abcdef",
    "cloudFormationRoleArn": "arn:aws:iam::999988887777:role/service",
    "region": "eu-west-1",
    "permissionsBoundaries": {"ReadOnly": "arn:aws:iam::999988887777:policy/boundary"},
    "allowedUnits": ["r-1a2b"],
    "namespaces": ["team-*"],
}
URL = "https://bucket.s3.amazonaws.com/template.yaml"
ELSEWHERE = "arn:aws:iam::111122223333:"


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"managementAccounts": [ACCOUNT]}, "the entry of the account 999988887777 needs one of templateUrl"),
        (
            {"managementAccounts": [{**ACCOUNT, "templateUrl": URL, "sendTemplateBody": True}]},
            "the entry of the account 999988887777 needs one of templateUrl",
        ),
        (
            {"managementAccounts": [{**ACCOUNT, "templateUrl": URL, "roleArn": f"{ELSEWHERE}role/way-in"}]},
            f"{ELSEWHERE}role/way-in is not of the account 999988887777, which accountId names",
        ),
        (
            {
                "managementAccounts": [
                    {**ACCOUNT, "sendTemplateBody": True, "permissionsBoundaries": {"ReadOnly": f"{ELSEWHERE}policy/a"}}
                ]
            },
            f"{ELSEWHERE}policy/a is not of the account 999988887777",
        ),
        (
            {"managementAccounts": [{**ACCOUNT, "templateUrl": URL}, {**ACCOUNT, "templateUrl": URL}]},
            "there is more than one entry for the account 999988887777",
        ),
        (
            {"grants": [{"namespaces": ["team-*"]}]},
            (
                "the pattern team-* cannot be written into a Role. List the namespaces that it stands for in "
                "grantedNamespaces, for example grantedNamespaces: [team-a, team-b]"
            ),
        ),
        (
            {"grants": [{"namespaces": ["team-*", "lab-?"]}], "grantedNamespaces": ["team-a", "lab-10"]},
            "the pattern lab-? cannot be written into a Role",
        ),
        (
            {"grants": [{"namespaces": ["team-*"]}], "grantedNamespaces": ["team-a", "my-team-a"]},
            "no grant covers the namespace my-team-a. Name it in grants[].namespaces",
        ),
        ({"grantedNamespaces": ["team-a"]}, "no grant covers the namespace team-a"),
        (
            {"watchNamespaces": ["team-a"], "grants": [{"namespaces": ["team-a", "team-b"]}]},
            (
                "the namespace team-b is granted (without grants, the release's namespace is) but not watched. "
                "Add it to watchNamespaces"
            ),
        ),
        ({"watchNamespaces": ["team-a"]}, "the namespace apono is granted"),
        (
            {"extraEnv": [{"name": "APONO_OPERATOR_WORKERS", "value": "4"}]},
            "extraEnv: APONO_OPERATOR_WORKERS is a setting of the operator. Set the value of this chart",
        ),
        ({"leaderElection": False}, "without leaderElection, all of them would work on the same connectors"),
        (
            {"crds": {"keep": False}, "uninstall": {"leaveConnectors": True}},
            "with crds.keep=false the definition is deleted with the release",
        ),
        ({"leaseDurationSeconds": 10}, "leaseRenewDeadlineSeconds must be at least a second less than"),
        ({"leaseRetrySeconds": 5.1}, "leaseRetrySeconds at most half of it"),
        (
            {"podLabels": {"app.kubernetes.io/instance": "other"}},
            "podLabels: app.kubernetes.io/instance is a label that this chart sets",
        ),
    ],
)
def test_a_contradiction_is_told_with_what_to_write(chart: Chart, values: Json, message: str) -> None:
    assert message in chart.refusal({**BOUNDARIES, **values})


@pytest.mark.parametrize(
    ("values", "place"),
    [
        ({"unknown": 1}, "''"),
        ({"image": {"repository": "r", "unknown": 1}}, "'/image'"),
        ({"serviceAccount": {"unknown": 1}}, "'/serviceAccount'"),
        ({"resources": {"unknown": {}}}, "'/resources'"),
        ({"grants": [{"namespaces": ["a"], "unknown": 1}]}, "'/grants/0'"),
        ({"managementAccounts": [{**ACCOUNT, "unknown": 1}]}, "'/managementAccounts/0'"),
        ({"imagePullSecrets": [{"name": "a", "unknown": 1}]}, "'/imagePullSecrets/0'"),
        ({"extraEnv": [{"name": "A", "unknown": 1}]}, "'/extraEnv/0'"),
    ],
)
def test_an_unknown_value_is_named_in_the_refusal(chart: Chart, values: Json, place: str) -> None:
    assert f"at {place}: additional properties 'unknown' not allowed" in chart.refusal({**BOUNDARIES, **values})


@pytest.mark.parametrize(
    ("values", "place"),
    [
        (
            {"allowedManagedPolicyArns": ["arn:aws:iam::aws:policy/A,arn:aws:iam::aws:policy/B"]},
            "allowedManagedPolicyArns",
        ),
        ({"allowedRoleTagKeys": ["team,cost"]}, "allowedRoleTagKeys"),
        ({"allowedEnvNames": ["HTTP_PROXY,NODE_OPTIONS"]}, "allowedEnvNames"),
        ({"allowedPodLabelKeys": ["team,app"]}, "allowedPodLabelKeys"),
        ({"allowedPodAnnotationKeys": ["note,other"]}, "allowedPodAnnotationKeys"),
        ({"watchNamespaces": ["team-*"]}, "watchNamespaces"),
        ({"watchNamespaces": ["team-a,team-b"]}, "watchNamespaces"),
        ({"grantedNamespaces": ["team-*"]}, "grantedNamespaces"),
        ({"grants": [{"namespaces": ["Team"]}]}, "grants/0/namespaces"),
        ({"image": {"digest": "latest"}}, "image/digest"),
        ({"image": {"repository": "https://registry.example.com/apono-operator"}}, "image/repository"),
        ({"image": {"repository": "registry.example.com/apono-operator:0.1.0"}}, "image/repository"),
        ({"image": {"repository": "apono-operator@sha256:0"}}, "image/repository"),
        ({"image": {"tag": "0.1.0 "}}, "image/tag"),
        ({"fullnameOverride": "Apono_Operator"}, "fullnameOverride"),
        ({"nameOverride": "apono: operator"}, "nameOverride"),
        ({"serviceAccount": {"name": "Operator of Apono"}}, "serviceAccount/name"),
        ({"priorityClassName": "high priority"}, "priorityClassName"),
    ],
)
def test_a_text_of_another_shape_is_refused_with_its_place(chart: Chart, values: Json, place: str) -> None:
    assert f"at '/{place}" in chart.refusal({**BOUNDARIES, **values})
