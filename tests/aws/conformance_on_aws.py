"""Try the conformance table on a real, throw-away AWS account.

    python -m tests.aws.conformance_on_aws --account 123456789012

Credentials come from where the AWS SDK usually finds them; they have to be an administrator's of that very
account. Everything that is made is named `apono-conformance-...` and removed again. No part of the ordinary test run.
"""

from __future__ import annotations

import secrets
import sys
import time
from typing import TYPE_CHECKING, Any

import boto3
import click
from botocore.config import Config
from botocore.exceptions import ClientError

from tests.aws.cloudformation.stacks import role_names, service_role
from tests.aws.conformance import Row, Subject
from tests.aws.rows import ROWS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

# The service has to validate, not the SDK; and throttling must not be mistaken for an answer.
SETTINGS = Config(parameter_validation=False, retries={"total_max_attempts": 10, "mode": "standard"})


@click.command()
@click.option("--account", required=True, help="The account's id, lest it be another one than you think.")
@click.option("--only", multiple=True, help="Try only rows whose sentence contains this; may be repeated.")
@click.option("--settle", default=15.0, show_default=True, help="Seconds until a new role is known everywhere.")
def main(account: str, only: tuple[str, ...], settle: float) -> None:
    """Try the conformance rows; exits with 1 if the account disagrees with one."""
    session = boto3.Session()
    identity = session.client("sts").get_caller_identity()
    if identity["Account"] != account:
        raise click.ClickException(f"the credentials are for account {identity['Account']}, not {account}")
    rows = [row for row in ROWS if not only or any(part in row.sentence for part in only)]
    disagreements = sum(not report(row, subject(session, identity, settle)) for row in rows)
    click.echo(f"{len(rows)} rows, {disagreements} disagreements")
    sys.exit(1 if disagreements else 0)


def subject(session: boto3.Session, identity: Any, settle: float) -> Subject:
    """The account, with names for one row alone."""
    return Subject(
        session.client("iam", config=SETTINGS),
        session.client("sts", config=SETTINGS),
        account_id=identity["Account"],
        partition=identity["Arn"].split(":")[1],
        prefix=f"apono-conformance-{secrets.token_hex(4)}-",
        settle=lambda: time.sleep(settle),  # a real IAM tells nobody when a change has got around; not in `make test`
        client=lambda service, **more: session.client(service, config=SETTINGS, **more),
    )


def report(row: Row, tried: Subject) -> bool:
    """Try a row and print what came of it; whether the account agrees."""
    try:
        disagreement = row.disagreement(tried)
    except ClientError as error:
        disagreement = f"could not be set up: {error}"
    finally:
        clean_up(tried)
    click.echo(f"{'DIFFERS' if disagreement else 'agrees '}  {row.sentence}")
    if disagreement:
        click.echo(f"         {disagreement}\n         source: {row.source}")
    return disagreement is None


def clean_up(tried: Subject) -> None:
    """Remove whatever bears the row's prefix."""
    iam = tried.iam
    remove_stacks(tried)
    remove_stack_sets(tried)
    if tried.has_made_organization:
        remove_organization(tried)
    roles = [role["RoleName"] for role in everything(iam.list_roles, "Roles")]
    for name in filter(lambda name: name.startswith(tried.prefix), roles):
        remove_role(tried, name)
    for profile in tried.profiles:
        iam.delete_instance_profile(InstanceProfileName=profile)
    for policy in everything(iam.list_policies, "Policies", Scope="Local"):
        if policy["PolicyName"].startswith(tried.prefix):
            remove_policy(tried, policy["Arn"])
    for provider in iam.list_open_id_connect_providers()["OpenIDConnectProviderList"]:
        if tried.provider_host in provider["Arn"]:
            iam.delete_open_id_connect_provider(OpenIDConnectProviderArn=provider["Arn"])


def remove_stacks(tried: Subject) -> None:
    """Delete the row's stacks, and let go of what keeps them."""
    cfn = tried.cfn
    for stack in cfn.get_paginator("list_stacks").paginate().search("StackSummaries"):
        if stack["StackName"].startswith(tried.prefix) and stack["StackStatus"] != "DELETE_COMPLETE":
            remove_stack(tried, tried.rested(stack["StackId"]))


def remove_stack(tried: Subject, stack: Any) -> None:
    """Delete a stack, whatever becomes of its resources."""
    cfn, name = tried.cfn, stack["StackId"]
    if "RoleARN" in stack and tried.name("service") not in role_names(tried):
        service_role(tried)
    cfn.update_termination_protection(StackName=name, EnableTerminationProtection=False)
    cfn.delete_stack(StackName=name)
    if tried.rested(name)["StackStatus"] == "DELETE_FAILED":
        cfn.delete_stack(StackName=name, DeletionMode="FORCE_DELETE_STACK")
        tried.rested(name)


def remove_stack_sets(tried: Subject) -> None:
    """Delete the row's stack sets; in an organization without members they have no instances."""
    for found in tried.cfn.list_stack_sets(Status="ACTIVE")["Summaries"]:
        if found["StackSetName"].startswith(tried.prefix):
            tried.cfn.delete_stack_set(StackSetName=found["StackSetName"])


def remove_organization(tried: Subject) -> None:
    """Delete the organization that the row has made of the account, with its units."""
    organizations = tried.organizations
    root = organizations.list_roots()["Roots"][0]["Id"]
    parent = organizations.list_parents(ChildId=tried.account_id)["Parents"][0]["Id"]
    if parent != root:
        organizations.move_account(AccountId=tried.account_id, SourceParentId=parent, DestinationParentId=root)
    remove_units(tried, root)
    organizations.delete_organization()


def remove_units(tried: Subject, parent: str) -> None:
    """Delete all units below a parent."""
    below = tried.organizations.list_organizational_units_for_parent(ParentId=parent)["OrganizationalUnits"]
    for unit in below:
        remove_units(tried, unit["Id"])
        tried.organizations.delete_organizational_unit(OrganizationalUnitId=unit["Id"])


def remove_role(tried: Subject, name: str) -> None:
    """Delete a role with all that hangs on it."""
    iam = tried.iam
    for profile in iam.list_instance_profiles_for_role(RoleName=name)["InstanceProfiles"]:
        iam.remove_role_from_instance_profile(InstanceProfileName=profile["InstanceProfileName"], RoleName=name)
    for policy in iam.list_role_policies(RoleName=name)["PolicyNames"]:
        iam.delete_role_policy(RoleName=name, PolicyName=policy)
    for attached in iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"]:
        iam.detach_role_policy(RoleName=name, PolicyArn=attached["PolicyArn"])
    iam.delete_role(RoleName=name)


def remove_policy(tried: Subject, arn: str) -> None:
    """Delete a policy with all its versions."""
    for version in tried.iam.list_policy_versions(PolicyArn=arn)["Versions"]:
        if not version["IsDefaultVersion"]:
            tried.iam.delete_policy_version(PolicyArn=arn, VersionId=version["VersionId"])
    tried.iam.delete_policy(PolicyArn=arn)


def everything(list_page: Callable[..., Any], member: str, **parameters: Any) -> Iterator[Any]:
    """The items of all pages."""
    page = list_page(**parameters)
    yield from page[member]
    while page["IsTruncated"]:
        page = list_page(**parameters, Marker=page["Marker"])
        yield from page[member]


if __name__ == "__main__":
    main()
