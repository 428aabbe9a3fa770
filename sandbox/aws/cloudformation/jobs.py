"""What goes on by itself: series of steps, each carried out when its time has come."""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator
from dataclasses import dataclass
from datetime import datetime, timedelta

Steps = Generator[float, None, None]
"""A series of steps; each yields the seconds until the next."""


@dataclass(eq=False)
class Job:
    """A series of steps under way.

    Attributes:
        time: When the present step takes place, which is what its events are dated by.
        steps: The series; None until it has begun.
        busy: Whether a thread is in the midst of a step.
    """

    time: datetime
    steps: Steps | None = None
    busy: bool = False
    over: bool = False

    def step(self) -> None:
        """Carry out the next step."""
        if self.steps is None:
            raise RuntimeError("a job has to begin before it steps on")
        try:
            self.time += timedelta(seconds=next(self.steps))
        except StopIteration:
            self.over = True

    def cancel(self) -> None:
        """Never step again."""
        self.over = True
        if self.steps is not None and not self.busy:
            self.steps.close()


class _Steps(threading.local):
    """When the steps take place that a thread is in the midst of, the innermost last."""

    def __init__(self) -> None:
        self.times: list[datetime] = []


class Jobs:
    """Every series that is under way."""

    def __init__(self) -> None:
        self._jobs: list[Job] = []
        self._lock = threading.Lock()
        self._local = _Steps()

    def begin(self, now: datetime, series: Callable[[Job], Steps]) -> Job:
        """Carry out the first step of a series at once, and the others when they are due."""
        job = Job(now)
        job.steps = series(job)
        job.step()
        with self._lock:
            self._jobs.append(job)
        return job

    def moment(self, now: datetime) -> datetime:
        """What time it is for this thread: within a step, when that takes place, which may be before *now*."""
        return self._local.times[-1] if self._local.times else now

    def advance(self, now: datetime) -> None:
        """Carry out, in order, every step that is due; of those due at the same time, each series in turn.

        A series that another thread is just carrying on is left to it, so that a step that hangs holds up
        nobody who asks for something else.
        """
        while (job := self._due(now)) is not None:
            self._local.times.append(job.time)
            try:
                job.step()
            finally:
                self._local.times.pop()
                job.busy = False

    def clear(self) -> None:
        """Forget every series."""
        with self._lock:
            self._jobs.clear()

    def _due(self, now: datetime) -> Job | None:
        with self._lock:
            self._jobs = [job for job in self._jobs if not job.over]
            due = [job for job in self._jobs if not job.busy and job.time <= now]
            if not due:
                return None
            first = min(due, key=lambda job: job.time)
            first.busy = True
            self._jobs.remove(first)
            self._jobs.append(first)
            return first
