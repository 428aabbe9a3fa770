"""Change sets: what they say would change."""

from __future__ import annotations

from typing import Any

from tests.aws.cloudformation.stacks import (
    change_set_names,
    changes,
    gone,
    missing,
    new_stack,
    role_names,
    role_template,
    state,
    status,
    with_role,
)
from tests.aws.cloudformation.templates import HANDLE, failing_role, given, own_role, template
from tests.aws.conformance import Gives, Refused, Row, Subject

GUIDE = "CloudFormation user guide"
API = "CloudFormation API reference"
CHANGE_SETS = f"{GUIDE}: Update CloudFormation stacks using change sets"


def details(_subject: Subject, change_set: Any) -> list[tuple[Any, ...]]:
    found = change_set["Changes"][0]["ResourceChange"]["Details"]
    return [(d["Target"]["Name"], d["Target"]["RequiresRecreation"], d["ChangeSource"]) for d in found]


def described(value: str) -> str:
    """A template whose role is described by a parameter."""
    return template(
        {"Role": own_role(Description={"Ref": "P"})}, Parameters={"P": {"Type": "String", "Default": value}}
    )


def two_roles(subject: Subject, name: str) -> str:
    """Two roles, the path of the second after the name of the first."""
    second = own_role(Path={"Fn::Sub": "/${Role}/"})
    return template({"Role": own_role(subject.name(name)), "Other": second})


def values(target: Any) -> tuple[str, str]:
    return target["BeforeValue"], target["AfterValue"]


ROWS = (
    Row(
        "a change set for a new stack lists all its resources",
        new_stack,
        Gives([("Add", "Role", None)], changes),
        CHANGE_SETS,
    ),
    Row(
        "a change set for a new stack leaves the stack in review",
        lambda s: (new_stack(s), s.rested())[1],
        Gives("REVIEW_IN_PROGRESS", status),
        f"{GUIDE}: Stack status codes",
    ),
    Row(
        "a stack in review is in the way of another one",
        lambda s: s.create_stack(template()),
        Refused("AlreadyExistsException"),
        f"{API}: CreateStack",
        given=new_stack,
    ),
    Row(
        "a stack in review cannot be updated",
        lambda s: s.update_stack(template()),
        Refused("ValidationError", "is in REVIEW_IN_PROGRESS state and can not be updated."),
        f"{GUIDE}: Stack status codes",
        given=new_stack,
    ),
    Row(
        "a change in place is no replacement",
        lambda s: s.change_set(role_template(s, Description="new")),
        Gives([("Modify", "Role", "False")], changes),
        CHANGE_SETS,
        given=with_role,
    ),
    Row(
        "a change of the name is a replacement",
        lambda s: s.change_set(template({"Role": own_role(s.name("new"))})),
        Gives([("Modify", "Role", "True")], changes),
        CHANGE_SETS,
        given=with_role,
    ),
    Row(
        "a change that hangs on a replacement may be one",
        lambda s: s.change_set(two_roles(s, "new")),
        Gives([("Modify", "Role", "True"), ("Modify", "Other", "Conditional")], changes),
        CHANGE_SETS,
        given=lambda s: s.stack(two_roles(s, "old")),
    ),
    Row(
        "a change set tells which property changes and what it takes",
        lambda s: s.change_set(role_template(s, Description="new")),
        Gives([("Description", "Never", "DirectModification")], details),
        f"{API}: ResourceChangeDetail",
        given=with_role,
    ),
    Row(
        "a change set tells which parameter a change comes from",
        lambda s: s.change_set(described("old"), Parameters=given(P="new")),
        Gives([("Description", "Never", "ParameterReference")], details),
        f"{API}: ResourceChangeDetail",
        given=lambda s: s.stack(described("old")),
    ),
    Row(
        "a change set shows values before and after",
        lambda s: s.change_set(role_template(s, Description="new")),
        Gives(
            ("old", "new"),
            lambda _, answer: values(answer["Changes"][0]["ResourceChange"]["Details"][0]["Target"]),
        ),
        f"{API}: ResourceTargetDefinition",
        given=lambda s: with_role(s, Description="old"),
    ),
    Row(
        "a resource that goes is removed",
        lambda s: s.change_set(template()),
        Gives([("Add", "Handle", None), ("Remove", "Role", None)], changes),
        CHANGE_SETS,
        given=with_role,
    ),
    Row(
        "a change set without changes has failed",
        lambda s: s.change_set(role_template(s)),
        Gives(
            (
                "FAILED",
                "UNAVAILABLE",
                (
                    "The submitted information didn't contain changes. Submit different information to create a change"
                    " set."
                ),
            ),
            lambda s, answer: (*state(s, answer), answer["StatusReason"]),
        ),
        f"{API}: DescribeChangeSet",
        given=with_role,
    ),
    Row(
        "a change set whose new role's name is taken has failed",
        new_stack,
        Gives(
            (
                "FAILED",
                (
                    "The following hook(s)/validation failed: [AWS::EarlyValidation::ResourceExistenceCheck]. To"
                    " troubleshoot Early Validation errors, use the DescribeEvents API for detailed failure"
                    " information."
                ),
            ),
            lambda _, answer: (answer["Status"], answer["StatusReason"]),
        ),
        f"{GUIDE}: Validate stack deployments",
        given=lambda s: s.role(),
    ),
    Row(
        "the events of a change set tell what was found",
        lambda s: s.cfn.describe_events(ChangeSetName=new_stack(s)["ChangeSetId"], Filters={"FailedEvents": True}),
        Gives(
            ["NAME_CONFLICT_VALIDATION"],
            lambda _, answer: [event["ValidationName"] for event in answer["OperationEvents"]],
        ),
        f"{API}: DescribeEvents",
        given=lambda s: s.role(),
    ),
    Row(
        "the events of a change set take its ARN, or its stack as well",
        lambda s: s.cfn.describe_events(ChangeSetName="changes"),
        Refused("ValidationError", "One of ChangeSetName, OperationId or StackName must be specified"),
        f"{API}: DescribeEvents",
        given=new_stack,
    ),
    Row(
        "a change set that does not exist is not found",
        lambda s: s.cfn.describe_change_set(**missing(s)),
        Refused("ChangeSetNotFound", "ChangeSet [missing] does not exist"),
        f"{API}: DescribeChangeSet",
        given=lambda s: s.stack(template()),
    ),
    Row(
        "a change set by its name alone is refused",
        lambda s: s.cfn.describe_change_set(ChangeSetName="changes"),
        Refused("ValidationError", "StackName must be specified if ChangeSetName is not specified as an ARN."),
        f"{API}: DescribeChangeSet",
    ),
    Row(
        "a second change set of the same name is refused",
        lambda s: s.change_set(template({"Other": HANDLE})),
        Refused("AlreadyExistsException"),
        f"{API}: CreateChangeSet",
        given=lambda s: (with_role(s), s.change_set(template())),
    ),
    Row(
        "a change set to create a stack that exists is refused",
        new_stack,
        Refused("ValidationError", "already exists and cannot be created again with the changeSet [changes]."),
        f"{API}: CreateChangeSet",
        given=lambda s: s.stack(template()),
    ),
    Row(
        "a change set to update a stack that does not exist is refused",
        lambda s: s.change_set(template()),
        Refused("ValidationError", "does not exist"),
        f"{API}: CreateChangeSet",
    ),
    Row(
        "DELETE is for change sets that create",
        lambda s: s.change_set(template(), OnStackFailure="DELETE"),
        Refused("ValidationError", "OnStackFailure DELETE is only valid when ChangeSetType is CREATE."),
        f"{API}: CreateChangeSet",
        given=with_role,
    ),
    Row(
        "a second change set may be made of a stack in review",
        lambda s: s.change_set(template(), ChangeSetType="CREATE", ChangeSetName="other"),
        Gives(["changes", "other"], lambda s, _: change_set_names(s)),
        f"{API}: CreateChangeSet",
        given=new_stack,
    ),
    Row(
        "a stack whose change set fails with DELETE is gone",
        gone,
        Gives(("DELETE_COMPLETE", []), lambda s, stack: (stack["StackStatus"], role_names(s))),
        f"{API}: CreateChangeSet",
        given=lambda s: s.change_set(
            template({"Role": own_role(s.name()), "Bad": {**failing_role(), "DependsOn": "Role"}}),
            ChangeSetType="CREATE",
            OnStackFailure="DELETE",
        ),
    ),
    Row(
        "the template of a change set can be read",
        lambda s: s.cfn.get_template(ChangeSetName="changes", StackName=s.name("stack")),
        Gives(["Role"], lambda _, answer: list(answer["TemplateBody"]["Resources"])),
        f"{API}: GetTemplate",
        given=new_stack,
    ),
    Row(
        "a resource that goes and is retained is said to be",
        lambda s: s.change_set(template({"Handle": HANDLE})),
        Gives("Retain", lambda _, answer: answer["Changes"][1]["ResourceChange"]["PolicyAction"]),
        f"{API}: ResourceChange",
        given=lambda s: s.stack(template({"Role": {**own_role(s.name()), "DeletionPolicy": "Retain"}})),
    ),
)
