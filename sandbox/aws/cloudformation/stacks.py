"""All the stacks and stack sets behind one front door, and what goes on in them."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime

from sandbox.aws.cloudformation.change_set import ChangeSet
from sandbox.aws.cloudformation.drift import Detection
from sandbox.aws.cloudformation.home import Home
from sandbox.aws.cloudformation.jobs import Jobs
from sandbox.aws.cloudformation.stack import Stack
from sandbox.aws.cloudformation.stack_sets.stack_set import StackSet


@dataclass
class Stacks:
    """Stacks, change sets and drift detections of every account and region.

    Attributes:
        lock: Held while an operation reads or changes them; never while a resource is being made.
        jobs: What goes on in them.
        step_seconds: How long each step of an operation takes.
        templates: What lies at which URL.
        stack_sets: Stack sets, the oldest first, deleted ones too.
        prepared_accounts: Those in which stack sets have had a role made to act by.
    """

    lock: threading.RLock = field(default_factory=threading.RLock)
    jobs: Jobs = field(default_factory=Jobs)
    step_seconds: float = 0.0
    templates: dict[str, str] = field(default_factory=dict)
    detections: dict[str, Detection] = field(default_factory=dict)
    stack_sets: list[StackSet] = field(default_factory=list)
    prepared_accounts: set[str] = field(default_factory=set)
    _stacks: dict[str, Stack] = field(default_factory=dict)

    def add(self, home: Home, name: str, now: datetime) -> Stack:
        """Make a stack that is nothing but a name as yet."""
        stack_id = home.arn(f"stack/{name}/{uuid.uuid4()}")
        stack = Stack(stack_id, name, home.account_id, home.partition, home.region, now)
        self._stacks[stack_id] = stack
        return stack

    def remove(self, stack: Stack) -> None:
        """Forget a stack that was never made."""
        del self._stacks[stack.stack_id]

    def of(self, home: Home) -> Iterator[Stack]:
        """The stacks of an account's region, the newest first, deleted ones too."""
        return (
            stack
            for stack in reversed(self._stacks.values())
            if (stack.account_id, stack.region) == (home.account_id, home.region)
        )

    def find(self, home: Home, name_or_id: str) -> Stack | None:
        """The living stack of a name, or the stack of an id, living or not."""
        return next(
            (
                stack
                for stack in self.of(home)
                if stack.stack_id == name_or_id or (stack.name == name_or_id and not stack.is_deleted)
            ),
            None,
        )

    def find_change_set(self, home: Home, change_set_id: str) -> ChangeSet | None:
        """The change set of an id."""
        found = (change_set for stack in self.of(home) for change_set in stack.change_sets.values())
        return next((change_set for change_set in found if change_set.id == change_set_id), None)

    def find_stack_set(self, home: Home, name_or_id: str) -> StackSet | None:
        """The living stack set of a name, or the stack set of an id, living or not."""
        return next(
            (
                found
                for found in reversed(self.stack_sets)
                if found.home == home and (found.id == name_or_id or (found.name == name_or_id and found.is_active))
            ),
            None,
        )

    def clear(self) -> None:
        """Forget everything."""
        self.jobs.clear()
        self.templates.clear()
        self.detections.clear()
        self.stack_sets.clear()
        self.prepared_accounts.clear()
        self._stacks.clear()
        self.step_seconds = 0.0
