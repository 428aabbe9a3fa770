"""What a row of the conformance table is, and the account it is tried on.

A row says what AWS does with one call. The same rows run against the sandbox in the ordinary test run and, on
demand, against a real account (see `tests.aws.conformance_on_aws`): that is what holds the sandbox to it.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from tests.aws.identities import allowing, trusting

if TYPE_CHECKING:
    from mypy_boto3_iam import IAMClient
    from mypy_boto3_sts import STSClient


@dataclass
class Subject:
    """An account under test, and names in it that belong to one row alone.

    Attributes:
        iam: A client that does not validate parameters, so that the service has to.
        sts: Likewise.
        account_id: Twelve digits.
        partition: Such as `aws`.
        prefix: Begins every name the row uses.
        settle: Waits until what was made just now is known everywhere.
        profiles: Instance profiles the row has made.
        has_made_organization: Whether the account is in an organization that the row has made.
        client: Makes a client of another service, which does not validate parameters either, as the administrator or
            with other credentials, named as boto3 names them.
    """

    iam: IAMClient
    sts: STSClient
    account_id: str
    partition: str
    prefix: str
    settle: Callable[[], Any] = lambda: None
    profiles: list[str] = field(default_factory=list)
    has_made_organization: bool = False
    client: Callable[..., Any] = lambda service: service

    @cached_property
    def cfn(self) -> Any:
        return self.client("cloudformation")

    @cached_property
    def organizations(self) -> Any:
        return self.client("organizations")

    def name(self, suffix: str = "role") -> str:
        return f"{self.prefix}{suffix}"

    def padded(self, length: int) -> str:
        return self.prefix.ljust(length, "x")

    def arn(self, resource: str) -> str:
        """The ARN of something in the account's IAM, such as `role/x`."""
        return f"arn:{self.partition}:iam::{self.account_id}:{resource}"

    def aws_policy(self, name: str) -> str:
        return f"arn:{self.partition}:iam::aws:policy/{name}"

    @property
    def own_trust(self) -> str:
        """A trust policy for everybody in the account."""
        return trusting({"AWS": self.arn("root")})

    def role(self, suffix: str = "role", trust: str | None = None, **more: Any) -> Any:
        return self.iam.create_role(
            RoleName=self.name(suffix), AssumeRolePolicyDocument=trust or self.own_trust, **more
        )

    def trust_statement(self, suffix: str = "role") -> Any:
        """The first statement of a role's trust policy, as it reads now."""
        document: Any = self.iam.get_role(RoleName=self.name(suffix))["Role"]["AssumeRolePolicyDocument"]
        return document["Statement"][0]

    def shown_principal(self, suffix: str = "role") -> Any:
        """Whom the first statement of a role's trust policy names, as it reads now."""
        return self.trust_statement(suffix)["Principal"]

    def inline_statement(self, policy: str = "inline") -> Any:
        """The first statement of a role's inline policy, as it reads now."""
        document: Any = self.iam.get_role_policy(RoleName=self.name(), PolicyName=policy)["PolicyDocument"]
        return document["Statement"][0]

    def put(self, document: str, suffix: str = "role", policy: str = "inline") -> Any:
        return self.iam.put_role_policy(RoleName=self.name(suffix), PolicyName=policy, PolicyDocument=document)

    def attach(self, arn: str, suffix: str = "role") -> Any:
        return self.iam.attach_role_policy(RoleName=self.name(suffix), PolicyArn=arn)

    def policy(self, suffix: str = "policy", document: str | None = None, **more: Any) -> Any:
        return self.iam.create_policy(PolicyName=self.name(suffix), PolicyDocument=document or allowing(), **more)

    def provider(self, path: str = "", **more: Any) -> Any:
        return self.iam.create_open_id_connect_provider(Url=f"https://{self.provider_host}{path}", **more)

    @property
    def provider_host(self) -> str:
        return f"{self.prefix.rstrip('-')}.example.com"

    def profile_with_role(self) -> Any:
        name = self.name("profile")
        self.iam.create_instance_profile(InstanceProfileName=name)
        self.profiles.append(name)
        return self.iam.add_role_to_instance_profile(InstanceProfileName=name, RoleName=self.name())

    def assume(self, suffix: str = "role", **more: Any) -> Any:
        return self.sts.assume_role(
            RoleArn=self.arn(f"role/{self.name(suffix)}"), **({"RoleSessionName": "conformance"} | more)
        )

    def acting(self, service: str, suffix: str = "role", **more: Any) -> Any:
        """A client of a service as a session of one of the row's roles."""
        credentials = self.assume(suffix, **more)["Credentials"]
        return self.client(
            service,
            aws_access_key_id=credentials["AccessKeyId"],
            aws_secret_access_key=credentials["SecretAccessKey"],
            aws_session_token=credentials["SessionToken"],
        )

    def create_stack(self, template: str, **more: Any) -> Any:
        """Begin to make the row's stack."""
        given = {"StackName": self.name("stack"), "TemplateBody": template, "Capabilities": ["CAPABILITY_NAMED_IAM"]}
        return self.cfn.create_stack(**{**given, **more})

    def stack(self, template: str, **more: Any) -> Any:
        """Make the row's stack; returns it when it has come to rest."""
        return self.rested(self.create_stack(template, **more)["StackId"])

    def update_stack(self, template: str, **more: Any) -> Any:
        """Update the row's stack; returns it when it has come to rest."""
        given = {"StackName": self.name("stack"), "TemplateBody": template, "Capabilities": ["CAPABILITY_NAMED_IAM"]}
        return self.rested(self.cfn.update_stack(**{**given, **more})["StackId"])

    def delete_stack(self, **more: Any) -> Any:
        """Delete the row's stack; returns it when it has come to rest."""
        stack_id = self.cfn.describe_stacks(StackName=self.name("stack"))["Stacks"][0]["StackId"]
        self.cfn.delete_stack(**{"StackName": self.name("stack"), **more})
        return self.rested(stack_id)

    def rested(self, stack: str | None = None) -> Any:
        """A stack, by default the row's, as soon as nothing is being done to it."""
        for _ in range(200):
            found = self.cfn.describe_stacks(StackName=stack or self.name("stack"))["Stacks"][0]
            if not found["StackStatus"].endswith("_IN_PROGRESS") or found["StackStatus"] == "REVIEW_IN_PROGRESS":
                return found
            self.settle()
        raise AssertionError("the operation does not end")

    def change_set(self, template: str | None = None, **more: Any) -> Any:
        """Make a change set of the row's stack; returns it when it has come to rest."""
        given: dict[str, Any] = {"StackName": self.name("stack"), "ChangeSetName": "changes"}
        given |= {"Capabilities": ["CAPABILITY_NAMED_IAM"]} | ({"TemplateBody": template} if template else {})
        return self.prepared(self.cfn.create_change_set(**{**given, **more})["Id"])

    def prepared(self, change_set: str) -> Any:
        """A change set, by its ARN, as soon as it has been worked out."""
        for _ in range(200):
            found = self.cfn.describe_change_set(ChangeSetName=change_set, IncludePropertyValues=True)
            if found["Status"] not in {"CREATE_PENDING", "CREATE_IN_PROGRESS"}:
                return found
            self.settle()
        raise AssertionError("the change set is not worked out")

    def resource_events(self, logical_id: str) -> list[tuple[str, str]]:
        """What happened to a resource of the row's stack, the latest last: status and reason."""
        stack = self.cfn.list_stacks()["StackSummaries"]
        stack_id = next(found["StackId"] for found in stack if found["StackName"] == self.name("stack"))
        events = self.cfn.describe_stack_events(StackName=stack_id)["StackEvents"]
        found = [event for event in reversed(events) if event["LogicalResourceId"] == logical_id]
        return [(event["ResourceStatus"], event.get("ResourceStatusReason", "")) for event in found]


Act = Callable[[Subject], Any]


@dataclass(frozen=True)
class Refused:
    """The call is refused.

    Attributes:
        code: The error's code.
        message: A part of its message that the operator, or a person, relies on.
    """

    code: str
    message: str = ""

    def judge(self, subject: Subject, act: Act) -> str | None:
        """Carry the act out; what is wrong with the outcome, or None."""
        try:
            act(subject)
        except ClientError as error:
            details = error.response["Error"]
            if details["Code"] == self.code and self.message in details["Message"]:
                return None
            return f"expected {self}, got {details['Code']}: {details['Message']}"
        return f"expected {self}, but it was accepted"


@dataclass(frozen=True)
class Gives:
    """The call is accepted.

    Attributes:
        expected: What is read out of it; may depend on the subject.
        read: Reads from the answer, or anew from the account.
    """

    expected: Any = None
    read: Callable[[Subject, Any], Any] = lambda _subject, _answer: None

    def judge(self, subject: Subject, act: Act) -> str | None:
        """Carry the act out; what is wrong with the outcome, or None."""
        try:
            got = self.read(subject, act(subject))
        except ClientError as error:
            return f"refused: {error}"
        expected = self.expected(subject) if callable(self.expected) else self.expected
        return None if got == expected else f"expected {expected!r}, got {got!r}"


@dataclass(frozen=True)
class Row:
    """What AWS does with one call.

    Attributes:
        sentence: What the row claims.
        act: The call.
        outcome: What comes of it.
        source: Where AWS says so: a document or a service model, by name.
        given: What there has to be first; it has to succeed.
        confirmed: Whether a run against a real account has borne it out.
    """

    sentence: str
    act: Act
    outcome: Refused | Gives
    source: str
    given: Act = lambda _subject: None
    confirmed: bool = False

    def disagreement(self, subject: Subject) -> str | None:
        """Try the row; how the account disagrees with it, or None."""
        self.given(subject)
        return self.outcome.judge(subject, self.act)


def sized_document(characters: int) -> str:
    """A permission policy of so many characters that are not white space."""
    bare = len("".join(allowing(resource="arn:aws:s3:::").split()))
    return allowing(resource=f"arn:aws:s3:::{'x' * (characters - bare)}")


def sized_trust(subject: Subject, characters: int) -> str:
    """A trust policy of so many characters that are not white space."""

    def with_value(value: str) -> str:
        return trusting({"AWS": subject.arn("root")}, {"StringEquals": {"sts:ExternalId": value}})

    return with_value("x" * (characters - len("".join(with_value("").split()))))


def spaced_out(document: str) -> str:
    """The same document with plenty of white space."""
    return json.dumps(json.loads(document), indent=40)
