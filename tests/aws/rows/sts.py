"""STS: who may assume a role, and for how long."""

from __future__ import annotations

from typing import Any

from tests.aws.conformance import Gives, Refused, Row, Subject, sized_document
from tests.aws.identities import allowing, trusting

MODEL = "STS service model"
REFERENCE = "STS API reference: AssumeRole"
EXTERNAL_ID = "IAM user guide: Access to AWS accounts owned by third parties"
PRINCIPALS = "IAM user guide: AWS JSON policy elements: Principal"


def own_role(subject: Subject) -> Any:
    subject.role()
    return subject.settle()


def role_with_external_id(subject: Subject) -> Any:
    trust = trusting({"AWS": subject.arn("root")}, {"StringEquals": {"sts:ExternalId": "right"}})
    subject.role(trust=trust)
    return subject.settle()


def role_for(condition: dict[str, Any]) -> Any:
    def make(subject: Subject) -> Any:
        subject.role(trust=trusting({"AWS": subject.arn("root")}, condition))
        return subject.settle()

    return make


ROWS = (
    Row(
        "a role that trusts the account is assumed",
        lambda s: s.assume(),
        Gives(
            lambda s: f"arn:{s.partition}:sts::{s.account_id}:assumed-role/{s.name()}/conformance",
            lambda _, answer: answer["AssumedRoleUser"]["Arn"],
        ),
        REFERENCE,
        given=own_role,
    ),
    Row(
        "the ARN of a session leaves the path of its role out",
        lambda s: s.sts.assume_role(RoleArn=s.arn(f"role/a/{s.name()}"), RoleSessionName="conformance"),
        Gives(
            lambda s: f"arn:{s.partition}:sts::{s.account_id}:assumed-role/{s.name()}/conformance",
            lambda _, answer: answer["AssumedRoleUser"]["Arn"],
        ),
        "IAM user guide: IAM identifiers",
        given=lambda s: (s.role(Path="/a/"), s.settle()),
    ),
    Row(
        "a role with a path is not assumed without it",
        lambda s: s.assume(),
        Refused("AccessDenied", "is not authorized to perform: sts:AssumeRole on resource"),
        "IAM user guide: IAM identifiers",
        given=lambda s: (s.role(Path="/a/"), s.settle()),
    ),
    Row(
        "a role that does not exist is not told from one that does not trust",
        lambda s: s.assume("missing"),
        Refused("AccessDenied", "is not authorized to perform: sts:AssumeRole on resource"),
        REFERENCE,
    ),
    Row(
        "a role that trusts a service alone is not assumed",
        lambda s: s.assume(),
        Refused("AccessDenied"),
        PRINCIPALS,
        given=lambda s: (s.role(trust=trusting({"Service": "ec2.amazonaws.com"})), s.settle()),
    ),
    Row(
        "the right external id lets in",
        lambda s: s.assume(ExternalId="right"),
        Gives(),
        EXTERNAL_ID,
        role_with_external_id,
    ),
    Row(
        "a wrong external id does not let in",
        lambda s: s.assume(ExternalId="wrong"),
        Refused("AccessDenied"),
        EXTERNAL_ID,
        given=role_with_external_id,
    ),
    Row(
        "no external id does not let in where one is wanted",
        lambda s: s.assume(),
        Refused("AccessDenied"),
        EXTERNAL_ID,
        given=role_with_external_id,
    ),
    Row(
        "an external id that nobody asks for does not matter",
        lambda s: s.assume(ExternalId="any"),
        Gives(),
        EXTERNAL_ID,
        given=own_role,
    ),
    Row(
        "a condition on another principal keeps out",
        lambda s: s.assume(),
        Refused("AccessDenied"),
        "IAM user guide: AWS global condition context keys: aws:PrincipalArn",
        given=role_for({"ArnEquals": {"aws:PrincipalArn": "arn:aws:iam::*:role/nobody"}}),
    ),
    Row(
        "a condition on any principal of the account lets in",
        lambda s: s.assume(),
        Gives(),
        "IAM user guide: AWS global condition context keys: aws:PrincipalArn",
        given=role_for({"ArnLike": {"aws:PrincipalArn": "arn:*:iam::*:*"}}),
    ),
    Row(
        "an organization that the caller is not in keeps out",
        lambda s: s.assume(),
        Refused("AccessDenied"),
        "IAM user guide: AWS global condition context keys: aws:PrincipalOrgID",
        given=role_for({"StringEquals": {"aws:PrincipalOrgID": "o-0000000000"}}),
    ),
    Row(
        "a session shorter than 15 minutes is refused",
        lambda s: s.assume(DurationSeconds=899),
        Refused("ValidationError", "durationSeconds"),
        f"{MODEL}: roleDurationSecondsType",
        given=own_role,
    ),
    Row(
        "a session name of one character is refused",
        lambda s: s.assume(RoleSessionName="x"),
        Refused("ValidationError", "roleSessionName"),
        f"{MODEL}: roleSessionNameType",
        given=own_role,
    ),
    Row(
        "a session name with a space is refused",
        lambda s: s.assume(RoleSessionName="two words"),
        Refused("ValidationError", "roleSessionName"),
        f"{MODEL}: roleSessionNameType",
        given=own_role,
    ),
    Row(
        "text that is no role ARN is refused",
        lambda s: s.sts.assume_role(RoleArn="arn:aws:iam::nonsense", RoleSessionName="conformance"),
        Refused("ValidationError", "is invalid"),
        REFERENCE,
    ),
    Row(
        "a session policy is accepted and its size told",
        lambda s: s.assume(Policy=allowing()),
        Gives(expected=True, read=lambda _, answer: answer["PackedPolicySize"] > 0),
        REFERENCE,
        given=own_role,
    ),
    Row(
        "a session policy of more than 2048 characters is refused",
        lambda s: s.assume(Policy=sized_document(2100)),
        Refused("ValidationError", "less than or equal to 2048"),
        REFERENCE,
        given=own_role,
    ),
    Row(
        "eleven managed session policies are refused",
        lambda s: s.assume(PolicyArns=[{"arn": s.aws_policy(f"Policy{n}")} for n in range(11)]),
        Refused("ValidationError"),
        REFERENCE,
        given=own_role,
    ),
    Row(
        "a session policy that breaks the grammar is refused",
        lambda s: s.assume(Policy="{}"),
        Refused("MalformedPolicyDocument"),
        REFERENCE,
        given=own_role,
    ),
)
