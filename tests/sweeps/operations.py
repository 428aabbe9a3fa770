"""What is swept: creations, changes and deletions of connectors, each of which can be done again and again."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from apono_operator.reconciler import Reconciler
from apono_operator.state.resources import Owner
from tests.scenarios.cluster import Document
from tests.sweeps import evidence
from tests.sweeps.driving import HOUR, Driver
from tests.sweeps.world import World

MINUTE = 60.0
"""Seconds."""

ByHand = Callable[[Any, Owner], object]
"""What somebody does to a connector's things in a world, which is of the kind that it needs."""

_NUMBERS = count(1)


@dataclass(frozen=True)
class Setting:
    """What people ask for.

    Attributes:
        spec: Fields of the connector's spec besides the minimum.
        administration: The administrator's decisions, by their names in `Administration`.
        token: The connector token.
    """

    spec: Mapping[str, Any] = field(default_factory=dict)
    administration: Mapping[str, Any] = field(default_factory=dict)
    token: str = "first"


class Subject:
    """A connector, and the operator that keeps it.

    Attributes:
        left: The Deployment, if it was still there when the connector's deletion was done.
    """

    def __init__(self, world: World, setting: Setting) -> None:
        self.world, self.setting = world, setting
        name = f"swept-{next(_NUMBERS):04}"
        world.give_token(name, setting.token)
        self.owner = world.apply(name, setting.spec)
        self.reconciler: Reconciler = world.start(setting.administration)
        self.left: Document | None = None

    def restart(self) -> None:
        """Put an operator that remembers nothing in the place of the one that is."""
        self.reconciler = self.world.start(self.setting.administration)

    def ask(self, setting: Setting) -> None:
        """Ask for something else; the operator is restarted only if the administrator does."""
        before, self.setting = self.setting, setting
        if setting.token != before.token:
            self.world.give_token(self.owner.name, setting.token)
        if setting.spec != before.spec:
            self.world.apply(self.owner.name, setting.spec)
        if setting.administration != before.administration:
            self.restart()

    def step(self) -> None:
        """Let the operator make one pass."""
        Driver(self.world, self.owner, self.reconciler).step()

    def converge(self) -> None:
        """Let the operator work until all is as asked."""
        Driver(self.world, self.owner, self.reconciler).converge()

    def remove(self) -> None:
        """Let the operator work until the deletion is done."""
        driver = Driver(self.world, self.owner, self.reconciler)
        driver.remove()
        self.left = driver.left


class Operation(ABC):
    """Something that the operator does from its first call to its last.

    Attributes:
        name: What it is called in messages.
        expected: What there is after it, None as long as nobody knows.
    """

    def __init__(self, world: World, name: str) -> None:
        self.world, self.name = world, name
        self.expected: Document | None = None
        self.mark = 0

    @property
    @abstractmethod
    def subject(self) -> Subject:
        """The connector of the present attempt."""

    @abstractmethod
    def begin(self) -> None:
        """Get to where everything before the operation is done, and nothing of it."""

    def run(self) -> None:
        """Let the operator work until there is nothing left to do."""
        self.subject.converge()

    def outcome(self) -> Document:
        """What is there in the end, when IAM shows it."""
        self.world.clock.seconds += MINUTE
        return self.world.seen(self.subject.owner, self.mark)

    @abstractmethod
    def abandon(self) -> None:
        """Leave a connector alone with which something went wrong."""


class _OnNewSubjects(Operation):
    """An operation that needs a new connector each time.

    Args:
        world: Where.
        name: What it is called in messages.
        setting: What is asked for.
        befalls: What befalls the connector's things before the operator begins.
    """

    def __init__(self, world: World, name: str, setting: Setting, befalls: ByHand | None = None) -> None:
        super().__init__(world, name)
        self.setting, self._befalls = setting, befalls
        self._subject: Subject | None = None

    @property
    def subject(self) -> Subject:
        assert self._subject is not None, "nothing has begun"
        return self._subject

    def begin(self) -> None:
        self.mark = self.world.mark()
        self._subject = Subject(self.world, self.setting)
        self._prepare()
        if self._befalls:
            self._befalls(self.world, self._subject.owner)

    def _prepare(self) -> None:
        """Get the new connector to where the operation begins."""

    def outcome(self) -> Document:
        return evidence.impersonal(super().outcome(), self.subject.owner)

    def abandon(self) -> None:
        self._subject = None


class Creation(_OnNewSubjects):
    """From a manifest to a connector that is Ready."""


class Life(_OnNewSubjects):
    """From a manifest to a connector that is Ready, and to nothing; whoever does not get so far is not asked again."""

    def _prepare(self) -> None:
        self._created = self._deleted = False

    def run(self) -> None:
        if not self._created:
            self._created = True
            self.subject.converge()
        if not self._deleted:
            self._deleted = True
            self.world.namespace.delete("AponoConnector", self.subject.owner.name)
        self.subject.remove()

    def outcome(self) -> Document:
        """What is there in the end.

        Children are left to the garbage collector; the Deployment only where its pods keep their role.
        """
        found = super().outcome()
        children = [(kind, child["owners"]) for kind, child in found["children"].items() if child]
        kept = {kind: owners for kind, owners in children if not _is_controlled(owners)}
        again = {what: max(0, made - 1) for what, made in found["creations"].items()}
        left = self.subject.left if found["role"] is None else None
        return {**found, "children": None, "kept": kept or None, "Deployment": left, "creations": again}


class Deletion(Life):
    """From a connector that is Ready to nothing."""

    def _prepare(self) -> None:
        self.subject.converge()
        self._created = self._deleted = True
        self.world.namespace.delete("AponoConnector", self.subject.owner.name)


def _is_controlled(owners: Any) -> bool:
    return [owner["uid"] for owner in owners or () if owner.get("controller")] == ["UID"]


@dataclass
class Change:
    """A kind of change, there and (if it has another end) back again.

    Attributes:
        name: What it is called.
        here: What is asked for at first.
        there: What is asked for then.
        by_hand: What somebody does to the connector's things.
        is_seen_hourly: Whether that is seen by the hourly look alone, which a death puts off to the next.
    """

    name: str
    here: Setting
    there: Setting
    by_hand: ByHand | None = None
    is_seen_hourly: bool = False


class Update(Operation):
    """One direction of a change. Both directions share a connector, so that one prepares the other.

    Args:
        world: Where.
        change: What is changed, from here to there.
        shared: The connector that both directions share, in a list that may be empty.
    """

    def __init__(self, world: World, change: Change, shared: list[Subject]) -> None:
        super().__init__(world, change.name)
        self._change, self._shared = change, shared
        self._known: Subject | None = None

    @property
    def subject(self) -> Subject:
        return self._shared[0]

    def begin(self) -> None:
        change = self._change
        if not self._shared:
            self._shared.append(Subject(self.world, change.here))
            self.subject.converge()
        if self._known is not self.subject:
            self.expected, self._known = None, self.subject
        if self.subject.setting != change.here:
            self.subject.ask(change.here)
            self.subject.converge()
        self.mark = self.world.mark()
        self.subject.ask(change.there)
        if change.by_hand:
            change.by_hand(self.world, self.subject.owner)
        self.world.clock.seconds += HOUR  # so that the next look is a thorough one, whatever was before

    def run(self) -> None:
        super().run()
        if self._change.is_seen_hourly:
            self.world.clock.seconds += HOUR
            super().run()

    def abandon(self) -> None:
        self._shared.clear()


def directions(world: World, change: Change) -> list[Operation]:
    """There and back again, or only there if that is the same."""
    shared: list[Subject] = []
    there = Update(world, change, shared)
    back = Change(f"{change.name}, undone", change.there, change.here)
    return [there] if change.by_hand else [there, Update(world, back, shared)]
