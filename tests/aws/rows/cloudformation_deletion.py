"""Stacks deleted."""

from __future__ import annotations

from tests.aws.cloudformation.stacks import reason_of, role_names, status, stuck_deletion, with_role
from tests.aws.cloudformation.templates import HANDLE, inline, own_role, template
from tests.aws.conformance import Gives, Refused, Row

GUIDE = "CloudFormation user guide"
API = "CloudFormation API reference"
TROUBLE = f"{GUIDE}: Troubleshooting CloudFormation"

DELETING = (
    Row(
        "a stack is deleted with its resources",
        lambda s: s.delete_stack(),
        Gives(("DELETE_COMPLETE", []), lambda s, stack: (stack["StackStatus"], role_names(s))),
        f"{API}: DeleteStack",
        given=lambda s: with_role(s, ManagedPolicyArns=[s.aws_policy("ReadOnlyAccess")], Policies=[inline()]),
    ),
    Row(
        "deleting a stack that does not exist is no error",
        lambda s: s.cfn.delete_stack(StackName=s.name("missing")),
        Gives(),
        f"{API}: DeleteStack",
    ),
    Row(
        "a resource that is gone already does not hold up a deletion",
        lambda s: s.delete_stack(),
        Gives("DELETE_COMPLETE", status),
        f"{API}: DeleteStack",
        given=lambda s: (with_role(s), s.iam.delete_role(RoleName=s.name())),
    ),
    Row(
        "a policy attached by hand makes a deletion fail, which names the resource",
        stuck_deletion,
        Gives(
            ("DELETE_FAILED", "The following resource(s) failed to delete: [Role]. "),
            lambda _, stack: (stack["StackStatus"], stack["StackStatusReason"]),
        ),
        TROUBLE,
    ),
    Row(
        "the event of a resource that cannot be deleted holds the service's words",
        stuck_deletion,
        Gives(
            expected=True,
            read=lambda s, a: (
                "Cannot delete entity, must detach all policies first. (Service: Iam, Status Code: 409"
                in reason_of("Role", "DELETE_FAILED")(s, a)
            ),
        ),
        TROUBLE,
    ),
    Row(
        "a deletion that failed can be repeated",
        lambda s: s.delete_stack(),
        Gives("DELETE_COMPLETE", status),
        TROUBLE,
        given=lambda s: (
            stuck_deletion(s),
            s.iam.detach_role_policy(RoleName=s.name(), PolicyArn=s.aws_policy("ReadOnlyAccess")),
        ),
    ),
    Row(
        "a deletion that failed can leave the resource behind",
        lambda s: s.delete_stack(RetainResources=["Role"]),
        Gives(lambda s: ("DELETE_COMPLETE", [s.name()]), lambda s, stack: (stack["StackStatus"], role_names(s))),
        f"{API}: DeleteStack",
        given=stuck_deletion,
    ),
    Row(
        "a deletion that failed can be forced",
        lambda s: s.delete_stack(DeletionMode="FORCE_DELETE_STACK"),
        Gives(
            lambda s: ("DELETE_COMPLETE", "FORCE_DELETE_STACK", [s.name()]),
            lambda s, stack: (stack["StackStatus"], stack["DeletionMode"], role_names(s)),
        ),
        f"{API}: DeleteStack",
        given=stuck_deletion,
    ),
    Row(
        "resources cannot be left behind unless a deletion has failed",
        lambda s: s.cfn.delete_stack(StackName=s.name("stack"), RetainResources=["Role"]),
        Refused("ValidationError"),
        f"{API}: DeleteStack",
        given=with_role,
    ),
    Row(
        "resources that do not exist cannot be left behind",
        lambda s: s.cfn.delete_stack(StackName=s.name("stack"), RetainResources=["Other"]),
        Refused("ValidationError", "The specified resources to retain must be in a valid state."),
        f"{API}: DeleteStack",
        given=stuck_deletion,
    ),
    Row(
        "a resource that is to be retained outlives its stack",
        lambda s: s.delete_stack(),
        Gives(
            lambda s: ([s.name()], "DELETE_SKIPPED"),
            lambda s, _: (role_names(s), s.resource_events("Role")[-1][0]),
        ),
        f"{GUIDE}: DeletionPolicy attribute",
        given=lambda s: s.stack(template({"Role": {**own_role(s.name()), "DeletionPolicy": "Retain"}})),
    ),
    Row(
        "resources are deleted before those they need",
        lambda s: s.delete_stack(),
        Gives(
            ["B", "A"],
            lambda s, stack: [
                event["LogicalResourceId"]
                for event in reversed(s.cfn.describe_stack_events(StackName=stack["StackId"])["StackEvents"])
                if event["ResourceStatus"] == "DELETE_COMPLETE" and len(event["LogicalResourceId"]) == 1
            ],
        ),
        f"{GUIDE}: DependsOn attribute",
        given=lambda s: s.stack(template({"A": HANDLE, "B": {**HANDLE, "DependsOn": "A"}})),
    ),
    Row(
        "a protected stack cannot be deleted",
        lambda s: s.delete_stack(),
        Refused("ValidationError", "cannot be deleted while TerminationProtection is enabled"),
        f"{GUIDE}: Protect CloudFormation stacks from being deleted",
        given=lambda s: s.stack(template(), EnableTerminationProtection=True),
    ),
    Row(
        "protection can be taken away",
        lambda s: (
            s.cfn.update_termination_protection(StackName=s.name("stack"), EnableTerminationProtection=False),
            s.delete_stack(),
        )[1],
        Gives("DELETE_COMPLETE", status),
        f"{API}: UpdateTerminationProtection",
        given=lambda s: s.stack(template(), EnableTerminationProtection=True),
    ),
    Row(
        "the name of a deleted stack is free",
        lambda s: s.stack(template()),
        Gives("CREATE_COMPLETE", status),
        f"{API}: DeleteStack",
        given=lambda s: (s.stack(template()), s.delete_stack()),
    ),
)

ROWS = (*DELETING,)
