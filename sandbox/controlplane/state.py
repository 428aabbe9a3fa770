"""What a running control plane tells about itself."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel


class State(BaseModel, frozen=True):
    """Where a control plane is and how to speak to its supervisor.

    `pid` is the supervisor's process id; its control endpoint at `control_url` wants `control_token`.
    """

    directory: Path
    kubeconfig: Path
    server: str
    issuer: str
    region: str
    pid: int
    control_url: str
    control_token: str


class Announcement(BaseModel, frozen=True):
    """How a start ended: a state, or the reason why there is none."""

    state: State | None = None
    error: str | None = None
