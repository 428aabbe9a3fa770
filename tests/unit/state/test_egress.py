"""The way out of closed networks."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from apono_operator.state.egress import CA_VARIABLES, PRIVATE_CA_DIRECTORY, PrivateCa, Proxy

URL = "http://proxy.example:3128"


def test_without_a_proxy_no_variable_tells_of_one() -> None:
    assert Proxy(no_proxy=(".corp",)).variables() == {}


def test_a_proxy_is_told_in_both_cases_because_programs_read_the_one_or_the_other() -> None:
    variables = Proxy(http_proxy=URL, https_proxy=URL).variables()

    assert {"HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy"} == variables.keys()
    assert all(variables[name] == variables[name.upper()] for name in variables)


def test_only_the_schemes_that_have_a_proxy_are_told() -> None:
    assert set(Proxy(https_proxy=URL).variables()) == {"HTTPS_PROXY", "NO_PROXY", "https_proxy", "no_proxy"}


@pytest.mark.parametrize(
    "host", ["169.254.170.23", "[fd00:ec2::23]", "$(KUBERNETES_SERVICE_HOST)", ".svc", "localhost"]
)
def test_the_cluster_and_its_agents_are_reached_without_a_proxy(host: str) -> None:
    assert host in Proxy(https_proxy=URL).variables()["NO_PROXY"].split(",")


def test_the_administrators_hosts_and_the_clusters_domain_come_behind() -> None:
    never = Proxy(https_proxy=URL, no_proxy=("10.0.0.0/8", ".corp"), cluster_domain="corp.local").variables()[
        "NO_PROXY"
    ]

    assert never.endswith(",.svc,.corp.local,10.0.0.0/8,.corp")


def test_nothing_that_the_administrator_writes_is_expanded_by_kubernetes() -> None:
    variables = Proxy(https_proxy="http://$(APONO_TOKEN)", no_proxy=("$(APONO_TOKEN)",)).variables()

    assert variables["HTTPS_PROXY"] == "http://$$(APONO_TOKEN)"
    assert variables["NO_PROXY"].endswith(",$$(APONO_TOKEN)")


@pytest.mark.parametrize(
    "url", ["proxy:3128", "socks5://proxy", "http://user:secret@proxy", "http://a b", "http://a/b/c"]
)
def test_a_url_of_another_form_or_with_a_password_is_refused(url: str) -> None:
    with pytest.raises(ValidationError):
        Proxy(https_proxy=url)


def test_without_a_config_map_there_is_no_certificate_authority() -> None:
    none = PrivateCa()

    assert (none.variables(), none.volumes(), none.mounts()) == ({}, [], [])


def test_a_certificate_authority_is_a_volume_and_named_to_each_kind_of_program() -> None:
    given = PrivateCa(config_map="corporate", key="bundle.pem")

    assert given.variables() == dict.fromkeys(CA_VARIABLES, f"{PRIVATE_CA_DIRECTORY}/bundle.pem")
    assert given.volumes() == [{"name": "private-ca", "configMap": {"name": "corporate"}}]
    assert given.mounts() == [{"name": "private-ca", "mountPath": PRIVATE_CA_DIRECTORY, "readOnly": True}]
