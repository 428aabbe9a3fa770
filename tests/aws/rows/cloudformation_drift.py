"""Drift: what of a stack's resources was changed by hand."""

from __future__ import annotations

from typing import Any

from tests.aws.cloudformation.stacks import detection, drifts, role_template, statuses, with_policy, with_role
from tests.aws.cloudformation.templates import inline, own_role, role, template
from tests.aws.conformance import Gives, Refused, Row, Subject
from tests.aws.identities import allowing

DRIFT = "CloudFormation user guide: Detect unmanaged configuration changes to stacks and resources with drift detection"
API = "CloudFormation API reference"


def counted(_subject: Subject, found: Any) -> tuple[str, int]:
    return found["StackDriftStatus"], found["DriftedStackResourceCount"]


def differences(subject: Subject, _found: Any) -> list[tuple[str, str, str, str]]:
    names = ("PropertyPath", "DifferenceType", "ExpectedValue", "ActualValue")
    return [tuple(found[name] for name in names) for found in drifts(subject)[0]["PropertyDifferences"]]


def trusting_a_connector(subject: Subject) -> str:
    """The template of a role that trusts another, made by hand."""
    return template({"Role": role(subject.arn(f"role/{subject.name('connector')}"), subject.name())})


def with_a_connector_made_anew(subject: Subject) -> Any:
    """The stack of that template, and the trusted role deleted and made again since."""
    subject.role("connector")
    subject.settle()
    subject.stack(trusting_a_connector(subject))
    subject.iam.delete_role(RoleName=subject.name("connector"))
    return subject.role("connector")


ROWS = (
    Row(
        "a stack that nobody has touched is in sync", detection, Gives(("IN_SYNC", 0), counted), DRIFT, given=with_role
    ),
    Row(
        "everything that a role can have is in sync at first",
        detection,
        Gives(("IN_SYNC", 0), counted),
        DRIFT,
        given=lambda s: s.stack(
            role_template(
                s,
                Description="said",
                MaxSessionDuration="7200",
                Path="/a/",
                PermissionsBoundary=s.aws_policy("PowerUserAccess"),
                ManagedPolicyArns=[s.aws_policy("SecurityAudit"), s.aws_policy("ReadOnlyAccess")],
                Policies=[inline("b"), inline("a")],
                Tags=[{"Key": "b", "Value": "c"}, {"Key": "a", "Value": "b"}],
            ),
            Tags=[{"Key": "team", "Value": "a"}],
        ),
    ),
    Row(
        "a property changed by hand is told with both values",
        detection,
        Gives([("/Description", "NOT_EQUAL", "said", "by hand")], differences),
        f"{API}: PropertyDifference",
        given=lambda s: (
            with_role(s, Description="said"),
            s.iam.update_role(RoleName=s.name(), Description="by hand"),
        ),
    ),
    Row(
        "a policy attached by hand is told as added",
        detection,
        Gives(lambda s: [("/ManagedPolicyArns/1", "ADD", "null", s.aws_policy("ReadOnlyAccess"))], differences),
        f"{API}: PropertyDifference",
        given=lambda s: (
            with_role(s, ManagedPolicyArns=[s.aws_policy("SecurityAudit")]),
            s.attach(s.aws_policy("ReadOnlyAccess")),
        ),
    ),
    Row(
        "a policy detached by hand is told as removed",
        detection,
        Gives(lambda s: [("/ManagedPolicyArns/0", "REMOVE", s.aws_policy("SecurityAudit"), "null")], differences),
        f"{API}: PropertyDifference",
        given=lambda s: (
            with_role(s, ManagedPolicyArns=[s.aws_policy("SecurityAudit")]),
            s.iam.detach_role_policy(RoleName=s.name(), PolicyArn=s.aws_policy("SecurityAudit")),
        ),
    ),
    Row(
        "what the template does not speak of is no drift",
        detection,
        Gives(("IN_SYNC", 0), counted),
        DRIFT,
        given=lambda s: (with_role(s), s.put(allowing(), policy="by-hand")),
    ),
    Row(
        "a role deleted by hand is told as deleted",
        detection,
        Gives({"Role": "DELETED"}, lambda s, _: statuses(s)),
        f"{API}: StackResourceDrift",
        given=lambda s: (with_role(s), s.iam.delete_role(RoleName=s.name())),
    ),
    Row(
        "drifts can be filtered by status",
        lambda s: (
            detection(s),
            s.cfn.describe_stack_resource_drifts(
                StackName=s.name("stack"), StackResourceDriftStatusFilters=["MODIFIED", "DELETED"]
            ),
        )[1],
        Gives([], lambda _, answer: answer["StackResourceDrifts"]),
        f"{API}: DescribeStackResourceDrifts",
        given=with_role,
    ),
    Row(
        "a type that does not support drift detection is not checked",
        detection,
        Gives({"Role": "IN_SYNC", "Policy": "NOT_CHECKED"}, lambda s, _: statuses(s)),
        "CloudFormation user guide: Resource type support for imports and drift detection",
        given=lambda s: s.stack(with_policy(s)),
    ),
    Row(
        "a stack remembers its drift",
        lambda s: (detection(s), s.rested())[1],
        Gives("IN_SYNC", lambda _, stack: stack["DriftInformation"]["StackDriftStatus"]),
        f"{API}: StackDriftInformation",
        given=with_role,
    ),
    Row(
        "the drift of a stack that failed cannot be detected",
        detection,
        Refused("ValidationError", "ROLLBACK_COMPLETE"),
        DRIFT,
        given=lambda s: s.stack(template({"Role": role("arn:aws:iam::999999999999:role/nobody")})),
    ),
    Row(
        "a detection that does not exist is refused",
        lambda s: s.cfn.describe_stack_drift_detection_status(StackDriftDetectionId="missing"),
        Refused("ValidationError"),
        f"{API}: DescribeStackDriftDetectionStatus",
    ),
    Row(
        "a trust in a role that was made anew has drifted to the old role's unique id",
        detection,
        Gives(["/AssumeRolePolicyDocument/Statement/0/Principal/AWS"], lambda s, f: [d[0] for d in differences(s, f)]),
        "IAM user guide: AWS JSON policy elements: Principal",
        given=lambda s: (
            s.role("connector"),
            s.settle(),
            s.stack(template({"Role": role(s.arn(f"role/{s.name('connector')}"))})),
            s.iam.delete_role(RoleName=s.name("connector")),
            s.role("connector"),
            s.settle(),
        ),
    ),
    Row(
        "a drift-aware change set trusts the new role again",
        lambda s: (
            s.change_set(trusting_a_connector(s), DeploymentMode="REVERT_DRIFT"),
            s.cfn.execute_change_set(ChangeSetName="changes", StackName=s.name("stack")),
            s.rested(),
        ),
        Gives(lambda s: {"AWS": s.arn(f"role/{s.name('connector')}")}, lambda s, _: s.shown_principal()),
        "CloudFormation user guide: Using drift-aware change sets",
        given=lambda s: (with_a_connector_made_anew(s), s.settle()),
    ),
    Row(
        "an ordinary update does not see that a trusted role was made anew",
        lambda s: s.update_stack(trusting_a_connector(s)),
        Refused("ValidationError", "No updates are to be performed."),
        "CloudFormation user guide: Troubleshooting CloudFormation",
        given=with_a_connector_made_anew,
    ),
    Row(
        "a resource that does not exist cannot be looked at",
        lambda s: s.cfn.detect_stack_drift(StackName=s.name("stack"), LogicalResourceIds=["Other"]),
        Refused("ValidationError"),
        f"{API}: DetectStackDrift",
        given=lambda s: s.stack(template({"Role": own_role()})),
    ),
)
