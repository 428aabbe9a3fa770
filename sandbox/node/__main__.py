"""`python -m sandbox.node run COMMAND ...`: a control plane with a real node, and a command beside them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Final

import click

from sandbox.controlplane import ControlPlane, ControlPlaneError
from sandbox.controlplane.binaries import CONTROL_PLANE, executables
from sandbox.controlplane.control_plane import KUBECONFIG_VARIABLE
from sandbox.controlplane.modules import NODE_COMMANDS
from sandbox.node.enclosure import ADDRESS, enclosed, enter
from sandbox.node.images import build_images
from sandbox.node.node import node
from sandbox.node.packages import ensure_packages
from sandbox.node.parts import NodeLayout

ADDRESS_VARIABLE: Final = "SANDBOX_ADDRESS"
"""Environment variable: where pods reach this machine."""

_COMMAND: Final = click.argument("command", nargs=-1, required=True, type=click.UNPROCESSED)
_AS_IT_IS: Final = {"ignore_unknown_options": True}


@click.group()
def main() -> None:
    """Run a real node, with the operator's image built from this repository."""


@main.command()
def images() -> None:
    """Build the images and print where their archives are."""
    ensure_packages()
    for archive in build_images():
        click.echo(archive)


@main.command(context_settings=_AS_IT_IS)
@_COMMAND
def run(command: tuple[str, ...]) -> None:
    """Prepare all that a node needs, run COMMAND in namespaces beside one, and end with its status."""
    ensure_packages()
    executables([*CONTROL_PLANE, *NODE_COMMANDS, "helm"])
    archives = [f"--image={archive}" for archive in build_images()]
    sys.exit(enclosed([sys.executable, "-m", "sandbox.node", "inside", *archives, "--", *command]))


@main.command(context_settings=_AS_IT_IS, hidden=True)
@click.option("--image", "archives", multiple=True, type=Path)
@_COMMAND
def inside(archives: tuple[Path, ...], command: tuple[str, ...]) -> None:
    """Bring up control plane and node within the namespaces, and run COMMAND."""
    enter()
    scratch = Path(os.environ["TMPDIR"])
    with ControlPlane.start(node_address=ADDRESS) as control_plane:
        layout = NodeLayout(
            scratch / "node", executables(NODE_COMMANDS), control_plane.directory, os.environ["SANDBOX_CGROUP"]
        )
        layout.root.mkdir()
        with node(control_plane, layout, archives):
            found = {KUBECONFIG_VARIABLE: str(control_plane.kubeconfig), ADDRESS_VARIABLE: ADDRESS}
            sys.exit(subprocess.run(command, env={**os.environ, **found}, check=False).returncode)


if __name__ == "__main__":
    try:
        main()
    except ControlPlaneError as error:
        sys.exit(str(error))
