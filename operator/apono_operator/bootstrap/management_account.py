"""The stack for a management account: the role that the operator assumes, that of CloudFormation, and boundaries."""

from __future__ import annotations

from typing import Any

from apono_operator.bootstrap import management_boundaries, member_account, names, trusts
from apono_operator.bootstrap.documents import filled, policy
from apono_operator.bootstrap.resources import ACCOUNT, CAPABILITIES, ROLE_ARN, boundary, inline_policy, output
from apono_operator.bootstrap.rights import SERVICE_ROLE_RIGHTS, STACK_SET_RIGHTS, management_rights
from apono_operator.templates.cloudformation import as_yaml, attribute, if_, is_given, ref, substituted, text_parameter
from apono_operator.templates.management_account import FILE_NAME
from apono_operator.v1alpha1 import PermissionSet

_BUCKET = f"""\
First put the template of the connectors' stacks where CloudFormation reads it, in a bucket of the management account
that is versioned and that nobody else writes to: whoever changes it owns the organization.

  apono-operator bootstrap template > {FILE_NAME}
  aws s3 cp {FILE_NAME} s3://my-bucket/{FILE_NAME}
  TEMPLATE_URL=https://my-bucket.s3.amazonaws.com/{FILE_NAME}
"""

_MEMBERS = f"""\
For roles in member accounts, put their template there as well. CloudFormation deploys it as administrator of every
member account, and its role is tied to that URL. Without it, connectors reach the management account alone.

  apono-operator bootstrap member-template --highest-permissions=ReadOnly > {member_account.FILE_NAME}
  aws s3 cp {member_account.FILE_NAME} s3://my-bucket/{member_account.FILE_NAME}
  MEMBER_TEMPLATE_URL=https://my-bucket.s3.amazonaws.com/{member_account.FILE_NAME}
"""

_BODY = """\
WITH --template-body, as here, the operator sends its template itself, and may send any other: whoever steals the
operator's token can then make every role apono-* that the boundaries allow, which with FullAccess means to OWN THE
ORGANIZATION. Prefer a URL, which the role is tied to.
"""

_DEPLOY = """\
For the management account: the role that the operator assumes, the role that CloudFormation makes stacks with, and the
permissions boundaries of the roles in those stacks. Trusted access for StackSets must be on in the organization.

{source}
{members}
  aws cloudformation deploy --stack-name connector-operator-management --template-file bootstrap.yaml \\
    --capabilities {capabilities} --parameter-overrides OperatorRoleArn=<OperatorRoleArn of the operator's stack> \\
    ExternalId=$(openssl rand -hex 16) OrganizationId=o-k012345a67 HighestPermissions=ReadOnly{url} \\
    MemberTemplateUrl=$MEMBER_TEMPLATE_URL

Keep the stack's name outside apono-*. Then update the operator's stack with ManagementRoleArns=<ManagementRoleArn>, and
give the chart, from the outputs of both stacks:

{values}
"""

_VALUES = """\
  managementAccounts:
    - accountId: "<AccountId>"
      roleArn: <ManagementRoleArn>
      externalId: <ExternalId>
      cloudFormationRoleArn: <CloudFormationRoleArn>
      region: <Region>
      {template}
      memberTemplateUrl: <MemberTemplateUrl>
      permissionsBoundaries:
        FullAccess: <FullAccessBoundaryArn>
        ReadOnly: <ReadOnlyBoundaryArn>
      allowedUnits: [<the root or the units that connectors may manage, such as r-1a2b>]
      namespaces: [<whose connectors>]

Leave the boundary of FullAccess out where HighestPermissions is ReadOnly."""

_OBJECT_URL = (
    r"https://[a-z0-9][a-z0-9-]{1,61}[a-z0-9]\.s3(\.[a-z0-9-]+)?\.amazonaws\.com/"
    r"[A-Za-z0-9._/-]+(\?versionId=[A-Za-z0-9._-]+)?"
)
_OBJECT_URL_TOLD = (
    "https://BUCKET.s3.amazonaws.com/KEY or https://BUCKET.s3.REGION.amazonaws.com/KEY, with ?versionId=VERSION or "
    "without; no dots in BUCKET, and in KEY letters, digits and . _ / - alone."
)


def _object_of(parameter: str) -> dict[str, Any]:
    """Return the ARN of the object that a URL names; its pattern lets that be read off it."""
    host = {"Fn::Select": [2, {"Fn::Split": ["/", ref(parameter)]}]}
    path = {"Fn::Select": [1, {"Fn::Split": [".amazonaws.com/", ref(parameter)]}]}
    parts = {
        "Bucket": {"Fn::Select": [0, {"Fn::Split": [".", host]}]},
        "Key": {"Fn::Select": [0, {"Fn::Split": ["?", path]}]},
    }
    return {"Fn::Sub": ["arn:${AWS::Partition}:s3:::${Bucket}/${Key}", parts]}


_BLANKS = {
    **ACCOUNT,
    "operator_account": "${OperatorAccount}",
    "operator_role": ref("OperatorRoleArn"),
    "external_id": ref("ExternalId"),
    "organization": ref("OrganizationId"),
    "template_url": ref("TemplateUrl"),
    "member_template_url": ref("MemberTemplateUrl"),
    "template_object": _object_of("TemplateUrl"),
    "member_template_object": _object_of("MemberTemplateUrl"),
    "management_boundaries": [
        ref(f"{PermissionSet.READ_ONLY}Boundary"),
        if_("AllowsFullAccess", ref(f"{PermissionSet.FULL_ACCESS}Boundary")),
    ],
}


def text(*, template_body: bool) -> str:
    """Return the template as YAML, with what to do with it on top.

    Args:
        template_body: Whether the operator sends the stacks' template instead of naming its URL.
    """
    url = "" if template_body else " TemplateUrl=$TEMPLATE_URL"
    source = _BODY if template_body else _BUCKET
    values = _VALUES.format(template="sendTemplateBody: true" if template_body else "templateUrl: <TemplateUrl>")
    header = _DEPLOY.format(source=source, members=_MEMBERS, capabilities=CAPABILITIES, url=url, values=values)
    return as_yaml(template(template_body=template_body), header)


def template(*, template_body: bool) -> dict[str, Any]:
    """Return the template as data."""
    return {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Description": "Roles of the Apono connector operator in the management account, and their boundaries",
        "Parameters": _PARAMETERS if template_body else {**_PARAMETERS, "TemplateUrl": _TEMPLATE_URL},
        "Conditions": {
            "AllowsFullAccess": {"Fn::Equals": [ref("HighestPermissions"), PermissionSet.FULL_ACCESS.value]},
            "HasMembers": is_given("MemberTemplateUrl"),
        },
        "Resources": {
            "ManagementRole": {"Type": "AWS::IAM::Role", "Properties": _management_role(template_body)},
            "CloudFormationRole": {"Type": "AWS::IAM::Role", "Properties": _service_role()},
            **{f"{one}Boundary": _boundary(one) for one in PermissionSet},
        },
        "Outputs": {
            "AccountId": output("The management account", ref("AWS::AccountId")),
            "Region": output("The region that stacks are made in, unless you choose another", ref("AWS::Region")),
            "ManagementRoleArn": output("The role that the operator assumes", attribute("ManagementRole", "Arn")),
            "CloudFormationRoleArn": output("The role of stacks", attribute("CloudFormationRole", "Arn")),
            "ExternalId": output("What the operator has to name when it assumes its role", ref("ExternalId")),
            **{
                f"{one}BoundaryArn": output(f"Boundary of management roles with {one}", ref(f"{one}Boundary"))
                for one in PermissionSet
            },
            **({} if template_body else {"TemplateUrl": output("The template of stacks", ref("TemplateUrl"))}),
            "MemberTemplateUrl": {
                "Condition": "HasMembers",
                **output("The template of roles in member accounts", ref("MemberTemplateUrl")),
            },
        },
    }


_PARAMETERS = {
    "OperatorRoleArn": text_parameter(
        "ARN of the operator's role in the account of its cluster.", "The ARN of a role.", AllowedPattern=ROLE_ARN
    ),
    "ExternalId": text_parameter(
        "What the operator has to name when it assumes its role: something nobody guesses, for this pair of accounts "
        "alone. It is no secret.",
        "16 to 128 letters, digits and + = , . @ : / _ -",
        AllowedPattern="^[A-Za-z0-9+=,.@:/_-]+$",
        MinLength=16,
        MaxLength=128,
    ),
    "OrganizationId": text_parameter(
        "Id of the organization; the operator's account must belong to it.",
        "An organization id, such as o-k012345a67.",
        AllowedPattern="^o-[a-z0-9]{10,32}$",
    ),
    "HighestPermissions": text_parameter(
        "The most that connectors may have in the organization. FullAccess lets whoever controls one give anybody "
        "access to any account.",
        AllowedValues=[one.value for one in PermissionSet],
    ),
    "MemberTemplateUrl": text_parameter(
        "Where the template of roles in member accounts lies. Empty: there are none. Stacks can use no other.",
        f"Empty, or {_OBJECT_URL_TOLD}",
        AllowedPattern=f"^({_OBJECT_URL})?$",
        MaxLength=1024,
        Default="",
    ),
}
_TEMPLATE_URL = text_parameter(
    "Where the template of stacks lies. The operator can use no other; with ?versionId=... not even another version.",
    _OBJECT_URL_TOLD,
    AllowedPattern=f"^{_OBJECT_URL}$",
    MaxLength=1024,
)


def _management_role(template_body: bool) -> dict[str, Any]:  # noqa: FBT001 -- told on by keyword alone
    rights = management_rights(template_body=template_body)
    return {
        "RoleName": names.MANAGEMENT_ROLE,
        "Description": "Apono connector operator in the management account",
        "AssumeRolePolicyDocument": _management_trust(),
        "Policies": [inline_policy("stacks", policy(one.statement for one in rights), _BLANKS)],
    }


def _management_trust() -> Any:
    document = filled(trusts.MANAGEMENT, _BLANKS)
    account = {"OperatorAccount": {"Fn::Select": [4, {"Fn::Split": [":", ref("OperatorRoleArn")]}]}}
    for statement in document["Statement"]:
        statement["Principal"] = {"AWS": {"Fn::Sub": [statement["Principal"]["AWS"], account]}}
    return document


def _service_role() -> dict[str, Any]:
    rights = policy(one.statement for one in SERVICE_ROLE_RIGHTS)
    members = policy(one.statement for one in STACK_SET_RIGHTS)
    return {
        "RoleName": names.CLOUDFORMATION_ROLE,
        "Description": "CloudFormation, for stacks of the Apono connector operator",
        "AssumeRolePolicyDocument": substituted(filled(trusts.CLOUDFORMATION, _BLANKS)),
        "Policies": [
            inline_policy("roles", rights, _BLANKS),
            if_("HasMembers", inline_policy("member-accounts", members, _BLANKS)),
        ],
    }


def _boundary(permission_set: PermissionSet) -> dict[str, Any]:
    return boundary(
        names.management_boundary(permission_set),
        f"The most that management roles with {permission_set} may ever do",
        management_boundaries.of(permission_set),
        _BLANKS,
    )
