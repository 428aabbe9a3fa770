"""The condition keys that decide who may do what in IAM and CloudFormation."""

from __future__ import annotations

from typing import Any

from tests.aws.cloudformation.templates import own_role, template
from tests.aws.conformance import Act, Gives, Refused, Row, Subject
from tests.aws.identities import document, trusting

IAM = "Service Authorization Reference: AWS Identity and Access Management"
CLOUDFORMATION = "Service Authorization Reference: AWS CloudFormation"
BOUNDARIES = "IAM user guide: Permissions boundaries for IAM entities"
TAGGING = "IAM user guide: Tags for AWS Identity and Access Management resources"
PASSING = "CloudFormation user guide: CloudFormation service role"
TEAM = [{"Key": "team", "Value": "a"}]


def statement(action: Any, condition: dict[str, Any] | None = None) -> dict[str, Any]:
    made = {"Effect": "Allow", "Action": action, "Resource": "*"}
    return {**made, "Condition": condition} if condition else made


def may(*statements: dict[str, Any]) -> Act:
    """The row's role, with one policy."""

    def make(subject: Subject) -> Any:
        subject.role()
        subject.put(document(*statements))
        return subject.settle()

    return make


def within_boundary(action: str, *, bound: bool) -> Act:
    """A role that may do something to roles with a boundary, and a role that has it, or has none."""

    def make(subject: Subject) -> Any:
        arn = subject.policy("boundary")["Policy"]["Arn"]
        subject.role("target", **({"PermissionsBoundary": arn} if bound else {}))
        return may(statement(action, {"StringEquals": {"iam:PermissionsBoundary": arn}}))(subject)

    return make


def tagged(value: str) -> Act:
    """A role that may delete roles of a team, and a role of one."""

    def make(subject: Subject) -> Any:
        subject.role("target", Tags=[{"Key": "team", "Value": value}])
        return may(statement("iam:DeleteRole", {"StringEquals": {"aws:ResourceTag/team": "a"}}))(subject)

    return make


def beside_target(*statements: dict[str, Any]) -> Act:
    return lambda s: (s.role("target", Tags=TEAM), may(*statements)(s))


def with_service_role(*statements: dict[str, Any], service: dict[str, Any] | None = None) -> Act:
    """A role that may do something, and one for CloudFormation."""

    def make(subject: Subject) -> Any:
        subject.role("service", trusting({"Service": "cloudformation.amazonaws.com"}))
        if service:
            subject.put(document(service), "service")
        return may(*statements)(subject)

    return make


def make_target(subject: Subject, **more: Any) -> Any:
    trust = subject.own_trust
    return subject.acting("iam").create_role(RoleName=subject.name("made"), AssumeRolePolicyDocument=trust, **more)


def attach(policy: str) -> Act:
    return lambda s: s.acting("iam").attach_role_policy(RoleName=s.name("target"), PolicyArn=s.aws_policy(policy))


def service_role(subject: Subject) -> str:
    return subject.arn(f"role/{subject.name('service')}")


def make_stack(subject: Subject, **more: Any) -> Any:
    return subject.acting("cloudformation").create_stack(
        StackName=subject.name("stack"),
        TemplateBody=template({"Role": own_role(subject.name("made"))}),
        Capabilities=["CAPABILITY_NAMED_IAM"],
        **more,
    )


def make_change_set(subject: Subject, **more: Any) -> Any:
    return subject.acting("cloudformation").create_change_set(
        StackName=subject.name("stack"),
        ChangeSetName="changes",
        ChangeSetType="CREATE",
        TemplateBody=template({"Role": own_role(subject.name("made"))}),
        Capabilities=["CAPABILITY_NAMED_IAM"],
        **more,
    )


def denied(action: str, resource: str = "") -> Refused:
    return Refused("AccessDenied", f"is not authorized to perform: {action} on resource: {resource}")


def put_on_target(subject: Subject) -> Any:
    inline = document(statement("s3:GetObject"))
    return subject.acting("iam").put_role_policy(
        RoleName=subject.name("target"), PolicyName="inline", PolicyDocument=inline
    )


FOR_TEAM = {"StringEquals": {"aws:RequestTag/team": "a"}}
KNOWN_POLICY = {"ArnLike": {"iam:PolicyARN": "arn:*:iam::aws:policy/SecurityAudit"}}
TO_CLOUDFORMATION = {"StringEquals": {"iam:PassedToService": "cloudformation.amazonaws.com"}}
TO_LAMBDA = {"StringEquals": {"iam:PassedToService": "lambda.amazonaws.com"}}
BY_A_ROLE = {"Null": {"cloudformation:RoleArn": "false"}}
BY_URL = {"StringLike": {"cloudformation:TemplateUrl": "https://*"}}

ROWS = (
    Row(
        "a role with the wanted boundary may be given a policy",
        put_on_target,
        Gives(),
        BOUNDARIES,
        given=within_boundary("iam:PutRolePolicy", bound=True),
    ),
    Row(
        "a role without the wanted boundary may not be given a policy",
        put_on_target,
        denied("iam:PutRolePolicy", "role apono-"),
        BOUNDARIES,
        given=within_boundary("iam:PutRolePolicy", bound=False),
    ),
    Row(
        "a role is made with the wanted boundary",
        lambda s: make_target(s, PermissionsBoundary=s.arn(f"policy/{s.name('boundary')}")),
        Gives(),
        BOUNDARIES,
        given=within_boundary("iam:CreateRole", bound=True),
    ),
    Row(
        "a role is not made without the wanted boundary",
        make_target,
        denied("iam:CreateRole", "arn:aws:iam::"),
        BOUNDARIES,
        given=within_boundary("iam:CreateRole", bound=True),
    ),
    Row(
        "the wanted boundary may be set where there is none",
        lambda s: s.acting("iam").put_role_permissions_boundary(
            RoleName=s.name("target"), PermissionsBoundary=s.arn(f"policy/{s.name('boundary')}")
        ),
        Gives(),
        BOUNDARIES,
        given=within_boundary("iam:PutRolePermissionsBoundary", bound=False),
    ),
    Row(
        "another boundary than the wanted one may not be set",
        lambda s: s.acting("iam").put_role_permissions_boundary(
            RoleName=s.name("target"), PermissionsBoundary=s.aws_policy("ReadOnlyAccess")
        ),
        denied("iam:PutRolePermissionsBoundary"),
        BOUNDARIES,
        given=within_boundary("iam:PutRolePermissionsBoundary", bound=True),
    ),
    Row(
        "a policy that is named may be attached",
        attach("SecurityAudit"),
        Gives(),
        f"{IAM}: iam:PolicyARN",
        given=beside_target(statement("iam:AttachRolePolicy", KNOWN_POLICY)),
    ),
    Row(
        "a policy that is not named may not be attached",
        attach("AdministratorAccess"),
        denied("iam:AttachRolePolicy"),
        f"{IAM}: iam:PolicyARN",
        given=beside_target(statement("iam:AttachRolePolicy", KNOWN_POLICY)),
    ),
    Row(
        "making a role with tags takes a right to tag it",
        lambda s: make_target(s, Tags=TEAM),
        denied("iam:TagRole"),
        TAGGING,
        given=may(statement("iam:CreateRole")),
    ),
    Row(
        "making a role without tags takes no right to tag it",
        make_target,
        Gives(),
        TAGGING,
        given=may(statement("iam:CreateRole")),
    ),
    Row(
        "a role with the wanted tag is made",
        lambda s: make_target(s, Tags=TEAM),
        Gives(),
        TAGGING,
        given=may(statement(["iam:CreateRole", "iam:TagRole"], FOR_TEAM)),
    ),
    Row(
        "a role with another tag is not made",
        lambda s: make_target(s, Tags=[{"Key": "team", "Value": "b"}]),
        denied("iam:CreateRole"),
        TAGGING,
        given=may(statement(["iam:CreateRole", "iam:TagRole"], FOR_TEAM)),
    ),
    Row(
        "a role is deleted by its tag",
        lambda s: s.acting("iam").delete_role(RoleName=s.name("target")),
        Gives(),
        TAGGING,
        given=tagged("a"),
    ),
    Row(
        "a role with another tag is not deleted",
        lambda s: s.acting("iam").delete_role(RoleName=s.name("target")),
        denied("iam:DeleteRole"),
        TAGGING,
        given=tagged("b"),
    ),
    Row(
        "tags of listed keys alone are removed",
        lambda s: s.acting("iam").untag_role(RoleName=s.name("target"), TagKeys=["team", "other"]),
        denied("iam:UntagRole"),
        "IAM user guide: AWS global condition context keys: aws:TagKeys",
        given=beside_target(statement("iam:UntagRole", {"ForAllValues:StringEquals": {"aws:TagKeys": ["team"]}})),
    ),
    Row(
        "a stack is not made without a right to",
        make_stack,
        denied("cloudformation:CreateStack", "arn:aws:cloudformation:"),
        CLOUDFORMATION,
        given=may(statement("iam:*")),
    ),
    Row(
        "a service role is not passed without a right to",
        lambda s: make_stack(s, RoleARN=service_role(s)),
        denied("iam:PassRole", "arn:aws:iam::"),
        PASSING,
        given=with_service_role(statement("cloudformation:*")),
    ),
    Row(
        "a service role that may be passed to another service is not passed to CloudFormation",
        lambda s: make_stack(s, RoleARN=service_role(s)),
        denied("iam:PassRole"),
        f"{IAM}: iam:PassedToService",
        given=with_service_role(statement("cloudformation:*"), statement("iam:PassRole", TO_LAMBDA)),
    ),
    Row(
        "a stack makes what its service role may make, whatever its caller may",
        lambda s: s.rested(make_stack(s, RoleARN=service_role(s))["StackId"]),
        Gives("CREATE_COMPLETE", lambda _, stack: stack["StackStatus"]),
        PASSING,
        given=with_service_role(
            statement("cloudformation:*"), statement("iam:PassRole", TO_CLOUDFORMATION), service=statement("iam:*")
        ),
    ),
    Row(
        "a stack does not make what its service role may not, whatever its caller may",
        lambda s: s.rested(make_stack(s, RoleARN=service_role(s))["StackId"]),
        Gives(
            expected=True,
            read=lambda s, _: any(
                "not authorized to perform: iam:CreateRole" in r for _, r in s.resource_events("Role")
            ),
        ),
        PASSING,
        given=with_service_role(statement("*")),
    ),
    Row(
        "a stack without a service role does not make what its caller may not",
        lambda s: s.rested(make_stack(s)["StackId"]),
        Gives(
            expected=True,
            read=lambda s, _: any(
                "not authorized to perform: iam:CreateRole" in r for _, r in s.resource_events("Role")
            ),
        ),
        PASSING,
        given=may(statement("cloudformation:*"), statement("iam:GetRole")),
    ),
    Row(
        "a change set without a service role is not made where one is wanted",
        make_change_set,
        denied("cloudformation:CreateChangeSet"),
        f"{CLOUDFORMATION}: cloudformation:RoleArn",
        given=may(statement("cloudformation:*", BY_A_ROLE), statement("iam:*")),
    ),
    Row(
        "a change set of a template that is sent is not made where a URL is wanted",
        make_change_set,
        denied("cloudformation:CreateChangeSet"),
        f"{CLOUDFORMATION}: cloudformation:TemplateUrl",
        given=may(statement("cloudformation:CreateChangeSet", BY_URL), statement("iam:*")),
    ),
    Row(
        "a change set that tags takes a right to tag",
        lambda s: make_change_set(s, Tags=TEAM),
        denied("cloudformation:TagResource"),
        f"{CLOUDFORMATION}: TagResource",
        given=may(statement("cloudformation:CreateChangeSet"), statement("iam:*")),
    ),
)
