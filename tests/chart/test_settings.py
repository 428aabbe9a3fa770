"""Every setting of the operator is a value of the chart and arrives in its environment."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from pydantic import ValidationError
from pydantic.alias_generators import to_camel

from apono_operator import settings as operator_settings
from apono_operator.settings import PREFIX, Settings
from tests.chart.rendering import BOUNDARIES, CHART, NAMESPACE, RELEASE, Chart, Rendering

SET_BY_THE_CHART = {"namespace", "deployment_name"}
NAMED: dict[str, Any] = {
    "namespace": NAMESPACE,
    "deployment_name": f"{RELEASE}-apono-operator",
}
REQUIRED: dict[str, Any] = {"permissions_boundaries": BOUNDARIES["permissionsBoundaries"]}
BOUNDARY = "arn:aws:iam::123456789012:policy/boundary"
OTHER_ACCOUNT: dict[str, Any] = {
    "accountId": "111122223333",
    "roleArn": "arn:aws:iam::111122223333:role/way-in",
    "externalId": "0123456789abcdef",
    "cloudFormationRoleArn": "arn:aws:iam::111122223333:role/service",
    "region": "eu-west-1",
    "permissionsBoundaries": {"ReadOnly": "arn:aws:iam::111122223333:policy/boundary"},
    "allowedUnits": ["r-1a2b", "ou-1a2b-12345678"],
    "namespaces": ["team-?"],
}
MANAGEMENT_ACCOUNT: dict[str, Any] = {
    "accountId": "999988887777",
    "roleArn": "arn:aws:iam::999988887777:role/path/way-in",
    "externalId": "a+=,.@:/-9",
    "cloudFormationRoleArn": "arn:aws:iam::999988887777:role/service",
    "region": "us-east-1",
    "templateUrl": "https://bucket.s3.amazonaws.com/template.yaml?versionId=a&b",
    "memberTemplateUrl": "https://bucket.s3.amazonaws.com/member-account.yaml?versionId=a.b",
    "permissionsBoundaries": {
        "FullAccess": "arn:aws:iam::999988887777:policy/full",
        "ReadOnly": "arn:aws:iam::999988887777:policy/boundary",
    },
    "allowedUnits": ["r-1a2b"],
    "namespaces": ["team-a"],
    "allowedResourceTypes": ["AWS::IAM::Role", "AWS::CloudFormation::StackSet"],
    "allowedCapabilities": ["CAPABILITY_NAMED_IAM"],
}
CHOSEN: dict[str, Any] = {
    "watch_namespaces": ["team-a", "team-b"],
    "watch_selector": "acme.example/shard in (a, b),stage!=test",
    "grants": [
        {"namespaces": ["team-a"], "modes": ["Account"], "permissions": ["ReadOnly"]},
        {"namespaces": ["team-?"], "imageRegistries": ["registry.example/apono"]},
    ],
    "permissions_boundaries": {"FullAccess": BOUNDARY, "ReadOnly": BOUNDARY},
    "allow_unbounded_roles": True,
    "allowed_managed_policy_arns": ["arn:aws:iam::aws:policy/ReadOnlyAccess", "arn:aws:iam::123456789012:policy/own-*"],
    "allowed_role_tag_keys": ["team", "cost:*"],
    "allowed_env_names": ["HTTPS_PROXY", "MY_[!X]*"],
    "allowed_pod_label_keys": ["team", "acme.example/*"],
    "allowed_pod_annotation_keys": ["note", "acme.example/?"],
    "management_accounts": [MANAGEMENT_ACCOUNT, {**OTHER_ACCOUNT, "templateFile": "/etc/apono/template.yaml"}],
    "role_tags": {"owner": "platform, and <others> & co", "number": "1000000"},
    "max_session_duration": 43200,
    "connector_image": "registry.example/apono/connector:v2",
    "connector_image_pull_secrets": ["mirror", "second.mirror"],
    "proxy": {
        "httpProxy": "http://proxy.example:3128",
        "httpsProxy": "https://proxy.example",
        "noProxy": [".example", "10.0.0.0/8"],
        "clusterDomain": "corp.local",
    },
    "private_ca": {"configMap": "corporate-ca", "key": "bundle.pem"},
    "apono_url": "api.eu.apono.io",
    "resync_seconds": 86400,
    "secret_poll_seconds": 1.5,
    "stack_poll_seconds": 2.5,
    "workers": 256,
    "aws_rate_limits": {
        "cloudformation": {"perSecond": 4, "burst": 4},
        "iam": {"perSecond": 0.5, "burst": 1},
        "organizations": {"perSecond": 0.1, "burst": 2},
        "sso-admin": {"perSecond": 0.2, "burst": 3},
        "sts": {"perSecond": 1_000_000, "burst": 1_000_000},
    },
    "leader_election": False,
    "lease_duration_seconds": 60,
    "lease_renew_deadline_seconds": 40.5,
    "lease_retry_seconds": 0.5,
    "http_port": 0,
    "log_format": "console",
    "log_level": "debug",
}
REFUSED: list[tuple[str, Any]] = [
    ("grants", [{"namespaces": []}]),
    ("grants", [{"namespaces": ["team-a"], "modes": ["Everything"]}]),
    ("grants", [{"namespaces": ["team-a"], "permissions": ["Administrator"]}]),
    ("grants", [{"namespaces": ["team-a"], "registries": []}]),
    ("permissions_boundaries", {"ReadOnly": "connector-boundary"}),
    ("permissions_boundaries", {"Administrator": BOUNDARY}),
    ("allowed_env_names", ["HTTPS_PROXY=x"]),
    ("allowed_env_names", [""]),
    ("allowed_pod_label_keys", ["team: a"]),
    ("allowed_pod_label_keys", ["a" * 318]),
    ("allowed_pod_annotation_keys", ["note=x"]),
    ("management_accounts", [{}]),
    ("management_accounts", [{**MANAGEMENT_ACCOUNT, "accountId": "production"}]),
    ("management_accounts", [{**MANAGEMENT_ACCOUNT, "roleArn": "way-in"}]),
    ("management_accounts", [{**MANAGEMENT_ACCOUNT, "externalId": "a"}]),
    ("management_accounts", [{**MANAGEMENT_ACCOUNT, "region": "Ireland"}]),
    ("management_accounts", [{**MANAGEMENT_ACCOUNT, "templateUrl": "http://bucket/template.yaml"}]),
    ("management_accounts", [{**MANAGEMENT_ACCOUNT, "memberTemplateUrl": "http://bucket/template.yaml"}]),
    ("management_accounts", [{**MANAGEMENT_ACCOUNT, "memberTemplateUrl": "https://bucket/*"}]),
    ("management_accounts", [{**MANAGEMENT_ACCOUNT, "memberTemplateUrl": f"https://{'a' * 1017}"}]),
    ("management_accounts", [{**MANAGEMENT_ACCOUNT, "allowedUnits": []}]),
    ("management_accounts", [{**MANAGEMENT_ACCOUNT, "allowedUnits": ["ou-*"]}]),
    ("management_accounts", [{**MANAGEMENT_ACCOUNT, "namespaces": []}]),
    ("management_accounts", [{**MANAGEMENT_ACCOUNT, "permissionsBoundaries": {"Admin": BOUNDARY}}]),
    ("management_accounts", [{**MANAGEMENT_ACCOUNT, "allowedResourceTypes": ["AWS::IAM::*"]}]),
    ("management_accounts", [{**MANAGEMENT_ACCOUNT, "allowedCapabilities": ["CAPABILITY_ALL"]}]),
    ("max_session_duration", 3599),
    ("max_session_duration", 43201),
    ("connector_image", ""),
    ("connector_image_pull_secrets", ["Mirror"]),
    ("connector_image_pull_secrets", ["a,b"]),
    ("proxy", {"httpsProxy": "proxy.example:3128"}),
    ("proxy", {"httpsProxy": "http://user:password@proxy.example"}),
    ("proxy", {"noProxy": ["a,b"]}),
    ("proxy", {"clusterDomain": ".local"}),
    ("proxy", {"socksProxy": ""}),
    ("private_ca", {"configMap": "Corporate"}),
    ("private_ca", {"configMap": "corporate", "key": "a/b"}),
    ("apono_url", "https://api.apono.io"),
    ("resync_seconds", 9),
    ("resync_seconds", 86401),
    ("secret_poll_seconds", 0.9),
    ("secret_poll_seconds", 61),
    ("stack_poll_seconds", 301),
    ("workers", 0),
    ("workers", 257),
    ("aws_rate_limits", {"iam": {"perSecond": 0, "burst": 10}}),
    ("aws_rate_limits", {"iam": {"perSecond": 5, "burst": 0}}),
    ("aws_rate_limits", {"ec2": {"perSecond": 5, "burst": 10}}),
    ("watch_selector", "shard=*"),
    ("lease_duration_seconds", 1),
    ("lease_duration_seconds", 601),
    ("lease_renew_deadline_seconds", 0.9),
    ("lease_retry_seconds", 0),
    ("http_port", 65536),
    ("log_format", "xml"),
    ("log_level", "trace"),
]


def as_values(settings: dict[str, Any]) -> dict[str, Any]:
    return {to_camel(name): value for name, value in settings.items()}


def as_read_by_the_operator(rendering: Rendering, monkeypatch: pytest.MonkeyPatch) -> Settings:
    for name, value in rendering.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv(f"{PREFIX}NAMESPACE", NAMESPACE)
    return operator_settings.load()


def test_every_setting_has_a_value_of_the_same_name() -> None:
    values = yaml.safe_load((CHART / "values.yaml").read_text(encoding="utf-8"))

    assert {to_camel(name) for name in Settings.model_fields if name not in SET_BY_THE_CHART} <= values.keys()


def test_every_setting_but_what_names_the_installation_is_tried_here_with_a_value_that_is_not_its_default() -> None:
    defaults = Settings(**REQUIRED)
    chosen = Settings(**CHOSEN)

    assert CHOSEN.keys() == Settings.model_fields.keys() - SET_BY_THE_CHART
    assert [name for name in CHOSEN if getattr(chosen, name) == getattr(defaults, name)] == []


def test_every_setting_arrives_as_it_was_chosen(chart: Chart, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = Settings(**NAMED, **CHOSEN)

    rendering = chart.render({**as_values(CHOSEN), "grantedNamespaces": ["team-b"], "replicas": 1})

    assert as_read_by_the_operator(rendering, monkeypatch) == expected


def test_the_chart_s_defaults_are_the_operator_s(chart: Chart, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = Settings(**NAMED, **REQUIRED)

    assert as_read_by_the_operator(chart.render({}), monkeypatch) == expected


def test_an_empty_list_of_variables_means_none_rather_than_the_default(
    chart: Chart, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = as_read_by_the_operator(chart.render({"allowedEnvNames": []}), monkeypatch)

    assert settings.allowed_env_names == ()


def test_the_operator_learns_its_namespace_from_its_pod(chart: Chart) -> None:
    (entry,) = (entry for entry in chart.render({}).container["env"] if entry["name"] == f"{PREFIX}NAMESPACE")

    assert entry["valueFrom"] == {"fieldRef": {"fieldPath": "metadata.namespace"}}


def test_no_variable_is_set_twice(chart: Chart) -> None:
    names = [entry["name"] for entry in chart.render({}).container["env"]]

    assert len(names) == len(set(names))


@pytest.mark.parametrize(("name", "value"), REFUSED)
def test_what_the_operator_would_not_start_with_is_refused_at_once(chart: Chart, name: str, value: Any) -> None:
    with pytest.raises(ValidationError):
        Settings(**{"allow_unbounded_roles": True, name: value})

    assert f"at '/{to_camel(name)}" in chart.refusal({**BOUNDARIES, **as_values({name: value})})


DEFAULTS: dict[str, Any] = yaml.safe_load((CHART / "values.yaml").read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", [name for name, value in DEFAULTS.items() if value in ([], {}, "")])
def test_a_value_that_is_left_empty_is_the_default(chart: Chart, name: str) -> None:
    values = {name: None} if name != "permissionsBoundaries" else {name: None, "allowUnboundedRoles": True}

    assert chart.render(values).objects == chart.render({**values, name: DEFAULTS[name]}).objects
