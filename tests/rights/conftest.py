from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.rights.life import Life, lived


@pytest.fixture(scope="session")
def life(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Life]:
    """One life for all tests, which look at its calls alone."""
    yield from lived(tmp_path_factory.mktemp("pod"))
