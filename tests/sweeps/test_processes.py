"""A real operator process at each of its writes to AWS: it is killed, or the API server is restarted.

Each connector is held up at a write of its own, all at the same time, so that one blow hits every point.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator, Sequence

import pytest

from apono_operator.state.resources import Owner
from sandbox.controlplane import ControlPlane
from sandbox.installation import CRD
from sandbox.surroundings import surroundings
from tests.scenarios.cluster import Document
from tests.sweeps import evidence
from tests.sweeps.changes import EXTRA, IMAGE
from tests.sweeps.running import HoldUp, Running, hold_ups
from tests.sweeps.tally import Record, Tally, Trouble, differences
from tests.waiting import until

pytestmark = pytest.mark.timeout(400)  # three blows, dozens of connectors

AT_FIRST = {"permissions": "FullAccess", "role": {"managedPolicyArns": [EXTRA], "tags": {"team": "a", "old": "x"}}}
THEN = {"permissions": "ReadOnly", "role": {"tags": {"team": "b"}}, "deployment": {"image": IMAGE}}
CONNECTORS = 18
"""As many as the longest step has points, at least."""

Blow = Callable[[], None]


@pytest.fixture
def killed(control_plane: ControlPlane) -> Iterator[Running]:
    """An operator to be killed."""
    with (
        surroundings(control_plane) as around,
        Running.install(around, f"kills-{secrets.token_hex(4)}", drops=True) as running,
    ):
        yield running


@pytest.fixture
def interrupted() -> Iterator[Running]:
    """An operator whose API server is restarted: that of a cluster of its own."""
    with (
        ControlPlane.start(crds=[CRD]) as control_plane,
        surroundings(control_plane) as around,
        Running.install(around, "apono", drops=False) as running,
    ):
        yield running


def test_an_operator_killed_at_any_write_is_followed_by_one_that_finishes(killed: Running, record: Record) -> None:
    tally = Tally("kill -9")
    Course(killed, killed.replace_operator, tally).run()
    tally.record(record)


def test_an_operator_finishes_though_the_api_server_is_restarted_at_any_write(
    interrupted: Running, record: Record
) -> None:
    tally = Tally("API server restarts")
    Course(interrupted, interrupted.restart_api_server, tally).run()
    tally.record(record)


class Course:
    """Creation, change and deletion of many connectors, one after the other, with a blow during each.

    The first connector goes ahead undisturbed; what is written for it are the points for the others.
    """

    def __init__(self, running: Running, blow: Blow, tally: Tally) -> None:
        self._running, self._blow, self._tally = running, blow, tally
        self._names = [f"swept-{number:02}" for number in range(CONNECTORS + 1)]
        self._owners: dict[str, Owner] = {}

    def run(self) -> None:
        """Go through all of it."""
        self._step("creation", self._create, self._running.ready)
        self._step("change", lambda names: self._running.change(self._of(names), THEN), self._running.ready)
        self._step("deletion", lambda names: self._running.delete(self._of(names)), self._running.gone)
        kept = self._running.roles()
        for role in sorted(kept):
            self._tally.blame(Trouble.LEAKED, f"role {role} is left")

    def _step(self, name: str, act: Callable[[list[str]], None], done: Callable[[Owner], None]) -> None:
        running, (first, *others) = self._running, self._names
        mark = running.aws.calls.mark()
        running.gate.close({})
        act([first])
        done(self._owners[first])
        points = hold_ups(running.writes(self._owners[first], mark))
        assert len(points) <= len(others), "there are too few connectors for all points"
        self._strike(dict(zip(others, points, strict=False)), act, others)
        for other in others:
            done(self._owners[other])
        expected = self._seen(first, mark)
        for other, point in zip(others, points, strict=False):
            self._judge(f"{name}: {point}", other, expected, mark)

    def _strike(self, points: dict[str, HoldUp], act: Callable[[list[str]], None], names: list[str]) -> None:
        """Do it to all connectors, those with a point being held up at it, and strike."""
        running = self._running
        place = running.namespace.namespace
        running.gate.close({running.role_name(Owner(place, name, "")): point for name, point in points.items()})
        act(names)
        running.all_held()
        self._blow()

    def _judge(self, what: str, name: str, expected: Document, mark: int) -> None:
        """Compare once all has settled: the garbage collector takes a while."""
        self._tally.points += 1
        seen = expected

        def is_as_expected() -> bool:
            nonlocal seen
            seen = self._seen(name, mark)
            return not differences(expected, seen)

        try:
            until(f"{name} is as expected", is_as_expected, seconds=20)
        except AssertionError:
            self._tally.compare(what, expected, seen)

    def _seen(self, name: str, mark: int) -> Document:
        owner = self._owners[name]
        found = evidence.of_connector(self._running, owner)
        made = evidence.creations(self._running, owner, mark)
        return evidence.impersonal({**found, "creations": made}, owner)

    def _create(self, names: list[str]) -> None:
        for name in names:
            self._owners[name] = self._running.apply(name, AT_FIRST)

    def _of(self, names: Sequence[str]) -> list[Owner]:
        return [self._owners[name] for name in names]
