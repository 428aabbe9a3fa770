"""`apono-operator bootstrap`: prints what an administrator deploys in AWS."""

from __future__ import annotations

import click

from apono_operator.bootstrap import management_account, member_account, operator_account
from apono_operator.templates import management_account as stack
from apono_operator.v1alpha1 import PermissionSet


@click.group()
def bootstrap() -> None:
    """Print the CloudFormation templates that an administrator deploys before the operator can work."""


@bootstrap.command("operator-account")
@click.option(
    "--require-boundary/--no-require-boundary",
    default=True,
    show_default=True,
    help="Connectors with FullAccess make and grant to only such users and roles as carry a boundary. Without it they "
    "are administrators of the account.",
)
@click.option(
    "--management-account",
    is_flag=True,
    help="The cluster is in the management account of an organization. Connectors with FullAccess may then use "
    "Identity Center, as those of mode ManagementAccount have to.",
)
def print_operator_account(*, require_boundary: bool, management_account: bool) -> None:
    """Print the template for the account of the cluster: the operator's role, and boundaries."""
    printed = operator_account.text(require_boundary=require_boundary, management_account=management_account)
    click.echo(printed, nl=False)


@bootstrap.command("management-account")
@click.option(
    "--template-body",
    is_flag=True,
    help="The operator sends the stacks' template instead of naming its URL. Whoever steals the operator's token can "
    "then send another one, and with FullAccess own the organization.",
)
def print_management_account(*, template_body: bool) -> None:
    """Print the template for a management account: roles of the operator and of CloudFormation, and boundaries."""
    click.echo(management_account.text(template_body=template_body), nl=False)


@bootstrap.command("template")
def print_template() -> None:
    """Print the template of the stacks that the operator makes in a management account."""
    click.echo(stack.text(), nl=False)


@bootstrap.command("member-template")
@click.option(
    "--highest-permissions",
    type=click.Choice([one.value for one in PermissionSet]),
    default=PermissionSet.READ_ONLY.value,
    show_default=True,
    help="The most that these roles may have, whatever connectors or the operator ask for.",
)
def print_member_template(highest_permissions: str) -> None:
    """Print the template of the roles that a StackSet lays in member accounts."""
    click.echo(member_account.text(highest=PermissionSet(highest_permissions)), nl=False)
