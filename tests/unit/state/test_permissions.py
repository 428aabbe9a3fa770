from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

import pytest
from policy_sentry.querying.actions import get_action_data

from apono_operator.state.iam_policy import PolicyDocument
from apono_operator.state.permissions import (
    BOTH,
    INLINE_POLICY_LIMIT,
    MANAGEMENT_STATEMENTS,
    STATEMENTS,
    PolicyStatement,
    managed_policy_arns,
    management_connector_permissions_document,
    management_permissions_document,
    organization_permissions_document,
    permission_sets_of,
    permissions_document,
    statements_of,
)
from apono_operator.v1alpha1 import PermissionSet

PARTITIONS = ["aws", "aws-us-gov", "aws-cn"]
TABLES = {"connector role": STATEMENTS, "management role": MANAGEMENT_STATEMENTS}
ROWS = tuple(dict.fromkeys((*STATEMENTS, *MANAGEMENT_STATEMENTS)))
ALL_DOCUMENTS: dict[str, Callable[[str], PolicyDocument]] = {
    **{f"connector role, {one}": partial(permissions_document, one) for one in PermissionSet},
    "connector role in an organization": organization_permissions_document,
    **{f"management role, {one}": partial(management_permissions_document, one) for one in PermissionSet},
    **{
        f"connector role in the management account, {one}": partial(management_connector_permissions_document, one)
        for one in PermissionSet
    },
}
READING = {"Read", "List"}


def rows(levels: Iterable[PolicyStatement]) -> list[Any]:
    return [pytest.param(grant, id=grant.sid) for grant in levels]


def levels_of(action: str) -> set[str]:
    """The access levels of *action* in AWS's service authorization reference; none if there is no such action."""
    service, name = action.split(":")
    data = get_action_data(service, name)
    return {row["access_level"] for row in data[service]} if data else set()


def sids(grants: Iterable[PolicyStatement]) -> set[str]:
    return {grant.sid for grant in grants}


def actions(permission_set: PermissionSet) -> set[str]:
    return {action for grant in statements_of(permission_set) for action in grant.actions}


@pytest.mark.parametrize("grant", rows(ROWS))
def test_every_action_of_a_row_exists(grant: PolicyStatement) -> None:
    assert [action for action in grant.actions if not levels_of(action)] == []


@pytest.mark.parametrize("grant", rows(ROWS))
def test_no_row_holds_a_wildcard_among_its_actions_or_an_action_twice(grant: PolicyStatement) -> None:
    assert [action for action in grant.actions if "*" in action or "?" in action] == []
    assert len(set(grant.actions)) == len(grant.actions)


@pytest.mark.parametrize("grant", rows(statements_of(PermissionSet.READ_ONLY, ROWS)))
def test_a_row_of_read_only_reads_or_gives_the_reason_why_not(grant: PolicyStatement) -> None:
    writes = [action for action in grant.actions if levels_of(action) - READING]

    assert bool(writes) is bool(grant.writes_because)


def test_read_only_uses_what_apono_grants_every_connector_and_writes_nothing_else() -> None:
    reasoned = {action for grant in ROWS if grant.writes_because for action in grant.actions}

    assert {action for action in reasoned if levels_of(action) - READING} == {
        "kms:Sign",
        "kms:Decrypt",
        "lambda:InvokeFunction",
        "sts:AssumeRole",
        "sts:TagSession",
    }
    assert all(grant.sets == BOTH for grant in ROWS if grant.writes_because)


def test_what_writes_without_a_reason_or_reads_what_may_be_secret_is_in_full_access_alone() -> None:
    assert sids(STATEMENTS) - sids(statements_of(PermissionSet.READ_ONLY)) == {
        "ConnectToDatabases",
        "ManageClusterAccess",
        "ManageIdentities",
        "ReadParameters",
    }
    assert sids(statements_of(PermissionSet.FULL_ACCESS)) == sids(STATEMENTS)


def test_what_only_full_access_does_in_the_management_account_writes() -> None:
    full_only = [grant for grant in MANAGEMENT_STATEMENTS if grant.sets != BOTH]

    assert {action for grant in full_only for action in grant.actions if levels_of(action) <= READING} == set()


@pytest.mark.parametrize("table", TABLES)
def test_rows_have_names_of_their_own(table: str) -> None:
    assert len(sids(TABLES[table])) == len(TABLES[table])


# What Apono's Terraform module for AWS grants a connector "with permissions", without ECS, logs of ECS and
# Identity Center; `ssm:GetParameters*` written out.
ENTITIES = ("group", "instance-profile", "policy", "role", "user")
APONO_ACTIONS = {
    "ec2": "DescribeInstances DescribeTags",
    "ecr": "DescribeImages DescribeRepositories",
    "eks": (
        "AccessKubernetesApi AssociateAccessPolicy CreateAccessEntry DeleteAccessEntry DescribeAccessEntry "
        "DescribeCluster DisassociateAccessPolicy ListAccessEntries ListAccessPolicies "
        "ListAssociatedAccessPolicies ListClusters ListTagsForResource TagResource UntagResource"
    ),
    "iam": (
        "AddRoleToInstanceProfile AttachRolePolicy AttachUserPolicy CreateAccessKey CreateInstanceProfile "
        "CreateLoginProfile CreateRole CreateServiceLinkedRole CreateUser DeleteAccessKey DeleteRole "
        "DeleteRolePermissionsBoundary DeleteRolePolicy DeleteUser DeleteUserPermissionsBoundary DeleteUserPolicy "
        "DetachRolePolicy DetachUserPolicy GetGroupPolicy GetInstanceProfile GetPolicy GetPolicyVersion GetRole "
        "GetRolePolicy GetUser GetUserPolicy ListAccessKeys ListAttachedGroupPolicies ListAttachedRolePolicies "
        "ListAttachedUserPolicies ListGroupPolicies ListGroups ListInstanceProfiles ListInstanceProfilesForRole "
        "ListPolicies ListRolePolicies ListRoleTags ListRoles ListUserPolicies ListUserTags PassRole "
        "PutRolePermissionsBoundary PutRolePolicy PutUserPermissionsBoundary PutUserPolicy TagRole TagUser UntagRole "
        "UpdateAssumeRolePolicy UpdateLoginProfile UpdateRole"
    ),
    "kms": "Decrypt Sign",
    "lambda": "GetFunction InvokeFunction",
    "rds": "DescribeDBInstances ListTagsForResource",
    "rds-db": "connect",
    "s3": "GetBucketLocation GetBucketTagging GetObject ListAllMyBuckets ListBucket",
    "secretsmanager": "DescribeSecret GetSecretValue",
    "ssm": "DescribeParameters GetParameters GetParametersByPath",
    "sts": "AssumeRole TagSession",
    "tag": "GetResources",
}


def test_full_access_is_what_apono_grants_a_connector_with_permissions() -> None:
    expected = {f"{service}:{name}" for service, names in APONO_ACTIONS.items() for name in names.split()}

    assert actions(PermissionSet.FULL_ACCESS) == expected


CONNECTOR_ACTIONS = {
    "kms:Decrypt",
    "kms:Sign",
    "lambda:GetFunction",
    "lambda:InvokeFunction",
    "s3:GetObject",
    "secretsmanager:DescribeSecret",
    "secretsmanager:GetSecretValue",
    "sts:AssumeRole",
    "sts:TagSession",
}
"""What Apono's module grants a connector "without permissions"."""


def test_in_an_organization_the_connector_role_holds_what_apono_grants_without_permissions_and_in_the_same_words() -> (
    None
):
    document = organization_permissions_document("aws").document
    of_an_account = permissions_document(PermissionSet.READ_ONLY, "aws").document

    assert {action for one in document["Statement"] for action in one["Action"]} == CONNECTOR_ACTIONS
    assert [one for one in document["Statement"] if one not in of_an_account["Statement"]] == []


# What the same module grants for Identity Center; of `identitystore:*`, what reads and writes users and groups.
ORGANIZATION_ACTIONS = {
    "iam": "CreateSAMLProvider GetSAMLProvider UpdateSAMLProvider",
    "identitystore": (
        "CreateGroup CreateGroupMembership CreateUser DeleteGroup DeleteGroupMembership DeleteUser DescribeGroup "
        "DescribeGroupMembership DescribeUser GetGroupId GetGroupMembershipId GetUserId IsMemberInGroups "
        "ListGroupMemberships ListGroupMembershipsForMember ListGroups ListUsers UpdateGroup UpdateUser"
    ),
    "organizations": "ListAccounts ListAccountsForParent ListChildren ListParents",
    "sso": (
        "AttachCustomerManagedPolicyReferenceToPermissionSet AttachManagedPolicyToPermissionSet "
        "CreateAccountAssignment CreatePermissionSet DeleteAccountAssignment DeleteInlinePolicyFromPermissionSet "
        "DeletePermissionSet DeletePermissionsBoundaryFromPermissionSet DescribeAccountAssignmentCreationStatus "
        "DescribeAccountAssignmentDeletionStatus DescribePermissionSet DescribePermissionSetProvisioningStatus "
        "DetachCustomerManagedPolicyReferenceFromPermissionSet DetachManagedPolicyFromPermissionSet "
        "GetInlinePolicyForPermissionSet GetPermissionsBoundaryForPermissionSet "
        "ListCustomerManagedPolicyReferencesInPermissionSet ListInstances ListManagedPoliciesInPermissionSet "
        "ListPermissionSets ProvisionPermissionSet PutInlinePolicyToPermissionSet "
        "PutPermissionsBoundaryToPermissionSet TagResource UntagResource"
    ),
    "sso-directory": "SearchUsers",
    "sts": "AssumeRole TagSession",
    "tag": "GetResources GetTagKeys GetTagValues",
}


def test_full_access_in_the_management_account_is_what_apono_grants_for_identity_center_and_roles_of_its_own() -> None:
    expected = {f"{service}:{name}" for service, names in ORGANIZATION_ACTIONS.items() for name in names.split()}
    held = {
        action for grant in statements_of(PermissionSet.FULL_ACCESS, MANAGEMENT_STATEMENTS) for action in grant.actions
    }

    assert held == expected


@pytest.mark.parametrize("partition", PARTITIONS)
@pytest.mark.parametrize("permission_set", PermissionSet)
def test_a_connector_role_in_the_management_account_holds_what_both_roles_hold_otherwise_and_each_once(
    permission_set: PermissionSet, partition: str
) -> None:
    documents = (permissions_document, management_permissions_document)
    account, organization = (document(permission_set, partition).document["Statement"] for document in documents)

    held = management_connector_permissions_document(permission_set, partition).document["Statement"]

    assert held == [*account, *(one for one in organization if one not in account)]
    assert len({one["Sid"] for one in held}) == len(held)


@pytest.mark.parametrize(
    ("action", "resources"),
    [
        ("sts:AssumeRole", {"arn:aws:iam::*:role/apono-*"}),
        ("organizations:ListAccounts", {"*"}),
        (
            "organizations:ListChildren",
            {"arn:aws:organizations::*:root/o-*/r-*", "arn:aws:organizations::*:ou/o-*/ou-*"},
        ),
        ("identitystore:CreateUser", {"*"}),
        (
            "sso:CreateAccountAssignment",
            {"arn:aws:sso:::instance/*", "arn:aws:sso:::permissionSet/*/*", "arn:aws:sso:::account/*"},
        ),
        ("sso:TagResource", {"*"}),
        ("iam:UpdateSAMLProvider", {"arn:aws:iam::*:saml-provider/*"}),
    ],
)
def test_an_action_in_the_management_account_is_granted_where_apono_says(action: str, resources: set[str]) -> None:
    document = management_permissions_document(PermissionSet.FULL_ACCESS, "aws").document

    (statement,) = [one for one in document["Statement"] if action in one["Action"]]

    assert (statement["Effect"], set(statement["Resource"])) == ("Allow", resources)
    assert "Condition" not in statement


TAGGED = "aws:ResourceTag/apono-connector-"
PLACES: dict[str, tuple[set[str], dict[str, str]]] = {
    "secretsmanager:GetSecretValue": ({"arn:aws:secretsmanager:*:*:secret:*"}, {f"{TAGGED}read": "true"}),
    "secretsmanager:DescribeSecret": ({"arn:aws:secretsmanager:*:*:secret:*"}, {f"{TAGGED}read": "true"}),
    "kms:Sign": ({"*"}, {f"{TAGGED}read": "true"}),
    "kms:Decrypt": ({"*"}, {f"{TAGGED}access": "true"}),
    "lambda:InvokeFunction": ({"arn:aws:lambda:*:*:function:*"}, {f"{TAGGED}access": "true"}),
    "lambda:GetFunction": ({"arn:aws:lambda:*:*:function:*"}, {f"{TAGGED}access": "true"}),
    "s3:GetObject": ({"arn:aws:s3:::aws-cloudtrail-logs-apono-*/*"}, {}),
    "sts:AssumeRole": ({"arn:aws:iam::*:role/apono-*"}, {}),
    "sts:TagSession": ({"arn:aws:iam::*:role/apono-*"}, {}),
    "iam:PassRole": ({f"arn:aws:iam::*:{entity}/*" for entity in ENTITIES}, {}),
    "iam:GetRole": ({f"arn:aws:iam::*:{entity}/*" for entity in ENTITIES}, {}),
    "iam:ListRoles": ({"*"}, {}),
    "rds-db:connect": ({"arn:aws:rds-db:*:*:dbuser:*/apono_connector"}, {}),
    "rds:DescribeDBInstances": ({"arn:aws:rds:*:*:db:*"}, {}),
    "s3:ListBucket": ({"arn:aws:s3:::*"}, {}),
    "ssm:GetParameters": ({"arn:aws:ssm:*:*:parameter/*"}, {}),
    "ssm:DescribeParameters": ({"*"}, {}),
}


@pytest.mark.parametrize("action", PLACES)
def test_an_action_is_granted_where_and_under_the_tags_that_apono_says(action: str) -> None:
    resources, tags = PLACES[action]
    document = json.loads(permissions_document(PermissionSet.FULL_ACCESS, "aws").json)

    (statement,) = [one for one in document["Statement"] if action in one["Action"]]

    assert (statement["Effect"], set(statement["Resource"])) == ("Allow", resources)
    assert statement.get("Condition") == ({"StringEquals": tags} if tags else None)


@pytest.mark.parametrize("partition", PARTITIONS)
@pytest.mark.parametrize("name", ALL_DOCUMENTS)
def test_a_document_fits_into_the_quota_of_inline_policies_in_every_partition(name: str, partition: str) -> None:
    assert len(ALL_DOCUMENTS[name](partition).json) < INLINE_POLICY_LIMIT == 10_240


@pytest.mark.parametrize("partition", PARTITIONS)
@pytest.mark.parametrize("name", ALL_DOCUMENTS)
def test_every_arn_is_of_the_partition(name: str, partition: str) -> None:
    document = json.loads(ALL_DOCUMENTS[name](partition).json)
    arns = {arn for statement in document["Statement"] for arn in statement["Resource"]} - {"*"}

    assert {arn.split(":")[1] for arn in arns} == {partition}


@pytest.mark.parametrize("permission_set", PermissionSet)
def test_an_inline_document_has_one_statement_a_row_in_the_tables_order(permission_set: PermissionSet) -> None:
    document = json.loads(permissions_document(permission_set, "aws").json)

    assert document["Version"] == "2012-10-17"
    assert [one["Sid"] for one in document["Statement"]] == [grant.sid for grant in statements_of(permission_set)]


@pytest.mark.parametrize("permission_set", PermissionSet)
def test_the_managed_policies_are_those_that_apono_attaches_and_only_read(permission_set: PermissionSet) -> None:
    assert managed_policy_arns(permission_set, "aws-cn") == {
        "arn:aws-cn:iam::aws:policy/AWSCloudFormationReadOnlyAccess",
        "arn:aws-cn:iam::aws:policy/AWSResourceExplorerReadOnlyAccess",
        "arn:aws-cn:iam::aws:policy/SecurityAudit",
    }


# --- which set a role has, whatever its manifest says by now ------------------------------------------------------


@pytest.mark.parametrize("partition", PARTITIONS)
@pytest.mark.parametrize("permission_set", PermissionSet)
def test_a_role_shows_its_permission_set_by_its_inline_policy(permission_set: PermissionSet, partition: str) -> None:
    for document_of in (permissions_document, management_connector_permissions_document):
        assert permission_sets_of(document_of(permission_set, partition), partition) == (permission_set,)


@pytest.mark.parametrize("partition", PARTITIONS)
def test_the_policy_of_an_organizations_connector_is_that_of_every_set_the_strictest_first(partition: str) -> None:
    found = permission_sets_of(organization_permissions_document(partition), partition)

    assert found == (PermissionSet.READ_ONLY, PermissionSet.FULL_ACCESS)
    assert set(found) == set(PermissionSet)


@pytest.mark.parametrize("permission_set", PermissionSet)
def test_a_permission_set_is_known_in_whatever_words_iam_gives_the_policy_back(permission_set: PermissionSet) -> None:
    document = json.loads(permissions_document(permission_set, "aws").json)
    statements = [
        {**one, "Sid": "Other", "Action": [action.upper() for action in one["Action"]]}
        for one in reversed(document["Statement"])
    ]

    assert permission_sets_of(PolicyDocument.of({**document, "Statement": statements}), "aws") == (permission_set,)


@pytest.mark.parametrize("permission_set", PermissionSet)
def test_a_policy_that_is_no_permission_sets_own_shows_none_so_that_nobody_takes_it_for_less(
    permission_set: PermissionSet,
) -> None:
    document = json.loads(permissions_document(permission_set, "aws").json)
    wider = {"Sid": "More", "Effect": "Allow", "Action": "*", "Resource": "*"}

    assert (
        permission_sets_of(PolicyDocument.of({**document, "Statement": [*document["Statement"], wider]}), "aws") == ()
    )
    assert permission_sets_of(PolicyDocument.of({**document, "Statement": document["Statement"][1:]}), "aws") == ()
    assert permission_sets_of(permissions_document(permission_set, "aws-cn"), "aws") == ()


def test_a_role_without_an_inline_policy_shows_no_permission_set() -> None:
    assert permission_sets_of(None, "aws") == ()
