"""The custom resource definition in the chart: upgraded with it, and not deleted with it."""

from __future__ import annotations

from apono_operator import crds
from tests.chart.rendering import Chart


def test_the_definition_is_a_part_of_the_release_so_that_an_upgrade_changes_it(chart: Chart) -> None:
    definition = chart.render({}).one("CustomResourceDefinition")

    expected = crds.custom_resource_definition()
    assert definition["spec"] == expected["spec"]
    assert definition["metadata"]["name"] == expected["metadata"]["name"]


def test_helm_is_told_to_keep_it(chart: Chart) -> None:
    metadata = chart.render({}).one("CustomResourceDefinition")["metadata"]

    assert metadata["annotations"] == {"helm.sh/resource-policy": "keep"}


def test_it_can_be_let_go_with_the_release(chart: Chart) -> None:
    metadata = chart.render({"crds": {"keep": False}}).one("CustomResourceDefinition")["metadata"]

    assert "annotations" not in metadata


def test_it_can_be_left_to_another_release(chart: Chart) -> None:
    assert chart.render({"crds": {"install": False}}).of("CustomResourceDefinition") == []
