"""What an administrator does in AWS for connectors of an organization, as far as sweeps need it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from apono_operator.bootstrap import member_account
from apono_operator.templates import management_account
from sandbox.aws import Account, FrontDoor
from sandbox.aws.organizations.organization import Organization, Unit
from tests.adapters.aws.connection import customer_policy
from tests.aws.identities import allowing, trusting
from tests.scenarios.cluster import Document

EXTERNAL_ID = "0123456789abcdef"
WAY_IN = "connector-operator-management"
SERVICE_ROLE = "connector-operator-cloudformation"
OTHER_SERVICE_ROLE = "connector-operator-other"
PERMISSION_SETS = ("FullAccess", "ReadOnly")

_TRUSTING_CLOUDFORMATION = trusting({"Service": "cloudformation.amazonaws.com"})


@dataclass(frozen=True)
class Administered:
    """An organization after its administrator's work.

    Attributes:
        management: The management account.
        units: Two, both of which are granted.
        members: One in each of the units; the first is the cluster's, unless that is the management account.
        entry: The management account as the operator's settings name it.
    """

    organization: Organization
    management: Account
    units: tuple[Unit, Unit]
    members: tuple[Account, Account]
    entry: Mapping[str, Any]


def administer(aws: FrontDoor, cluster: Account, management: Account) -> Administered:
    """Make an organization of accounts that are in none yet, with all that connectors in it need.

    Args:
        aws: AWS.
        cluster: The account of the cluster.
        management: The organization's management account; the cluster's for mode ManagementAccount.
    """
    organization = aws.create_organization(management)
    organization.stacksets_access = "ENABLED"
    units = organization.unit("Workloads"), organization.unit("Others")
    first = aws.create_account(cluster.partition) if cluster == management else cluster
    members = first, aws.create_account(cluster.partition)
    for member, unit in zip(members, units, strict=True):
        organization.join(member, unit)
    own = trusting({"AWS": f"{cluster.arn_prefix}root"}, {"StringEquals": {"sts:ExternalId": EXTERNAL_ID}})
    trusts = {WAY_IN: own, **dict.fromkeys((SERVICE_ROLE, OTHER_SERVICE_ROLE), _TRUSTING_CLOUDFORMATION)}
    arns = {name: _role(management, name, trust) for name, trust in trusts.items()}
    return Administered(organization, management, units, members, _entry(aws, management, units, arns))


def put_template(aws: FrontDoor, management: Account, name: str, **role: Any) -> str:
    """Put a template of connectors' stacks where CloudFormation reads it; return its URL.

    Args:
        aws: AWS.
        management: The management account.
        name: The template's.
        role: Other properties of the management role.
    """
    return _put(aws, management, name, _with(management_account.template(), "ManagementRole", role))


def put_member_template(aws: FrontDoor, management: Account, name: str, **role: Any) -> str:
    """Put a template of member accounts there; *role* is for the member role."""
    return _put(aws, management, name, _with(member_account.template(), "MemberRole", role))


def _with(template: Document, resource: str, properties: Mapping[str, Any]) -> Document:
    template["Resources"][resource]["Properties"] |= properties
    return template


def _put(aws: FrontDoor, management: Account, name: str, document: Document) -> str:
    url = f"https://apono-templates-{management.account_id}.s3.amazonaws.com/{name}.json"
    aws.templates[url] = json.dumps(document)
    return url


def _role(account: Account, name: str, trust: str) -> str:
    iam = account.client("iam")
    arn: str = iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust)["Role"]["Arn"]
    iam.put_role_policy(RoleName=name, PolicyName="all", PolicyDocument=allowing("*"))
    return arn


def _entry(aws: FrontDoor, management: Account, units: tuple[Unit, Unit], arns: Mapping[str, str]) -> Document:
    return {
        "accountId": management.account_id,
        "roleArn": arns[WAY_IN],
        "externalId": EXTERNAL_ID,
        "cloudFormationRoleArn": arns[SERVICE_ROLE],
        "region": management.region,
        "templateUrl": put_template(aws, management, "management-account"),
        "memberTemplateUrl": put_member_template(aws, management, "member-account"),
        "permissionsBoundaries": {one: customer_policy(management, f"boundary-{one}") for one in PERMISSION_SETS},
        "allowedUnits": [unit.id for unit in units],
        "namespaces": ["*"],
    }
