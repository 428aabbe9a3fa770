from __future__ import annotations

import pytest

from sandbox.controlplane import helm
from tests.chart.rendering import CHART, CONNECTORS_CHART, Chart


@pytest.fixture(scope="session")
def chart(tmp_path_factory: pytest.TempPathFactory) -> Chart:
    return Chart(CHART, helm(), tmp_path_factory.mktemp("helm"))


@pytest.fixture(scope="session")
def connectors_chart(tmp_path_factory: pytest.TempPathFactory) -> Chart:
    return Chart(CONNECTORS_CHART, helm(), tmp_path_factory.mktemp("helm"), least={})
