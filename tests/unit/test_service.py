"""The event loop's thread: who is told to stop before it has begun does not begin."""

from __future__ import annotations

import asyncio
import threading

from apono_operator.service import Service

PATIENCE = 10.0
"""Seconds after which a thread that should have moved has failed."""


def test_it_serves_until_it_is_stopped() -> None:
    begun, ended = threading.Event(), threading.Event()

    async def serve() -> None:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    service = Service(serve)
    service.start()
    assert begun.wait(PATIENCE)
    service.stop(PATIENCE)

    assert (ended.is_set(), service.ended.is_set(), service.failed) == (True, True, False)


def test_who_is_stopped_first_does_not_serve() -> None:
    begun: list[bool] = []

    async def serve() -> None:
        begun.append(True)

    service = Service(serve)
    service.stop(PATIENCE)
    service.start()

    assert (begun, service.failed) == ([], False)


def test_a_stop_right_after_the_start_is_not_missed() -> None:
    async def serve() -> None:
        await asyncio.Event().wait()

    for _ in range(50):
        service = Service(serve)
        service.start()
        service.stop(PATIENCE)
        assert (service.ended.is_set(), service.failed) == (True, False)


def test_an_end_that_nobody_asked_for_is_a_failure() -> None:
    async def serve() -> None:
        pass

    async def fail() -> None:
        raise ValueError("no")

    for course in (serve, fail):
        service = Service(course)
        service.start()
        assert service.ended.wait(PATIENCE)
        assert service.failed
