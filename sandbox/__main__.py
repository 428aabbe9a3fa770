"""`python -m sandbox demo` tells the story; `python -m sandbox serve` keeps everything running to play with."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Collection, Mapping
from typing import Final

import click
from rich.console import Console

from sandbox.bootstrap import BootstrapError, ManagedOrganization
from sandbox.controlplane import ControlPlane, ControlPlaneError
from sandbox.controlplane.binaries import executable
from sandbox.demo import NAMESPACE, NotSeenError
from sandbox.demo import run as run_demo
from sandbox.demo.run import CHART_VALUES, ORGANIZATION_EXAMPLE, STEP_SECONDS
from sandbox.installation import CRD, ROOT, Installation
from sandbox.operator_process import OperatorEndedError
from sandbox.surroundings import surroundings

KEYS: Final = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")


@click.group()
def main() -> None:
    """Run a real Kubernetes control plane, an AWS, and the operator on this machine."""


@main.command()
def demo() -> None:
    """Show the main jobs, from manifest to Ready to gone; status 0 only if every step was seen."""
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
        managed = around.create_organization(account)
        installation = Installation.install_for_organization(
            control_plane, around.aws, account, managed, NAMESPACE, CHART_VALUES
        )
        around.aws.stack_step_seconds = STEP_SECONDS
        with installation.start() as operator:
            click.echo(_usage(installation, managed, str(operator.log_file)))
            while not stop.wait(1.0):
                control_plane.check()
                if operator.exit_status is not None:
                    raise click.ClickException(f"the operator ended:\n{operator.log[-4000:]}")
        click.echo("Stopping …")


def _usage(installation: Installation, managed: ManagedOrganization, log_file: str) -> str:
    exports = _exports(installation.aws.environment(installation.account))
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

The account is a member of an organization. For mode Organization, with its ids in place of the example's:

  sed -E 's/(organizationId:).*/\\1 {managed.organization.id}/
          s/(organizationUnitId:).*/\\1 {managed.unit.id}/
          s/(managementAccountId:).*/\\1 "{managed.management.account_id}"/' \\
    {ORGANIZATION_EXAMPLE.relative_to(ROOT)} | kubectl apply -f -
  kubectl get aponoconnectors -n {NAMESPACE} -o wide --watch

In the management account the stack can be seen, by the keys of its administrator:

{_exports(installation.aws.environment(managed.management), KEYS)}
  aws cloudformation describe-stacks

The operator's log: {log_file}
Ctrl-C ends it and leaves nothing behind."""


def _exports(environment: Mapping[str, str], names: Collection[str] | None = None) -> str:
    chosen = {name: value for name, value in environment.items() if names is None or name in names}
    return "\n".join(f"  export {name}={value}" for name, value in chosen.items())


if __name__ == "__main__":
    main()
