"""Closed networks: proxy and private CA of the operator, and what its pods may reach."""

from __future__ import annotations

from typing import Any

import pytest

from apono_operator.state.egress import NEVER_PROXIED, Proxy
from tests.chart.rendering import Chart, Json

PROXY = "http://proxy.example:3128"
AGENT = [{"ipBlock": {"cidr": "169.254.170.23/32"}}, {"ipBlock": {"cidr": "fd00:ec2::23/128"}}]


def test_without_values_there_is_neither_proxy_nor_certificate_authority(chart: Chart) -> None:
    environment = chart.render({}).environment

    assert [name for name in environment if name.endswith(("_PROXY", "_BUNDLE")) and "APONO" not in name] == []


def test_the_operator_goes_by_the_same_proxy_as_connectors(chart: Chart) -> None:
    values = {"httpProxy": PROXY, "httpsProxy": PROXY, "noProxy": [".corp"], "clusterDomain": "corp.local"}

    environment = chart.render({"proxy": values}).environment

    told = {name: environment[name] for name in ("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY")}
    assert told.items() <= Proxy(**values).variables().items()


@pytest.mark.parametrize("host", [*NEVER_PROXIED, ".cluster.local"])
def test_no_proxy_stands_between_the_operator_and_the_cluster_or_the_pod_identity_agent(
    chart: Chart, host: str
) -> None:
    environment = chart.render({"proxy": {"httpsProxy": PROXY}}).environment

    assert host in environment["NO_PROXY"].split(",")


def test_the_operator_trusts_the_private_certificate_authority(chart: Chart) -> None:
    rendering = chart.render({"privateCa": {"configMap": "corporate", "key": "bundle.pem"}})

    assert {"name": "private-ca", "configMap": {"name": "corporate"}} in rendering.pod["spec"]["volumes"]
    mount = {"name": "private-ca", "mountPath": "/etc/apono/private-ca", "readOnly": True}
    assert mount in rendering.container["volumeMounts"]
    assert rendering.environment["AWS_CA_BUNDLE"] == "/etc/apono/private-ca/bundle.pem"


@pytest.mark.parametrize("name", ["HTTPS_PROXY", "NO_PROXY", "AWS_CA_BUNDLE"])
def test_a_variable_that_has_a_value_of_its_own_is_refused_in_extra_env(chart: Chart, name: str) -> None:
    values = {"proxy": {"httpsProxy": PROXY}, "privateCa": {"configMap": "a"}}

    message = chart.refusal({**chart.least, **values, "extraEnv": [{"name": name, "value": "x"}]})

    assert f"extraEnv: {name} is set by the values proxy and privateCa already" in message


def test_there_is_no_network_policy_unless_it_is_asked_for(chart: Chart) -> None:
    assert chart.render({}).of("NetworkPolicy") == []


def test_the_network_policy_is_about_all_pods_of_the_release_and_lets_nobody_in(chart: Chart) -> None:
    rendering = chart.render({"networkPolicy": {"enabled": True}})

    spec = rendering.one("NetworkPolicy")["spec"]
    (job,) = (hook for hook in rendering.hooks if hook["kind"] == "Job")
    (expression,) = spec["podSelector"]["matchExpressions"]
    pods = [pod["metadata"]["labels"] for pod in (rendering.pod, job["spec"]["template"])]
    assert [labels["app.kubernetes.io/name"] for labels in pods] == expression["values"]
    assert all(spec["podSelector"]["matchLabels"].items() <= labels.items() for labels in pods)
    assert (spec["policyTypes"], spec["ingress"]) == (["Ingress", "Egress"], [])


@pytest.mark.parametrize(
    ("values", "reached"),
    [
        ({}, {("UDP", 53), ("TCP", 53), ("TCP", 443), ("TCP", 6443)}),
        ({"networkPolicy": {"httpsPorts": [8443]}}, {("UDP", 53), ("TCP", 53), ("TCP", 8443)}),
        ({"proxy": {"httpsProxy": PROXY}}, {("UDP", 53), ("TCP", 53), ("TCP", 443), ("TCP", 6443), ("TCP", 3128)}),
        (
            {"proxy": {"httpProxy": "http://proxy", "httpsProxy": "https://proxy"}},
            {("UDP", 53), ("TCP", 53), ("TCP", 443), ("TCP", 6443), ("TCP", 80)},
        ),
    ],
)
def test_the_network_policy_lets_out_to_names_the_api_server_aws_and_the_proxy(
    chart: Chart, values: Json, reached: set[tuple[str, int]]
) -> None:
    anywhere = [rule for rule in egress(chart, values) if "to" not in rule]

    assert {(port["protocol"], port["port"]) for rule in anywhere for port in rule["ports"]} == reached


def test_the_network_policy_lets_out_to_the_pod_identity_agent(chart: Chart) -> None:
    assert {"to": AGENT, "ports": [{"protocol": "TCP", "port": 80}]} in egress(chart, {})


def test_the_network_policy_takes_rules_of_the_administrators(chart: Chart) -> None:
    rule = {"ports": [{"protocol": "TCP", "port": 4317}]}
    values: Json = {"networkPolicy": {"enabled": True, "extraEgress": [rule], "ingress": [rule]}}

    spec = chart.render(values).one("NetworkPolicy")["spec"]

    assert spec["egress"][-1] == rule
    assert spec["ingress"] == [rule]


def egress(chart: Chart, values: Json) -> list[dict[str, Any]]:
    policy = {"enabled": True, **values.get("networkPolicy", {})}
    rules: list[dict[str, Any]] = chart.render({**values, "networkPolicy": policy}).one("NetworkPolicy")["spec"][
        "egress"
    ]
    return rules
