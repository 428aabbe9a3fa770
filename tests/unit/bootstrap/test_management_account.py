"""The stack of a management account: what whoever holds the operator's token may do there, and what not."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from policy_sentry.analysis.expand import expand
from policy_sentry.querying.actions import get_actions_with_access_level

from apono_operator.bootstrap import management_account
from apono_operator.state.iam_policy import PolicyDocument
from apono_operator.state.management_sessions import Entrance, template_object
from apono_operator.state.permissions import management_permissions_document
from apono_operator.v1alpha1 import PermissionSet
from sandbox.aws.errors import AwsError
from sandbox.aws.policy.documents import as_list, size
from sandbox.aws.policy.statements import Request, allows
from tests.docs.test_boundaries import CHANGING, POLICY_LIMIT
from tests.unit.bootstrap.deployment import ACCOUNT, Deployment, Document, deployed, lets_in
from tests.unit.bootstrap.printed import (
    MANAGEMENT_PARAMETERS,
    MEMBER_TEMPLATE_URL,
    OPERATOR_ROLE,
    ORGANIZATION,
    TEMPLATE_URL,
)

IAM = f"arn:aws:iam::{ACCOUNT}:"
STACKS = f"arn:aws:cloudformation:eu-west-1:{ACCOUNT}:stack/"
STACK = f"{STACKS}apono-production/0123"
SERVICE_ROLE = f"{IAM}role/connector-operator-cloudformation"
AN_ENTRANCE = Entrance(
    role_arn=f"{IAM}role/connector-operator-management",
    external_id=MANAGEMENT_PARAMETERS["ExternalId"],
    service_role_arn=SERVICE_ROLE,
    region="eu-west-1",
    stack_name="apono-production",
    uid="0123",
    template_object="arn:aws:s3:::templates/management-account.yaml",
)
STACK_SETS = f"arn:aws:cloudformation:eu-west-1:{ACCOUNT}:stackset/"
STACK_SET = f"{STACK_SETS}apono-production:0123"
FULL_ACCESS, READ_ONLY = (f"{IAM}policy/connector-boundary-management-{one}" for one in PermissionSet)

BY_URL = management_account.text(template_body=False)
BY_BODY = management_account.text(template_body=True)


def stack(**parameters: str) -> Deployment:
    return deployed(BY_URL, {**MANAGEMENT_PARAMETERS, "TemplateUrl": TEMPLATE_URL, **parameters})


OPERATOR: Document = stack().policy("ManagementRole", "stacks")
TRUST: Document = stack().trust("ManagementRole")
SERVICE: Document = stack().policy("CloudFormationRole", "roles")
MEMBERS: Document = stack(MemberTemplateUrl=MEMBER_TEMPLATE_URL).policy("CloudFormationRole", "member-accounts")

# --- the role that the operator assumes ----------------------------------------------------------------------------

FROM_THE_TEMPLATE = {"cloudformation:TemplateUrl": TEMPLATE_URL, "cloudformation:RoleArn": SERVICE_ROLE}
ANOTHER_TEMPLATE = {**FROM_THE_TEMPLATE, "cloudformation:TemplateUrl": "https://evil.s3.amazonaws.com/a.yaml"}
ANOTHER_VERSION = {**FROM_THE_TEMPLATE, "cloudformation:TemplateUrl": TEMPLATE_URL.replace("=3", "=4")}
ANOTHER_ROLE = {**FROM_THE_TEMPLATE, "cloudformation:RoleArn": f"{IAM}role/administrator"}
SENT = {"cloudformation:RoleArn": SERVICE_ROLE}
TEMPLATE = "arn:aws:s3:::templates/management-account.yaml"
TO_CLOUDFORMATION = {"iam:PassedToService": "cloudformation.amazonaws.com"}

NEEDS = {
    "makes a change set": Request("cloudformation:CreateChangeSet", STACK, FROM_THE_TEMPLATE),
    "looks at a change set": Request("cloudformation:DescribeChangeSet", STACK),
    "carries a change set out": Request("cloudformation:ExecuteChangeSet", STACK),
    "drops a change set": Request("cloudformation:DeleteChangeSet", STACK),
    "looks at a stack": Request("cloudformation:DescribeStacks", STACK),
    "reads why a stack failed": Request("cloudformation:DescribeStackEvents", STACK),
    "reads why a template was refused": Request("cloudformation:DescribeEvents", STACK),
    "reads the same of a change set": Request("cloudformation:DescribeEvents", STACK.replace("stack/", "changeSet/")),
    "tags a stack": Request("cloudformation:TagResource", STACK),
    "removes a stack": Request("cloudformation:DeleteStack", STACK),
    "gets a stack out of a failed rollback": Request("cloudformation:ContinueUpdateRollback", STACK),
    "reads the template's parameters": Request("cloudformation:GetTemplateSummary", "*", FROM_THE_TEMPLATE),
    "lets CloudFormation read the template": Request("s3:GetObject", TEMPLATE),
    "lets CloudFormation read a version of it": Request("s3:GetObjectVersion", TEMPLATE),
    "hands CloudFormation its role": Request("iam:PassRole", SERVICE_ROLE, TO_CLOUDFORMATION),
    "looks at the role of a stack": Request("iam:GetRole", f"{IAM}role/apono-management-a"),
    "counts the accounts that have the role": Request("cloudformation:ListStackInstances", STACK_SET),
    "sees trusted access": Request("cloudformation:DescribeOrganizationsAccess"),
    "sees the organization": Request("organizations:DescribeOrganization"),
    "sees the root": Request("organizations:ListRoots"),
    "sees a unit": Request(
        "organizations:DescribeOrganizationalUnit",
        f"arn:aws:organizations::{ACCOUNT}:ou/{ORGANIZATION}/ou-1a2b-12345678",
    ),
}
ATTEMPTS = {
    "brings another template": Request("cloudformation:CreateChangeSet", STACK, ANOTHER_TEMPLATE),
    "brings another version of the template": Request("cloudformation:CreateChangeSet", STACK, ANOTHER_VERSION),
    "sends a template": Request("cloudformation:CreateChangeSet", STACK, SENT),
    "lets CloudFormation act with another role": Request("cloudformation:CreateChangeSet", STACK, ANOTHER_ROLE),
    "lets CloudFormation act with its own rights": Request(
        "cloudformation:CreateChangeSet", STACK, {"cloudformation:TemplateUrl": TEMPLATE_URL}
    ),
    "changes somebody's stack": Request("cloudformation:CreateChangeSet", f"{STACKS}company/1", FROM_THE_TEMPLATE),
    "changes the stack of its own limits": Request(
        "cloudformation:CreateChangeSet", f"{STACKS}connector-operator-management/1", FROM_THE_TEMPLATE
    ),
    "reads other objects": Request("s3:GetObject", TEMPLATE.replace("management", "another")),
    "reads another bucket": Request("s3:GetObject", TEMPLATE.replace("templates", "templates-2")),
    "writes the template": Request("s3:PutObject", TEMPLATE),
    "lists the bucket": Request("s3:ListBucket", "arn:aws:s3:::templates"),
    "makes a stack without a change set": Request("cloudformation:CreateStack", STACK, ANOTHER_TEMPLATE),
    "changes a stack without a change set": Request("cloudformation:UpdateStack", STACK, ANOTHER_TEMPLATE),
    "makes a StackSet": Request("cloudformation:CreateStackSet", "*", FROM_THE_TEMPLATE),
    "changes a StackSet": Request("cloudformation:UpdateStackSet", STACK_SET, FROM_THE_TEMPLATE),
    "lays a StackSet in more accounts": Request("cloudformation:CreateStackInstances", STACK_SET),
    "removes a StackSet": Request("cloudformation:DeleteStackSet", STACK_SET),
    "looks at somebody's StackSet": Request("cloudformation:ListStackInstances", f"{STACK_SETS}company:1"),
    "imports into a stack": Request("cloudformation:CreateUploadBucket"),
    "removes somebody's stack": Request("cloudformation:DeleteStack", f"{STACKS}company/1"),
    "removes its own limits": Request("cloudformation:DeleteStack", f"{STACKS}connector-operator-management/1"),
    "carries somebody's change set out": Request("cloudformation:ExecuteChangeSet", f"{STACKS}company/1"),
    "passes another role": Request("iam:PassRole", f"{IAM}role/administrator", TO_CLOUDFORMATION),
    "passes CloudFormation's role to a function": Request(
        "iam:PassRole", SERVICE_ROLE, {"iam:PassedToService": "lambda.amazonaws.com"}
    ),
    "becomes CloudFormation's role": Request("sts:AssumeRole", SERVICE_ROLE),
    "becomes a management role": Request("sts:AssumeRole", f"{IAM}role/apono-management-a"),
    "makes a role": Request("iam:CreateRole", f"{IAM}role/apono-x", {"iam:PermissionsBoundary": FULL_ACCESS}),
    "widens itself": Request("iam:PutRolePolicy", f"{IAM}role/connector-operator-management"),
    "writes the boundary": Request("iam:CreatePolicyVersion", FULL_ACCESS),
    "looks at other roles": Request("iam:GetRole", f"{IAM}role/administrator"),
    "activates trusted access": Request("cloudformation:ActivateOrganizationsAccess"),
    "lets a service into the organization": Request("organizations:EnableAWSServiceAccess"),
    "assigns itself by Identity Center": Request("sso:CreateAccountAssignment"),
    "lists everybody": Request("identitystore:ListUsers"),
}  # fmt: skip


@pytest.mark.parametrize("what", NEEDS)
def test_the_operator_does_what_it_needs(what: str) -> None:
    assert allows(OPERATOR, NEEDS[what])


@pytest.mark.parametrize("what", ATTEMPTS)
def test_whoever_holds_the_operators_token_does_nothing_else(what: str) -> None:
    assert not allows(OPERATOR, ATTEMPTS[what])


@pytest.mark.parametrize("what", [*NEEDS, *ATTEMPTS])
def test_with_a_template_that_is_sent_any_template_passes_and_nothing_else_is_wider(what: str) -> None:
    request = {**NEEDS, **ATTEMPTS}[what]
    by_body = deployed(BY_BODY, MANAGEMENT_PARAMETERS).policy("ManagementRole", "stacks")
    any_template = {"brings another template", "brings another version of the template", "sends a template"}

    reads = what in NEEDS and not request.action.startswith("s3:")
    assert allows(by_body, request) == (reads or what in any_template)


def test_who_prints_it_for_templates_that_are_sent_is_told_what_that_means() -> None:
    assert "OWN THE\n# ORGANIZATION" in BY_BODY
    assert '"TemplateUrl"' not in json.dumps(management_account.template(template_body=True))


THE_OPERATOR = {
    "aws:PrincipalArn": OPERATOR_ROLE,
    "aws:PrincipalOrgID": ORGANIZATION,
    "sts:ExternalId": MANAGEMENT_PARAMETERS["ExternalId"],
}


def without(key: str) -> dict[str, str]:
    return {name: value for name, value in THE_OPERATOR.items() if name != key}


def test_the_operator_is_let_in_with_the_tags_of_its_session() -> None:
    assert lets_in(TRUST, "sts:AssumeRole", "111122223333", THE_OPERATOR)
    assert lets_in(TRUST, "sts:TagSession", "111122223333", without("sts:ExternalId"))


@pytest.mark.parametrize(
    ("who", "account", "context"),
    [
        ("whoever names no external id", "111122223333", without("sts:ExternalId")),
        ("whoever names another one", "111122223333", {**THE_OPERATOR, "sts:ExternalId": "another"}),
        ("another role of its account", "111122223333", {**THE_OPERATOR, "aws:PrincipalArn": f"{OPERATOR_ROLE}-2"}),
        ("a role of another organization", "111122223333", {**THE_OPERATOR, "aws:PrincipalOrgID": "o-0000000000"}),
        ("a role of no organization", "111122223333", without("aws:PrincipalOrgID")),
        ("a role of another account", "444455556666", THE_OPERATOR),
    ],
)
def test_nobody_else_is_let_in(who: str, account: str, context: dict[str, str]) -> None:
    assert not lets_in(TRUST, "sts:AssumeRole", account, context), who


def test_the_role_may_what_a_session_for_one_stack_asks_for_and_nothing_else() -> None:
    session = json.loads(AN_ENTRANCE.session_policy)
    asked, held = (
        {
            action
            for one in document["Statement"]
            for pattern in as_list(one["Action"])
            for action in (expand(pattern) if "*" in pattern else [pattern])
        }
        for document in (session, OPERATOR)
    )

    assert held == asked


# --- the role that CloudFormation acts with ------------------------------------------------------------------------

ROLE = f"{IAM}role/apono-management-a"
BOUND, READING = {"iam:PermissionsBoundary": FULL_ACCESS}, {"iam:PermissionsBoundary": READ_ONLY}
OTHERWISE = {"iam:PermissionsBoundary": f"{IAM}policy/other"}
CHANGES = (
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
)


@pytest.mark.parametrize("action", CHANGES)
def test_cloudformation_makes_and_changes_roles_within_a_boundary_only(action: str) -> None:
    for context in (BOUND, READING):
        assert allows(SERVICE, Request(action, ROLE, context))
    for context in ({}, OTHERWISE):
        assert not allows(SERVICE, Request(action, ROLE, context))


@pytest.mark.parametrize("action", CHANGES)
def test_where_connectors_only_read_cloudformation_makes_no_role_that_may_more(action: str) -> None:
    reading = stack(HighestPermissions="ReadOnly").policy("CloudFormationRole", "roles")

    assert allows(reading, Request(action, ROLE, READING))
    assert not allows(reading, Request(action, ROLE, BOUND))


@pytest.mark.parametrize("level", CHANGING)
@pytest.mark.parametrize(
    "resource",
    [
        "role/connector-operator-management",
        "role/connector-operator-cloudformation",
        "role/administrator",
        "role/path/apono-x",
        "user/apono-x",
        "policy/connector-boundary-management-ReadOnly",
        "policy/apono-x",
    ],
)
def test_cloudformation_changes_nothing_in_iam_but_roles_named_for_connectors(resource: str, level: str) -> None:
    requests = [Request(action, f"{IAM}{resource}", BOUND) for action in get_actions_with_access_level("iam", level)]

    assert requests
    assert [str(request) for request in requests if allows(SERVICE, request)] == []


def test_cloudformation_takes_no_boundary_off_and_passes_no_role() -> None:
    assert not allows(SERVICE, Request("iam:DeleteRolePermissionsBoundary", ROLE, BOUND))
    assert not allows(SERVICE, Request("iam:PassRole", ROLE, BOUND))


def test_cloudformations_role_is_for_cloudformation_on_behalf_of_this_account() -> None:
    (statement,) = stack().trust("CloudFormationRole")["Statement"]

    assert statement["Principal"] == {"Service": "cloudformation.amazonaws.com"}
    assert statement["Condition"] == {"StringEquals": {"aws:SourceAccount": ACCOUNT}}


# --- what it may do besides where there are roles in member accounts -------------------------------------------------

MEMBER_TEMPLATE = {"cloudformation:TemplateUrl": MEMBER_TEMPLATE_URL}
TARGET = f"arn:aws:cloudformation:eu-west-1:{ACCOUNT}:stackset-target/apono-production:0123/r-1a2b"
OTHER_TEMPLATES = {
    "another template": {"cloudformation:TemplateUrl": "https://evil.s3.amazonaws.com/member-account.yaml"},
    "another version": {"cloudformation:TemplateUrl": MEMBER_TEMPLATE_URL.replace("=4", "=5")},
    "the latest version": {"cloudformation:TemplateUrl": MEMBER_TEMPLATE_URL.partition("?")[0]},
    "the template of stacks": {"cloudformation:TemplateUrl": TEMPLATE_URL},
    "a template that is sent, or the one from before": {},
}
MEMBERS_NEEDS = {
    "makes a StackSet": Request("cloudformation:CreateStackSet", "*", MEMBER_TEMPLATE),
    "changes it": Request("cloudformation:UpdateStackSet", STACK_SET, MEMBER_TEMPLATE),
    "lays it in accounts": Request("cloudformation:CreateStackInstances", STACK_SET),
    "lays it in a unit's accounts": Request("cloudformation:CreateStackInstances", TARGET),
    "takes it from accounts": Request("cloudformation:DeleteStackInstances", STACK_SET),
    "removes it": Request("cloudformation:DeleteStackSet", STACK_SET),
    "follows what becomes of it": Request("cloudformation:DescribeStackSetOperation", STACK_SET),
    "lets CloudFormation read the template": Request("s3:GetObject", "arn:aws:s3:::templates/member-account.yaml"),
    "lets CloudFormation read a version": Request("s3:GetObjectVersion", "arn:aws:s3:::templates/member-account.yaml"),
}
MEMBERS_ATTEMPTS = {
    "changes somebody's StackSet": Request("cloudformation:UpdateStackSet", f"{STACK_SETS}company:1", MEMBER_TEMPLATE),
    "lays somebody's StackSet in accounts": Request("cloudformation:CreateStackInstances", f"{STACK_SETS}company:1"),
    "removes somebody's StackSet": Request("cloudformation:DeleteStackSet", f"{STACK_SETS}company:1"),
    "imports stacks": Request("cloudformation:ImportStacksToStackSet", STACK_SET),
    "makes a stack": Request("cloudformation:CreateStack", STACK, MEMBER_TEMPLATE),
    "writes the template": Request("s3:PutObject", "arn:aws:s3:::templates/member-account.yaml"),
    "reads other objects": Request("s3:GetObject", "arn:aws:s3:::templates/management-account.yaml"),
    "becomes a role in a member account": Request("sts:AssumeRole", "arn:aws:iam::111122223333:role/apono-member-a"),
    "activates trusted access": Request("cloudformation:ActivateOrganizationsAccess"),
    "makes another account administer StackSets": Request("organizations:RegisterDelegatedAdministrator"),
}


@pytest.mark.parametrize("what", MEMBERS_NEEDS)
def test_cloudformation_lays_roles_in_member_accounts(what: str) -> None:
    assert allows(MEMBERS, MEMBERS_NEEDS[what])
    assert not allows(SERVICE, MEMBERS_NEEDS[what])


@pytest.mark.parametrize("context", OTHER_TEMPLATES.values(), ids=OTHER_TEMPLATES)
@pytest.mark.parametrize(
    "request_", [("cloudformation:CreateStackSet", "*"), ("cloudformation:UpdateStackSet", STACK_SET)]
)
def test_cloudformation_makes_a_stack_set_of_one_template_and_no_other(
    request_: tuple[str, str], context: dict[str, str]
) -> None:
    assert not allows(MEMBERS, Request(*request_, context))
    assert allows(MEMBERS, Request(*request_, MEMBER_TEMPLATE))


@pytest.mark.parametrize("what", MEMBERS_ATTEMPTS)
def test_cloudformation_does_nothing_else_to_member_accounts(what: str) -> None:
    assert not allows(MEMBERS, MEMBERS_ATTEMPTS[what])


@pytest.mark.parametrize("text", [BY_URL, BY_BODY], ids=["by URL", "by body"])
def test_without_a_template_of_members_cloudformation_has_no_right_to_stack_sets(text: str) -> None:
    parameters = {**MANAGEMENT_PARAMETERS, **({"TemplateUrl": TEMPLATE_URL} if text is BY_URL else {})}

    without_members, with_members = (
        deployed(text, {**parameters, "MemberTemplateUrl": url}) for url in ("", MEMBER_TEMPLATE_URL)
    )

    assert [one["PolicyName"] for one in without_members.resources["CloudFormationRole"]["Policies"]] == ["roles"]
    assert "MemberTemplateUrl" not in without_members.outputs
    assert with_members.policy("CloudFormationRole", "member-accounts") == MEMBERS
    assert with_members.outputs["MemberTemplateUrl"] == MEMBER_TEMPLATE_URL


@pytest.mark.parametrize(
    "url",
    [
        "http://templates.s3.amazonaws.com/a.yaml",
        "https://templates.example/a.yaml",
        "https://my.templates.s3.amazonaws.com/a.yaml",
        "https://templates.s3.amazonaws.com/*",
        "https://templates.s3.amazonaws.com/",
        "https://templates.s3.amazonaws.com/a.yaml?versionId=4&x=1",
    ],
)
def test_a_template_of_members_that_is_no_object_of_s3_is_refused(url: str) -> None:
    with pytest.raises(AwsError, match="Parameter 'MemberTemplateUrl'"):
        stack(MemberTemplateUrl=url)


# --- the boundaries ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("permission_set", PermissionSet)
def test_a_boundary_withholds_nothing_of_its_set_but_saml_providers_of_others(permission_set: PermissionSet) -> None:
    boundary = stack().managed_policy(f"{permission_set}Boundary")
    document = management_permissions_document(permission_set, "aws").document
    requests = [
        Request(action, resource.replace("*", "x"))
        for statement in document["Statement"]
        for action in statement["Action"]
        for resource in statement["Resource"]
    ]
    withheld = {request.action for request in requests if not allows(boundary, request)}

    assert len(requests) > 40
    assert all(action.endswith("SAMLProvider") for action in withheld)


def test_saml_providers_are_changed_only_where_identity_center_makes_them() -> None:
    boundary = stack().managed_policy("FullAccessBoundary")
    own, other = (f"{IAM}saml-provider/{name}" for name in ("AWSSSO_0123_DO_NOT_DELETE", "company"))

    assert allows(boundary, Request("iam:UpdateSAMLProvider", own))
    assert not allows(boundary, Request("iam:UpdateSAMLProvider", other))
    assert not allows(boundary, Request("iam:CreateSAMLProvider", other))


@pytest.mark.parametrize("level", CHANGING)
@pytest.mark.parametrize("service", ["iam", "sso", "identitystore", "organizations", "cloudformation", "sts", "tag"])
def test_read_only_changes_nothing_but_who_it_is(service: str, level: str) -> None:
    boundary = stack().managed_policy("ReadOnlyBoundary")
    allowed = {
        action for action in get_actions_with_access_level(service, level) if allows(boundary, Request(action, ROLE))
    }

    assert allowed <= {"sts:AssumeRole", "sts:TagSession"}


@pytest.mark.parametrize("level", [*CHANGING, "Read", "List"])
@pytest.mark.parametrize(
    "service", ["account", "cloudformation", "ec2", "iam", "lambda", "s3", "secretsmanager", "ssm"]
)
def test_full_access_reaches_nothing_of_the_management_account_itself(service: str, level: str) -> None:
    boundary = stack().managed_policy("FullAccessBoundary")
    requests = [Request(action, ROLE) for action in get_actions_with_access_level(service, level)]

    assert [str(request) for request in requests if allows(boundary, request)] == []


def test_neither_boundary_lets_a_connector_become_what_draws_its_limits() -> None:
    for permission_set in PermissionSet:
        boundary = stack().managed_policy(f"{permission_set}Boundary")
        for name in ("connector-operator-management", "connector-operator-cloudformation", "administrator"):
            assert not allows(boundary, Request("sts:AssumeRole", f"{IAM}role/{name}"))


@pytest.mark.parametrize("permission_set", PermissionSet)
def test_a_boundary_fits_into_a_policy(permission_set: PermissionSet) -> None:
    parameters = {**MANAGEMENT_PARAMETERS, "TemplateUrl": TEMPLATE_URL}
    made = deployed(BY_URL, parameters, partition="aws-us-gov")

    assert size(json.dumps(made.managed_policy(f"{permission_set}Boundary"))) <= POLICY_LIMIT


# --- parameters, outputs, documents --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("parameter", "value"),
    [
        ("OperatorRoleArn", "*"),
        ("OperatorRoleArn", "arn:aws:iam::111122223333:root"),
        ("OperatorRoleArn", "arn:aws:iam::111122223333:role/connector-operator*"),
        ("ExternalId", "short"),
        ("ExternalId", "sixteen-and-more-*"),
        ("OrganizationId", "o-*"),
        ("HighestPermissions", ""),
        ("TemplateUrl", "http://templates.s3.amazonaws.com/a.yaml"),
        ("TemplateUrl", "https://templates.s3.amazonaws.com/*"),
        ("TemplateUrl", "https://templates.s3.amazonaws.com/a?.yaml"),
        ("TemplateUrl", "https://templates.s3.amazonaws.com/${aws:username}.yaml"),
        ("TemplateUrl", "https://tem.plates.s3.amazonaws.com/a.yaml"),
        ("TemplateUrl", "https://templates.s3.amazonaws.com.example/a.yaml"),
    ],
)
def test_a_value_that_would_let_in_more_is_refused(parameter: str, value: str) -> None:
    with pytest.raises(AwsError, match=parameter):
        stack(**{parameter: value})


@pytest.mark.parametrize(
    ("url", "arn"),
    [
        ("https://templates.s3.amazonaws.com/a/b.yaml", "arn:aws:s3:::templates/a/b.yaml"),
        ("https://templates.s3.eu-west-1.amazonaws.com/a.yaml?versionId=3", "arn:aws:s3:::templates/a.yaml"),
    ],
)
def test_the_right_to_read_names_the_very_object_that_the_url_does(url: str, arn: str) -> None:
    statements = stack(TemplateUrl=url).policy("ManagementRole", "stacks")["Statement"]

    (reading,) = (one for one in statements if "s3:GetObject" in as_list(one["Action"]))

    assert reading["Resource"] == arn == template_object(url, "aws")


def test_the_outputs_are_what_the_chart_asks_for() -> None:
    assert stack().outputs == {
        "AccountId": ACCOUNT,
        "Region": "eu-west-1",
        "ManagementRoleArn": f"{IAM}role/connector-operator-management",
        "CloudFormationRoleArn": SERVICE_ROLE,
        "ExternalId": MANAGEMENT_PARAMETERS["ExternalId"],
        "FullAccessBoundaryArn": FULL_ACCESS,
        "ReadOnlyBoundaryArn": READ_ONLY,
        "TemplateUrl": TEMPLATE_URL,
    }


@pytest.mark.parametrize(
    ("made", "name"),
    [
        (OPERATOR, "operator-policy.json"),
        (SERVICE, "cloudformation-policy.json"),
        (MEMBERS, "cloudformation-policy-members.json"),
        (stack().managed_policy("FullAccessBoundary"), "boundary-full-access.json"),
        (stack().managed_policy("ReadOnlyBoundary"), "boundary-read-only.json"),
    ],
    ids=["operator", "cloudformation", "member accounts", "FullAccess", "ReadOnly"],
)
def test_the_policies_are_those_that_the_documents_show(made: Document, name: str) -> None:
    path = Path(__file__).parents[3] / "docs" / "iam" / "management" / name
    shown = path.read_text(encoding="utf-8").replace("999988887777", ACCOUNT)
    shown = shown.replace("https://my-bucket.s3.amazonaws.com/management-account.yaml", TEMPLATE_URL)
    shown = shown.replace("https://my-bucket.s3.amazonaws.com/member-account.yaml", MEMBER_TEMPLATE_URL)
    shown = shown.replace("arn:aws:s3:::my-bucket/", "arn:aws:s3:::templates/")

    assert PolicyDocument.of(made) == PolicyDocument.of(json.loads(shown))
