"""The health of connectors for Argo CD, for those who manage its settings by Helm."""

from __future__ import annotations

import pytest

from tests.chart.rendering import BOUNDARIES, CHART, ROOT, Chart

SCRIPT = ROOT / "resource_customizations" / "apono.io" / "AponoConnector" / "health.lua"


def test_the_charts_script_is_the_one_that_is_tested() -> None:
    assert (CHART / "files" / "argocd-health.lua").read_bytes() == SCRIPT.read_bytes(), "run: make generate"


def test_nothing_is_rendered_for_argo_cd_unless_it_is_asked_for(chart: Chart) -> None:
    assert chart.render(BOUNDARIES).of("ConfigMap") == []


def test_the_config_map_holds_the_script_under_the_key_that_argo_cd_reads_and_stays_when_we_go(chart: Chart) -> None:
    made = chart.render({**BOUNDARIES, "argocdHealthConfigMap": "argocd/argocd-cm"}).one("ConfigMap")

    assert made["data"] == {
        "resource.customizations.health.apono.io_AponoConnector": SCRIPT.read_text(encoding="utf-8")
    }
    assert (made["metadata"]["namespace"], made["metadata"]["name"]) == ("argocd", "argocd-cm")
    assert made["metadata"]["annotations"] == {
        "argocd.argoproj.io/sync-options": "Delete=false,Prune=false",
        "helm.sh/resource-policy": "keep",
    }


@pytest.mark.parametrize("name", ["argocd-cm", "argocd/argocd cm", "a/b/c"])
def test_a_name_without_its_namespace_is_refused(chart: Chart, name: str) -> None:
    done = chart.run("template", "connectors", str(CHART), values={**BOUNDARIES, "argocdHealthConfigMap": name})

    assert done.returncode != 0
    assert "argocdHealthConfigMap" in done.stderr
