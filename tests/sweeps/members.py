"""What is there of a connector in member accounts, and of the StackSet that lays it there."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Any

from apono_operator.bootstrap import names
from sandbox.aws import Account, Calls
from tests.scenarios.cluster import Document
from tests.sweeps import evidence

BOUNDARIES = ("FullAccess", "Granted", "ReadOnly")
"""Of the member template, by what their names tell."""


def stack_set_of(management: Account, name: str) -> Document | None:
    """Return a StackSet with its instances, None if there is none (any more)."""
    stacks = management.client("cloudformation")
    try:
        found: Any = stacks.describe_stack_set(StackSetName=name)["StackSet"]
    except stacks.exceptions.StackSetNotFoundException:
        return None
    instances = stacks.list_stack_instances(StackSetName=name)["Summaries"]
    return {
        "template": hashlib.sha256(found["TemplateBody"].encode()).hexdigest(),
        "parameters": {one["ParameterKey"]: one["ParameterValue"] for one in found["Parameters"]},
        "tags": {one["Key"]: one["Value"] for one in found["Tags"]},
        "instances": {one["Account"]: _state(one) for one in instances},
    }


def in_account(account: Account, role_name: str) -> Document | None:
    """Return what the member template makes in an account, None if there is nothing (any more)."""
    iam = account.client("iam")
    try:
        role: Any = iam.get_role(RoleName=role_name)["Role"]
    except iam.exceptions.NoSuchEntityException:
        left = [one for one in BOUNDARIES if _is_there(account, f"{names.BOUNDARY_PREFIX}{one}-{role_name}")]
        return {"boundaries left over": left} if left else None
    return _plain(role)


def roles_made(calls: Calls, accounts: Iterable[Account], role_name: str) -> int:
    """How many member roles of a name were made by *calls*."""
    return sum(evidence.roles_made(calls, account, role_name) for account in accounts)


def stack_sets_made(calls: Calls, management: Account, name: str) -> int:
    """How many StackSets of a name were made by *calls*."""
    made = calls.of(operation="CreateStackSet", account=management, parameters={"StackSetName": name})
    return sum(call.applied for call in made)


def _state(instance: Document) -> list[str]:
    detail = instance["StackInstanceStatus"]["DetailedStatus"]
    return [instance["OrganizationalUnitId"], instance["Status"], detail]


def _plain(role: Document) -> Document:
    """What the role is like, without what AWS never gives twice; what it may do is the template's business."""
    return {
        "trust": role["AssumeRolePolicyDocument"],
        "boundary": role["PermissionsBoundary"]["PermissionsBoundaryArn"],
        "tags": {tag["Key"]: tag["Value"] for tag in role["Tags"]},
    }


def _is_there(account: Account, policy: str) -> bool:
    iam = account.client("iam")
    try:
        iam.get_policy(PolicyArn=f"{account.arn_prefix}policy/{policy}")
    except iam.exceptions.NoSuchEntityException:
        return False
    return True
