"""Who may do what: identity policies, boundaries, session policies and trusts taken together."""

from __future__ import annotations

from typing import Any

from tests.aws.conformance import Act, Gives, Refused, Row, Subject
from tests.aws.identities import allowing, document, trusting

LOGIC = "IAM user guide: Policy evaluation logic"
WORDS = "IAM user guide: Troubleshoot access denied error messages"
BOUNDARIES = "IAM user guide: Permissions boundaries for IAM entities"
SESSIONS = "IAM user guide: Policies and permissions in IAM: Session policies"
ARNS = "IAM user guide: IAM ARNs"
ASSUMING = "STS API reference: AssumeRole"
DENYING = {"Effect": "Deny", "Action": "iam:GetRole", "Resource": "*"}
EVERYTHING = {"Effect": "Allow", "Action": "*", "Resource": "*"}


def role_that_may(policy: str | None, boundary: str | None = None) -> Act:
    """The row's role, which may do what a policy says, within a boundary if there is one."""

    def make(subject: Subject) -> Any:
        more = {"PermissionsBoundary": subject.policy("boundary", boundary)["Policy"]["Arn"]} if boundary else {}
        subject.role(**more)
        if policy:
            subject.put(policy)
        return subject.settle()

    return make


def get_own(subject: Subject, **more: Any) -> Any:
    return subject.acting("iam", **more).get_role(RoleName=subject.name())


def not_allowed_by(kind: str, action: str = "iam:GetRole") -> Refused:
    return Refused("AccessDenied", f" because no {kind} allows the {action} action")


def role_with_attached(subject: Subject) -> Any:
    subject.role()
    subject.attach(subject.aws_policy("IAMReadOnlyAccess"))
    return subject.settle()


def role_with_versions(subject: Subject) -> Any:
    """A role with a policy whose version that allows is not the one in force."""
    arn = subject.policy(document=allowing("s3:GetObject"))["Policy"]["Arn"]
    subject.iam.create_policy_version(PolicyArn=arn, PolicyDocument=allowing("iam:*"))
    subject.role()
    subject.attach(arn)
    return subject.settle()


def target_below_path(resource: str) -> Act:
    """A role that may look at roles of one ARN, and a role to look at, which has a path."""

    def make(subject: Subject) -> Any:
        subject.role("target", Path="/a/")
        return role_that_may(allowing("iam:GetRole", subject.arn(f"role/{resource}")))(subject)

    return make


def target_that_trusts(principal: str, policy: str | None = None, boundary: str | None = None) -> Act:
    """A role, and another one of the account that trusts something of the account."""

    def make(subject: Subject) -> Any:
        role_that_may(policy, boundary)(subject)
        arn = principal.format(iam=subject.arn(""), role=subject.name(), account=subject.account_id)
        subject.role("target", trusting({"AWS": arn}))
        return subject.settle()

    return make


def target_for_a_service(subject: Subject) -> Any:
    subject.role("target", trusting({"Service": "ec2.amazonaws.com"}))
    return role_that_may(allowing("*"))(subject)


def become_target(subject: Subject) -> Any:
    arn = subject.arn(f"role/{subject.name('target')}")
    return subject.acting("sts").assume_role(RoleArn=arn, RoleSessionName="conformance")


ROOT, ITSELF = "{iam}root", "{iam}role/{role}"
ITS_SESSION = "arn:aws:sts::{account}:assumed-role/{role}/conformance"

ROWS = (
    Row(
        "a role without policies may do nothing",
        get_own,
        not_allowed_by("identity-based policy"),
        LOGIC,
        given=role_that_may(None),
    ),
    Row(
        "a denial names caller, action and role",
        get_own,
        Refused("AccessDenied", "/conformance is not authorized to perform: iam:GetRole on resource: role apono-"),
        WORDS,
        given=role_that_may(None),
    ),
    Row("what an inline policy allows is done", get_own, Gives(), LOGIC, given=role_that_may(allowing("iam:GetRole"))),
    Row("what an attached policy allows is done", get_own, Gives(), LOGIC, given=role_with_attached),
    Row(
        "a version of an attached policy that is not in force allows nothing",
        get_own,
        not_allowed_by("identity-based policy"),
        "IAM user guide: Versioning IAM policies",
        given=role_with_versions,
    ),
    Row(
        "an action is named in any case of letters",
        get_own,
        Gives(),
        "IAM user guide: IAM JSON policy elements: Action",
        given=role_that_may(allowing("IAM:getrole")),
    ),
    Row(
        "an explicit denial outweighs what is allowed",
        get_own,
        Refused("AccessDenied", " with an explicit deny in an identity-based policy"),
        LOGIC,
        given=role_that_may(document(EVERYTHING, DENYING)),
    ),
    Row(
        "a boundary limits what identity policies allow",
        get_own,
        not_allowed_by("permissions boundary"),
        BOUNDARIES,
        given=role_that_may(allowing("*"), allowing("s3:*")),
    ),
    Row(
        "a boundary gives nothing by itself",
        get_own,
        not_allowed_by("identity-based policy"),
        BOUNDARIES,
        given=role_that_may(None, allowing("*")),
    ),
    Row(
        "what identity policy and boundary allow is done",
        get_own,
        Gives(),
        BOUNDARIES,
        given=role_that_may(allowing("iam:Get*"), allowing("iam:*Role")),
    ),
    Row(
        "a denial in a boundary is told as its own",
        get_own,
        Refused("AccessDenied", " with an explicit deny in a permissions boundary"),
        WORDS,
        given=role_that_may(allowing("*"), document(EVERYTHING, DENYING)),
    ),
    Row(
        "a session policy limits what the role may do",
        lambda s: get_own(s, Policy=allowing("s3:*")),
        not_allowed_by("session policy"),
        SESSIONS,
        given=role_that_may(allowing("*")),
    ),
    Row(
        "a session policy gives nothing by itself",
        lambda s: get_own(s, Policy=allowing("*")),
        not_allowed_by("identity-based policy"),
        SESSIONS,
        given=role_that_may(None),
    ),
    Row(
        "a denial in a session policy is told as its own",
        lambda s: get_own(s, Policy=document(EVERYTHING, DENYING)),
        Refused("AccessDenied", " with an explicit deny in a session policy"),
        WORDS,
        given=role_that_may(allowing("*")),
    ),
    Row(
        "what role and session policy allow is done",
        lambda s: get_own(s, Policy=allowing("iam:*")),
        Gives(),
        SESSIONS,
        given=role_that_may(allowing("iam:GetRole")),
    ),
    Row(
        "a managed session policy limits as well",
        lambda s: get_own(s, PolicyArns=[{"arn": s.aws_policy("AmazonS3ReadOnlyAccess")}]),
        not_allowed_by("session policy"),
        SESSIONS,
        given=role_that_may(allowing("*")),
    ),
    Row(
        "one of several session policies is enough",
        lambda s: get_own(
            s, Policy=allowing("iam:GetRole"), PolicyArns=[{"arn": s.aws_policy("AmazonS3ReadOnlyAccess")}]
        ),
        Gives(),
        SESSIONS,
        given=role_that_may(allowing("*")),
    ),
    Row(
        "who it is may everybody ask, whatever policies say",
        lambda s: s.acting("sts").get_caller_identity(),
        Gives(),
        "STS API reference: GetCallerIdentity",
        given=role_that_may(document({"Effect": "Deny", "Action": "*", "Resource": "*"})),
    ),
    Row(
        "a role with a path is not reached by an ARN without it",
        lambda s: s.acting("iam").get_role(RoleName=s.name("target")),
        not_allowed_by("identity-based policy"),
        ARNS,
        given=target_below_path("apono-*"),
    ),
    Row(
        "a role with a path is reached by its ARN",
        lambda s: s.acting("iam").get_role(RoleName=s.name("target")),
        Gives(),
        ARNS,
        given=target_below_path("a/*"),
    ),
    Row(
        "roles are not listed by a right on roles",
        lambda s: s.acting("iam").list_roles(),
        not_allowed_by("identity-based policy", "iam:ListRoles"),
        "Service Authorization Reference: IAM: ListRoles",
        given=role_that_may(allowing("iam:ListRoles", "arn:aws:iam::*:role/apono-*")),
    ),
    Row(
        "a role that trusts its account is not assumed without a right to",
        become_target,
        not_allowed_by("identity-based policy", "sts:AssumeRole"),
        ASSUMING,
        given=target_that_trusts(ROOT),
    ),
    Row(
        "a role that trusts its account is assumed with a right to",
        become_target,
        Gives(),
        ASSUMING,
        given=target_that_trusts(ROOT, allowing("sts:AssumeRole")),
    ),
    Row(
        "a role that trusts another role of its account is assumed without a right to",
        become_target,
        Gives(),
        ASSUMING,
        given=target_that_trusts(ITSELF),
    ),
    Row(
        "a role that trusts a role is not assumed past its boundary",
        become_target,
        not_allowed_by("permissions boundary", "sts:AssumeRole"),
        BOUNDARIES,
        given=target_that_trusts(ITSELF, None, allowing("s3:*")),
    ),
    Row(
        "a role that trusts a session is assumed past its boundary",
        become_target,
        Gives(),
        BOUNDARIES,
        given=target_that_trusts(ITS_SESSION, None, allowing("s3:*")),
    ),
    Row(
        "no trust outweighs a denial",
        become_target,
        Refused("AccessDenied", " with an explicit deny in an identity-based policy"),
        LOGIC,
        given=target_that_trusts(ITS_SESSION, document({"Effect": "Deny", "Action": "sts:*", "Resource": "*"})),
    ),
    Row(
        "a right to assume is of no use where nobody trusts",
        become_target,
        Refused("AccessDenied", "is not authorized to perform: sts:AssumeRole on resource"),
        ASSUMING,
        given=target_for_a_service,
    ),
    Row(
        "an organization is not described without a right to",
        lambda s: s.acting("organizations").describe_organization(),
        Refused(
            "AccessDeniedException", "is not authorized to perform: organizations:DescribeOrganization on resource"
        ),
        "Organizations API reference: Common errors",
        given=role_that_may(None),
    ),
)
