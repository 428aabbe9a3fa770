from __future__ import annotations

import os
from collections.abc import Callable

import pytest

from apono_operator import settings as operator_settings
from apono_operator.settings import PREFIX, Settings

ALLOWANCE = {"ALLOW_UNBOUNDED_ROLES": "true"}
"""The least that the operator starts with."""

Load = Callable[..., Settings]


@pytest.fixture
def load(monkeypatch: pytest.MonkeyPatch) -> Load:
    """Read the settings from an environment of just these variables, named without the prefix."""
    for name in [name for name in os.environ if name.upper().startswith(PREFIX)]:
        monkeypatch.delenv(name)

    def load(**variables: str) -> Settings:
        for name, value in variables.items():
            monkeypatch.setenv(f"{PREFIX}{name}", value)
        return operator_settings.load()

    return load
