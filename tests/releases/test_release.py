"""The chart as platform teams use it, by Helm itself: install, use, upgrade, go back, uninstall."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from sandbox.aws import FrontDoor
from sandbox.controlplane import CommandError, ControlPlane, helm, helm3
from sandbox.installation import CHART, CRD
from sandbox.release import HelmError
from tests.chart.rendering import CONNECTORS_CHART
from tests.releases.site import Site, an_account
from tests.scenarios.scenario import CHILD, NAME, manifest
from tests.waiting import until

COLUMN = {"name": "Connector", "type": "string", "jsonPath": ".status.connectorId"}


@pytest.fixture
def site_by(own_control_plane: ControlPlane, own_aws: FrontDoor) -> Callable[[Path], Site]:
    account = an_account(own_control_plane, own_aws)
    return lambda program: Site.prepare(own_control_plane, own_aws, account, "apono", program)


@pytest.fixture
def next_chart(tmp_path: Path) -> Path:
    """The chart of a version to come, whose definition has a column more."""
    chart = tmp_path / "apono-operator"
    shutil.copytree(CHART, chart)
    about = yaml.safe_load((chart / "Chart.yaml").read_text(encoding="utf-8"))
    (chart / "Chart.yaml").write_text(yaml.safe_dump({**about, "version": "9.9.9", "appVersion": "9.9.9"}))
    definition = yaml.safe_load((chart / "files" / CRD.name).read_text(encoding="utf-8"))
    (version,) = definition["spec"]["versions"]
    version["additionalPrinterColumns"].append(COLUMN)
    (chart / "files" / CRD.name).write_text(yaml.safe_dump(definition))
    return chart


@pytest.mark.parametrize("program", [helm, helm3], ids=["helm-4", "helm-3"])
def test_a_release_is_installed_used_upgraded_rolled_back_and_uninstalled(
    site_by: Callable[[Path], Site], next_chart: Path, program: Callable[[], Path]
) -> None:
    site = site_by(program())
    release = site.release

    release.install(site.values)
    with release.start():
        site.apply()
        site.condition("Ready", "True")
        pods, selector = site.pods(), selector_of(site)
        before = site.columns()

    release.upgrade({}, next_chart)
    assert site.columns() == [*before, "Connector"]
    assert selector_of(site) == selector
    with release.start():
        site.cluster.patch("AponoConnector", NAME, {"spec": {"driftPolicy": "Report"}})
        site.condition("Ready", "True")
        assert site.pods() == pods
        assert replica_sets(site) == 1

    release.rollback(1)
    assert site.columns() == before
    with release.start():
        with pytest.raises(HelmError, match=f"Connectors are still there: apono/{NAME}"):
            release.uninstall()
        site.condition("Ready", "True")
        release.rollback(3)
        release.upgrade({})
        site.delete_connector()
    assert site.roles() == []
    release.uninstall()

    assert site.columns() == before, "the definition stays"
    with pytest.raises(CommandError, match="NotFound"):
        release.get("deployment", "apono-operator")


def test_connectors_that_are_left_keep_working_and_a_new_release_takes_them_up(
    site_by: Callable[[Path], Site],
) -> None:
    site = site_by(helm())
    release = site.release
    release.install(site.values)
    with release.start():
        site.apply()
        site.condition("Ready", "True")
    pods, roles = site.pods(), site.roles()

    with pytest.raises(HelmError, match="helm uninstall RELEASE --namespace apono --no-hooks"):
        release.uninstall()
    assert release.uninstall("--no-hooks") == ""

    assert (site.pods(), site.roles()) == (pods, roles)
    release.install(site.values)
    with release.start():
        site.cluster.patch("AponoConnector", NAME, {"spec": {"deployment": {"podAnnotations": {}, "replicas": 2}}})
        until("there are two pods", lambda: len(site.pods()) == 2)
        assert site.roles() == roles
        site.delete_connector()
    assert site.roles() == []


def test_the_definition_stays_with_its_connectors_when_a_release_no_longer_installs_it(
    site_by: Callable[[Path], Site],
) -> None:
    site = site_by(helm())
    site.release.install(site.values)
    site.apply()

    site.release.upgrade({"crds": {"install": False}})

    assert site.connector()["metadata"]["name"] == NAME


def test_connectors_come_and_go_with_a_release_of_their_chart(site_by: Callable[[Path], Site]) -> None:
    site = site_by(helm())
    site.release.install(site.values)
    connectors = replace(site.release, name="connectors")
    with site.release.start():
        site.create_token()
        connectors.install({"connectors": [{"name": NAME, "spec": manifest()["spec"]}]}, CONNECTORS_CHART)
        site.condition("Ready", "True")

        connectors.uninstall()

        site.is_gone()
    assert site.roles() == []


def selector_of(site: Site) -> Any:
    return site.release.get("deployment", "apono-operator")["spec"]["selector"]


def replica_sets(site: Site) -> int:
    listed = site.cluster.list("ReplicaSet", f"apono.io/connector={NAME}")
    return len([one for one in listed if one["metadata"]["ownerReferences"][0]["name"] == CHILD])
