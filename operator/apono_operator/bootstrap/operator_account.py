"""The stack for the account of a cluster: the operator's role, and the boundaries of what it makes."""

from __future__ import annotations

import json
from typing import Any

from apono_operator.bootstrap import boundaries, names, trusts
from apono_operator.bootstrap.documents import filled, policy
from apono_operator.bootstrap.resources import ACCOUNT, CAPABILITIES, ROLE_ARN, boundary, inline_policy, output
from apono_operator.bootstrap.rights import ATTACHED, OPERATOR_RIGHTS, ORGANIZATION_RIGHTS
from apono_operator.templates.cloudformation import as_yaml, attribute, if_, ref, sub, substituted, text_parameter
from apono_operator.v1alpha1 import PermissionSet

_HEADER = f"""\
For the account of the cluster: the operator's role, and the permissions boundaries of connectors.

  aws cloudformation deploy --stack-name connector-operator --template-file operator-account.yaml \\
    --capabilities {CAPABILITIES} --parameter-overrides ClusterNames=my-cluster \\
    OidcIssuer=$(aws eks describe-cluster --name my-cluster --query cluster.identity.oidc.issuer --output text | sed 's|https://||')

IAM has to know the cluster's OIDC provider already. Keep the stack's name outside apono-*. Afterwards, as values of
the chart, from the stack's outputs:

  serviceAccount:
    annotations:
      eks.amazonaws.com/role-arn: <OperatorRoleArn>
  permissionsBoundaries:
    FullAccess: <FullAccessBoundaryArn>
    ReadOnly: <ReadOnlyBoundaryArn>

A second cluster of the account: a stack of another name, with another OperatorRoleName and MakeBoundaries=false. First
update this one, with the names of all clusters in ClusterNames, so that no connector gets at one of them.
"""

_BOUND = """
Connectors with FullAccess may make, and grant to, only users and roles that carry the boundary GrantedBoundary.
"""

_UNBOUND = """
WITHOUT --require-boundary, as here, a connector with FullAccess can make itself a role without any boundary: whoever
controls it, by its image, its token or its pods, IS ADMINISTRATOR OF THE ACCOUNT.
"""

_MANAGEMENT = """
With --management-account, as here, the cluster is in the management account of an organization: connectors with
FullAccess of mode ManagementAccount give anybody access to any account by Identity Center, as their policies say. Also
deploy what `apono-operator bootstrap management-account` prints, in this account.
"""

_BLANKS = {
    **ACCOUNT,
    "issuer": "${OidcIssuer}",
    "namespace": "${OperatorNamespace}",
    "service_account": "${OperatorServiceAccount}",
    "management_roles": ref("ManagementRoleArns"),
}


def text(*, require_boundary: bool, management_account: bool = False) -> str:
    """Return the template as YAML, with what to do with it on top.

    Args:
        require_boundary: See `boundaries.full_access`.
        management_account: Whether the cluster is in the management account of an organization, for mode
            ManagementAccount.
    """
    header = _HEADER + (_BOUND if require_boundary else _UNBOUND) + (_MANAGEMENT if management_account else "")
    return as_yaml(template(require_boundary=require_boundary, management_account=management_account), header)


def template(*, require_boundary: bool, management_account: bool = False) -> dict[str, Any]:
    """Return the template as data."""
    made = _boundaries(require_boundary=require_boundary, identity_center=management_account)
    return {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Description": "Role of the Apono connector operator, and permissions boundaries of its connectors",
        "Parameters": _PARAMETERS,
        "Conditions": {
            "MakesBoundaries": {"Fn::Equals": [ref("MakeBoundaries"), "true"]},
            "AllowsMorePolicies": _is_given("AllowedManagedPolicyArns"),
            "HasManagementRoles": _is_given("ManagementRoleArns"),
        },
        "Resources": {
            "OperatorRole": {"Type": "AWS::IAM::Role", "Properties": _role()},
            **{name: {"Condition": "MakesBoundaries", **one} for name, one in made.items()},
        },
        "Outputs": {
            "OperatorRoleArn": output("ARN of the operator's role", attribute("OperatorRole", "Arn")),
            **{
                f"{one}BoundaryArn": output(f"ARN of the boundary of connectors with {one}", _boundary_arn(one))
                for one in PermissionSet
            },
        },
    }


_PARAMETERS = {
    "ClusterNames": text_parameter(
        "Names of the account's clusters that run an operator, with commas; no connector may change access to them. "
        "Together up to 60 characters: a policy has 6144.",
        "Names of EKS clusters; a star at the end stands for anything.",
        Type="CommaDelimitedList",
        AllowedPattern=r"^[0-9A-Za-z][0-9A-Za-z_-]{0,99}\*?$",
    ),
    "OidcIssuer": text_parameter(
        "Issuer of this cluster's ServiceAccount tokens, without https://.",
        "Host and path of the issuer, without https://, such as oidc.eks.eu-west-1.amazonaws.com/id/EXAMPLE.",
        AllowedPattern=r"^[a-z0-9]([a-z0-9.-]*[a-z0-9])?(/[A-Za-z0-9._~-]+)*$",
        MaxLength=240,
    ),
    "OperatorNamespace": text_parameter(
        "Namespace that the chart is installed into.",
        "A name of a namespace.",
        AllowedPattern="^[a-z0-9]([-a-z0-9]*[a-z0-9])?$",
        MaxLength=63,
        Default="apono",
    ),
    "OperatorServiceAccount": text_parameter(
        "Name of the operator's ServiceAccount.",
        "A name of a ServiceAccount.",
        AllowedPattern="^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$",
        MaxLength=253,
        Default="apono-operator",
    ),
    "OperatorRoleName": text_parameter(
        "Name of the operator's role; another one for each cluster of the account.",
        f"At most 64 characters that begin with {names.OPERATOR_ROLE_PREFIX}: the boundaries guard such roles.",
        AllowedPattern=f"^{names.OPERATOR_ROLE_PREFIX}(-[A-Za-z0-9+=,.@_-]+)?$",
        MaxLength=64,
        Default=names.OPERATOR_ROLE_PREFIX,
    ),
    "MakeBoundaries": text_parameter(
        "false where another stack of the account has made the boundaries.",
        AllowedValues=["true", "false"],
        Default="true",
    ),
    "AllowedManagedPolicyArns": text_parameter(
        "Managed policies that connectors may have beside those of their permission set, with commas: the chart's "
        "allowedManagedPolicyArns.",
        "ARNs of managed policies; a star stands for anything.",
        Type="CommaDelimitedList",
        AllowedPattern=r"^(arn:aws[a-z-]*:iam::(aws|[0-9]{12}):policy/[A-Za-z0-9+=.@_/*-]+)?$",
        Default="",
    ),
    "ManagementRoleArns": text_parameter(
        "Roles of management accounts that the operator may assume, with commas; empty without mode Organization.",
        "ARNs of roles.",
        Type="CommaDelimitedList",
        AllowedPattern=f"^({ROLE_ARN[1:-1]})?$",
        Default="",
    ),
}


def _is_given(parameter: str) -> dict[str, Any]:
    """Return the condition that a list is not empty."""
    return {"Fn::Not": [{"Fn::Equals": [{"Fn::Join": ["", ref(parameter)]}, ""]}]}


def _attached() -> dict[str, Any]:
    """Return the policies that may be attached: two lists in one, joined and split again."""
    known = substituted(filled(ATTACHED, ACCOUNT))
    together = {"Fn::Join": [",", [*known, {"Fn::Join": [",", ref("AllowedManagedPolicyArns")]}]]}
    return if_("AllowsMorePolicies", {"Fn::Split": [",", together]}, known)


def _role() -> dict[str, Any]:
    management = inline_policy("management-accounts", policy(one.statement for one in ORGANIZATION_RIGHTS), _BLANKS)
    return {
        "RoleName": ref("OperatorRoleName"),
        "Description": "Apono connector operator",
        # As text, because a key of the condition holds the issuer: CloudFormation fills in no keys.
        "AssumeRolePolicyDocument": sub(json.dumps(filled(trusts.OPERATOR, _BLANKS), indent=2)),
        "Policies": [
            inline_policy(
                "connectors", policy(one.statement for one in OPERATOR_RIGHTS), {**_BLANKS, "attached": _attached()}
            ),
            if_("HasManagementRoles", management),
        ],
    }


def _boundaries(*, require_boundary: bool, identity_center: bool) -> dict[str, Any]:
    blanks = {**_BLANKS, "clusters": _all_clusters(), "granted": names.GRANTED_BOUNDARY}
    sets = {
        f"{one}Boundary": boundary(
            names.boundary(one),
            f"The most that Apono connectors with {one} may ever do",
            boundaries.of(one, require_boundary=require_boundary, identity_center=identity_center),
            blanks,
        )
        for one in PermissionSet
    }
    what = "The most that Apono connectors may grant, and the boundary of whom they grant to"
    granted = {"GrantedBoundary": boundary(names.GRANTED_BOUNDARY, what, boundaries.granted(), blanks)}
    return {**sets, **(granted if require_boundary else {})}


def _all_clusters() -> dict[str, Any]:
    """Return the ARNs of all clusters and of their access entries.

    A list of ARNs from a list of names: joined by what stands between two names, and split again.
    """
    kinds = [_around_each("arn:*:eks:*:*:access-entry/", "/*"), _around_each("arn:*:eks:*:*:cluster/", "")]
    return {"Fn::Split": [",", {"Fn::Join": [",", kinds]}]}


def _around_each(prefix: str, suffix: str) -> dict[str, Any]:
    return {"Fn::Join": ["", [prefix, {"Fn::Join": [f"{suffix},{prefix}", ref("ClusterNames")]}, suffix]]}


def _boundary_arn(permission_set: PermissionSet) -> dict[str, Any]:
    return sub(f"arn:${{AWS::Partition}}:iam::${{AWS::AccountId}}:policy/{names.boundary(permission_set)}")
