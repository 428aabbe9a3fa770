"""Trust policies: their grammar, whom they may name, how they are kept."""

from __future__ import annotations

from typing import Any

from tests.aws.conformance import Gives, Refused, Row, Subject, sized_trust, spaced_out
from tests.aws.identities import document, trusting

GRAMMAR = "IAM user guide: Grammar of the IAM JSON policy language"
PRINCIPALS = "IAM user guide: AWS JSON policy elements: Principal"
QUOTAS = "IAM user guide: IAM and STS quotas"
UPDATING = "IAM API reference: UpdateAssumeRolePolicy"

ALLOW = {"Effect": "Allow", "Action": "sts:AssumeRole"}


def principal_of_role(subject: Subject, _answer: Any) -> Any:
    return subject.shown_principal()


def trusted_role(subject: Subject) -> Any:
    """A role that another one trusts by name."""
    made = subject.role("trusted")
    subject.settle()
    subject.role(trust=trusting({"AWS": subject.arn(f"role/{subject.name('trusted')}")}))
    return made


def replaced(subject: Subject) -> Any:
    """Delete the trusted role and make it anew."""
    subject.iam.delete_role(RoleName=subject.name("trusted"))
    subject.role("trusted")
    subject.settle()


def refused_trust(sentence: str, trust: str, message: str = "", source: str = GRAMMAR) -> Row:
    return Row(sentence, lambda s: s.role(trust=trust), Refused("MalformedPolicyDocument", message), source)


def accepted_trust(sentence: str, trust: str, source: str = GRAMMAR) -> Row:
    return Row(sentence, lambda s: s.role(trust=trust), Gives(), source)


ROWS = (
    refused_trust("a trust policy that is not JSON is refused", "{not json", "invalid Json"),
    refused_trust("a trust policy that is a list is refused", "[]"),
    refused_trust("a trust policy without statements is refused", '{"Version":"2012-10-17"}'),
    refused_trust(
        "a trust policy of an unknown version is refused",
        '{"Version":"2012-10-18","Statement":[]}',
    ),
    refused_trust(
        "a trust policy with an unknown element is refused",
        document({**ALLOW, "Principal": "*", "Principle": "*"}),
    ),
    refused_trust("a trust policy without a principal is refused", document(ALLOW), "Missing required field Principal"),
    refused_trust(
        "a trust policy with a resource is refused",
        document({**ALLOW, "Principal": "*", "Resource": "*"}),
        "Has prohibited field Resource",
    ),
    refused_trust("a trust policy without an action is refused", document({"Effect": "Allow", "Principal": "*"})),
    refused_trust(
        "a trust policy for an action of another service is refused",
        trusting("*", action="s3:GetObject"),
        "AssumeRole policy may only specify STS AssumeRole actions",
    ),
    refused_trust(
        "a trust policy with an effect in lower case is refused",
        document({**ALLOW, "Principal": "*", "Effect": "allow"}),
    ),
    refused_trust(
        "a trust policy with an unknown condition operator is refused",
        trusting("*", {"StringEqual": {"sts:ExternalId": "x"}}),
    ),
    accepted_trust("a trust policy may name a service", trusting({"Service": "pods.eks.amazonaws.com"}), PRINCIPALS),
    accepted_trust(
        "a trust policy may allow to tag the session",
        document(
            {
                **ALLOW,
                "Principal": {"Service": "pods.eks.amazonaws.com"},
                "Action": ["sts:AssumeRole", "sts:TagSession"],
            }
        ),
        PRINCIPALS,
    ),
    accepted_trust(
        "a trust policy may leave the version out",
        '{"Statement":[{"Effect":"Allow","Principal":{"Service":"ec2.amazonaws.com"},"Action":"sts:AssumeRole"}]}',
        "IAM user guide: IAM JSON policy elements: Version",
    ),
    accepted_trust(
        "a trust policy may have a single statement that is not in a list",
        '{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"Service":"ec2.amazonaws.com"},'
        '"Action":"sts:AssumeRole"}}',
    ),
    refused_trust(
        "a service that is no host name is refused",
        trusting({"Service": "pods eks"}),
        "Invalid principal in policy",
        PRINCIPALS,
    ),
    refused_trust(
        "an unknown kind of principal is refused",
        trusting({"Robot": "x"}),
        "Invalid principal in policy",
        PRINCIPALS,
    ),
    refused_trust(
        "a principal that is no ARN is refused",
        trusting({"AWS": "somebody"}),
        'Invalid principal in policy: "AWS":"somebody"',
        PRINCIPALS,
    ),
    refused_trust(
        "a principal that is text other than * is refused",
        trusting("arn:aws:iam::123456789012:root"),
        "Invalid principal in policy",
        PRINCIPALS,
    ),
    Row(
        "everybody may be trusted",
        lambda s: s.role(trust=trusting({"AWS": "*"})),
        Gives({"AWS": "*"}, principal_of_role),
        PRINCIPALS,
    ),
    refused_trust(
        "a principal that names nobody is refused",
        trusting({"AWS": []}),
        "Invalid principal in policy",
        PRINCIPALS,
    ),
    Row(
        "a role that does not exist cannot be trusted",
        lambda s: s.role(trust=trusting({"AWS": s.arn(f"role/{s.name('missing')}")})),
        Refused("MalformedPolicyDocument", 'Invalid principal in policy: "AWS":"arn:'),
        PRINCIPALS,
    ),
    Row(
        "a user that does not exist cannot be trusted",
        lambda s: s.role(trust=trusting({"AWS": s.arn(f"user/{s.name('missing')}")})),
        Refused("MalformedPolicyDocument", "Invalid principal in policy"),
        PRINCIPALS,
    ),
    Row(
        "an account that does not exist cannot be trusted",
        lambda s: s.role(trust=trusting({"AWS": f"arn:{s.partition}:iam::000000000001:root"})),
        Refused("MalformedPolicyDocument", "Invalid principal in policy"),
        PRINCIPALS,
    ),
    Row(
        "a role cannot be trusted with a wildcard in its name",
        lambda s: s.role(trust=trusting({"AWS": s.arn("role/*")})),
        Refused("MalformedPolicyDocument", "Invalid principal in policy"),
        PRINCIPALS,
    ),
    Row(
        "a role with a path cannot be trusted without it",
        lambda s: s.role(trust=trusting({"AWS": s.arn(f"role/{s.name('trusted')}")})),
        Refused("MalformedPolicyDocument", "Invalid principal in policy"),
        PRINCIPALS,
        given=lambda s: (s.role("trusted", Path="/a/"), s.settle()),
    ),
    Row(
        "an identity provider that does not exist may be trusted",
        lambda s: s.role(
            trust=trusting(
                {"Federated": s.arn(f"oidc-provider/{s.provider_host}")},
                None,
                "sts:AssumeRoleWithWebIdentity",
            )
        ),
        Gives(lambda s: {"Federated": s.arn(f"oidc-provider/{s.provider_host}")}, principal_of_role),
        PRINCIPALS,
    ),
    Row(
        "an account given by its number is shown as its root",
        lambda s: s.role(trust=trusting({"AWS": s.account_id})),
        Gives(lambda s: {"AWS": s.arn("root")}, principal_of_role),
        PRINCIPALS,
    ),
    Row(
        "a list of one principal is shown as the principal alone",
        lambda s: s.role(trust=trusting({"AWS": [s.arn("root")]})),
        Gives(lambda s: {"AWS": s.arn("root")}, principal_of_role),
        "none: seen in the field",
    ),
    Row(
        "a trusted role is shown by its ARN",
        lambda _: None,
        Gives(lambda s: {"AWS": s.arn(f"role/{s.name('trusted')}")}, principal_of_role),
        PRINCIPALS,
        given=trusted_role,
    ),
    Row(
        "a trusted role that is deleted is shown by its unique id",
        lambda s: s.iam.delete_role(RoleName=s.name("trusted")),
        Gives("AROA", lambda s, _: s.shown_principal()["AWS"][:4]),
        PRINCIPALS,
        given=lambda s: (trusted_role(s), s.settle()),
    ),
    Row(
        "a trusted role made anew under the same name is not the one that is trusted",
        replaced,
        Gives("AROA", lambda s, _: s.shown_principal()["AWS"][:4]),
        PRINCIPALS,
        given=trusted_role,
    ),
    Row(
        "saving the trust again heals it after the trusted role was made anew",
        lambda s: s.iam.update_assume_role_policy(
            RoleName=s.name(), PolicyDocument=trusting({"AWS": s.arn(f"role/{s.name('trusted')}")})
        ),
        Gives(lambda s: {"AWS": s.arn(f"role/{s.name('trusted')}")}, principal_of_role),
        PRINCIPALS,
        given=lambda s: (trusted_role(s), replaced(s)),
    ),
    Row(
        "the unique id of a deleted role cannot be saved again",
        lambda s: s.iam.update_assume_role_policy(RoleName=s.name(), PolicyDocument=trusting(s.shown_principal())),
        Refused("MalformedPolicyDocument", "Invalid principal in policy"),
        PRINCIPALS,
        given=lambda s: (trusted_role(s), replaced(s)),
    ),
    Row(
        "an ARN in a condition is not turned into a unique id",
        replaced,
        Gives(
            lambda s: {"aws:PrincipalArn": s.arn(f"role/{s.name('trusted')}")},
            lambda s, _: s.trust_statement()["Condition"]["ArnEquals"],
        ),
        PRINCIPALS,
        given=lambda s: (
            s.role("trusted"),
            s.role(
                trust=trusting(
                    {"AWS": s.arn("root")},
                    {"ArnEquals": {"aws:PrincipalArn": s.arn(f"role/{s.name('trusted')}")}},
                )
            ),
        ),
    ),
    Row(
        "a trust policy of 2048 characters is accepted",
        lambda s: s.role(trust=sized_trust(s, 2048)),
        Gives(),
        QUOTAS,
    ),
    Row(
        "a trust policy of 2049 characters is refused",
        lambda s: s.role(trust=sized_trust(s, 2049)),
        Refused("LimitExceeded", "Cannot exceed quota for ACLSizePerRole: 2048"),
        QUOTAS,
    ),
    Row(
        "white space does not count towards the size of a trust policy",
        lambda s: s.role(trust=spaced_out(sized_trust(s, 2048))),
        Gives(),
        QUOTAS,
    ),
    Row(
        "a trust policy that is refused leaves the one before",
        lambda s: s.iam.get_role(RoleName=s.name()),
        Gives(lambda s: {"AWS": s.arn("root")}, principal_of_role),
        UPDATING,
        given=lambda s: (
            s.role(),
            Refused("MalformedPolicyDocument").judge(
                s, lambda t: t.iam.update_assume_role_policy(RoleName=t.name(), PolicyDocument="{}")
            ),
        ),
    ),
    Row(
        "the trust of a role that does not exist cannot be changed",
        lambda s: s.iam.update_assume_role_policy(RoleName=s.name("missing"), PolicyDocument=s.own_trust),
        Refused("NoSuchEntity"),
        UPDATING,
    ),
)
