from tests.chart.conftest import chart
from tests.scenarios.conftest import around

__all__ = ["around", "chart"]
