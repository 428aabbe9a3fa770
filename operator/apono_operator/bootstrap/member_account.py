"""The template of the StackSet: the role through which a connector reaches each account below its unit.

CloudFormation deploys it as administrator of every such account, so it lies at a URL that only administrators write
to. What it makes is fixed by few parameters: a role, and in the same account the boundary that the role carries.

Sources: CloudFormation User Guide, "Create StackSets with service-managed permissions"; IAM User Guide, "Permissions
boundaries for IAM entities" and "AWS global condition context keys".
"""

from __future__ import annotations

from typing import Any

from apono_operator.bootstrap import boundaries, names
from apono_operator.bootstrap.documents import Document
from apono_operator.bootstrap.resources import ACCOUNT, boundary
from apono_operator.state.permissions import MANAGED_POLICIES, STATEMENTS
from apono_operator.templates.cloudformation import account_in, as_yaml, attribute, if_, ref, sub
from apono_operator.templates.parameters import CONNECTOR, MEMBER
from apono_operator.templates.roles import FULL_ACCESS, FULL_ACCESS_IS_ASKED_FOR, inline_policies, root_of, trusting
from apono_operator.v1alpha1 import PermissionSet

FILE_NAME = "member-account.yaml"

_HEADER = """\
The role of an Apono connector in a member account of an organization. A StackSet of the stack in the management account
lays it in each account below the connector's unit. Put it where CloudFormation reads it and only administrators write:
CloudFormation deploys it as administrator of every member account. Generated; do not edit.

{highest}"""

_HIGHEST = {
    PermissionSet.FULL_ACCESS: "It makes roles with FullAccess for connectors that ask for it. Where connectors only "
    "read, use the one of\n--highest-permissions=ReadOnly: whoever takes the operator over asks for what he wants.",
    PermissionSet.READ_ONLY: "It makes roles with ReadOnly alone, whatever connectors or the operator ask for.",
}

_IS_READ_ONLY = "ReadOnly"
_IS_CONNECTORS_ACCOUNT = "IsConnectorsAccount"
_EVERY_CLUSTER = "arn:*:eks:*:*:*"
_GRANTED = f"{names.BOUNDARY_PREFIX}Granted-${{MemberRoleName}}"
_BLANKS = {**ACCOUNT, "clusters": _EVERY_CLUSTER, "granted": _GRANTED}


def text(*, highest: PermissionSet = PermissionSet.FULL_ACCESS) -> str:
    """Return the template as YAML; for *highest* see `template`."""
    return as_yaml(template(highest=highest), _HEADER.format(highest=_HIGHEST[highest]))


def template(*, highest: PermissionSet = PermissionSet.FULL_ACCESS) -> dict[str, Any]:
    """Return the template as data.

    Args:
        highest: The most that a role may have. It cannot be a parameter: whoever makes stacks chooses those.
    """
    return _whole() if highest is PermissionSet.FULL_ACCESS else _reading_only(_whole())


def _whole() -> dict[str, Any]:
    return {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Description": "Role of an Apono connector in a member account of an organization",
        "Parameters": {**CONNECTOR, **MEMBER},
        "Conditions": {
            FULL_ACCESS: FULL_ACCESS_IS_ASKED_FOR,
            _IS_READ_ONLY: {"Fn::Not": [{"Condition": FULL_ACCESS}]},
            _IS_CONNECTORS_ACCOUNT: {"Fn::Equals": [account_in("ConnectorRoleArn"), ref("AWS::AccountId")]},
        },
        "Resources": {
            **{f"{one}Boundary": _boundary(one) for one in PermissionSet},
            "GrantedBoundary": {"Condition": FULL_ACCESS, **_granted()},
            "MemberRole": {"Type": "AWS::IAM::Role", "Properties": _role()},
        },
        "Outputs": {
            "MemberRoleArn": {"Description": "ARN of the role in this account", "Value": attribute("MemberRole", "Arn")}
        },
    }


def _reading_only(whole: dict[str, Any]) -> dict[str, Any]:
    """Return *whole* as if nobody could ask for FullAccess, with nothing left of what that would make."""
    permissions = {**whole["Parameters"]["Permissions"], "AllowedValues": [PermissionSet.READ_ONLY.value]}
    resources = {name: one for name, one in whole["Resources"].items() if one.get("Condition") != FULL_ACCESS}
    unconditional = {
        name: {key: value for key, value in one.items() if key != "Condition"} for name, one in resources.items()
    }
    kept = {key: value for key, value in whole.items() if key != "Conditions"}
    parameters = {**whole["Parameters"], "Permissions": permissions}
    return {**kept, "Parameters": parameters, "Resources": _without_full_access(unconditional)}


def _without_full_access(value: Any) -> Any:
    """Return *value* with each choice decided against FullAccess."""
    match value:
        case {"Fn::If": [str(condition), _, otherwise]} if condition == FULL_ACCESS:
            return _without_full_access(otherwise)
        case dict():
            return {key: _without_full_access(one) for key, one in value.items()}
        case list():
            decided = (_without_full_access(one) for one in value)
            return [one for one in decided if one != ref("AWS::NoValue")]
        case _:
            return value


def _boundary(permission_set: PermissionSet) -> dict[str, Any]:
    """Return the boundary of a permission set, which is there only where the role has that set."""
    document = boundaries.of(permission_set)
    document = {**document, "Statement": [_in_its_place(one) for one in document["Statement"]]}
    made = boundary(
        sub(f"{names.BOUNDARY_PREFIX}{permission_set}-${{MemberRoleName}}"),
        f"The most that the connector's role with {permission_set} may ever do in this account",
        document,
        _BLANKS,
    )
    return {"Condition": permission_set.value, **made}


def _granted() -> dict[str, Any]:
    what = "The most that the connector may grant in this account, and the boundary of whom it grants to"
    return boundary(sub(_GRANTED), what, boundaries.granted(), _BLANKS)


def _in_its_place(statement: Document) -> Document:
    """Whoever changes access to the operator's own cluster has the operator's token: its account has a guard."""
    return if_(_IS_CONNECTORS_ACCOUNT, statement) if statement["Sid"] == boundaries.NEVER_THIS_CLUSTER else statement


def _role() -> dict[str, Any]:
    managed = [sub(f"arn:${{AWS::Partition}}:iam::aws:policy/{name}") for name in _managed_policies()]
    trusted = ("ConnectorRoleArn", "ManagementRoleArn")
    return {
        "RoleName": ref("MemberRoleName"),
        "Description": sub("Apono connector ${AponoConnectorId}: this account, as a member of the organization"),
        "AssumeRolePolicyDocument": trusting(
            [root_of(account_in(name)) for name in trusted], [ref(name) for name in trusted]
        ),
        "PermissionsBoundary": if_(FULL_ACCESS, ref("FullAccessBoundary"), ref("ReadOnlyBoundary")),
        "ManagedPolicyArns": managed,
        "Policies": inline_policies(STATEMENTS),
        "Tags": [
            {"Key": "apono.io/connector-id", "Value": ref("AponoConnectorId")},
            {"Key": "apono.io/permissions", "Value": ref("Permissions")},
        ],
    }


def _managed_policies() -> list[str]:
    """Return what both permission sets have: of managed policies they have the same."""
    return sorted({name for each in MANAGED_POLICIES.values() for name in each})
