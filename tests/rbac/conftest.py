from tests.chart.conftest import chart
from tests.scenarios.conftest import around, shared_scenario

__all__ = ["around", "chart", "shared_scenario"]
