"""Every call that the operator makes to AWS, why it makes it, and where it may: the source of all its policies.

Tests hold the table against the calls in the adapters. ``docs/iam`` and ``docs/reference/permissions.md`` are written
from it, and so are the templates that `apono-operator bootstrap` prints.

Sources of resources and condition keys: Service Authorization Reference, "IAM", "AWS CloudFormation"; CloudFormation
User Guide, "Controlling access with IAM".
"""

from __future__ import annotations

from apono_operator.bootstrap import names
from apono_operator.bootstrap.documents import Right
from apono_operator.state.permissions import MANAGED_POLICIES
from apono_operator.state.resources import TAG_CLUSTER
from apono_operator.v1alpha1 import PermissionSet

_IAM = "arn:{partition}:iam::{account}:"
_CLOUDFORMATION = "arn:{partition}:cloudformation:*:{account}:"
_CONNECTOR_ROLES = (f"{_IAM}{names.CONNECTOR_ROLES}",)
_BOUNDARIES = {"iam:PermissionsBoundary": [f"{_IAM}policy/{names.boundary(one)}" for one in PermissionSet]}
_OWN_CLUSTER = {f"aws:{which}/{TAG_CLUSTER}": "{issuer}" for which in ("RequestTag", "ResourceTag")}
_PUT_RIGHT = "Put right what differs."
_DELETE = "Delete a role with everything on it."
_MAKE = "Make a role, and put right what differs."

ATTACHED = sorted({f"arn:{{partition}}:iam::aws:policy/{name}" for one in MANAGED_POLICIES.values() for name in one})
"""The managed policies of the permission sets: the blank attached stands for them, and for what is allowed beside."""

WITHOUT_PERMISSION = {"sts:GetCallerIdentity": "Learn account and partition. AWS needs no permission for it."}
"""What the operator calls and needs no right for."""

WITHOUT_BOUNDARIES = {
    "iam:DeleteRolePermissionsBoundary": "Only with `allowUnboundedRoles`. Not in the document: there, also remove the "
    "conditions on `iam:PermissionsBoundary`."
}
"""What the operator calls only where the administrator does without boundaries."""

OPERATOR_RIGHTS: tuple[Right, ...] = (
    Right(
        "LookAtTheClustersProvider",
        {"iam:GetOpenIDConnectProvider": "Verify that IAM trusts the cluster's tokens."},
        (f"{_IAM}oidc-provider/{{issuer}}",),
    ),
    Right(
        "FindRolesWithoutAConnector",
        {
            "iam:ListRoles": "Find roles whose connector is gone, once a day. It shows names and trust policies of all "
            "roles of the account: IAM knows no narrower right. Without it the operator works, and says daily that it "
            "does not look for them."
        },
    ),
    Right(
        "LookAtConnectorRoles",
        {
            "iam:GetRole": "Compare a role with the manifest; read the tags of one that may be left over.",
            "iam:GetRolePolicy": "Compare a role with the manifest.",
            "iam:ListAttachedRolePolicies": "Compare a role with the manifest.",
            "iam:ListInstanceProfilesForRole": _DELETE,
            "iam:ListRolePolicies": "Find policies of others on a role; delete it with everything on it.",
        },
        (*_CONNECTOR_ROLES, f"{_IAM}{names.CONNECTOR_ROLES_ELSEWHERE}"),
    ),
    Right(
        "WidenConnectorRolesWithinTheBoundaryOnly",
        {
            "iam:CreateRole": "Make a role.",
            "iam:PutRolePermissionsBoundary": _PUT_RIGHT,
            "iam:PutRolePolicy": _MAKE,
        },
        _CONNECTOR_ROLES,
        {"StringEquals": _BOUNDARIES, "StringEqualsIfExists": _OWN_CLUSTER},
    ),
    Right(
        "AttachKnownPoliciesWithinTheBoundaryOnly",
        {"iam:AttachRolePolicy": _MAKE},
        _CONNECTOR_ROLES,
        {
            "StringEquals": _BOUNDARIES,
            "ArnEquals": {"iam:PolicyARN": "{attached}"},
            "StringEqualsIfExists": _OWN_CLUSTER,
        },
    ),
    Right(
        "KeepAndRemoveConnectorRoles",
        {
            "iam:DeleteRole": _DELETE,
            "iam:DeleteRolePolicy": _DELETE,
            "iam:DetachRolePolicy": f"{_PUT_RIGHT} {_DELETE}",
            "iam:TagRole": "Make a role: `CreateRole` with tags needs it as well. Put right what differs.",
            "iam:UntagRole": _PUT_RIGHT,
            "iam:UpdateAssumeRolePolicy": _PUT_RIGHT,
            "iam:UpdateRole": _PUT_RIGHT,
        },
        _CONNECTOR_ROLES,
        {"StringEqualsIfExists": _OWN_CLUSTER},
    ),
    Right(
        "TakeConnectorRolesOutOfInstanceProfiles",
        {"iam:RemoveRoleFromInstanceProfile": _DELETE},
        (f"{_IAM}instance-profile/*",),
    ),
)
"""In the account of the cluster."""

ORGANIZATION_RIGHTS: tuple[Right, ...] = (
    Right(
        "EnterManagementAccounts",
        {"sts:AssumeRole": "Keep the stack in the management account."},
        ("{management_roles}",),
        implied={"sts:TagSession": "Sessions that carry tags keep them."},
    ),
    Right(
        "LookAtTheOwnOrganization",
        {
            "organizations:DescribeOrganization": "Verify that this account is in the organization that is asked for. "
            "Without it, the management account is asked for its own."
        },
    ),
)
"""In the account of the cluster, for mode Organization."""

_STACK_SETS = f"{_CLOUDFORMATION}{names.STACK_SETS}"
_FROM_THE_TEMPLATE = {"cloudformation:TemplateUrl": "{template_url}"}
_AS_THE_SERVICE_ROLE = {"cloudformation:RoleArn": f"{_IAM}role/{names.CLOUDFORMATION_ROLE}"}


def management_rights(*, template_body: bool) -> tuple[Right, ...]:
    """Return the rights of the role that the operator assumes in the management account.

    A template that is sent has no URL that a condition could name. So with *template_body* the operator may bring
    any template, within what CloudFormation's role may do.
    """
    source = {} if template_body else _FROM_THE_TEMPLATE
    reading = () if template_body else (_READ_THE_TEMPLATE,)
    return (
        Right(
            "ChangeStacksByOneTemplateAndOneRole",
            {"cloudformation:CreateChangeSet": "Make a stack, and put right what differs."},
            (f"{_CLOUDFORMATION}{names.STACKS}",),
            {"StringEquals": {**source, **_AS_THE_SERVICE_ROLE}},
        ),
        Right(
            "ReadWhatTheTemplateAsksFor",
            {"cloudformation:GetTemplateSummary": "Learn the template's parameters before it is used."},
            condition={"StringEquals": source} if source else {},
        ),
        *reading,
        *_MANAGEMENT_RIGHTS,
    )


_READ_THE_TEMPLATE = Right(
    "LetCloudFormationReadTheTemplate",
    {},
    ("{template_object}",),
    implied={
        "s3:GetObject": "CloudFormation reads the template with the rights of whoever names its URL.",
        "s3:GetObjectVersion": "The same where the URL names a version.",
    },
)
_MANAGEMENT_RIGHTS = (
    Right(
        "KeepAndRemoveStacks",
        {
            "cloudformation:ContinueUpdateRollback": "Get a stack out of a rollback that failed.",
            "cloudformation:DeleteChangeSet": "Remove a change set that changes nothing or is out of date.",
            "cloudformation:DeleteStack": "Remove the role with the connector; remove a stack that was never made.",
            "cloudformation:DescribeChangeSet": "See what a change set would do before it is carried out.",
            "cloudformation:DescribeEvents": "Tell why a template was refused.",
            "cloudformation:DescribeStackEvents": "Tell why a stack failed.",
            "cloudformation:DescribeStacks": "Compare the stack with the manifest; read the role's ARN.",
            "cloudformation:ExecuteChangeSet": "Carry out a change set that was looked at.",
        },
        (f"{_CLOUDFORMATION}{names.STACKS}", f"{_CLOUDFORMATION}{names.CHANGE_SETS}"),
        implied={"cloudformation:TagResource": "A change set gives the stack the tags that prove whose it is."},
    ),
    Right(
        "LookAtMemberAccounts",
        {"cloudformation:ListStackInstances": "Count the member accounts that have the role, and name one that fails."},
        (_STACK_SETS,),
    ),
    Right(
        "LetCloudFormationActAsItsRole",
        {},
        (f"{_IAM}role/{names.CLOUDFORMATION_ROLE}",),
        {"StringEquals": {"iam:PassedToService": "cloudformation.amazonaws.com"}},
        implied={"iam:PassRole": "Hand CloudFormation the role that it acts with."},
    ),
    Right(
        "LookAtManagementRoles",
        {"iam:GetRole": "See whether the role of the stack is there, and whom it trusts."},
        (f"{_IAM}role/apono-*",),
    ),
    Right(
        "LookAtTheOrganization",
        {
            "cloudformation:DescribeOrganizationsAccess": "Verify that trusted access for StackSets is on.",
            "organizations:DescribeOrganization": "Verify its id, and that this is its management account.",
            "organizations:DescribeOrganizationalUnit": "Verify that the unit exists.",
            **dict.fromkeys(
                ("organizations:ListAccountsForParent", "organizations:ListOrganizationalUnitsForParent"),
                "Tell which accounts lose their role before the unit becomes another.",
            ),
            "organizations:ListDelegatedAdministrators": "Tell which account administers Identity Center.",
            "organizations:ListRoots": "Verify that the root exists.",
            "sso:ListInstances": "Tell whether there is Identity Center, and where.",
        },
    ),
)

_TEMPLATES_ROLES = (f"{_IAM}role/apono-*",)
_STACK_SET_TARGETS = (
    _STACK_SETS,
    f"{_CLOUDFORMATION}{names.STACK_SET_TARGETS}",
    "arn:{partition}:cloudformation:*::type/resource/*",
)
"""What AWS looks at when stacks are laid: the set, where it lays them, and the types of their resources."""

_FROM_THE_MEMBER_TEMPLATE = {"StringEquals": {"cloudformation:TemplateUrl": "{member_template_url}"}}
_ROLE = "The template's role."

SERVICE_ROLE_RIGHTS: tuple[Right, ...] = (
    Right(
        "LookAtRoles",
        {},
        _TEMPLATES_ROLES,
        implied=dict.fromkeys(
            ("iam:GetRole", "iam:GetRolePolicy", "iam:ListAttachedRolePolicies", "iam:ListRolePolicies"), _ROLE
        ),
    ),
    Right(
        "MakeAndChangeBoundRoles",
        {},
        _TEMPLATES_ROLES,
        {"StringEquals": {"iam:PermissionsBoundary": "{management_boundaries}"}},
        implied=dict.fromkeys(
            (
                "iam:AttachRolePolicy",
                "iam:CreateRole",
                "iam:DeleteRole",
                "iam:DeleteRolePolicy",
                "iam:DetachRolePolicy",
                "iam:PutRolePermissionsBoundary",
                "iam:PutRolePolicy",
                "iam:UpdateAssumeRolePolicy",
                "iam:UpdateRole",
                "iam:UpdateRoleDescription",
            ),
            _ROLE,
        ),
    ),
    Right(
        "TagRoles",
        {},
        _TEMPLATES_ROLES,
        implied=dict.fromkeys(("iam:TagRole", "iam:UntagRole"), "The role's tags; IAM knows no narrower condition."),
    ),
)
"""What CloudFormation may do in the management account: what the handlers of ``AWS::IAM::Role`` ask for."""

_STACK_SET = "The template's StackSet."

STACK_SET_RIGHTS: tuple[Right, ...] = (
    Right(
        "MakeStackSetsFromOneTemplate",
        {},
        condition=_FROM_THE_MEMBER_TEMPLATE,
        implied={
            "cloudformation:CreateStackSet": f"{_STACK_SET} Of a set that is not there yet, IAM knows no name.",
            "cloudformation:GetTemplateSummary": "CloudFormation reads what the StackSet's template asks for.",
        },
    ),
    Right(
        "TagStackSetsAsTheyAreMade",
        {},
        condition={"StringEquals": {"cloudformation:CreateAction": "CreateStackSet"}},
        implied={"cloudformation:TagResource": "The set has the tags of its stack from the beginning."},
    ),
    Right(
        "ChangeStackSetsByOneTemplate",
        {},
        _STACK_SET_TARGETS,
        _FROM_THE_MEMBER_TEMPLATE,
        implied={"cloudformation:UpdateStackSet": _STACK_SET},
    ),
    Right(
        "LayStacksInAccounts",
        {},
        _STACK_SET_TARGETS,
        implied=dict.fromkeys(
            ("cloudformation:CreateStackInstances", "cloudformation:DeleteStackInstances"), _STACK_SET
        ),
    ),
    Right(
        "KeepStackSets",
        {},
        (_STACK_SETS,),
        implied={
            **dict.fromkeys(
                (
                    "cloudformation:DeleteStackSet",
                    "cloudformation:DescribeStackSet",
                    "cloudformation:DescribeStackSetOperation",
                    "cloudformation:ListStackInstances",
                    "cloudformation:ListStackSetOperationResults",
                ),
                _STACK_SET,
            ),
            **dict.fromkeys(
                ("cloudformation:TagResource", "cloudformation:UntagResource"), "The set has the tags of its stack."
            ),
        },
    ),
    Right(
        "LetStackSetsReadTheirTemplate",
        {},
        ("{member_template_object}",),
        implied=dict.fromkeys(
            ("s3:GetObject", "s3:GetObjectVersion"),
            "CloudFormation reads the StackSet's template with the rights of whoever makes it.",
        ),
    ),
)
"""What it may do besides where there are roles in member accounts: what the handlers of the StackSet ask for.

A StackSet with service-managed permissions acts as administrator in every member account: whoever can make one of any
template owns the organization. Hence one template, by its URL.
"""
