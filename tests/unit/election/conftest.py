"""The properties are specifications: every run tries the same examples, so that a failure is one everywhere."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("specification", derandomize=True, max_examples=40, deadline=None, database=None)
settings.load_profile("specification")
