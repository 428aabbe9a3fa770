"""Settings come from the environment, and a wrong one is refused by its name."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from apono_operator import settings as operator_settings
from apono_operator.adapters.aws.rate_limits import DEFAULT_RATE_LIMITS, RateLimit
from apono_operator.settings import PREFIX, InvalidSettingsError, Settings
from apono_operator.state.administration import CONNECTOR_REGISTRY, DEFAULT_IMAGE, Grant
from apono_operator.state.egress import PrivateCa, Proxy
from apono_operator.state.management_accounts import ManagementAccount
from apono_operator.v1alpha1 import Mode, PermissionSet
from tests.unit.settings.conftest import ALLOWANCE, Load

BOUNDARY = "arn:aws:iam::123456789012:policy/connector-boundary"
MANAGEMENT_ACCOUNT = {
    "accountId": "999988887777",
    "roleArn": "arn:aws:iam::999988887777:role/way-in",
    "externalId": "0123456789abcdef",
    "cloudFormationRoleArn": "arn:aws:iam::999988887777:role/service",
    "region": "eu-west-1",
    "templateUrl": "https://bucket.s3.amazonaws.com/template.yaml",
    "memberTemplateUrl": "https://bucket.s3.amazonaws.com/member-account.yaml",
    "permissionsBoundaries": {"ReadOnly": "arn:aws:iam::999988887777:policy/boundary"},
    "allowedUnits": ["r-1a2b"],
    "namespaces": ["team-*"],
}

DEFAULTS: dict[str, Any] = {
    "namespace": "apono",
    "deployment_name": "apono-operator",
    "watch_namespaces": (),
    "watch_selector": "",
    "grants": (),
    "permissions_boundaries": {},
    "allow_unbounded_roles": True,  # as in ALLOWANCE
    "allowed_managed_policy_arns": (),
    "allowed_role_tag_keys": (),
    "allowed_env_names": (
        "HTTP_PROXY",
        "HTTPS_PROXY",
        "NO_PROXY",
        "http_proxy",
        "https_proxy",
        "no_proxy",
        "LOG_LEVEL",
    ),
    "allowed_pod_label_keys": (),
    "allowed_pod_annotation_keys": (),
    "management_accounts": (),
    "role_tags": {},
    "max_session_duration": 3600,
    "connector_image": DEFAULT_IMAGE,
    "connector_image_pull_secrets": (),
    "proxy": {"http_proxy": "", "https_proxy": "", "no_proxy": (), "cluster_domain": "cluster.local"},
    "private_ca": {"config_map": "", "key": "ca.crt"},
    "apono_url": "api.apono.io",
    "resync_seconds": 600.0,
    "secret_poll_seconds": 30.0,
    "stack_poll_seconds": 10.0,
    "workers": 16,
    "aws_rate_limits": {
        "cloudformation": {"per_second": 2.0, "burst": 10},
        "iam": {"per_second": 5.0, "burst": 10},
        "organizations": {"per_second": 1.0, "burst": 4},
        "sso-admin": {"per_second": 1.0, "burst": 4},
        "sts": {"per_second": 10.0, "burst": 20},
    },
    "leader_election": True,
    "lease_duration_seconds": 15,
    "lease_renew_deadline_seconds": 10.0,
    "lease_retry_seconds": 2.0,
    "http_port": 8080,
    "log_format": "json",
    "log_level": "info",
}

READ: list[tuple[str, str, Any]] = [
    ("NAMESPACE", "team-a", "team-a"),
    ("WATCH_NAMESPACES", "team-a", ("team-a",)),
    ("WATCH_NAMESPACES", " team-a, team-b ,", ("team-a", "team-b")),
    ("WATCH_NAMESPACES", "", ()),
    ("WATCH_SELECTOR", "acme.example/shard in (a, b),stage!=test", "acme.example/shard in (a, b),stage!=test"),
    ("GRANTS", '[{"namespaces": ["team-*"]}]', (Grant(namespaces=("team-*",)),)),
    (
        "GRANTS",
        '[{"namespaces": ["a"], "modes": ["Account"], "permissions": ["ReadOnly"], "imageRegistries": ["r.example"]}]',
        (
            Grant(
                namespaces=("a",),
                modes=(Mode.ACCOUNT,),
                permissions=(PermissionSet.READ_ONLY,),
                image_registries=("r.example",),
            ),
        ),
    ),
    ("PERMISSIONS_BOUNDARIES", f'{{"ReadOnly": "{BOUNDARY}"}}', {PermissionSet.READ_ONLY: BOUNDARY}),
    (
        "PERMISSIONS_BOUNDARIES",
        '{"FullAccess": "arn:aws-us-gov:iam::aws:policy/PowerUserAccess"}',
        {PermissionSet.FULL_ACCESS: "arn:aws-us-gov:iam::aws:policy/PowerUserAccess"},
    ),
    ("ALLOW_UNBOUNDED_ROLES", "1", True),
    (
        "ALLOWED_MANAGED_POLICY_ARNS",
        "arn:aws:iam::aws:policy/ReadOnlyAccess,arn:aws:iam::123456789012:policy/team-*",
        ("arn:aws:iam::aws:policy/ReadOnlyAccess", "arn:aws:iam::123456789012:policy/team-*"),
    ),
    ("ALLOWED_MANAGED_POLICY_ARNS", "*", ("*",)),
    ("ALLOWED_ROLE_TAG_KEYS", "team, cost:*", ("team", "cost:*")),
    ("ALLOWED_ENV_NAMES", "HTTPS_PROXY, NODE_*", ("HTTPS_PROXY", "NODE_*")),
    ("ALLOWED_ENV_NAMES", "", ()),
    ("ALLOWED_POD_LABEL_KEYS", "team, acme.example/[!x]*", ("team", "acme.example/[!x]*")),
    ("ALLOWED_POD_LABEL_KEYS", "", ()),
    ("ALLOWED_POD_ANNOTATION_KEYS", "note,acme.example/*", ("note", "acme.example/*")),
    ("ALLOWED_POD_ANNOTATION_KEYS", "", ()),
    ("MANAGEMENT_ACCOUNTS", json.dumps([MANAGEMENT_ACCOUNT]), (ManagementAccount.model_validate(MANAGEMENT_ACCOUNT),)),
    ("MANAGEMENT_ACCOUNTS", "[]", ()),
    ("ROLE_TAGS", '{"cost centre": "42"}', {"cost centre": "42"}),
    ("MAX_SESSION_DURATION", "43200", 43200),
    ("CONNECTOR_IMAGE", "registry.example/connector:1", "registry.example/connector:1"),
    ("CONNECTOR_IMAGE_PULL_SECRETS", "mirror, other.mirror", ("mirror", "other.mirror")),
    ("CONNECTOR_IMAGE_PULL_SECRETS", "", ()),
    ("PROXY", "{}", Proxy()),
    (
        "PROXY",
        '{"httpsProxy": "http://proxy:3128", "noProxy": [".corp"], "clusterDomain": "corp.local"}',
        Proxy(https_proxy="http://proxy:3128", no_proxy=(".corp",), cluster_domain="corp.local"),
    ),
    ("PRIVATE_CA", '{"configMap": "corporate", "key": "a.pem"}', PrivateCa(config_map="corporate", key="a.pem")),
    ("DEPLOYMENT_NAME", "connectors.operator-2", "connectors.operator-2"),
    ("APONO_URL", "api.example", "api.example"),
    ("RESYNC_SECONDS", "10.5", 10.5),
    ("SECRET_POLL_SECONDS", "1", 1.0),
    ("STACK_POLL_SECONDS", "1", 1.0),
    ("WORKERS", "256", 256),
    (
        "AWS_RATE_LIMITS",
        '{"iam": {"perSecond": 2.5, "burst": 1}}',
        {**DEFAULT_RATE_LIMITS, "iam": RateLimit(per_second=2.5, burst=1)},
    ),
    (
        "AWS_RATE_LIMITS",
        '{"sts": {"perSecond": 1e6, "burst": 1e6}}',
        {**DEFAULT_RATE_LIMITS, "sts": RateLimit(per_second=1_000_000, burst=1_000_000)},
    ),
    ("AWS_RATE_LIMITS", "{}", DEFAULT_RATE_LIMITS),
    ("LEADER_ELECTION", "false", False),
    ("LEASE_DURATION_SECONDS", "60", 60),
    ("LEASE_RENEW_DEADLINE_SECONDS", "4.5", 4.5),
    ("LEASE_RETRY_SECONDS", "0.5", 0.5),
    ("HTTP_PORT", "0", 0),
    ("LOG_FORMAT", "console", "console"),
    ("LOG_LEVEL", "debug", "debug"),
]

REFUSED: list[tuple[str, str, str]] = [
    ("DEPLOYMENT_NAME", "", "String should match pattern"),
    ("DEPLOYMENT_NAME", "Release", "String should match pattern"),
    ("DEPLOYMENT_NAME", "a" * 254, "String should have at most 253 characters"),
    ("CONNECTOR_IMAGE_PULL_SECRETS", "Mirror", "each must be the name of a Secret"),
    ("PROXY", '{"httpsProxy": "proxy:3128"}', "(httpsProxy): String should match pattern"),
    ("PROXY", '{"httpsProxy": "http://user:secret@proxy"}', "(httpsProxy): String should match pattern"),
    ("PROXY", '{"noProxy": ["a b"]}', "String should match pattern"),
    ("PROXY", '{"socksProxy": "a"}', "Extra inputs are not permitted"),
    ("PROXY", "http://proxy:3128", "must be JSON"),
    ("PRIVATE_CA", '{"configMap": "Corporate"}', "String should match pattern"),
    ("PRIVATE_CA", '{"configMap": "a", "key": "a/b"}', "String should match pattern"),
    ("NAMESPACE", "", "String should match pattern"),
    ("NAMESPACE", "Team_A", "String should match pattern"),
    ("WATCH_NAMESPACES", "team-*", "each must be the name of a namespace"),
    ("WATCH_NAMESPACES", '["team-a"]', "each must be the name of a namespace"),
    ("WATCH_NAMESPACES", "a" * 64, "each must be the name of a namespace"),
    ("WATCH_SELECTOR", "shard=*", "String should match pattern"),
    ("GRANTS", "team-a", "must be JSON. JSON list of grants"),
    ("GRANTS", "", "must be JSON. JSON list of grants"),
    ("GRANTS", '{"namespaces": ["team-a"]}', "Input should be a valid tuple"),
    ("GRANTS", "[{}]", "(0.namespaces): Field required"),
    ("GRANTS", '[{"namespaces": []}]', "(0.namespaces): Tuple should have at least 1 item"),
    ("GRANTS", '[{"namespaces": ["a"], "modes": ["Region"]}]', "Input should be 'Account', 'ManagementAccount' or"),
    ("GRANTS", '[{"namespaces": ["a"], "permissions": ["Admin"]}]', "Input should be 'FullAccess' or 'ReadOnly'"),
    ("GRANTS", '[{"namespaces": ["a"], "registries": []}]', "(0.registries): Extra inputs are not permitted"),
    ("PERMISSIONS_BOUNDARIES", BOUNDARY, "must be JSON. JSON object: the ARN of the permissions boundary"),
    ("PERMISSIONS_BOUNDARIES", '{"ReadOnly": "connector-boundary"}', "each boundary must be a policy's ARN"),
    ("PERMISSIONS_BOUNDARIES", f'{{"ReadOnly": "{BOUNDARY}\\n"}}', "each boundary must be a policy's ARN"),
    ("PERMISSIONS_BOUNDARIES", f'{{"Admin": "{BOUNDARY}"}}', "Input should be 'FullAccess' or 'ReadOnly'"),
    ("ALLOW_UNBOUNDED_ROLES", "perhaps", "Input should be a valid boolean"),
    ("ALLOWED_MANAGED_POLICY_ARNS", "ReadOnlyAccess", "each must be a policy's ARN or a pattern of such"),
    ("ALLOWED_ROLE_TAG_KEYS", '["team"]', "each must be a tag key or a pattern of such"),
    ("ALLOWED_ENV_NAMES", '["HTTPS_PROXY"]', "each must be a variable's name or a pattern of such"),
    ("ALLOWED_ENV_NAMES", "HTTPS_PROXY=x", "each must be a variable's name or a pattern of such"),
    ("ALLOWED_ENV_NAMES", "A" * 254, "each must be a variable's name or a pattern of such"),
    ("ALLOWED_POD_LABEL_KEYS", '["team"]', "each must be a key or a pattern of such"),
    ("ALLOWED_POD_LABEL_KEYS", "team: a", "each must be a key or a pattern of such"),
    ("ALLOWED_POD_ANNOTATION_KEYS", "note=x", "each must be a key or a pattern of such"),
    ("ALLOWED_POD_ANNOTATION_KEYS", "a" * 318, "each must be a key or a pattern of such"),
    ("MANAGEMENT_ACCOUNTS", "999988887777", "Input should be a valid tuple"),
    ("MANAGEMENT_ACCOUNTS", "production", "must be JSON. JSON list: the management accounts of organizations"),
    (
        "MANAGEMENT_ACCOUNTS",
        json.dumps([{**MANAGEMENT_ACCOUNT, "accountId": "production"}]),
        "(0.accountId): must be the 12 digits of the account's id",
    ),
    (
        "MANAGEMENT_ACCOUNTS",
        json.dumps([{**MANAGEMENT_ACCOUNT, "sendTemplateBody": True}]),
        "(0): needs one of templateUrl (https://...), templateFile",
    ),
    (
        "MANAGEMENT_ACCOUNTS",
        json.dumps([MANAGEMENT_ACCOUNT, MANAGEMENT_ACCOUNT]),
        "there is more than one entry for the account 999988887777. Make one of them",
    ),
    ("ROLE_TAGS", "team=a", "must be JSON. JSON object: tags that every role carries."),
    ("ROLE_TAGS", '["team"]', "Input should be a valid dictionary"),
    ("ROLE_TAGS", '{"team": 1}', "(team): Input should be a valid string"),
    ("ROLE_TAGS", '{"aws:team": "a"}', "each must be a tag key"),
    ("ROLE_TAGS", '{"APONO.io/uid": "a"}', "each must be a tag key"),
    ("ROLE_TAGS", '{"team": "a", "Team": "b"}', "keys must differ in more than their case"),
    ("ROLE_TAGS", json.dumps({f"key-{number}": "a" for number in range(26)}), "should have at most 25 items"),
    ("ROLE_TAGS", '{"": "a"}', "each must be a tag key"),
    ("ROLE_TAGS", f'{{"team": "{"a" * 257}"}}', "each value must have at most 256 characters"),
    ("MAX_SESSION_DURATION", "3599", "Input should be greater than or equal to 3600"),
    ("MAX_SESSION_DURATION", "43201", "Input should be less than or equal to 43200"),
    ("MAX_SESSION_DURATION", "1h", "Input should be a valid integer"),
    ("CONNECTOR_IMAGE", "", "String should have at least 1 character"),
    ("APONO_URL", "https://api.apono.io", "String should match pattern '^[^/]+$'"),
    ("RESYNC_SECONDS", "9.9", "Input should be greater than or equal to 10"),
    ("RESYNC_SECONDS", "nan", "Input should be"),
    ("SECRET_POLL_SECONDS", "60.1", "Input should be less than or equal to 60"),
    ("STACK_POLL_SECONDS", "300.1", "Input should be less than or equal to 300"),
    ("WORKERS", "0", "Input should be greater than or equal to 1"),
    ("WORKERS", "many", "Input should be a valid integer"),
    ("AWS_RATE_LIMITS", "5", "Input should be a valid dictionary"),
    ("AWS_RATE_LIMITS", "iam=5", "must be JSON. JSON object: how many calls leave for each service"),
    ("AWS_RATE_LIMITS", '{"iam": 5}', "(iam): Input should be a valid dictionary"),
    ("AWS_RATE_LIMITS", '{"iam": {"perSecond": 5}}', "(iam.burst): Field required"),
    ("AWS_RATE_LIMITS", '{"iam": {"perSecond": 0, "burst": 10}}', "(iam.perSecond): Input should be greater than"),
    ("AWS_RATE_LIMITS", '{"iam": {"perSecond": -5, "burst": 10}}', "(iam.perSecond): Input should be greater than"),
    ("AWS_RATE_LIMITS", '{"iam": {"perSecond": Infinity, "burst": 10}}', "(iam.perSecond): Input should be a finite"),
    ("AWS_RATE_LIMITS", '{"iam": {"perSecond": 5, "burst": 0}}', "(iam.burst): Input should be greater than"),
    ("AWS_RATE_LIMITS", '{"iam": {"perSecond": 5, "burst": 1.5}}', "(iam.burst): Input should be a valid integer"),
    (
        "AWS_RATE_LIMITS",
        '{"iam": {"rate": 5, "perSecond": 5, "burst": 1}}',
        "(iam.rate): Extra inputs are not permitted",
    ),
    (
        "AWS_RATE_LIMITS",
        '{"ec2": {"perSecond": 5, "burst": 10}}',
        'the services are cloudformation, iam, organizations, sso-admin, sts. Write, for example, {"',
    ),
    ("LEADER_ELECTION", "perhaps", "Input should be a valid boolean"),
    ("LEASE_DURATION_SECONDS", "1", "Input should be greater than or equal to 2"),
    ("LEASE_DURATION_SECONDS", "15.5", "Input should be a valid integer"),
    ("LEASE_RENEW_DEADLINE_SECONDS", "0.9", "Input should be greater than or equal to 1"),
    ("LEASE_RETRY_SECONDS", "0", "Input should be greater than or equal to 0.1"),
    ("HTTP_PORT", "65536", "Input should be less than or equal to 65535"),
    ("LOG_FORMAT", "xml", "Input should be 'json' or 'console'"),
    ("LOG_LEVEL", "INFO", "Input should be 'debug', 'info', 'warning' or 'error'"),
]


def test_every_setting_has_a_default_but_what_bounds_the_roles(load: Load) -> None:
    assert load(**ALLOWANCE).model_dump() == DEFAULTS


@pytest.mark.parametrize(("name", "text", "value"), READ)
def test_a_setting_is_read_from_its_variable(load: Load, name: str, text: str, value: Any) -> None:
    settings = load(**{**ALLOWANCE, name: text})

    assert getattr(settings, name.lower()) == value


def test_every_setting_is_read_and_refused_here() -> None:
    every = {name.upper() for name in Settings.model_fields}

    assert {name for name, _, _ in READ} == every
    assert {name for name, _, _ in REFUSED} == every


@pytest.mark.parametrize(("name", "text", "reason"), REFUSED)
def test_a_wrong_value_is_refused_with_its_variable_and_what_it_should_be(
    load: Load, name: str, text: str, reason: str
) -> None:
    with pytest.raises(InvalidSettingsError) as refusal:
        load(**{**ALLOWANCE, name: text})

    (line,) = str(refusal.value).splitlines()
    assert line.startswith(f"{PREFIX}{name}")
    assert reason in line


def test_each_wrong_value_has_a_line_of_its_own(load: Load) -> None:
    with pytest.raises(InvalidSettingsError) as refusal:
        load(**ALLOWANCE, WORKERS="0", LOG_FORMAT="xml", LOG_LEVELS="info")

    names = [line.partition(":")[0] for line in str(refusal.value).splitlines()]
    assert names == [f"{PREFIX}LOG_LEVELS", f"{PREFIX}WORKERS", f"{PREFIX}LOG_FORMAT"]


def test_a_refusal_does_not_repeat_the_value(load: Load) -> None:
    with pytest.raises(InvalidSettingsError) as refusal:
        load(**ALLOWANCE, ROLE_TAGS='{"aws:secret": "do-not-print-me"}')

    assert "do-not-print-me" not in str(refusal.value)


def test_neither_boundary_nor_allowance_is_refused_with_both_ways_out(load: Load) -> None:
    with pytest.raises(InvalidSettingsError) as refusal:
        load()

    (line,) = str(refusal.value).splitlines()
    assert f"Set {PREFIX}PERMISSIONS_BOUNDARIES, for example {{" in line
    assert f"{PREFIX}ALLOW_UNBOUNDED_ROLES=true" in line


@pytest.mark.parametrize(
    "times",
    [
        {"LEASE_DURATION_SECONDS": "10"},
        {"LEASE_RENEW_DEADLINE_SECONDS": "14.1"},
        {"LEASE_RENEW_DEADLINE_SECONDS": "nan"},
        {"LEASE_RETRY_SECONDS": "5.1"},
    ],
)
def test_a_lease_that_ends_before_its_holder_does_is_refused(load: Load, times: dict[str, str]) -> None:
    with pytest.raises(InvalidSettingsError) as refusal:
        load(**ALLOWANCE, **times)

    (line,) = str(refusal.value).splitlines()
    assert "RENEW_DEADLINE_SECONDS" in line


@pytest.mark.parametrize(
    ("variable", "nearest"),
    [
        ("APONO_OPERATOR_LOGLEVEL", "APONO_OPERATOR_LOG_LEVEL"),
        ("APONO_OPERATOR_PERMISSION_BOUNDARY", "APONO_OPERATOR_PERMISSIONS_BOUNDARIES"),
        ("APONO_OPERATOR_WATCH_NAMESPACE", "APONO_OPERATOR_WATCH_NAMESPACES"),
        ("apono_operator_worker", "APONO_OPERATOR_WORKERS"),
    ],
)
def test_a_variable_that_is_no_setting_is_refused_with_the_nearest_one(
    load: Load, monkeypatch: pytest.MonkeyPatch, variable: str, nearest: str
) -> None:
    monkeypatch.setenv(variable, "1")

    with pytest.raises(InvalidSettingsError) as refusal:
        load(**ALLOWANCE)

    assert str(refusal.value) == f"{variable}: there is no such setting. The nearest is {nearest}"


def test_variables_that_kubernetes_makes_of_a_service_named_apono_operator_are_no_settings(load: Load) -> None:
    links = {
        "SERVICE_HOST": "10.0.0.11",
        "SERVICE_PORT": "8080",
        "SERVICE_PORT_METRICS": "8080",
        "PORT": "tcp://10.0.0.11:8080",
        "PORT_8080_TCP": "tcp://10.0.0.11:8080",
        "PORT_8080_TCP_PROTO": "tcp",
        "PORT_8080_TCP_PORT": "8080",
        "PORT_8080_TCP_ADDR": "10.0.0.11",
    }

    assert load(**ALLOWANCE, **links).model_dump() == DEFAULTS


def test_names_of_variables_may_be_in_lower_case(load: Load, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("apono_operator_workers", "3")

    assert load(**ALLOWANCE).workers == 3


@pytest.mark.usefixtures("load")
def test_without_a_variable_the_pod_tells_its_namespace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    namespace_file = tmp_path / "namespace"
    namespace_file.write_text("team-a\n", encoding="utf-8")
    monkeypatch.setenv(f"{PREFIX}ALLOW_UNBOUNDED_ROLES", "true")

    assert operator_settings.load(namespace_file).namespace == "team-a"


@pytest.mark.usefixtures("load")
def test_a_variable_goes_before_what_the_pod_tells(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    namespace_file = tmp_path / "namespace"
    namespace_file.write_text("team-a\n", encoding="utf-8")
    monkeypatch.setenv(f"{PREFIX}ALLOW_UNBOUNDED_ROLES", "true")
    monkeypatch.setenv(f"{PREFIX}NAMESPACE", "team-b")

    assert operator_settings.load(namespace_file).namespace == "team-b"


def test_without_grants_the_operators_own_namespace_has_apono_s_registry(load: Load) -> None:
    administration = load(**ALLOWANCE, NAMESPACE="team-a").administration()

    assert administration.grants == (Grant(namespaces=("team-a",), image_registries=(CONNECTOR_REGISTRY,)),)


def test_with_grants_the_operators_own_namespace_has_no_privilege(load: Load) -> None:
    administration = load(**ALLOWANCE, NAMESPACE="apono", GRANTS='[{"namespaces": ["team-a"]}]').administration()

    assert [grant.namespaces for grant in administration.grants] == [("team-a",)]


def test_the_core_gets_the_administrators_decisions_as_they_were_set(load: Load) -> None:
    administration = load(
        PERMISSIONS_BOUNDARIES=f'{{"ReadOnly": "{BOUNDARY}"}}',
        ALLOWED_MANAGED_POLICY_ARNS="arn:aws:iam::aws:policy/ReadOnlyAccess",
        ALLOWED_ROLE_TAG_KEYS="team",
        ALLOWED_ENV_NAMES="HTTPS_PROXY",
        ALLOWED_POD_LABEL_KEYS="stage",
        ALLOWED_POD_ANNOTATION_KEYS="note",
        MANAGEMENT_ACCOUNTS=json.dumps([MANAGEMENT_ACCOUNT]),
        ROLE_TAGS='{"owner": "platform"}',
        MAX_SESSION_DURATION="7200",
        CONNECTOR_IMAGE="registry.example/connector:1",
        CONNECTOR_IMAGE_PULL_SECRETS="mirror",
        PROXY='{"httpsProxy": "http://proxy"}',
        PRIVATE_CA='{"configMap": "corporate"}',
        APONO_URL="api.example",
    ).administration()

    assert administration.management_accounts == (ManagementAccount.model_validate(MANAGEMENT_ACCOUNT),)
    assert administration.model_dump(exclude={"grants", "management_accounts"}) == {
        "permissions_boundaries": {PermissionSet.READ_ONLY: BOUNDARY},
        "allow_unbounded_roles": False,
        "allowed_managed_policy_arns": ("arn:aws:iam::aws:policy/ReadOnlyAccess",),
        "allowed_role_tag_keys": ("team",),
        "allowed_env_names": ("HTTPS_PROXY",),
        "allowed_pod_label_keys": ("stage",),
        "allowed_pod_annotation_keys": ("note",),
        "role_tags": {"owner": "platform"},
        "max_session_duration": 7200,
        "connector_image": "registry.example/connector:1",
        "connector_image_pull_secrets": ("mirror",),
        "proxy": Proxy(https_proxy="http://proxy").model_dump(),
        "private_ca": PrivateCa(config_map="corporate").model_dump(),
        "apono_url": "api.example",
    }
