"""How the demonstration looks at things, and how it tells what it has seen."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, Final, TypeVar

import tenacity
from rich.console import Console

from sandbox.controlplane import CommandError, ControlPlane

NAMESPACE: Final = "apono"
PATIENCE: Final = 60
"""Seconds within which each thing must be seen."""

T = TypeVar("T")


class NotSeenError(Exception):
    """A step of the story did not come true."""


class Narration:
    """A console, and a cluster that is looked at by kubectl.

    Args:
        console: Where it is told.
        control_plane: The cluster.
    """

    def __init__(self, console: Console, control_plane: ControlPlane) -> None:
        self.console = console
        self.control_plane = control_plane

    def chapter(self, title: str) -> None:
        """Begin another part of the story."""
        self.console.print(f"\n[bold]{title}[/]", highlight=False)

    def tick(self, what: str) -> None:
        """Tell what was seen."""
        self.console.print(f"[green]✓[/] {what}", highlight=False, soft_wrap=True)

    def facts(self, facts: Mapping[str, str]) -> None:
        """Tell details, by name."""
        for name, value in facts.items():
            self.note(f"{name:<19} {value}")

    def note(self, text: str) -> None:
        """Tell a detail."""
        self.console.print(f"    {text}", style="dim", highlight=False, soft_wrap=True)

    def get(self, kind: str, name: str) -> dict[str, Any]:
        """An object of the cluster.

        Raises:
            NotSeenError: It is not there.
        """
        try:
            document: dict[str, Any] = json.loads(
                self.control_plane.kubectl("get", kind, name, "-n", NAMESPACE, "-o", "json")
            )
        except CommandError as error:
            raise NotSeenError(str(error)) from error
        return document

    def seen(self, what: str, look: Callable[[], T | None]) -> T:
        """Look until there is something to see.

        Raises:
            NotSeenError: There is nothing in time.
        """
        looking = tenacity.Retrying(
            stop=tenacity.stop_after_delay(PATIENCE),
            wait=tenacity.wait_fixed(0.1),
            retry=tenacity.retry_if_result(lambda result: not result),
        )
        try:
            with self.console.status(f"Waiting until {what} …"):
                seen = looking(look)
        except tenacity.RetryError as error:
            state = self.control_plane.kubectl("get", "aponoconnectors", "-n", NAMESPACE, "-o", "yaml")
            raise NotSeenError(f"not seen within {PATIENCE} s: {what}\n{state}") from error
        if seen is None:
            raise NotSeenError(what)
        return seen
