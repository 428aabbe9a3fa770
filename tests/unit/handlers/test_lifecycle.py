"""How kopf is set up."""

from __future__ import annotations

import itertools

from apono_operator.handlers.lifecycle import Backoffs, settings


def test_kopf_tries_failed_requests_for_ever_as_it_would_end_with_the_last_try() -> None:
    backoffs = settings().networking.error_backoffs
    assert isinstance(backoffs, Backoffs)

    for _ in range(2):
        first_hundred = list(itertools.islice(iter(backoffs), 100))
        assert len(first_hundred) == 100
        assert first_hundred == sorted(first_hundred)
        assert 0 < first_hundred[0] <= first_hundred[-1] <= 15
