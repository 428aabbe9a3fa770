"""Change sets: what comes of them, and what they take back."""

from __future__ import annotations

from typing import Any

from tests.aws.cloudformation.stacks import (
    change_set_names,
    changes,
    description,
    missing,
    new_stack,
    role_names,
    role_template,
    state,
    status,
    with_role,
)
from tests.aws.cloudformation.templates import failing_role, own_role, template
from tests.aws.conformance import Gives, Refused, Row, Subject

GUIDE = "CloudFormation user guide"
API = "CloudFormation API reference"
DRIFT_AWARE = f"{GUIDE}: Using drift-aware change sets"


def executed(subject: Subject, **more: Any) -> Any:
    subject.cfn.execute_change_set(ChangeSetName="changes", StackName=subject.name("stack"), **more)
    return subject.rested()


ROWS = (
    Row(
        "a stack in review can be deleted",
        lambda s: s.delete_stack(),
        Gives("DELETE_COMPLETE", status),
        f"{GUIDE}: Stack status codes",
        given=new_stack,
    ),
    Row(
        "executing a change set makes the stack",
        executed,
        Gives(lambda s: ("CREATE_COMPLETE", [s.name()]), lambda s, stack: (stack["StackStatus"], role_names(s))),
        f"{API}: ExecuteChangeSet",
        given=new_stack,
    ),
    Row(
        "executing a change set updates the stack",
        executed,
        Gives(("UPDATE_COMPLETE", "new"), lambda s, stack: (stack["StackStatus"], description(s))),
        f"{API}: ExecuteChangeSet",
        given=lambda s: (with_role(s), s.change_set(role_template(s, Description="new"))),
    ),
    Row(
        "a change set that has failed cannot be executed",
        executed,
        Refused("InvalidChangeSetStatus", "cannot be executed in its current status of [FAILED]"),
        f"{API}: ExecuteChangeSet",
        given=lambda s: (with_role(s), s.change_set(role_template(s))),
    ),
    Row(
        "a change set is executed once",
        executed,
        Refused("InvalidChangeSetStatus", "cannot be executed in its current execution status of [EXECUTE_COMPLETE]"),
        f"{API}: ExecuteChangeSet",
        given=lambda s: (new_stack(s), executed(s)),
    ),
    Row(
        "a request repeated with its token makes no second change set",
        lambda s: s.change_set(template(), ClientToken="token"),
        Gives(("CREATE_COMPLETE", "AVAILABLE"), state),
        f"{API}: CreateChangeSet",
        given=lambda s: (with_role(s), s.change_set(template(), ClientToken="token")),
    ),
    Row(
        "a deleted change set is gone",
        lambda s: s.cfn.list_change_sets(StackName=s.name("stack")),
        Gives([], lambda _, answer: answer["Summaries"]),
        f"{API}: DeleteChangeSet",
        given=lambda s: (
            new_stack(s),
            s.cfn.delete_change_set(ChangeSetName="changes", StackName=s.name("stack")),
        ),
    ),
    Row(
        "deleting a change set that does not exist is no error",
        lambda s: s.cfn.delete_change_set(**missing(s)),
        Gives(),
        f"{API}: DeleteChangeSet",
        given=lambda s: s.stack(template()),
    ),
    Row(
        "executing a change set deletes the others",
        executed,
        Gives(["changes"], lambda s, _: change_set_names(s)),
        f"{API}: ExecuteChangeSet",
        given=lambda s: (
            with_role(s),
            s.change_set(role_template(s, Description="a"), ChangeSetName="other"),
            s.change_set(role_template(s, Description="b")),
        ),
    ),
    Row(
        "an update makes change sets obsolete",
        executed,
        Refused("InvalidChangeSetStatus", "execution status of [OBSOLETE]"),
        f"{API}: DescribeChangeSet",
        given=lambda s: (
            with_role(s),
            s.change_set(role_template(s, Description="a")),
            s.update_stack(role_template(s, Description="b")),
        ),
    ),
    Row(
        "a change set is deleted once at most",
        lambda s: s.cfn.delete_change_set(ChangeSetName="changes", StackName=s.name("stack")),
        Gives(),
        f"{API}: DeleteChangeSet",
        given=lambda s: (
            new_stack(s),
            s.cfn.delete_change_set(ChangeSetName="changes", StackName=s.name("stack")),
        ),
    ),
    Row(
        "a change set that creates is not drift-aware",
        lambda s: new_stack(s, DeploymentMode="REVERT_DRIFT"),
        Refused("ValidationError"),
        DRIFT_AWARE,
    ),
    Row(
        "an execution repeated with its token is one execution",
        lambda s: executed(s, ClientRequestToken="token"),
        Gives("CREATE_COMPLETE", status),
        f"{API}: ExecuteChangeSet",
        given=lambda s: (new_stack(s), executed(s, ClientRequestToken="token")),
    ),
    Row(
        "a change set that may not roll back leaves what it has made",
        executed,
        Gives(lambda s: ("CREATE_FAILED", [s.name()]), lambda s, stack: (stack["StackStatus"], role_names(s))),
        f"{API}: CreateChangeSet",
        given=lambda s: s.change_set(
            template({"Role": own_role(s.name()), "Bad": {**failing_role(), "DependsOn": "Role"}}),
            ChangeSetType="CREATE",
            OnStackFailure="DO_NOTHING",
        ),
    ),
    Row(
        "rollback is ruled by the change set or by its execution, not by both",
        lambda s: executed(s, DisableRollback=True),
        Refused("ValidationError", "You cannot specify both OnStackFailure and DisableRollback."),
        f"{API}: ExecuteChangeSet",
        given=lambda s: new_stack(s, OnStackFailure="ROLLBACK"),
    ),
    Row(
        "a replacement says what becomes of the old resource",
        lambda s: s.change_set(template({"Role": own_role(s.name("new"))})),
        Gives("ReplaceAndDelete", lambda _, answer: answer["Changes"][0]["ResourceChange"]["PolicyAction"]),
        f"{API}: ResourceChange",
        given=with_role,
    ),
    Row(
        "a drift-aware change set finds what was changed by hand",
        lambda s: s.change_set(role_template(s, Description="said"), DeploymentMode="REVERT_DRIFT"),
        Gives([("Modify", "Role", "False")], changes),
        DRIFT_AWARE,
        given=lambda s: (
            with_role(s, Description="said"),
            s.iam.update_role(RoleName=s.name(), Description="by hand"),
        ),
    ),
    Row(
        "a drift-aware change set takes back what was changed by hand",
        executed,
        Gives(("UPDATE_COMPLETE", "said"), lambda s, stack: (stack["StackStatus"], description(s))),
        DRIFT_AWARE,
        given=lambda s: (
            with_role(s, Description="said"),
            s.iam.update_role(RoleName=s.name(), Description="by hand"),
            s.change_set(role_template(s, Description="said"), DeploymentMode="REVERT_DRIFT"),
        ),
    ),
    Row(
        "a drift-aware change set makes anew what was deleted by hand",
        executed,
        Gives(lambda s: [s.name()], lambda s, _: role_names(s)),
        DRIFT_AWARE,
        given=lambda s: (
            with_role(s),
            s.iam.delete_role(RoleName=s.name()),
            s.change_set(role_template(s), DeploymentMode="REVERT_DRIFT"),
        ),
    ),
    Row(
        "a drift-aware change set without drift nor changes has failed",
        lambda s: s.change_set(role_template(s), DeploymentMode="REVERT_DRIFT"),
        Gives(("FAILED", "UNAVAILABLE"), state),
        DRIFT_AWARE,
        given=with_role,
    ),
)
