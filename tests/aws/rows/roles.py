"""Roles: names, paths, tags, limits, deletion."""

from __future__ import annotations

from typing import Any

from tests.aws.conformance import Gives, Refused, Row, Subject
from tests.aws.identities import allowing, trusting

MODEL = "IAM service model"
QUOTAS = "IAM user guide: IAM and STS quotas"
TAGGING = "IAM user guide: Tags for AWS Identity and Access Management resources"
DELETING = "IAM user guide: Delete roles or instance profiles"
REFERENCE = "IAM API reference"


def read_role(subject: Subject, _answer: Any = None) -> Any:
    return subject.iam.get_role(RoleName=subject.name())["Role"]


def tagged(subject: Subject, *tags: tuple[str, str]) -> Any:
    return subject.role(Tags=[{"Key": key, "Value": value} for key, value in tags])


def untagged_role(subject: Subject) -> Any:
    return subject.role()


ROWS = (
    Row(
        "a new role has path / and sessions of one hour",
        lambda s: s.role(),
        Gives(("/", 3600), lambda s, _: (read_role(s)["Path"], read_role(s)["MaxSessionDuration"])),
        f"{REFERENCE}: CreateRole",
    ),
    Row(
        "the ARN of a role holds its path",
        lambda s: s.role(Path="/a/b/"),
        Gives(lambda s: s.arn(f"role/a/b/{s.name()}"), lambda _, answer: answer["Role"]["Arn"]),
        "IAM user guide: IAM identifiers",
    ),
    Row(
        "the unique id of a role begins with AROA",
        lambda s: s.role(),
        Gives("AROA", lambda _, answer: answer["Role"]["RoleId"][:4]),
        "IAM user guide: IAM identifiers",
    ),
    Row(
        "a role name of 64 characters is accepted",
        lambda s: s.iam.create_role(RoleName=s.padded(64), AssumeRolePolicyDocument=s.own_trust),
        Gives(64, lambda _, answer: len(answer["Role"]["RoleName"])),
        f"{MODEL}: roleNameType",
    ),
    Row(
        "a role name of 65 characters is refused",
        lambda s: s.iam.create_role(RoleName=s.padded(65), AssumeRolePolicyDocument=s.own_trust),
        Refused("ValidationError", "at 'roleName' failed to satisfy constraint: Member must have length less than"),
        f"{MODEL}: roleNameType",
    ),
    Row(
        "a role name with a slash is refused",
        lambda s: s.role("a/b"),
        Refused("ValidationError", "roleName"),
        f"{MODEL}: roleNameType",
    ),
    Row(
        "a role name with a letter beyond ASCII is refused",
        lambda s: s.role("é"),
        Refused("ValidationError", "roleName"),
        f"{MODEL}: roleNameType",
    ),
    Row(
        "a role name with every sign that is allowed is accepted",
        lambda s: s.role("_+=,.@-"),
        Gives(),
        f"{MODEL}: roleNameType",
    ),
    Row(
        "a role without a name is refused",
        lambda s: s.iam.create_role(AssumeRolePolicyDocument=s.own_trust),  # type: ignore[call-arg]
        Refused("ValidationError", "Value null at 'roleName'"),
        f"{MODEL}: CreateRoleRequest",
    ),
    Row(
        "a second role of the same name is refused",
        lambda s: s.role(),
        Refused("EntityAlreadyExists", "already exists"),
        f"{REFERENCE}: CreateRole",
        given=untagged_role,
    ),
    Row(
        "a second role whose name differs only in case is refused",
        lambda s: s.role("ROLE"),
        Refused("EntityAlreadyExists"),
        f"{REFERENCE}: CreateRole",
        given=untagged_role,
    ),
    Row(
        "a second role of the same name under another path is refused",
        lambda s: s.role(Path="/other/"),
        Refused("EntityAlreadyExists"),
        f"{REFERENCE}: CreateRole",
        given=untagged_role,
    ),
    Row(
        "a path that does not end with a slash is refused",
        lambda s: s.role(Path="/a"),
        Refused("ValidationError", "path"),
        f"{MODEL}: pathType",
    ),
    Row(
        "a description with a curly quote is refused",
        lambda s: s.role(Description="\u201cquoted\u201d"),
        Refused("ValidationError", "description"),
        f"{MODEL}: roleDescriptionType",
    ),
    Row(
        "a description of 1001 characters is refused",
        lambda s: s.role(Description="x" * 1001),
        Refused("ValidationError", "description"),
        f"{MODEL}: roleDescriptionType",
    ),
    Row(
        "a session length below one hour is refused",
        lambda s: s.role(MaxSessionDuration=3599),
        Refused("ValidationError", "maxSessionDuration"),
        f"{MODEL}: roleMaxSessionDurationType",
    ),
    Row(
        "a session length above twelve hours is refused",
        lambda s: s.role(MaxSessionDuration=43201),
        Refused("ValidationError", "maxSessionDuration"),
        f"{MODEL}: roleMaxSessionDurationType",
    ),
    Row(
        "a boundary that does not exist is refused",
        lambda s: s.role(PermissionsBoundary=s.arn(f"policy/{s.name('missing')}")),
        Refused("NoSuchEntity"),
        f"{REFERENCE}: CreateRole",
    ),
    Row(
        "a managed policy of AWS may be the boundary",
        lambda s: s.role(PermissionsBoundary=s.aws_policy("PowerUserAccess")),
        Gives(
            lambda s: s.aws_policy("PowerUserAccess"),
            lambda s, _: read_role(s)["PermissionsBoundary"]["PermissionsBoundaryArn"],
        ),
        "IAM user guide: Permissions boundaries for IAM entities",
    ),
    Row(
        "a boundary is put on a role that exists",
        lambda s: s.iam.put_role_permissions_boundary(
            RoleName=s.name(), PermissionsBoundary=s.aws_policy("ReadOnlyAccess")
        ),
        Gives(
            lambda s: s.aws_policy("ReadOnlyAccess"),
            lambda s, _: read_role(s)["PermissionsBoundary"]["PermissionsBoundaryArn"],
        ),
        f"{REFERENCE}: PutRolePermissionsBoundary",
        given=untagged_role,
    ),
    Row(
        "a boundary that is removed is gone",
        lambda s: s.iam.delete_role_permissions_boundary(RoleName=s.name()),
        Gives(expected=False, read=lambda s, _: "PermissionsBoundary" in read_role(s)),
        f"{REFERENCE}: DeleteRolePermissionsBoundary",
        given=lambda s: s.role(PermissionsBoundary=s.aws_policy("ReadOnlyAccess")),
    ),
    Row(
        "a boundary that is not there cannot be removed",
        lambda s: s.iam.delete_role_permissions_boundary(RoleName=s.name()),
        Refused("NoSuchEntity"),
        f"{REFERENCE}: DeleteRolePermissionsBoundary",
        given=untagged_role,
    ),
    Row(
        "a role that does not exist is not found",
        lambda s: s.iam.get_role(RoleName=s.name("missing")),
        Refused("NoSuchEntity", "cannot be found"),
        f"{REFERENCE}: GetRole",
    ),
    Row(
        "an update of the session length leaves the description",
        lambda s: s.iam.update_role(RoleName=s.name(), MaxSessionDuration=7200),
        Gives(("said", 7200), lambda s, _: (read_role(s)["Description"], read_role(s)["MaxSessionDuration"])),
        f"{REFERENCE}: UpdateRole",
        given=lambda s: s.role(Description="said"),
    ),
    Row(
        "an update that leaves the session length out sets it back to one hour",
        lambda s: s.iam.update_role(RoleName=s.name(), Description="said"),
        Gives(("said", 3600), lambda s, _: (read_role(s)["Description"], read_role(s)["MaxSessionDuration"])),
        f"{REFERENCE}: UpdateRole",
        given=lambda s: s.role(MaxSessionDuration=7200),
    ),
    Row(
        "tags are kept with the case of their keys",
        lambda s: tagged(s, ("Team", "a b"), ("apono.io/uid", "")),
        Gives(
            {"Team": "a b", "apono.io/uid": ""},
            lambda s, _: {tag["Key"]: tag["Value"] for tag in read_role(s)["Tags"]},
        ),
        TAGGING,
    ),
    Row(
        "a tag key with a letter beyond ASCII is accepted",
        lambda s: tagged(s, ("größe", "1")),
        Gives(),
        f"{MODEL}: tagKeyType",
    ),
    Row(
        "a tag key with an asterisk is refused",
        lambda s: tagged(s, ("a*", "1")),
        Refused("ValidationError", "tags.1.member.key"),
        f"{MODEL}: tagKeyType",
    ),
    Row(
        "a tag key of 129 characters is refused",
        lambda s: tagged(s, ("k" * 129, "1")),
        Refused("ValidationError", "tags.1.member.key"),
        f"{MODEL}: tagKeyType",
    ),
    Row(
        "a tag value of 257 characters is refused",
        lambda s: tagged(s, ("k", "v" * 257)),
        Refused("ValidationError", "tags.1.member.value"),
        f"{MODEL}: tagValueType",
    ),
    Row(
        "a tag key that begins with aws: is refused",
        lambda s: tagged(s, ("aws:mine", "1")),
        Refused("InvalidInput"),
        TAGGING,
    ),
    Row(
        "tag keys that differ only in case are refused together",
        lambda s: tagged(s, ("team", "1"), ("Team", "2")),
        Refused("InvalidInput", "Duplicate tag keys found"),
        TAGGING,
    ),
    Row(
        "fifty tags are accepted",
        lambda s: tagged(s, *[(f"k{number}", "v") for number in range(50)]),
        Gives(50, lambda s, _: len(read_role(s)["Tags"])),
        QUOTAS,
    ),
    Row(
        "51 tags at once are refused",
        lambda s: tagged(s, *[(f"k{number}", "v") for number in range(51)]),
        Refused("ValidationError", "less than or equal to 50"),
        f"{MODEL}: tagListType",
    ),
    Row(
        "a 51st tag added to fifty is refused",
        lambda s: s.iam.tag_role(RoleName=s.name(), Tags=[{"Key": "more", "Value": ""}]),
        Refused("LimitExceeded"),
        QUOTAS,
        given=lambda s: tagged(s, *[(f"k{number}", "v") for number in range(50)]),
    ),
    Row(
        "a tag put again replaces the value",
        lambda s: s.iam.tag_role(RoleName=s.name(), Tags=[{"Key": "k", "Value": "new"}]),
        Gives([{"Key": "k", "Value": "new"}], lambda s, _: read_role(s)["Tags"]),
        f"{REFERENCE}: TagRole",
        given=lambda s: tagged(s, ("k", "old")),
    ),
    Row(
        "a tag put again in another case replaces key and value",
        lambda s: s.iam.tag_role(RoleName=s.name(), Tags=[{"Key": "TEAM", "Value": "new"}]),
        Gives([{"Key": "TEAM", "Value": "new"}], lambda s, _: read_role(s)["Tags"]),
        TAGGING,
        given=lambda s: tagged(s, ("team", "old")),
    ),
    Row(
        "removing a tag that is not there is no error",
        lambda s: s.iam.untag_role(RoleName=s.name(), TagKeys=["k", "missing"]),
        Gives([], lambda s, _: s.iam.list_role_tags(RoleName=s.name())["Tags"]),
        f"{REFERENCE}: UntagRole",
        given=lambda s: tagged(s, ("k", "v")),
    ),
    Row(
        "tagging with no tags is refused",
        lambda s: s.iam.tag_role(RoleName=s.name(), Tags=[]),
        Refused("InvalidInput"),
        "none: seen in the field by aws-controllers-k8s/iam-controller",
        given=untagged_role,
    ),
    Row(
        "untagging no keys is refused",
        lambda s: s.iam.untag_role(RoleName=s.name(), TagKeys=[]),
        Refused("InvalidInput"),
        "none: seen in the field by aws-controllers-k8s/iam-controller",
        given=untagged_role,
    ),
    Row(
        "listed roles come without their tags",
        lambda s: s.iam.list_roles(PathPrefix=f"/{s.prefix}/"),
        Gives([(True, False)], lambda s, a: [(r["RoleName"] == s.name(), "Tags" in r) for r in a["Roles"]]),
        f"{REFERENCE}: ListRoles",
        given=lambda s: s.role(Path=f"/{s.prefix}/", Tags=[{"Key": "k", "Value": "v"}]),
    ),
    Row(
        "a role with an inline policy cannot be deleted",
        lambda s: s.iam.delete_role(RoleName=s.name()),
        Refused("DeleteConflict", "must delete policies first"),
        DELETING,
        given=lambda s: (s.role(), s.put(allowing())),
    ),
    Row(
        "a role with an attached policy cannot be deleted",
        lambda s: s.iam.delete_role(RoleName=s.name()),
        Refused("DeleteConflict", "must detach all policies first"),
        DELETING,
        given=lambda s: (s.role(), s.attach(s.aws_policy("SecurityAudit"))),
    ),
    Row(
        "a role in an instance profile cannot be deleted",
        lambda s: s.iam.delete_role(RoleName=s.name()),
        Refused("DeleteConflict", "must remove roles from instance profile first"),
        DELETING,
        given=lambda s: (s.role(), s.profile_with_role()),
    ),
    Row(
        "a role with a boundary can be deleted",
        lambda s: s.iam.delete_role(RoleName=s.name()),
        Gives(),
        DELETING,
        given=lambda s: s.role(PermissionsBoundary=s.aws_policy("ReadOnlyAccess")),
    ),
    Row(
        "a role that does not exist cannot be deleted",
        lambda s: s.iam.delete_role(RoleName=s.name("missing")),
        Refused("NoSuchEntity"),
        f"{REFERENCE}: DeleteRole",
    ),
    Row(
        "a role made anew under the same name has another unique id",
        lambda s: (
            s.iam.get_role(RoleName=s.name())["Role"]["RoleId"],
            s.iam.delete_role(RoleName=s.name()),
            s.role(trust=trusting("*"))["Role"]["RoleId"],
        ),
        Gives(expected=False, read=lambda _, answer: answer[0] == answer[2]),
        "IAM user guide: IAM identifiers",
        given=untagged_role,
    ),
)
