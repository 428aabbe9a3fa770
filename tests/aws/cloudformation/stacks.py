"""Stacks in the states that rows begin with, and what can be read from them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.aws.cloudformation.templates import failing_role, inline, own_role, template
from tests.aws.identities import allowing, trusting

if TYPE_CHECKING:
    from tests.aws.conformance import Subject


def status(_subject: Subject, stack: Any) -> Any:
    return stack["StackStatus"]


def role_template(subject: Subject, **properties: Any) -> str:
    return template({"Role": own_role(subject.name(), **properties)}, Outputs={"Arn": {"Value": arn_of("Role")}})


def arn_of(logical_id: str) -> dict[str, list[str]]:
    return {"Fn::GetAtt": [logical_id, "Arn"]}


def with_role(subject: Subject, **properties: Any) -> Any:
    return subject.stack(role_template(subject, **properties))


def failed(subject: Subject, **more: Any) -> Any:
    """A stack that has a good role and one that cannot be made."""
    bad = {**failing_role(), "DependsOn": "Role"}
    return subject.stack(template({"Role": own_role(subject.name()), "Bad": bad}), **more)


def failed_update(subject: Subject, **more: Any) -> Any:
    """A stack with a role whose update has failed at another one."""
    with_role(subject)
    changed = own_role(subject.name(), Description="changed")
    return subject.update_stack(template({"Role": changed, "Bad": {**failing_role(), "DependsOn": "Role"}}), **more)


def stuck_rollback(subject: Subject) -> Any:
    """A stack whose role was deleted by hand, so that neither an update nor its rollback succeeds."""
    with_role(subject)
    subject.iam.delete_role(RoleName=subject.name())
    return subject.update_stack(role_template(subject, Description="changed"))


def stuck_deletion(subject: Subject) -> Any:
    """A stack whose role has a policy attached by hand."""
    with_role(subject)
    subject.attach(subject.aws_policy("ReadOnlyAccess"))
    return subject.delete_stack()


def description(subject: Subject, _answer: Any = None) -> Any:
    return subject.iam.get_role(RoleName=subject.name())["Role"].get("Description") or None


def role_names(subject: Subject, _answer: Any = None) -> list[str]:
    names = (found["RoleName"] for found in subject.iam.list_roles()["Roles"])
    return sorted(name for name in names if name.startswith(subject.prefix))


def reason_of(logical_id: str, wanted: str) -> Any:
    """Reads the reason of the first event of a status."""

    def read(subject: Subject, _answer: Any) -> str:
        return next(reason for found, reason in subject.resource_events(logical_id) if found == wanted)

    return read


def service_role(subject: Subject, service: str = "cloudformation.amazonaws.com") -> str:
    arn: str = subject.role("service", trusting({"Service": service}))["Role"]["Arn"]
    subject.put(allowing("iam:*"), "service")
    subject.settle()
    return arn


def id_in(subject: Subject, answer: Any) -> bool:
    return bool(subject.rested()["StackId"] == answer["StackId"])


def own_tags(subject: Subject) -> dict[str, str]:
    tags = subject.iam.get_role(RoleName=subject.name())["Role"].get("Tags", [])
    return {tag["Key"]: tag["Value"] for tag in tags if not tag["Key"].startswith("aws:")}


def seen_role(subject: Subject) -> tuple[Any, ...]:
    role = subject.iam.get_role(RoleName=subject.name())["Role"]
    boundary = role["PermissionsBoundary"]["PermissionsBoundaryArn"]
    described = (role["Description"], role["MaxSessionDuration"], role["Path"], boundary)
    return (*described, own_tags(subject), attached_names(subject), inline_names(subject))


def attached_names(subject: Subject) -> list[str]:
    found = subject.iam.list_attached_role_policies(RoleName=subject.name())["AttachedPolicies"]
    return [policy["PolicyName"] for policy in found]


def inline_names(subject: Subject) -> list[str]:
    return subject.iam.list_role_policies(RoleName=subject.name())["PolicyNames"]


def physical_id(subject: Subject, logical_id: str) -> str:
    found = subject.cfn.list_stack_resources(StackName=subject.name("stack"))["StackResourceSummaries"]
    return next(str(r["PhysicalResourceId"]) for r in found if r["LogicalResourceId"] == logical_id)


def events(subject: Subject) -> Any:
    return subject.cfn.describe_stack_events(StackName=subject.name("stack"))["StackEvents"]


def stack_statuses(subject: Subject) -> list[str]:
    """The stack's own statuses, the latest last."""
    mine = [event for event in events(subject) if event["LogicalResourceId"] == subject.name("stack")]
    return [event["ResourceStatus"] for event in reversed(mine)]


def shown_event(subject: Subject, event: Any) -> tuple[str, str, str]:
    name = event["LogicalResourceId"].replace(subject.name("stack"), "stack")
    return name, event["ResourceStatus"], event.get("ResourceStatusReason", "")


def shown_resource(found: Any) -> tuple[str, ...]:
    return tuple(
        found[f"{name}"] for name in ("LogicalResourceId", "PhysicalResourceId", "ResourceType", "ResourceStatus")
    )


def failures(subject: Subject, stack: Any) -> Any:
    wanted = {"StackName": stack["StackId"], "Filters": {"FailedEvents": True}}
    return subject.cfn.describe_events(**wanted)["OperationEvents"]


def shown_validation(event: Any) -> tuple[str, ...]:
    names = ("LogicalResourceId", "ValidationName", "ValidationFailureMode", "ValidationStatusReason")
    return tuple(event[name] for name in names)


def validated_path(event: Any) -> tuple[str, str]:
    return event["ValidationName"], event["ValidationPath"]


def already_exists(subject: Subject) -> str:
    return f"Resource of type 'AWS::IAM::Role' with identifier '{subject.name()}' already exists."


def waiting(timeout: str) -> dict[str, Any]:
    return {"Type": "AWS::CloudFormation::WaitCondition", "Properties": {"Count": 0, "Timeout": timeout}}


def continued(subject: Subject, **more: Any) -> Any:
    subject.cfn.continue_update_rollback(StackName=subject.name("stack"), **more)
    return subject.rested()


def with_policy(subject: Subject, name: str = "apart", action: str = "s3:GetObject", roles: Any = None) -> str:
    """A template with a role, and an inline policy of its own for it."""
    of = [{"Ref": "Role"}] if roles is None else roles
    policy = {"Type": "AWS::IAM::Policy", "Properties": {**inline(name, action), "Roles": of}}
    return template({"Role": own_role(subject.name()), "Policy": policy})


def with_managed(
    subject: Subject, name: str | None = None, action: str = "s3:GetObject", roles: Any = None, **more: Any
) -> str:
    """A template with a role, and a managed policy that is attached to it."""
    properties = {
        "ManagedPolicyName": name or subject.name("managed"),
        "PolicyDocument": inline(action=action)["PolicyDocument"],
        "Roles": [{"Ref": "Role"}] if roles is None else roles,
        **more,
    }
    managed = {"Type": "AWS::IAM::ManagedPolicy", "Properties": properties}
    return template({"Role": own_role(subject.name()), "Managed": managed})


def managed_arn(subject: Subject) -> str:
    return subject.arn(f"policy/{subject.name('managed')}")


def detection(subject: Subject) -> Any:
    """Detect the drift of the row's stack; what was found of it in the end."""
    begun = subject.cfn.detect_stack_drift(StackName=subject.name("stack"))["StackDriftDetectionId"]
    for _ in range(200):
        found = subject.cfn.describe_stack_drift_detection_status(StackDriftDetectionId=begun)
        if found["DetectionStatus"] != "DETECTION_IN_PROGRESS":
            return found
        subject.settle()
    raise AssertionError("the detection does not end")


def verdict(subject: Subject) -> str:
    """Whether the row's stack has drifted."""
    return str(detection(subject)["StackDriftStatus"])


def drifts(subject: Subject) -> Any:
    return subject.cfn.describe_stack_resource_drifts(StackName=subject.name("stack"))["StackResourceDrifts"]


def statuses(subject: Subject) -> dict[str, str]:
    """What was found of each resource."""
    return {drift["LogicalResourceId"]: drift["StackResourceDriftStatus"] for drift in drifts(subject)}


def state(_subject: Subject, change_set: Any) -> tuple[str, str]:
    return change_set["Status"], change_set["ExecutionStatus"]


def changes(_subject: Subject, change_set: Any) -> list[tuple[Any, ...]]:
    found = [change["ResourceChange"] for change in change_set["Changes"]]
    return [(change["Action"], change["LogicalResourceId"], change.get("Replacement")) for change in found]


def gone(subject: Subject) -> Any:
    """Execute the change set; the stack, which is deleted thereafter."""
    stack_id = subject.rested()["StackId"]
    subject.cfn.execute_change_set(ChangeSetName="changes", StackName=subject.name("stack"))
    return subject.rested(stack_id)


def missing(subject: Subject) -> dict[str, str]:
    return {"ChangeSetName": "missing", "StackName": subject.name("stack")}


def new_stack(subject: Subject, **more: Any) -> Any:
    return subject.change_set(role_template(subject), ChangeSetType="CREATE", **more)


def change_set_names(subject: Subject) -> list[str]:
    found = subject.cfn.list_change_sets(StackName=subject.name("stack"))["Summaries"]
    return [summary["ChangeSetName"] for summary in found]
