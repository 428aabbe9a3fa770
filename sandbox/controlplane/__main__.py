"""Command line: `python -m sandbox.controlplane build | serve`."""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

import click

from sandbox.controlplane.binaries import ORDINARY, TOOLS, executables
from sandbox.controlplane.control_plane import DEFAULT_REGION
from sandbox.controlplane.errors import ControlPlaneError
from sandbox.controlplane.service import serve
from sandbox.controlplane.state import Announcement


@click.group()
def main() -> None:
    """Build and run the sandbox's control plane."""


@main.command()
@click.argument("tools", nargs=-1, type=click.Choice(sorted(TOOLS)))
def build(tools: tuple[str, ...]) -> None:
    """Build TOOLS (default: all that `make test` needs) unless they are there, and print their paths."""
    for path in executables(tools or ORDINARY).values():
        print(path)


@main.command("serve")
@click.option("--owner-pid", type=int, required=True, help="The process whose end ends the control plane.")
@click.option("--state", default="-", help="Where to write the state as JSON: a file, or - for standard output.")
@click.option("--region", default=DEFAULT_REGION, show_default=True, help="The AWS region to look like.")
@click.option("--node-address", help="Where the API server listens for a real node; KWOK plays none then.")
@click.option("--crd", multiple=True, type=Path, help="A custom resource definition to start with, a YAML file.")
def serve_command(owner_pid: int, state: str, region: str, node_address: str | None, crd: tuple[Path, ...]) -> None:
    """Run a control plane until its owner ends or a SIGTERM comes."""
    if state == "-":
        serve(owner_pid, region, _print, crd, node_address)
    file = Path(state)
    try:
        serve(owner_pid, region, lambda announcement: _write(file, announcement), crd, node_address)
    except SystemExit:
        file.unlink(missing_ok=True)  # it served, and nobody shall attach any more
        raise


def _print(announcement: Announcement) -> None:
    print(announcement.model_dump_json(), flush=True)


def _write(target: Path, announcement: Announcement) -> None:
    descriptor, temporary = tempfile.mkstemp(dir=target.parent)  # mode 0600: it holds the control token
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(announcement.model_dump_json())
    Path(temporary).replace(target)


if __name__ == "__main__":
    try:
        main()
    except ControlPlaneError as error:
        sys.exit(str(error))
