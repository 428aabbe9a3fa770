"""A cluster behind a proxy, with a mirror of the registry: what the chart's values come to."""

from __future__ import annotations

import pytest

from tests.scenarios.conftest import StartScenario
from tests.scenarios.scenario import CHILD, Scenario

NOBODY = "http://127.0.0.1:9"
"""A proxy that does not answer."""


@pytest.fixture
def behind_a_proxy(start: StartScenario) -> Scenario:
    proxy = {"httpProxy": NOBODY, "httpsProxy": NOBODY}
    return start(
        values={
            "proxy": proxy,
            "connectorImage": "mirror.example/connector:v1",
            "connectorImagePullSecrets": ["mirror"],
        }
    )


def test_the_operator_reaches_what_no_proxy_stands_in_the_way_of(behind_a_proxy: Scenario) -> None:
    environment = behind_a_proxy.installation.environment

    assert (environment["HTTPS_PROXY"], environment["HTTP_PROXY"]) == (NOBODY, NOBODY)
    behind_a_proxy.apply_ready()


def test_without_the_right_to_write_secrets_connectors_pull_by_the_administrators(behind_a_proxy: Scenario) -> None:
    behind_a_proxy.apply_ready()

    deployment = behind_a_proxy.cluster.get("Deployment", CHILD)
    assert deployment is not None
    pod = deployment["spec"]["template"]["spec"]
    assert pod["imagePullSecrets"] == [{"name": "mirror"}]
    assert pod["containers"][0]["image"] == "mirror.example/connector:v1"
    assert behind_a_proxy.cluster.get("Secret", CHILD) is None
    rights = behind_a_proxy.installation.control_plane.kubectl(
        "auth",
        "can-i",
        "--list",
        f"--namespace={behind_a_proxy.cluster.namespace}",
        f"--as=system:serviceaccount:{behind_a_proxy.cluster.namespace}:apono-operator",
    )
    (secrets,) = (line for line in rights.splitlines() if line.startswith("secrets "))
    assert secrets.endswith("[get]")
