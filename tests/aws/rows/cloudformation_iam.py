"""The types of resources in IAM: what their properties become, and how each of them changes."""

from __future__ import annotations

from typing import Any

from tests.aws.cloudformation.stacks import (
    attached_names,
    inline_names,
    managed_arn,
    own_tags,
    reason_of,
    role_names,
    role_template,
    statuses,
    verdict,
    with_managed,
    with_policy,
    with_role,
)
from tests.aws.cloudformation.templates import inline, own_role, template
from tests.aws.conformance import Gives, Row, Subject
from tests.aws.identities import allowing

GUIDE = "CloudFormation user guide"
ROLE = f"{GUIDE}: AWS::IAM::Role"
POLICY = f"{GUIDE}: AWS::IAM::Policy"
MANAGED = f"{GUIDE}: AWS::IAM::ManagedPolicy"


def boundary(subject: Subject, _answer: Any = None) -> Any:
    found = subject.iam.get_role(RoleName=subject.name())["Role"].get("PermissionsBoundary", {})
    return found.get("PermissionsBoundaryArn", "").rpartition("/")[2]


def with_boundary(name: str | None) -> Any:
    arn = {"Fn::Sub": f"arn:${{AWS::Partition}}:iam::aws:policy/{name}"}
    return lambda s: role_template(s, **({"PermissionsBoundary": arn} if name else {}))


def versions(subject: Subject) -> list[str]:
    found = subject.iam.list_policy_versions(PolicyArn=managed_arn(subject))["Versions"]
    return [version["VersionId"] for version in found]


def tag(key: str, value: str) -> dict[str, str]:
    return {"Key": key, "Value": value}


def trusting_service(subject: Subject) -> dict[str, Any]:
    made = own_role(subject.name())
    made["Properties"]["AssumeRolePolicyDocument"]["Statement"][0]["Principal"] = {"Service": "ec2.amazonaws.com"}
    return made


ROLES = (
    Row(
        "a boundary is put on a role by an update",
        lambda s: s.update_stack(with_boundary("PowerUserAccess")(s)),
        Gives("PowerUserAccess", boundary),
        ROLE,
        given=with_role,
    ),
    Row(
        "a boundary is taken off a role by an update",
        lambda s: s.update_stack(role_template(s)),
        Gives("", boundary),
        ROLE,
        given=lambda s: s.stack(with_boundary("PowerUserAccess")(s)),
    ),
    Row(
        "tags of a role change one by one",
        lambda s: s.update_stack(role_template(s, Tags=[tag("kept", "1"), tag("changed", "2"), tag("new", "3")])),
        Gives({"kept": "1", "changed": "2", "new": "3"}, lambda s, _: own_tags(s)),
        ROLE,
        given=lambda s: with_role(s, Tags=[tag("kept", "1"), tag("changed", "1"), tag("gone", "1")]),
    ),
    Row(
        "a tag of the stack that goes is taken off its roles",
        lambda s: s.update_stack(role_template(s), Tags=[]),
        Gives({}, lambda s, _: own_tags(s)),
        f"{GUIDE}: Resource tag",
        given=lambda s: s.stack(role_template(s), Tags=[tag("team", "a")]),
    ),
    Row(
        "attached policies change one by one",
        lambda s: s.update_stack(role_template(s, ManagedPolicyArns=[s.aws_policy("ReadOnlyAccess")])),
        Gives(["ReadOnlyAccess"], lambda s, _: attached_names(s)),
        ROLE,
        given=lambda s: with_role(s, ManagedPolicyArns=[s.aws_policy("SecurityAudit")]),
    ),
    Row(
        "a trust policy that changes is replaced",
        lambda s: s.update_stack(template({"Role": trusting_service(s)})),
        Gives({"Service": "ec2.amazonaws.com"}, lambda s, _: s.shown_principal()),
        ROLE,
        given=with_role,
    ),
    Row(
        "a property that does not exist fails its resource",
        lambda s: s.stack(template({"Role": own_role(RolName="x")}), DisableValidation=True),
        Gives(
            "Properties validation failed for resource Role with message:\n"
            "#: extraneous key [RolName] is not permitted",
            reason_of("Role", "CREATE_FAILED"),
        ),
        f"{GUIDE}: Troubleshooting CloudFormation",
    ),
    Row(
        "a property that is missing fails its resource",
        lambda s: s.stack(template({"Role": {"Type": "AWS::IAM::Role"}}), DisableValidation=True),
        Gives(
            "Properties validation failed for resource Role with message:\n"
            "#: required key [AssumeRolePolicyDocument] not found",
            reason_of("Role", "CREATE_FAILED"),
        ),
        f"{GUIDE}: Troubleshooting CloudFormation",
    ),
    Row(
        "a property of another type fails its resource",
        lambda s: s.stack(template({"Role": own_role(MaxSessionDuration="long")}), DisableValidation=True),
        Gives(
            expected=True,
            read=lambda s, a: (
                "#/MaxSessionDuration: expected type: Integer" in reason_of("Role", "CREATE_FAILED")(s, a)
            ),
        ),
        f"{GUIDE}: Troubleshooting CloudFormation",
    ),
    Row(
        "a role that was detached from its policy by hand is deleted nonetheless",
        lambda s: s.delete_stack(),
        Gives([], role_names),
        ROLE,
        given=lambda s: (
            with_role(s, ManagedPolicyArns=[s.aws_policy("SecurityAudit")], Policies=[inline()]),
            s.iam.detach_role_policy(RoleName=s.name(), PolicyArn=s.aws_policy("SecurityAudit")),
            s.iam.delete_role_policy(RoleName=s.name(), PolicyName="inline"),
        ),
    ),
)

POLICIES = (
    Row(
        "an inline policy of its own is put on its role",
        lambda s: s.stack(with_policy(s)),
        Gives(["apart"], lambda s, _: inline_names(s)),
        POLICY,
    ),
    Row(
        "an inline policy of its own is renamed in place",
        lambda s: s.update_stack(with_policy(s, name="renamed")),
        Gives(["renamed"], lambda s, _: inline_names(s)),
        POLICY,
        given=lambda s: s.stack(with_policy(s)),
    ),
    Row(
        "a managed policy is made and attached",
        lambda s: s.stack(with_managed(s)),
        Gives(lambda s: [s.name("managed")], lambda s, _: attached_names(s)),
        MANAGED,
    ),
    Row(
        "a managed policy that changes gets a new version",
        lambda s: s.update_stack(with_managed(s, action="s3:PutObject")),
        Gives("v2", lambda s, _: s.iam.get_policy(PolicyArn=managed_arn(s))["Policy"]["DefaultVersionId"]),
        MANAGED,
        given=lambda s: s.stack(with_managed(s)),
    ),
    Row(
        "a managed policy is deleted with its stack, versions and all",
        lambda s: s.delete_stack(),
        Gives(
            ("DELETE_COMPLETE", []),
            lambda s, stack: (stack["StackStatus"], s.iam.list_policies(Scope="Local")["Policies"]),
        ),
        MANAGED,
        given=lambda s: (s.stack(with_managed(s)), s.update_stack(with_managed(s, action="s3:PutObject"))),
    ),
    Row(
        "an inline policy of its own is changed on its role",
        lambda s: s.update_stack(with_policy(s, action="s3:PutObject")),
        Gives(
            "s3:PutObject",
            lambda s, _: s.inline_statement("apart")["Action"],
        ),
        POLICY,
        given=lambda s: s.stack(with_policy(s)),
    ),
    Row(
        "an inline policy of its own goes from a role that it is no more for",
        lambda s: s.update_stack(with_policy(s, roles=[])),
        Gives([], lambda s, _: inline_names(s)),
        POLICY,
        given=lambda s: s.stack(with_policy(s)),
    ),
    Row(
        "an inline policy for a role that does not exist fails",
        lambda s: s.stack(with_policy(s, roles=["missing"])),
        Gives(
            expected=True,
            read=lambda s, a: "HandlerErrorCode: NotFound" in reason_of("Policy", "CREATE_FAILED")(s, a),
        ),
        POLICY,
    ),
    Row(
        "a managed policy keeps five versions, the newest",
        lambda s: [s.update_stack(with_managed(s, action=f"s3:GetObject{number}")) for number in range(5)],
        Gives(["v6", "v5", "v4", "v3", "v2"], lambda s, _: versions(s)),
        MANAGED,
        given=lambda s: s.stack(with_managed(s)),
    ),
    Row(
        "a managed policy is detached from a role that it is no more for",
        lambda s: s.update_stack(with_managed(s, roles=[])),
        Gives([], lambda s, _: attached_names(s)),
        MANAGED,
        given=lambda s: s.stack(with_managed(s)),
    ),
    Row(
        "a managed policy under another path is another policy",
        lambda s: s.update_stack(with_managed(s, name=s.name("new"), Path="/new/")),
        Gives(
            lambda s: ["/new/", s.name("new")],
            lambda s, _: [
                p[key] for p in s.iam.list_policies(Scope="Local")["Policies"] for key in ("Path", "PolicyName")
            ],
        ),
        MANAGED,
        given=lambda s: s.stack(with_managed(s)),
    ),
    Row(
        "a managed policy changed by hand has drifted",
        verdict,
        Gives(("DRIFTED", {"Role": "IN_SYNC", "Managed": "MODIFIED"}), lambda s, found: (found, statuses(s))),
        MANAGED,
        given=lambda s: (
            s.stack(with_managed(s)),
            s.iam.create_policy_version(
                PolicyArn=managed_arn(s), PolicyDocument=allowing("s3:PutObject"), SetAsDefault=True
            ),
        ),
    ),
    Row(
        "a managed policy deleted by hand is told as deleted, and does not hold up its stack's end",
        lambda s: (verdict(s), statuses(s), s.delete_stack()["StackStatus"]),
        Gives(("DRIFTED", {"Role": "IN_SYNC", "Managed": "DELETED"}, "DELETE_COMPLETE"), lambda _, answer: answer),
        MANAGED,
        given=lambda s: (
            s.stack(with_managed(s)),
            s.iam.detach_role_policy(RoleName=s.name(), PolicyArn=managed_arn(s)),
            s.iam.delete_policy(PolicyArn=managed_arn(s)),
        ),
    ),
    Row(
        "a managed policy that others have attached, too, cannot be deleted",
        lambda s: s.delete_stack(),
        Gives("DELETE_FAILED", lambda _, stack: stack["StackStatus"]),
        MANAGED,
        given=lambda s: (
            s.stack(with_managed(s)),
            s.role("other"),
            s.attach(managed_arn(s), "other"),
        ),
    ),
)


ROWS = (*ROLES, *POLICIES)
