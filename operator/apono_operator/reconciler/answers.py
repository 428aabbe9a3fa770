"""What AWS last answered to questions that connectors share, so that it is asked once for all of them."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

T = TypeVar("T")
Question = tuple[str, ...]
"""What is asked, and about what."""


class NotAskedError(LookupError):
    """There is no answer yet."""


@dataclass(frozen=True)
class Answer:
    """What was answered."""

    content: Any
    asked: float
    """When the question was put, in monotonic seconds."""


class Answers:
    """The last answer to each question. Safe to use from several threads."""

    def __init__(self) -> None:
        self._answers: dict[Question, Answer] = {}
        self._locks: dict[Question, threading.Lock] = {}

    def last(self, question: Question) -> Any:
        """Return the last answer, however old.

        Raises:
            NotAskedError: there is none.
        """
        if question not in self._answers:
            raise NotAskedError(question)
        return self._answers[question].content

    def get(
        self, question: Question, ask: Callable[[], T], holds: Callable[[Answer], bool], clock: Callable[[], float]
    ) -> T:
        """Return the last answer if it *holds*, else ask; whoever comes meanwhile waits for that answer.

        Args:
            question: Which.
            ask: Gets an answer; what it raises leaves the last one as it is.
            holds: Tells whether an answer is still to be believed.
            clock: Monotonic seconds.
        """
        answer = self._holding(question, holds)
        if answer is None:
            with self._locks.setdefault(question, threading.Lock()):
                answer = self._holding(question, holds) or self._asked(question, ask, clock())
        content: T = answer.content
        return content

    def _asked(self, question: Question, ask: Callable[[], object], moment: float) -> Answer:
        answer = self._answers[question] = Answer(ask(), moment)
        return answer

    def _holding(self, question: Question, holds: Callable[[Answer], bool]) -> Answer | None:
        answer = self._answers.get(question)
        return answer if answer and holds(answer) else None
