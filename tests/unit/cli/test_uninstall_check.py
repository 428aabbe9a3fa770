"""Before an uninstallation: refused while there are connectors that nobody would take away any more."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from sandbox.controlplane import ControlPlane
from tests.scenarios.cluster import Cluster
from tests.scenarios.scenario import manifest
from tests.unit.cli.programs import Ended, run

OURS = "apono/first"
Check = Callable[..., Ended]


@pytest.fixture
def cluster(control_plane: ControlPlane) -> Iterator[Cluster]:
    namespace = f"uninstall-{secrets.token_hex(4)}"
    control_plane.kubectl("create", "namespace", namespace)
    control_plane.kubectl("create", "serviceaccount", "check", "-n", namespace)
    yield Cluster(control_plane.kubeconfig, namespace)
    control_plane.kubectl("delete", "namespace", namespace, "--wait=false")


@pytest.fixture
def check(cluster: Cluster, control_plane: ControlPlane, tmp_path: Path) -> Check:
    def check(kubeconfig: Path = control_plane.kubeconfig) -> Ended:
        arguments = ("uninstall-check", f"--installation={OURS}", f"--namespace={cluster.namespace}")
        return run(*arguments, environment={"KUBECONFIG": str(kubeconfig)}, home=tmp_path)

    return check


def claimed(control_plane: ControlPlane, cluster: Cluster, name: str, by: str) -> None:
    patch = f'{{"status": {{"claimedBy": "{by}"}}}}'
    place = ("--namespace", cluster.namespace, "--subresource=status", "--type=merge")
    control_plane.kubectl("patch", "aponoconnector", name, *place, "--patch", patch)


def made(cluster: Cluster, *names: str) -> None:
    for name in names:
        cluster.create("AponoConnector", manifest(name))


def test_without_connectors_nothing_is_in_the_way(check: Check) -> None:
    assert check() == Ended(0, "", "")


def test_connectors_of_this_installation_and_of_none_are_named_with_what_to_do(
    check: Check, cluster: Cluster, control_plane: ControlPlane
) -> None:
    made(cluster, "second", "first")
    claimed(control_plane, cluster, "second", OURS)

    ended = check()

    assert ended.status == 1
    assert f"Connectors are still there: {cluster.namespace}/first, {cluster.namespace}/second." in ended.errors
    assert f"kubectl delete aponoconnectors --all --namespace {cluster.namespace}" in ended.errors
    assert "helm uninstall RELEASE --namespace apono --no-hooks\n" in ended.errors
    assert "helm rollback RELEASE REVISION --namespace apono, to the last revision" in ended.errors


def test_connectors_of_another_installation_are_none_of_its_business(
    check: Check, cluster: Cluster, control_plane: ControlPlane
) -> None:
    made(cluster, "first")
    claimed(control_plane, cluster, "first", "apono/another")

    assert check() == Ended(0, "", "")


def test_a_long_list_is_cut(check: Check, cluster: Cluster) -> None:
    made(cluster, *(f"one-{number:02}" for number in range(22)))

    ended = check()

    assert f"{cluster.namespace}/one-19 and 2 more." in ended.errors


def test_without_the_right_to_list_it_refuses_rather_than_to_guess(
    check: Check, cluster: Cluster, control_plane: ControlPlane
) -> None:
    ended = check(control_plane.service_account_kubeconfig(cluster.namespace, "check"))

    assert ended.status == 1
    assert "cannot list resource" in ended.errors


def test_the_help_says_what_it_wants(tmp_path: Path) -> None:
    ended: Any = run("uninstall-check", environment={}, home=tmp_path)

    assert ended.status == 2
    assert "Missing option '--installation'" in ended.errors
