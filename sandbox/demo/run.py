"""The whole demonstration, in one go: one cluster, and an operator for each account that it is in."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import yaml
from rich.console import Console

from sandbox.aws import Account
from sandbox.bootstrap import ManagedOrganization
from sandbox.controlplane import ControlPlane
from sandbox.demo.account import AccountStory
from sandbox.demo.management_account import ManagementAccountStory
from sandbox.demo.narration import NAMESPACE, Narration, NotSeenError
from sandbox.demo.organization import OrganizationStory
from sandbox.installation import CRD, ROOT, Installation
from sandbox.surroundings import Surroundings, surroundings

ACCOUNT_EXAMPLE: Final = ROOT / "examples" / "account-read-only.yaml"
ORGANIZATION_EXAMPLE: Final = ROOT / "examples" / "organization.yaml"
MANAGEMENT_ACCOUNT_EXAMPLE: Final = ROOT / "examples" / "management-account.yaml"
STEP_SECONDS: Final = 1.0
"""What a step of a stack takes, so that one sees it being made."""

CHART_VALUES: Final = {"stackPollSeconds": 1}


def run(console: Console) -> None:
    """Tell the stories of all modes.

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
        with _serving(told, installation):
            _tell(told, around, installation, managed)
        told.chapter("Mode ManagementAccount")
        _tell_of_management_account(told, around)
    console.print(f"[bold green]All of it was seen[/], in {time.monotonic() - began:.1f} s.")


@contextmanager
def _serving(told: Narration, installation: Installation) -> Iterator[None]:
    with installation.start() as operator:
        told.tick(f"apono-operator serves, as ServiceAccount {NAMESPACE}/apono-operator")
        yield
        if operator.exit_status is not None:
            raise NotSeenError(f"the operator ended with status {operator.exit_status}")


def _tell(told: Narration, around: Surroundings, installation: Installation, managed: ManagedOrganization) -> None:
    account = installation.account
    told.chapter("Mode Account")
    AccountStory(told, account, _manifest(ACCOUNT_EXAMPLE), _shown(ACCOUNT_EXAMPLE)).tell()
    told.chapter("Mode Organization")
    around.aws.stack_step_seconds = STEP_SECONDS
    source = f"{_shown(ORGANIZATION_EXAMPLE)}, with the ids of this organization"
    members = [account, _member(around, managed)]
    OrganizationStory(told, around.aws, account, managed, members, _manifest(ORGANIZATION_EXAMPLE), source).tell()


def _tell_of_management_account(told: Narration, around: Surroundings) -> None:
    """Install anew, for a cluster in another account: an organization's management account."""
    management = around.create_account()
    managed = around.create_organization_of(management)
    members = [_member(around, managed)]
    around.aws.stack_step_seconds = 0
    installation = Installation.install_for_organization(
        told.control_plane, around.aws, management, managed, NAMESPACE, CHART_VALUES
    )
    told.tick("apono-operator bootstrap: all of it in the management account")
    source = f"{_shown(MANAGEMENT_ACCOUNT_EXAMPLE)}, with the ids of this organization"
    with _serving(told, installation):
        manifest = _manifest(MANAGEMENT_ACCOUNT_EXAMPLE)
        ManagementAccountStory(told, around.aws, managed, members, manifest, source).tell()


def _member(around: Surroundings, managed: ManagedOrganization) -> Account:
    account = around.aws.create_account(managed.management.partition)
    managed.organization.join(account, managed.unit)
    return account


def _manifest(example: Path) -> dict[str, Any]:
    document: dict[str, Any] = yaml.safe_load(example.read_text(encoding="utf-8"))
    return document


def _shown(example: Path) -> str:
    return str(example.relative_to(ROOT))
