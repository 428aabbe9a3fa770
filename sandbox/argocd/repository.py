"""A Git repository on this machine, as people push to one."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

from sandbox.argocd.programs import installed

_IDENTITY = {
    f"GIT_{who}_{what}": value
    for who in ("AUTHOR", "COMMITTER")
    for what, value in {"NAME": "Sandbox", "EMAIL": "sandbox@example.com"}.items()
}


class Repository:
    """A repository with one branch, main.

    Args:
        directory: Where it lives; it is made.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        directory.mkdir(parents=True)
        self._git("init", "--quiet", "--initial-branch=main")

    @property
    def url(self) -> str:
        """What an Application names as its source."""
        return self._directory.as_uri()

    def push(self, files: Mapping[str, str | None]) -> str:
        """Write *files*, texts by their paths, take away those that are None, and return the new revision.

        Raises:
            subprocess.CalledProcessError: Git refused, as when nothing changed.
        """
        for name, text in files.items():
            path = self._directory / name
            if text is None:
                path.unlink()
            else:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text, encoding="utf-8")
        self._git("add", "--all")
        self._git("commit", "--quiet", "--message=Change what should be")
        return self._git("rev-parse", "HEAD").strip()

    def _git(self, *arguments: str) -> str:
        environment = {**os.environ, **_IDENTITY, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
        command = [str(installed("git", "git")), *arguments]
        done = subprocess.run(
            command, cwd=self._directory, env=environment, stdout=subprocess.PIPE, text=True, check=True
        )
        return done.stdout
