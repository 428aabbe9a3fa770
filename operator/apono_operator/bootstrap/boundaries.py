"""Permissions boundaries of connector roles in the account of the cluster: the most that a connector may ever do.

In the services where a change gives rights (IAM, Lambda, Systems Manager, CloudFormation, EC2, …) they allow reading
and what is named here; in all others, what the role's own policies say, which only read there.

Source: IAM User Guide, "Permissions boundaries for IAM entities".
"""

from __future__ import annotations

from collections.abc import Collection

from apono_operator.bootstrap import names
from apono_operator.bootstrap.documents import Document, allow, allow_all_but, deny, deny_all_but, policy
from apono_operator.state.permissions import STATEMENTS
from apono_operator.v1alpha1 import PermissionSet

_READING = {
    "account": "Get*",
    "apprunner": "Describe* List*",
    "autoscaling": "Describe*",
    "batch": "Describe*",
    "bedrock-agentcore": "Get* List*",
    "cloud9": "Describe* List*",
    "cloudformation": "*Describe* Detect* Estimate* Get* List* Validate*",
    "codebuild": "BatchGet* Get* List*",
    "codedeploy": "Batch* Get* List*",
    "codepipeline": "Get* List*",
    "datapipeline": "Describe* Ev* GetP* List* Q* V*",
    "ec2": "Describe* Get* List* Search*",
    "ec2-instance-connect": "",
    "ecs": "Describe* List*",
    "eks": "AccessKubernetesApi Describe* List*",
    "elasticbeanstalk": "Describe* List*",
    "elasticmapreduce": "Describe* GetAuto* GetBlock* GetManaged* List*",
    "glue": "GetCrawlers GetDatabases GetDataCatalogE* GetDevEndpoints GetJob* GetRes* GetSchema GetSec* GetTable* "
    "GetTags ListJobs ListSchema* ListSessions",
    "iam": "Generate* Get* List* Simulate*",
    "identitystore": "Describe* Get* Is* List*",
    "kms": "Describe* Get* List*",
    "lambda": "GetA* GetFunctionC* GetFunctionE* GetFunctionU* GetLayerVersionPolicy GetP* GetR* List*",
    "organizations": "Describe* List*",
    "ram": "Get* List*",
    "rds-db": "",
    "rolesanywhere": "Get* List*",
    "s3": "Describe* GetA* GetBucket* GetE* GetI* GetL* GetM* GetObjectAcl GetObjectTagging GetObjectVersionAcl GetR* "
    "GetS* List*",
    "sagemaker": "Describe* List*",
    "secretsmanager": "DescribeSecret GetResourcePolicy List*",
    "ssm": "Describe* GetAutomationExecution GetServiceSetting List*",
    "sso": "Describe* Get* List*",
    "sso-directory": "List*",
    "states": "Describe* List*",
    "sts": "GetAccessKeyInfo GetCallerIdentity",
}
"""The services in which a change gives rights, and what reads there: patterns that match no action that writes."""

_ADMINISTRATION = (
    "arn:*:iam::*:role/*apono-connector-*",
    "arn:*:iam::*:role/administrators/*",
    f"arn:*:iam::*:role/{names.OPERATOR_ROLE_PREFIX}*",
)
"""Roles that no connector touches; the partition is left open because these documents have to be short."""

NEVER_THIS_CLUSTER = "NeverThisCluster"
"""The statement that keeps connectors from access to the operator's cluster."""

_GRANTED_ONLY = {"StringEquals": {"iam:PermissionsBoundary": "arn:{partition}:iam::{account}:policy/{granted}"}}


_IDENTITY_CENTER = ("identitystore", "sso", "sso-directory")


def full_access(*, require_boundary: bool, identity_center: bool = False) -> Document:
    """Return the boundary of connectors with `FullAccess`, with the blanks partition, account, clusters and granted.

    Args:
        require_boundary: Whether such a connector may make, and grant to, only users and roles that carry the boundary
            of `granted`. If not, it can make itself a role without any: it is administrator of the account.
        identity_center: Whether it may do what its policies say in Identity Center as well, as connectors of mode
            ManagementAccount have to.
    """
    beyond = _IDENTITY_CENTER if identity_center else ()
    return policy(
        [
            _elsewhere(beyond),
            _reading("ssm:GetParameters*", beyond=beyond),
            *([_identity_centers_providers()] if identity_center else []),
            *_tagged_and_named(),
            allow("LogInToDatabases", ["rds-db:connect"], ["arn:{partition}:rds-db:*:*:dbuser:*/apono_connector"]),
            _assuming(),
            allow("GrantInClusters", _actions_of("ManageClusterAccess")),
            *(_bound_identities() if require_boundary else _any_identities()),
            _never_credentials(),
            deny_all_but(NEVER_THIS_CLUSTER, _qualified("eks"), ["{clusters}"]),
            deny_all_but("NeverTheAdministration", _qualified("iam"), _guarded()),
        ]
    )


def read_only() -> Document:
    """Return the boundary of connectors with `ReadOnly`, with the blank partition."""
    return policy(
        [
            _elsewhere(),
            _reading("sso-directory:Search*"),  # as the role of mode ManagementAccount does
            *_tagged_and_named(),
            _assuming(),
            _never_credentials(),
            deny("NeverTheAdministration", ["sts:AssumeRole"], _ADMINISTRATION),
        ]
    )


def granted() -> Document:
    """Return the boundary that users and roles have to carry so that connectors may grant to them."""
    return policy(
        [
            allow(
                "TheMostThatAponoMayGrant",
                [
                    "dynamodb:BatchGetItem",
                    "dynamodb:BatchWriteItem",
                    "dynamodb:DeleteItem",
                    "dynamodb:GetItem",
                    "dynamodb:PutItem",
                    "dynamodb:Query",
                    "dynamodb:Scan",
                    "dynamodb:UpdateItem",
                    "logs:FilterLogEvents",
                    "logs:GetLogEvents",
                    "rds-db:connect",
                    "s3:DeleteObject",
                    "s3:GetObject",
                    "s3:PutObject",
                ],
            ),
            allow(
                "AndFindingTheWayThere",
                [
                    "dynamodb:DescribeTable",
                    "dynamodb:ListTables",
                    "logs:DescribeLogGroups",
                    "logs:DescribeLogStreams",
                    "rds:DescribeDBClusters",
                    "rds:DescribeDBInstances",
                    "s3:GetBucketLocation",
                    "s3:ListAllMyBuckets",
                    "s3:ListBucket",
                ],
            ),
        ]
    )


def of(permission_set: PermissionSet, *, require_boundary: bool = True, identity_center: bool = False) -> Document:
    """Return the boundary of connectors with *permission_set*; for the rest see `full_access`."""
    match permission_set:
        case PermissionSet.FULL_ACCESS:
            return full_access(require_boundary=require_boundary, identity_center=identity_center)
        case PermissionSet.READ_ONLY:
            return read_only()


def _elsewhere(beyond: Collection[str] = ()) -> Document:
    return allow_all_but("ElsewhereAsItsPoliciesSay", [f"{one}:*" for one in _READING if one not in beyond])


def _reading(*more: str, beyond: Collection[str] = ()) -> Document:
    patterns = [pattern for one in _READING if one not in beyond for pattern in _qualified(one)]
    return allow("ReadWhereChangesAreEscapes", [*patterns, *more])


def _identity_centers_providers() -> Document:
    """Allow what `management_boundaries` does: whoever changes another provider logs in to all roles that trust it."""
    providers = ["arn:{partition}:iam::*:saml-provider/AWSSSO_*"]
    return allow("KeepProvidersOfIdentityCenter", ["iam:CreateSAMLProvider", "iam:UpdateSAMLProvider"], providers)


def _qualified(service: str) -> list[str]:
    return [f"{service}:{name}" for name in _READING[service].split()]


def _tagged_and_named() -> list[Document]:
    """Allow what owners open to connectors by a tag or by a name."""
    return [
        allow(
            "UseWhatIsTagged", ["kms:Decrypt", "lambda:GetFunction", "lambda:InvokeFunction"], ["*"], _tagged("access")
        ),
        allow("ReadWhatIsTagged", ["kms:Sign", "secretsmanager:GetSecretValue"], ["*"], _tagged("read")),
        allow("ReadCloudTrailLogs", ["s3:GetObject"], ["arn:{partition}:s3:::aws-cloudtrail-logs-apono-*/*"]),
    ]


def _tagged(purpose: str) -> Document:
    return {"StringEquals": {f"aws:ResourceTag/apono-connector-{purpose}": "true"}}


def _assuming() -> Document:
    return allow("AssumeRolesNamedForIt", ["sts:AssumeRole", "sts:TagSession"], ["arn:{partition}:iam::*:role/apono-*"])


def _bound_identities() -> list[Document]:
    """Allow to make, and grant to, users and roles with the boundary of `granted` only.

    IAM knows no condition on boundaries for keys, passwords and tags; these go by the path.
    """
    roles_and_users = [f"arn:{{partition}}:iam::*:{kind}/apono/*" for kind in ("role", "user")]
    profiles = "arn:{partition}:iam::*:instance-profile/apono/*"
    return [
        allow("GrantToBoundIdentities", _GRANTING, ["*"], _GRANTED_ONLY),
        allow("MakeBoundIdentities", ["iam:CreateRole", "iam:CreateUser"], roles_and_users, _GRANTED_ONLY),
        allow("KeepIdentitiesOfItsPath", _KEEPING, [profiles, *roles_and_users]),
        allow(
            "LetServicesHaveTheirRoles",
            ["iam:CreateServiceLinkedRole"],
            ["arn:{partition}:iam::*:role/aws-service-role/*"],
        ),
    ]


_GRANTING = (
    "iam:AttachRolePolicy",
    "iam:AttachUserPolicy",
    "iam:DeleteRolePolicy",
    "iam:DeleteUserPolicy",
    "iam:DetachRolePolicy",
    "iam:DetachUserPolicy",
    "iam:PutRolePolicy",
    "iam:PutUserPolicy",
)
_KEEPING = (
    "iam:AddRoleToInstanceProfile",
    "iam:CreateAccessKey",
    "iam:CreateInstanceProfile",
    "iam:CreateLoginProfile",
    "iam:DeleteAccessKey",
    "iam:DeleteRole",
    "iam:DeleteUser",
    "iam:PassRole",
    "iam:TagRole",
    "iam:TagUser",
    "iam:UntagRole",
    "iam:UpdateAssumeRolePolicy",
    "iam:UpdateLoginProfile",
    "iam:UpdateRole",
)


def _any_identities() -> list[Document]:
    return [allow("ManageIdentities", _actions_of("ManageIdentities"))]


def _actions_of(sid: str) -> tuple[str, ...]:
    return next(row.actions for row in STATEMENTS if row.sid == sid)


def _never_credentials() -> Document:
    """Deny what counts as reading and hands out credentials."""
    return deny(
        "NeverCredentialsOfOthers",
        [
            "bedrock-agentcore:GetResourceA*",
            "bedrock-agentcore:GetResourceO*",
            "bedrock-agentcore:GetWork*",
            "ec2:GetPasswordData",
        ],
    )


def _guarded() -> list[str]:
    return [
        *_ADMINISTRATION,
        f"arn:*:iam::*:policy/{names.BOUNDARY_PREFIX}*",
        "arn:*:iam::*:user/administrators/*",
    ]
