"""The whole demonstration, in one go: one cluster and one operator, for both modes."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any, Final

import yaml
from rich.console import Console

from sandbox.bootstrap import ManagedOrganization
from sandbox.controlplane import ControlPlane
from sandbox.demo.account import AccountStory
from sandbox.demo.narration import NAMESPACE, Narration, NotSeenError
from sandbox.demo.organization import OrganizationStory
from sandbox.installation import CRD, ROOT, Installation
from sandbox.surroundings import Surroundings, surroundings

ACCOUNT_EXAMPLE: Final = ROOT / "examples" / "account-read-only.yaml"
ORGANIZATION_EXAMPLE: Final = ROOT / "examples" / "organization.yaml"
STEP_SECONDS: Final = 1.0
"""What a step of a stack takes, so that one sees it being made."""

CHART_VALUES: Final = {"stackPollSeconds": 1}


def run(console: Console) -> None:
    """Tell the stories of both modes.

    Raises:
        NotSeenError: A step did not come true; the message says which, and what was seen instead.
        ControlPlaneError: The control plane did not come up.
        BootstrapError: The administrator's stacks were not made.
    """
    began = time.monotonic()
    with console.status("Starting etcd, kube-apiserver, controllers, scheduler, KWOK and AWS …"):
        control_plane = ControlPlane.chosen(crds=[CRD])
    with control_plane, surroundings(control_plane) as around:
        told = Narration(console, control_plane)
        told.tick(f"Kubernetes answers at {control_plane.server}, AWS at {around.aws.endpoint_url}")
        account = around.create_account()
        managed = around.create_organization(account)
        installation = Installation.install_for_organization(
            control_plane, around.aws, account, managed, NAMESPACE, CHART_VALUES
        )
        told.tick("apono-operator bootstrap: roles and boundaries made as CloudFormation stacks")
        with installation.start() as operator:
            told.tick(f"apono-operator serves, as ServiceAccount {NAMESPACE}/apono-operator")
            _tell(told, around, installation, managed)
            if operator.exit_status is not None:
                raise NotSeenError(f"the operator ended with status {operator.exit_status}")
    console.print(f"[bold green]All of it was seen[/], in {time.monotonic() - began:.1f} s.")


def _tell(told: Narration, around: Surroundings, installation: Installation, managed: ManagedOrganization) -> None:
    account = installation.account
    told.chapter("Mode Account")
    AccountStory(told, account, _manifest(ACCOUNT_EXAMPLE), _shown(ACCOUNT_EXAMPLE)).tell()
    told.chapter("Mode Organization")
    around.aws.stack_step_seconds = STEP_SECONDS
    source = f"{_shown(ORGANIZATION_EXAMPLE)}, with the ids of this organization"
    OrganizationStory(told, around.aws, account, managed, _manifest(ORGANIZATION_EXAMPLE), source).tell()


def _manifest(example: Path) -> dict[str, Any]:
    document: dict[str, Any] = yaml.safe_load(example.read_text(encoding="utf-8"))
    return document


def _shown(example: Path) -> str:
    return str(example.relative_to(ROOT))
