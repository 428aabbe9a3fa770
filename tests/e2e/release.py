"""The operator as a release of its Helm chart."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from sandbox.controlplane import helm
from sandbox.installation import CHART, RELEASE


@dataclass(frozen=True)
class Release:
    """A release in a namespace; its commands wait until what they do is done."""

    kubeconfig: Path
    namespace: str

    def install(self, values: dict[str, Any]) -> None:
        done = self._run("install", RELEASE, str(CHART), "--values=-", "--wait", "--timeout=120s", values=values)
        assert done.returncode == 0, done.stderr

    def uninstall(self, program: Path) -> str:
        """Try to uninstall it by that Helm; return all that it prints if it refuses, else nothing."""
        done = self._run("uninstall", RELEASE, "--wait", "--timeout=60s", program=program)
        return done.stdout + done.stderr if done.returncode else ""

    def _run(
        self, *arguments: str, values: dict[str, Any] | None = None, program: Path | None = None
    ) -> subprocess.CompletedProcess[str]:
        environment = {**os.environ, "KUBECONFIG": str(self.kubeconfig)}
        return subprocess.run(
            [str(program or helm()), *arguments, f"--namespace={self.namespace}"],
            env=environment,
            input=yaml.safe_dump(values or {}),
            capture_output=True,
            text=True,
            check=False,
        )
