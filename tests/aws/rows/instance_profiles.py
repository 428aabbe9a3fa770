"""Instance profiles, as far as they stand in the way of deleting a role."""

from __future__ import annotations

from typing import Any

from tests.aws.conformance import Gives, Refused, Row, Subject

REFERENCE = "IAM API reference"
QUOTAS = "IAM user guide: IAM and STS quotas"


def with_role(subject: Subject) -> Any:
    subject.role()
    return subject.profile_with_role()


ROWS = (
    Row(
        "a role in an instance profile lists the profile",
        lambda s: s.iam.list_instance_profiles_for_role(RoleName=s.name()),
        Gives(
            lambda s: [s.name("profile")],
            lambda _, answer: [profile["InstanceProfileName"] for profile in answer["InstanceProfiles"]],
        ),
        f"{REFERENCE}: ListInstanceProfilesForRole",
        given=with_role,
    ),
    Row(
        "an instance profile reads the role it holds",
        lambda s: s.iam.get_instance_profile(InstanceProfileName=s.name("profile")),
        Gives(
            lambda s: [s.name()],
            lambda _, answer: [role["RoleName"] for role in answer["InstanceProfile"]["Roles"]],
        ),
        f"{REFERENCE}: GetInstanceProfile",
        given=with_role,
    ),
    Row(
        "an instance profile takes one role only",
        lambda s: s.iam.add_role_to_instance_profile(InstanceProfileName=s.name("profile"), RoleName=s.name("second")),
        Refused("LimitExceeded"),
        QUOTAS,
        given=lambda s: (with_role(s), s.role("second")),
    ),
    Row(
        "a second instance profile of the same name is refused",
        lambda s: s.iam.create_instance_profile(InstanceProfileName=s.name("profile")),
        Refused("EntityAlreadyExists"),
        f"{REFERENCE}: CreateInstanceProfile",
        given=with_role,
    ),
    Row(
        "an instance profile with a role cannot be deleted",
        lambda s: s.iam.delete_instance_profile(InstanceProfileName=s.name("profile")),
        Refused("DeleteConflict", "must remove roles from instance profile first"),
        f"{REFERENCE}: DeleteInstanceProfile",
        given=with_role,
    ),
    Row(
        "a role taken out of its instance profile can be deleted",
        lambda s: (
            s.iam.remove_role_from_instance_profile(InstanceProfileName=s.name("profile"), RoleName=s.name()),
            s.iam.delete_role(RoleName=s.name()),
        ),
        Gives(),
        "IAM user guide: Delete roles or instance profiles",
        given=with_role,
    ),
    Row(
        "a role cannot be taken out of a profile that does not hold it",
        lambda s: s.iam.remove_role_from_instance_profile(
            InstanceProfileName=s.name("profile"), RoleName=s.name("second")
        ),
        Refused("NoSuchEntity"),
        f"{REFERENCE}: RemoveRoleFromInstanceProfile",
        given=lambda s: (with_role(s), s.role("second")),
    ),
    Row(
        "an instance profile that does not exist is not found",
        lambda s: s.iam.get_instance_profile(InstanceProfileName=s.name("missing")),
        Refused("NoSuchEntity"),
        f"{REFERENCE}: GetInstanceProfile",
    ),
)
