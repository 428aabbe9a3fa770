"""What each permission set lets the connector do in AWS: tables, and the documents that are made of them.

The rows follow what Apono's published Terraform module grants its connector, without what belongs to ECS and to
CloudWatch logs of ECS, which have no use on EKS. For an account, what belongs to Identity Center is left out as well;
for an organization, that is what the role in the management account holds.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from apono_operator.state.iam_policy import POLICY_VERSION, PolicyDocument
from apono_operator.v1alpha1 import PermissionSet

INLINE_POLICY_NAME = "apono-connector"
INLINE_POLICY_LIMIT = 10_240
"""Characters without white space, all inline policies of a role together (IAM User Guide, "IAM and STS quotas")."""

FULL = frozenset({PermissionSet.FULL_ACCESS})
BOTH = frozenset(PermissionSet)

_IDENTITIES = tuple(
    f"arn:{{partition}}:iam::*:{kind}/*" for kind in ("group", "instance-profile", "policy", "role", "user")
)
_READ_TAG = {"StringEquals": {"aws:ResourceTag/apono-connector-read": "true"}}
_ACCESS_TAG = {"StringEquals": {"aws:ResourceTag/apono-connector-access": "true"}}


@dataclass(frozen=True)
class PolicyStatement:
    """One row: some actions on some resources, and the permission sets that hold it."""

    sid: str
    actions: tuple[str, ...]
    resources: tuple[str, ...] = ("*",)
    """ARNs with ``{partition}`` in place of the partition."""
    sets: frozenset[PermissionSet] = BOTH
    condition: Mapping[str, Any] = field(default_factory=dict, hash=False)
    writes_because: str = ""
    """Why `ReadOnly` holds this row although an action in it is not a reading one."""

    def document(self, partition: str) -> dict[str, Any]:
        """Return the row as a policy statement for *partition* (``aws``, ``aws-us-gov``, ``aws-cn``)."""
        statement: dict[str, Any] = {
            "Sid": self.sid,
            "Effect": "Allow",
            "Action": list(self.actions),
            "Resource": [resource.format(partition=partition) for resource in self.resources],
        }
        return {**statement, "Condition": dict(self.condition)} if self.condition else statement


_ASSUME_APONO_ROLES = PolicyStatement(
    sid="AssumeAponoRoles",
    actions=("sts:AssumeRole", "sts:TagSession"),
    resources=("arn:{partition}:iam::*:role/apono-*",),
    writes_because="other accounts are reached through roles that their owner named for it",
)

CONNECTOR_STATEMENTS: tuple[PolicyStatement, ...] = (
    PolicyStatement(
        sid="ReadTaggedSecrets",
        actions=("secretsmanager:GetSecretValue", "secretsmanager:DescribeSecret"),
        resources=("arn:{partition}:secretsmanager:*:*:secret:*",),
        condition=_READ_TAG,
    ),
    PolicyStatement(
        sid="SignWithTaggedKeys",
        actions=("kms:Sign",),
        condition=_READ_TAG,
        writes_because="the connector proves its identity to integrations with keys that their owner tagged for it",
    ),
    PolicyStatement(
        sid="DecryptWithTaggedKeys",
        actions=("kms:Decrypt",),
        condition=_ACCESS_TAG,
        writes_because="tagged secrets are encrypted with keys that their owner tagged for it",
    ),
    PolicyStatement(
        sid="InvokeTaggedFunctions",
        actions=("lambda:InvokeFunction", "lambda:GetFunction"),
        resources=("arn:{partition}:lambda:*:*:function:*",),
        condition=_ACCESS_TAG,
        writes_because="custom integrations are functions that their owner tagged for it",
    ),
    PolicyStatement(
        sid="ReadCloudTrailLogs",
        actions=("s3:GetObject",),
        resources=("arn:{partition}:s3:::aws-cloudtrail-logs-apono-*/*",),
    ),
    _ASSUME_APONO_ROLES,
)
"""What every connector role holds, whatever it manages."""

ACCOUNT_STATEMENTS: tuple[PolicyStatement, ...] = (
    PolicyStatement(sid="ReadInstances", actions=("ec2:DescribeInstances", "ec2:DescribeTags")),
    PolicyStatement(sid="ReadRepositories", actions=("ecr:DescribeImages", "ecr:DescribeRepositories")),
    PolicyStatement(
        sid="ReadClusters",
        actions=(
            "eks:AccessKubernetesApi",
            "eks:DescribeAccessEntry",
            "eks:DescribeCluster",
            "eks:ListAccessEntries",
            "eks:ListAccessPolicies",
            "eks:ListAssociatedAccessPolicies",
            "eks:ListClusters",
            "eks:ListTagsForResource",
        ),
    ),
    PolicyStatement(
        sid="ManageClusterAccess",
        actions=(
            "eks:AssociateAccessPolicy",
            "eks:CreateAccessEntry",
            "eks:DeleteAccessEntry",
            "eks:DisassociateAccessPolicy",
            "eks:TagResource",
            "eks:UntagResource",
        ),
        sets=FULL,
    ),
    PolicyStatement(
        sid="ListIdentities",
        actions=("iam:ListGroups", "iam:ListInstanceProfiles", "iam:ListPolicies", "iam:ListRoles"),
    ),
    PolicyStatement(
        sid="ReadIdentities",
        actions=(
            "iam:GetGroupPolicy",
            "iam:GetInstanceProfile",
            "iam:GetPolicy",
            "iam:GetPolicyVersion",
            "iam:GetRole",
            "iam:GetRolePolicy",
            "iam:GetUser",
            "iam:GetUserPolicy",
            "iam:ListAccessKeys",
            "iam:ListAttachedGroupPolicies",
            "iam:ListAttachedRolePolicies",
            "iam:ListAttachedUserPolicies",
            "iam:ListGroupPolicies",
            "iam:ListInstanceProfilesForRole",
            "iam:ListRolePolicies",
            "iam:ListRoleTags",
            "iam:ListUserPolicies",
            "iam:ListUserTags",
        ),
        resources=_IDENTITIES,
    ),
    PolicyStatement(
        sid="ManageIdentities",
        actions=(
            "iam:AddRoleToInstanceProfile",
            "iam:AttachRolePolicy",
            "iam:AttachUserPolicy",
            "iam:CreateAccessKey",
            "iam:CreateInstanceProfile",
            "iam:CreateLoginProfile",
            "iam:CreateRole",
            "iam:CreateServiceLinkedRole",
            "iam:CreateUser",
            "iam:DeleteAccessKey",
            "iam:DeleteRole",
            "iam:DeleteRolePermissionsBoundary",
            "iam:DeleteRolePolicy",
            "iam:DeleteUser",
            "iam:DeleteUserPermissionsBoundary",
            "iam:DeleteUserPolicy",
            "iam:DetachRolePolicy",
            "iam:DetachUserPolicy",
            "iam:PassRole",
            "iam:PutRolePermissionsBoundary",
            "iam:PutRolePolicy",
            "iam:PutUserPermissionsBoundary",
            "iam:PutUserPolicy",
            "iam:TagRole",
            "iam:TagUser",
            "iam:UntagRole",
            "iam:UpdateAssumeRolePolicy",
            "iam:UpdateLoginProfile",
            "iam:UpdateRole",
        ),
        resources=_IDENTITIES,
        sets=FULL,
    ),
    PolicyStatement(
        sid="ConnectToDatabases",
        actions=("rds-db:connect",),
        resources=("arn:{partition}:rds-db:*:*:dbuser:*/apono_connector",),
        sets=FULL,
    ),
    PolicyStatement(
        sid="ReadDatabases",
        actions=("rds:DescribeDBInstances", "rds:ListTagsForResource"),
        resources=("arn:{partition}:rds:*:*:db:*",),
    ),
    PolicyStatement(sid="ReadResourceTags", actions=("tag:GetResources",)),
    PolicyStatement(
        sid="ListBuckets",
        actions=("s3:GetBucketLocation", "s3:GetBucketTagging", "s3:ListAllMyBuckets", "s3:ListBucket"),
        resources=("arn:{partition}:s3:::*",),
    ),
    PolicyStatement(
        sid="ReadParameters",
        actions=("ssm:GetParameters", "ssm:GetParametersByPath"),
        resources=("arn:{partition}:ssm:*:*:parameter/*",),
        sets=FULL,  # they may be secrets, and no tag says that the connector is meant to read them
    ),
    PolicyStatement(sid="ListParameters", actions=("ssm:DescribeParameters",)),
)

STATEMENTS: tuple[PolicyStatement, ...] = (*CONNECTOR_STATEMENTS, *ACCOUNT_STATEMENTS)
"""What the connector role of mode Account holds."""

_UNITS = tuple(f"arn:{{partition}}:organizations::*:{kind}" for kind in ("ou/o-*/ou-*", "root/o-*/r-*"))
_PERMISSION_SETS = tuple(f"arn:{{partition}}:sso:::{kind}" for kind in ("instance/*", "permissionSet/*/*"))
_ACCOUNTS = ("arn:{partition}:sso:::account/*",)
_SAML_PROVIDERS = ("arn:{partition}:iam::*:saml-provider/*",)

MANAGEMENT_STATEMENTS: tuple[PolicyStatement, ...] = (
    _ASSUME_APONO_ROLES,
    PolicyStatement(
        sid="ReadOrganization",
        actions=(
            "organizations:ListAccounts",
            "sso-directory:SearchUsers",
            "sso:ListInstances",
            "tag:GetResources",
            "tag:GetTagKeys",
            "tag:GetTagValues",
        ),
    ),
    PolicyStatement(
        sid="ReadUnits",
        actions=("organizations:ListAccountsForParent", "organizations:ListChildren", "organizations:ListParents"),
        resources=_UNITS,
    ),
    PolicyStatement(
        sid="ReadUsersAndGroups",
        actions=(
            "identitystore:DescribeGroup",
            "identitystore:DescribeGroupMembership",
            "identitystore:DescribeUser",
            "identitystore:GetGroupId",
            "identitystore:GetGroupMembershipId",
            "identitystore:GetUserId",
            "identitystore:IsMemberInGroups",
            "identitystore:ListGroupMemberships",
            "identitystore:ListGroupMembershipsForMember",
            "identitystore:ListGroups",
            "identitystore:ListUsers",
        ),
    ),
    PolicyStatement(
        sid="ManageUsersAndGroups",
        actions=(
            "identitystore:CreateGroup",
            "identitystore:CreateGroupMembership",
            "identitystore:CreateUser",
            "identitystore:DeleteGroup",
            "identitystore:DeleteGroupMembership",
            "identitystore:DeleteUser",
            "identitystore:UpdateGroup",
            "identitystore:UpdateUser",
        ),
        sets=FULL,
    ),
    PolicyStatement(
        sid="ReadPermissionSets",
        actions=(
            "sso:DescribeAccountAssignmentCreationStatus",
            "sso:DescribeAccountAssignmentDeletionStatus",
            "sso:DescribePermissionSet",
            "sso:DescribePermissionSetProvisioningStatus",
            "sso:GetInlinePolicyForPermissionSet",
            "sso:GetPermissionsBoundaryForPermissionSet",
            "sso:ListCustomerManagedPolicyReferencesInPermissionSet",
            "sso:ListManagedPoliciesInPermissionSet",
            "sso:ListPermissionSets",
        ),
        resources=_PERMISSION_SETS,
    ),
    PolicyStatement(
        sid="ManagePermissionSets",
        actions=(
            "sso:AttachCustomerManagedPolicyReferenceToPermissionSet",
            "sso:AttachManagedPolicyToPermissionSet",
            "sso:CreateAccountAssignment",
            "sso:CreatePermissionSet",
            "sso:DeleteAccountAssignment",
            "sso:DeleteInlinePolicyFromPermissionSet",
            "sso:DeletePermissionSet",
            "sso:DeletePermissionsBoundaryFromPermissionSet",
            "sso:DetachCustomerManagedPolicyReferenceFromPermissionSet",
            "sso:DetachManagedPolicyFromPermissionSet",
            "sso:ProvisionPermissionSet",
            "sso:PutInlinePolicyToPermissionSet",
            "sso:PutPermissionsBoundaryToPermissionSet",
        ),
        resources=(*_ACCOUNTS, *_PERMISSION_SETS),
        sets=FULL,
    ),
    PolicyStatement(sid="TagPermissionSets", actions=("sso:TagResource", "sso:UntagResource"), sets=FULL),
    PolicyStatement(sid="ReadSamlProviders", actions=("iam:GetSAMLProvider",), resources=_SAML_PROVIDERS),
    PolicyStatement(
        sid="ManageSamlProviders",
        actions=("iam:CreateSAMLProvider", "iam:UpdateSAMLProvider"),
        resources=_SAML_PROVIDERS,
        sets=FULL,
    ),
)
"""What the role in the management account holds: organization and Identity Center.

Of ``identitystore:*``, the actions on users, groups and memberships are written out. Those on the store itself and on
its regions are not there: no connector makes or deletes an identity store.
"""

MANAGED_POLICIES: Mapping[PermissionSet, tuple[str, ...]] = dict.fromkeys(
    PermissionSet, ("AWSCloudFormationReadOnlyAccess", "AWSResourceExplorerReadOnlyAccess", "SecurityAudit")
)
"""Names of the AWS managed policies of each permission set, but in mode Organization; all three only read."""

_STRICTEST_FIRST = (PermissionSet.READ_ONLY, PermissionSet.FULL_ACCESS)


def statements_of(
    permission_set: PermissionSet, table: Iterable[PolicyStatement] = STATEMENTS
) -> Iterable[PolicyStatement]:
    """Return the rows of *table* that *permission_set* holds, in the table's order."""
    return (one for one in table if permission_set in one.sets)


def permissions_document(permission_set: PermissionSet, partition: str) -> PolicyDocument:
    """Return the inline policy of a connector role in *partition*, for mode Account."""
    return _document(statements_of(permission_set), partition)


def management_connector_permissions_document(permission_set: PermissionSet, partition: str) -> PolicyDocument:
    """Return the inline policy of a connector role in *partition*, for mode ManagementAccount.

    It is both: what the role holds in mode Account, and what the role in the management account holds otherwise.
    """
    rows = dict.fromkeys((*STATEMENTS, *MANAGEMENT_STATEMENTS))
    return _document(statements_of(permission_set, rows), partition)


def organization_permissions_document(partition: str) -> PolicyDocument:
    """Return the inline policy of a connector role in *partition*, for mode Organization.

    It is the same for every permission set, and all there is: such a role has no managed policies. What the set says
    holds for the role in the management account, which the connector assumes.
    """
    return _document(CONNECTOR_STATEMENTS, partition)


def management_permissions_document(permission_set: PermissionSet, partition: str) -> PolicyDocument:
    """Return the inline policy of the role in the management account, which the connector assumes."""
    return _document(statements_of(permission_set, MANAGEMENT_STATEMENTS), partition)


def permission_sets_of(document: PolicyDocument | None, partition: str) -> tuple[PermissionSet, ...]:
    """Return the permission sets whose connector role has *document* as its inline policy, the strictest first.

    That of mode Organization belongs to all of them, that of another mode to one, any other to none.
    """
    if document == organization_permissions_document(partition):
        return _STRICTEST_FIRST
    makers = (permissions_document, management_connector_permissions_document)
    return tuple(one for one in _STRICTEST_FIRST if document in [make(one, partition) for make in makers])


def managed_policy_arns(permission_set: PermissionSet, partition: str) -> frozenset[str]:
    """Return the ARNs of the AWS managed policies of *permission_set* in *partition*, but for mode Organization."""
    return frozenset(f"arn:{partition}:iam::aws:policy/{name}" for name in MANAGED_POLICIES[permission_set])


def _document(statements: Iterable[PolicyStatement], partition: str) -> PolicyDocument:
    documents = [one.document(partition) for one in statements]
    return PolicyDocument.of({"Version": POLICY_VERSION, "Statement": documents})
