"""`python -m sandbox demo` tells the story; `python -m sandbox serve` keeps everything running to play with."""

from __future__ import annotations

import signal
import sys
import threading

import click
from rich.console import Console

from sandbox.bootstrap import BootstrapError
from sandbox.controlplane import ControlPlane, ControlPlaneError
from sandbox.controlplane.binaries import executable
from sandbox.demo import NAMESPACE, NotSeenError
from sandbox.demo import run as run_demo
from sandbox.installation import CRD, Installation
from sandbox.operator_process import OperatorEndedError
from sandbox.surroundings import surroundings


@click.group()
def main() -> None:
    """Run a real Kubernetes control plane, an AWS, and the operator on this machine."""


@main.command()
def demo() -> None:
    """Show the main job from manifest to Ready to gone; status 0 only if every step was seen."""
    try:
        run_demo(Console())
    except (NotSeenError, BootstrapError, ControlPlaneError, OperatorEndedError) as error:
        click.echo(f"demo: {error}", err=True)
        sys.exit(1)


@main.command()
def serve() -> None:
    """Keep everything running until Ctrl-C, and say how to use it."""
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    signal.signal(signal.SIGINT, lambda *_: stop.set())
    click.echo("Starting …")
    with ControlPlane.chosen(crds=[CRD]) as control_plane, surroundings(control_plane) as around:
        account = around.create_account()
        installation = Installation.install(control_plane, around.aws, account, NAMESPACE)
        with installation.start() as operator:
            click.echo(_usage(installation, str(operator.log_file)))
            while not stop.wait(1.0):
                control_plane.check()
                if operator.exit_status is not None:
                    raise click.ClickException(f"the operator ended:\n{operator.log[-4000:]}")
        click.echo("Stopping …")


def _usage(installation: Installation, log_file: str) -> str:
    environment = installation.aws.environment(installation.account)
    exports = "\n".join(f"  export {name}={value}" for name, value in environment.items())
    kubectl = executable("kubectl")
    return f"""\
Everything runs. In another terminal:

  export KUBECONFIG={installation.control_plane.kubeconfig}
{exports}

  alias kubectl={kubectl}
  kubectl create secret generic apono-token -n {NAMESPACE} --from-literal=token=anything
  kubectl apply -f examples/account-read-only.yaml
  kubectl wait -n {NAMESPACE} --for=condition=Ready aponoconnector/production
  kubectl get aponoconnectors -n {NAMESPACE} -o wide
  aws iam list-roles

The operator's log: {log_file}
Ctrl-C ends it and leaves nothing behind."""


if __name__ == "__main__":
    main()
