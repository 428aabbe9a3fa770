"""Permission policies: inline ones, managed ones, their attachment."""

from __future__ import annotations

from typing import Any

from tests.aws.conformance import Gives, Refused, Row, Subject, sized_document, spaced_out
from tests.aws.identities import allowing, document

GRAMMAR = "IAM user guide: Grammar of the IAM JSON policy language"
MODEL = "IAM service model"
QUOTAS = "IAM user guide: IAM and STS quotas"
REFERENCE = "IAM API reference"

JOB_FUNCTIONS = (
    "job-function/Billing",
    "job-function/DataScientist",
    "job-function/DatabaseAdministrator",
    "job-function/NetworkAdministrator",
    "job-function/SupportUser",
    "job-function/SystemAdministrator",
    "job-function/ViewOnlyAccess",
    "PowerUserAccess",
    "ReadOnlyAccess",
    "SecurityAudit",
)


def a_role(subject: Subject) -> Any:
    return subject.role()


def attach_ten(subject: Subject) -> Any:
    subject.role()
    for name in JOB_FUNCTIONS:
        subject.attach(subject.aws_policy(name))


def attached(subject: Subject, _answer: Any) -> list[str]:
    answer = subject.iam.list_attached_role_policies(RoleName=subject.name())
    return [policy["PolicyArn"] for policy in answer["AttachedPolicies"]]


def own_arn(subject: Subject) -> str:
    return subject.arn(f"policy/{subject.name('policy')}")


def with_five_versions(subject: Subject) -> Any:
    subject.policy()
    for _ in range(4):
        subject.iam.create_policy_version(PolicyArn=own_arn(subject), PolicyDocument=allowing())


def refused_document(sentence: str, text: str, message: str = "") -> Row:
    return Row(sentence, lambda s: s.put(text), Refused("MalformedPolicyDocument", message), GRAMMAR, given=a_role)


ROWS = (
    Row(
        "an inline policy reads as it was put",
        lambda s: s.put(allowing("s3:*", "arn:aws:s3:::bucket/*")),
        Gives(
            {"Effect": "Allow", "Action": "s3:*", "Resource": "arn:aws:s3:::bucket/*"},
            lambda s, _: s.inline_statement(),
        ),
        f"{REFERENCE}: PutRolePolicy",
        given=a_role,
    ),
    Row(
        "an inline policy put again replaces the one before",
        lambda s: s.put(allowing("s3:ListBucket")),
        Gives(["inline"], lambda s, _: s.iam.list_role_policies(RoleName=s.name())["PolicyNames"]),
        f"{REFERENCE}: PutRolePolicy",
        given=lambda s: (s.role(), s.put(allowing())),
    ),
    refused_document("an inline policy that is not JSON is refused", "{", "Syntax errors in policy"),
    refused_document(
        "an inline policy that names a principal is refused",
        document({"Effect": "Allow", "Action": "s3:*", "Resource": "*", "Principal": "*"}),
        "should not specify a principal",
    ),
    refused_document(
        "an inline policy without resources is refused",
        document({"Effect": "Allow", "Action": "s3:*"}),
        "Policy statement must contain resources",
    ),
    refused_document(
        "an inline policy without actions is refused",
        document({"Effect": "Allow", "Resource": "*"}),
        "Policy statement must contain actions",
    ),
    refused_document("an inline policy without effect is refused", document({"Action": "s3:*", "Resource": "*"})),
    refused_document(
        "an action without a vendor is refused",
        allowing("GetObject"),
        "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.",
    ),
    refused_document(
        "a resource that is no ARN is refused", allowing(resource="bucket"), 'must be in ARN format or "*"'
    ),
    refused_document(
        "a resource in an unknown partition is refused",
        allowing(resource="arn:azure:s3:::b"),
        'Partition "azure" is not valid for resource "arn:azure:s3:::b"',
    ),
    refused_document(
        "a resource that is half an ARN is refused",
        allowing(resource="arn:aws:s3"),
        "The policy failed legacy parsing",
    ),
    refused_document(
        "a resource of IAM with a region is refused",
        allowing("iam:*", "arn:aws:iam:us-east-1:123456789012:role/x"),
        "cannot contain region information",
    ),
    refused_document(
        "a resource of IAM of an unknown kind is refused",
        allowing("iam:*", "arn:aws:iam::123456789012:roles/x"),
        'IAM resource path must either be "*" or start with user/',
    ),
    refused_document("an action with two colons is refused", allowing("s3:Get:Object"), "can contain only one colon"),
    refused_document("an action with a space is refused", allowing("s3:Get Object")),
    refused_document("a member that comes twice is refused", '{"Version":"2012-10-17","Version":"2012-10-17"}'),
    refused_document(
        "a Sid with a space is refused",
        document({"Sid": "Not one", "Effect": "Allow", "Action": "s3:*", "Resource": "*"}),
    ),
    refused_document(
        "a statement with both Action and NotAction is refused",
        document({"Effect": "Allow", "Action": "s3:*", "NotAction": "s3:*", "Resource": "*"}),
    ),
    refused_document(
        "a condition that is a list is refused",
        document({"Effect": "Allow", "Action": "s3:*", "Resource": "*", "Condition": []}),
    ),
    refused_document(
        "a condition on an object is refused",
        document({"Effect": "Allow", "Action": "s3:*", "Resource": "*", "Condition": {"Bool": {"aws:x": {}}}}),
    ),
    refused_document(
        "an action that is a number is refused",
        document({"Effect": "Allow", "Action": 1, "Resource": "*"}),
    ),
    refused_document(
        "statements with the same Sid are refused",
        document(*[{"Sid": "One", "Effect": "Allow", "Action": "s3:*", "Resource": "*"}] * 2),
        "Statement IDs (SID) in a single policy must be unique",
    ),
    Row(
        "inline policies of 10240 characters together are accepted",
        lambda s: s.put(sized_document(5120), policy="second"),
        Gives(),
        QUOTAS,
        given=lambda s: (s.role(), s.put(sized_document(5120))),
    ),
    Row(
        "inline policies of 10241 characters together are refused",
        lambda s: s.put(sized_document(5121), policy="second"),
        Refused("LimitExceeded", "Maximum policy size of 10240 bytes exceeded for role"),
        QUOTAS,
        given=lambda s: (s.role(), s.put(sized_document(5120))),
    ),
    Row(
        "white space does not count towards the size of inline policies",
        lambda s: s.put(spaced_out(sized_document(10_240))),
        Gives(),
        QUOTAS,
        given=a_role,
    ),
    Row(
        "a policy that is replaced does not count towards the size",
        lambda s: s.put(sized_document(10_240)),
        Gives(),
        QUOTAS,
        given=lambda s: (s.role(), s.put(sized_document(10_000))),
    ),
    Row(
        "an inline policy name of 129 characters is refused",
        lambda s: s.put(allowing(), policy="p" * 129),
        Refused("ValidationError", "policyName"),
        f"{MODEL}: policyNameType",
        given=a_role,
    ),
    Row(
        "an inline policy cannot be put on a role that does not exist",
        lambda s: s.put(allowing(), "missing"),
        Refused("NoSuchEntity", "The role with name"),
        f"{REFERENCE}: PutRolePolicy",
    ),
    Row(
        "an inline policy that does not exist is not found",
        lambda s: s.iam.get_role_policy(RoleName=s.name(), PolicyName="missing"),
        Refused("NoSuchEntity", "The role policy with name missing cannot be found"),
        f"{REFERENCE}: GetRolePolicy",
        given=a_role,
    ),
    Row(
        "an inline policy that does not exist cannot be deleted",
        lambda s: s.iam.delete_role_policy(RoleName=s.name(), PolicyName="missing"),
        Refused("NoSuchEntity"),
        f"{REFERENCE}: DeleteRolePolicy",
        given=a_role,
    ),
    Row(
        "attaching a policy twice is no error",
        lambda s: s.attach(s.aws_policy("SecurityAudit")),
        Gives(lambda s: [s.aws_policy("SecurityAudit")], attached),
        f"{REFERENCE}: AttachRolePolicy",
        given=lambda s: (s.role(), s.attach(s.aws_policy("SecurityAudit"))),
    ),
    Row(
        "a policy that does not exist cannot be attached",
        lambda s: s.attach(s.arn(f"policy/{s.name('missing')}")),
        Refused("NoSuchEntity", "does not exist or is not attachable"),
        f"{REFERENCE}: AttachRolePolicy",
        given=a_role,
    ),
    Row(
        "text that is no policy ARN cannot be attached",
        lambda s: s.attach("arn:aws:iam::nonsense"),
        Refused("InvalidInput", "is not valid"),
        f"{REFERENCE}: AttachRolePolicy",
        given=a_role,
    ),
    Row(
        "an eleventh attached policy is refused",
        lambda s: s.attach(s.aws_policy("IAMReadOnlyAccess")),
        Refused("LimitExceeded", "Cannot exceed quota for PoliciesPerRole"),
        QUOTAS,
        given=attach_ten,
    ),
    Row(
        "a policy that is not attached cannot be detached",
        lambda s: s.iam.detach_role_policy(RoleName=s.name(), PolicyArn=s.aws_policy("SecurityAudit")),
        Refused("NoSuchEntity", "was not found"),
        f"{REFERENCE}: DetachRolePolicy",
        given=a_role,
    ),
    Row(
        "a managed policy of AWS has a document",
        lambda s: s.iam.get_policy_version(
            PolicyArn=s.aws_policy("SecurityAudit"),
            VersionId=s.iam.get_policy(PolicyArn=s.aws_policy("SecurityAudit"))["Policy"]["DefaultVersionId"],
        ),
        Gives("2012-10-17", lambda _, answer: answer["PolicyVersion"]["Document"]["Version"]),
        "AWS managed policy reference: SecurityAudit",
    ),
    Row(
        "a managed policy name is taken in any case",
        lambda s: s.policy("POLICY"),
        Refused("EntityAlreadyExists"),
        f"{REFERENCE}: CreatePolicy",
        given=lambda s: s.policy(),
    ),
    Row(
        "a managed policy of 6145 characters is refused",
        lambda s: s.policy(document=sized_document(6145)),
        Refused("LimitExceeded", "Cannot exceed quota for PolicySize: 6144"),
        QUOTAS,
    ),
    Row(
        "an attached policy cannot be deleted",
        lambda s: s.iam.delete_policy(PolicyArn=own_arn(s)),
        Refused("DeleteConflict", "Cannot delete a policy attached to entities"),
        f"{REFERENCE}: DeletePolicy",
        given=lambda s: (s.role(), s.policy(), s.attach(own_arn(s))),
    ),
    Row(
        "a policy that is a boundary cannot be deleted",
        lambda s: s.iam.delete_policy(PolicyArn=own_arn(s)),
        Refused("DeleteConflict"),
        f"{REFERENCE}: DeletePolicy",
        given=lambda s: (s.policy(), s.role(PermissionsBoundary=own_arn(s))),
    ),
    Row(
        "a policy with several versions cannot be deleted",
        lambda s: s.iam.delete_policy(PolicyArn=own_arn(s)),
        Refused("DeleteConflict", "more than one version"),
        f"{REFERENCE}: DeletePolicy",
        given=with_five_versions,
    ),
    Row(
        "a sixth version is refused",
        lambda s: s.iam.create_policy_version(PolicyArn=own_arn(s), PolicyDocument=allowing()),
        Refused("LimitExceeded", "up to 5 versions"),
        QUOTAS,
        given=with_five_versions,
    ),
    Row(
        "a new version made the default is in force",
        lambda s: s.iam.create_policy_version(
            PolicyArn=own_arn(s), PolicyDocument=allowing("s3:ListBucket"), SetAsDefault=True
        ),
        Gives("v2", lambda s, _: s.iam.get_policy(PolicyArn=own_arn(s))["Policy"]["DefaultVersionId"]),
        f"{REFERENCE}: CreatePolicyVersion",
        given=lambda s: s.policy(),
    ),
    Row(
        "another version set as default is in force",
        lambda s: s.iam.set_default_policy_version(PolicyArn=own_arn(s), VersionId="v3"),
        Gives("v3", lambda s, _: s.iam.get_policy(PolicyArn=own_arn(s))["Policy"]["DefaultVersionId"]),
        f"{REFERENCE}: SetDefaultPolicyVersion",
        given=with_five_versions,
    ),
    Row(
        "a version that does not exist is not found",
        lambda s: s.iam.get_policy_version(PolicyArn=own_arn(s), VersionId="v9"),
        Refused("NoSuchEntity"),
        f"{REFERENCE}: GetPolicyVersion",
        given=lambda s: s.policy(),
    ),
    Row(
        "a policy that does not exist is not found",
        lambda s: s.iam.get_policy(PolicyArn=own_arn(s)),
        Refused("NoSuchEntity", "was not found"),
        f"{REFERENCE}: GetPolicy",
    ),
    Row(
        "a managed policy of AWS cannot be deleted",
        lambda s: s.iam.delete_policy(PolicyArn=s.aws_policy("SecurityAudit")),
        Refused("AccessDenied"),
        "IAM user guide: Managed policies and inline policies",
    ),
    Row(
        "the version in force cannot be deleted",
        lambda s: s.iam.delete_policy_version(PolicyArn=own_arn(s), VersionId="v1"),
        Refused("DeleteConflict", "default version"),
        f"{REFERENCE}: DeletePolicyVersion",
        given=with_five_versions,
    ),
)
