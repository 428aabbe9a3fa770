"""What an administrator makes in AWS before the operator is installed, made as docs/bootstrap.md says.

The templates are those that the operator's own command line prints; CloudFormation makes the stacks.
"""

from __future__ import annotations

import json
import secrets
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

from sandbox.aws import Account, FrontDoor, Organization, Unit

ADMINISTRATION_STACK: Final = "connector-operator-management"
BOUNDARY_PREFIX: Final = "connector-boundary-"
TEMPLATE_FILE: Final = "management-account.yaml"
MEMBER_TEMPLATE_FILE: Final = "member-account.yaml"
CAPABILITIES: Final = ("CAPABILITY_NAMED_IAM",)
PATIENCE: Final = 60.0
"""Seconds within which a stack must be made."""

_POLL: Final = 0.05
_MEMBER_TEMPLATE: Final = "member-template --highest-permissions FullAccess"
_PRINTED: Final = (
    "operator-account",
    "operator-account --management-account",
    "management-account",
    "management-account --template-body",
    "template",
    _MEMBER_TEMPLATE,
)

Document = dict[str, Any]


class BootstrapError(Exception):
    """A stack of the administrator's was not made; the message tells its status and the reason."""


@dataclass(frozen=True)
class ManagedOrganization:
    """An organization, as a test or a demonstration holds it.

    Attributes:
        organization: The organization, with trusted access for StackSets.
        management: Its management account.
        unit: The unit that connectors manage, and that the cluster's account is in, if it is a member.
        template: The administrator's own template of connectors' stacks, in place of the operator's.
        template_body: Whether the operator sends its own template, which then lies nowhere.
    """

    organization: Organization
    management: Account
    unit: Unit
    template: str | None = None
    template_body: bool = False


@dataclass(frozen=True)
class BootstrappedAccount:
    """What came out of the administrator's stack in the account of the cluster.

    Attributes:
        operator_role_arn: The operator's role.
        boundaries: The permissions boundary of each permission set, ARNs.
    """

    operator_role_arn: str
    boundaries: Mapping[str, str]


@dataclass(frozen=True)
class Bootstrapped(BootstrappedAccount):
    """What came out of the administrator's stacks in both accounts.

    Attributes:
        management_account: The entry of the chart's `managementAccounts`, without `namespaces`.
    """

    management_account: Document


def bootstrap_account(
    account: Account, issuer: str, namespace: str, allowed_policies: Sequence[str] = ()
) -> BootstrappedAccount:
    """Make the stack of the account of a cluster; a further one of the account does without boundaries of its own.

    Args:
        account: The account, which knows the cluster's OIDC provider if the operator is to get in.
        issuer: The cluster's, without `https://`.
        namespace: The operator's.
        allowed_policies: Managed policies that connectors may have beside those of their permission sets, ARNs.

    Raises:
        BootstrapError: CloudFormation did not make it.
        subprocess.CalledProcessError: The operator's command line failed.
        botocore.exceptions.ClientError: CloudFormation refused it.
    """
    parameters = _operator_parameters(account, issuer, namespace, allowed_policies)
    made = deploy(account, _name(namespace), printed()["operator-account"], parameters)
    return BootstrappedAccount(made["OperatorRoleArn"], _boundaries(made))


def bootstrap(
    aws: FrontDoor,
    account: Account,
    managed: ManagedOrganization,
    issuer: str,
    namespace: str,
    allowed_policies: Sequence[str] = (),
) -> Bootstrapped:
    """Make the stacks of both accounts, in the order of docs/bootstrap.md.

    Args:
        aws: AWS.
        account: The account of the cluster, a member of the organization or its management account; it knows the
            cluster's OIDC provider.
        managed: The organization.
        issuer: The cluster's, without `https://`.
        namespace: The operator's.
        allowed_policies: Managed policies that connectors may have beside those of their permission sets, ARNs.

    Raises:
        BootstrapError: CloudFormation did not make one of them.
        subprocess.CalledProcessError: The operator's command line failed.
        botocore.exceptions.ClientError: CloudFormation refused one of them.
    """
    templates, name = printed(), _name(namespace)
    of_account = templates["operator-account" + (" --management-account" if account == managed.management else "")]
    parameters = _operator_parameters(account, issuer, namespace, allowed_policies)
    of_operator = deploy(account, name, of_account, parameters)
    url = {} if managed.template_body else _put_template(aws, managed, templates["template"])
    of_management = deploy(
        managed.management,
        ADMINISTRATION_STACK,
        templates["management-account --template-body" if managed.template_body else "management-account"],
        {
            "OperatorRoleArn": of_operator["OperatorRoleArn"],
            "ExternalId": secrets.token_hex(16),
            "OrganizationId": managed.organization.id,
            "HighestPermissions": "FullAccess",
            **url,
            "MemberTemplateUrl": _put(aws, managed.management, MEMBER_TEMPLATE_FILE, templates[_MEMBER_TEMPLATE]),
        },
    )
    entering = {**parameters, "ManagementRoleArns": of_management["ManagementRoleArn"]}
    deploy(account, name, of_account, entering, update=True)
    return Bootstrapped(
        of_operator["OperatorRoleArn"], _boundaries(of_operator), _chart_entry(of_management, managed.unit)
    )


def _name(namespace: str) -> str:
    """The name of the operator's role, and of its stack."""
    return f"connector-operator-{namespace}"[:64]


def _operator_parameters(
    account: Account, issuer: str, namespace: str, allowed_policies: Sequence[str]
) -> dict[str, str]:
    policies = account.client("iam").list_policies(Scope="Local")["Policies"]
    has_boundaries = any(policy["PolicyName"].startswith(BOUNDARY_PREFIX) for policy in policies)
    return {
        "AllowedManagedPolicyArns": ",".join(allowed_policies),
        "ClusterNames": "sandbox",
        "MakeBoundaries": "false" if has_boundaries else "true",
        "OidcIssuer": issuer,
        "OperatorNamespace": namespace,
        "OperatorRoleName": _name(namespace),
    }


def deploy(
    account: Account, name: str, template: str, parameters: Mapping[str, str], *, update: bool = False
) -> dict[str, str]:
    """Make, or update, a stack of *account* as its administrator; return its outputs.

    Raises:
        BootstrapError: CloudFormation did not succeed, or not in time.
        botocore.exceptions.ClientError: CloudFormation refused it.
    """
    stacks = account.client("cloudformation")
    operation = stacks.update_stack if update else stacks.create_stack
    operation(
        StackName=name,
        TemplateBody=template,
        Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()],
        Capabilities=list(CAPABILITIES),
    )
    stack = _finished(stacks, name)
    if stack["StackStatus"] not in ("CREATE_COMPLETE", "UPDATE_COMPLETE"):
        raise BootstrapError(f"stack {name} is {stack['StackStatus']}: {_failures(stacks, name)}")
    return {output["OutputKey"]: output["OutputValue"] for output in stack.get("Outputs", ())}


@cache
def printed() -> Mapping[str, str]:
    """Return what `apono-operator bootstrap` prints, by its subcommand; printed once in each process.

    Raises:
        subprocess.CalledProcessError: The command line failed.
    """
    done = subprocess.run(
        [sys.executable, "-c", _PRINTING], input=json.dumps(_PRINTED), capture_output=True, text=True, check=True
    )
    texts: dict[str, str] = json.loads(done.stdout)
    return texts


_PRINTING: Final = """
import contextlib, io, json, runpy, sys

def printed(command):
    sys.argv = ["apono-operator", "bootstrap", *command.split()]
    with contextlib.redirect_stdout(io.StringIO()) as output:
        try:
            runpy.run_module("apono_operator", run_name="__main__")
        except SystemExit as end:
            if end.code:
                raise
    return output.getvalue()

print(json.dumps({command: printed(command) for command in json.load(sys.stdin)}))
"""
"""All of them in one process: each of its own would import the operator anew."""


def _put_template(aws: FrontDoor, managed: ManagedOrganization, own: str) -> dict[str, str]:
    """Put the template of connectors' stacks where CloudFormation reads it."""
    return {"TemplateUrl": _put(aws, managed.management, TEMPLATE_FILE, managed.template or own)}


def _put(aws: FrontDoor, management: Account, file: str, template: str) -> str:
    """Put a template into a bucket of the management account; return where it lies."""
    url = f"https://apono-templates-{management.account_id}.s3.amazonaws.com/{file}"
    aws.templates[url] = template
    return url


def _finished(stacks: Any, name: str) -> Document:
    deadline = time.monotonic() + PATIENCE
    while True:
        stack: Document = stacks.describe_stacks(StackName=name)["Stacks"][0]
        if not stack["StackStatus"].endswith("_IN_PROGRESS"):
            return stack
        if time.monotonic() > deadline:
            raise BootstrapError(f"stack {name} is still {stack['StackStatus']} after {PATIENCE:.0f} s")
        time.sleep(_POLL)


def _failures(stacks: Any, name: str) -> str:
    failed = stacks.describe_events(StackName=name, Filters={"FailedEvents": True})["OperationEvents"]
    reasons = ("ValidationStatusReason", "ResourceStatusReason")
    told = [f"{event['LogicalResourceId']}: {event[one]}" for event in failed for one in reasons if one in event]
    return "; ".join(reversed(told))


def _boundaries(outputs: Mapping[str, str]) -> dict[str, str]:
    return {name: outputs[f"{name}BoundaryArn"] for name in ("FullAccess", "ReadOnly")}


def _chart_entry(outputs: Mapping[str, str], unit: Unit) -> Document:
    return {
        "accountId": outputs["AccountId"],
        "roleArn": outputs["ManagementRoleArn"],
        "externalId": outputs["ExternalId"],
        "cloudFormationRoleArn": outputs["CloudFormationRoleArn"],
        "region": outputs["Region"],
        **({"templateUrl": outputs["TemplateUrl"]} if "TemplateUrl" in outputs else {"sendTemplateBody": True}),
        "memberTemplateUrl": outputs["MemberTemplateUrl"],
        "permissionsBoundaries": _boundaries(outputs),
        "allowedUnits": [unit.id],
    }
