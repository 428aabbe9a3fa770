from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.adapters.answering import Answering, answering_server


@pytest.fixture
def answering() -> Iterator[Answering]:
    with answering_server() as answer:
        yield answer
