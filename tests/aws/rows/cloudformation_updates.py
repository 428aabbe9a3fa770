"""Stacks updated, and rolled back."""

from __future__ import annotations

from tests.aws.cloudformation.stacks import (
    arn_of,
    continued,
    description,
    failed_update,
    inline_names,
    own_tags,
    physical_id,
    reason_of,
    role_names,
    role_template,
    stack_statuses,
    status,
    stuck_rollback,
    waiting,
    with_role,
)
from tests.aws.cloudformation.templates import HANDLE, NAMED, failing_role, given, inline, own_role, template
from tests.aws.conformance import Gives, Refused, Row

GUIDE = "CloudFormation user guide"
API = "CloudFormation API reference"
STATUSES = f"{GUIDE}: Stack status codes"
TROUBLE = f"{GUIDE}: Troubleshooting CloudFormation"
ROLE_TYPE = f"{GUIDE}: AWS::IAM::Role"

UPDATING = (
    Row(
        "an update changes a role in place",
        lambda s: s.update_stack(role_template(s, Description="new", Policies=[inline("other")])),
        Gives(
            ("UPDATE_COMPLETE", "new", ["other"]),
            lambda s, stack: (stack["StackStatus"], description(s), inline_names(s)),
        ),
        ROLE_TYPE,
        given=lambda s: with_role(s, Description="old", Policies=[inline("one")]),
    ),
    Row(
        "an update that changes nothing is refused",
        lambda s: s.update_stack(role_template(s)),
        Refused("ValidationError", "No updates are to be performed."),
        TROUBLE,
        given=with_role,
    ),
    Row(
        "an update of outputs alone changes nothing",
        lambda s: s.update_stack(template({"Role": own_role(s.name())}, Outputs={"Other": {"Value": arn_of("Role")}})),
        Refused("ValidationError", "No updates are to be performed."),
        TROUBLE,
        given=with_role,
    ),
    Row(
        "an update of a deletion policy alone changes nothing",
        lambda s: s.update_stack(template({"Handle": {**HANDLE, "DeletionPolicy": "Retain"}})),
        Refused("ValidationError", "No updates are to be performed."),
        TROUBLE,
        given=lambda s: s.stack(template()),
    ),
    Row(
        "an update of metadata is an update",
        lambda s: s.update_stack(template({"Handle": {**HANDLE, "Metadata": {"a": "b"}}})),
        Gives("UPDATE_COMPLETE", status),
        TROUBLE,
        given=lambda s: s.stack(template()),
    ),
    Row(
        "an update of the stack's tags is an update",
        lambda s: s.update_stack(role_template(s), Tags=[{"Key": "team", "Value": "b"}]),
        Gives("b", lambda s, _: own_tags(s).get("team")),
        f"{API}: UpdateStack",
        given=lambda s: s.stack(role_template(s), Tags=[{"Key": "team", "Value": "a"}]),
    ),
    Row(
        "an update may keep the template and the values of parameters",
        lambda s: s.rested(
            s.cfn.update_stack(
                StackName=s.name("stack"),
                UsePreviousTemplate=True,
                Capabilities=NAMED,
                Parameters=[{"ParameterKey": "A", "UsePreviousValue": True}, *given(B="new")],
            )["StackId"]
        ),
        Gives("a-new", lambda s, _: description(s)),
        f"{API}: UpdateStack",
        given=lambda s: s.stack(
            template(
                {"Role": own_role(s.name(), Description={"Fn::Sub": "${A}-${B}"})},
                Parameters={"A": {"Type": "String"}, "B": {"Type": "String"}},
            ),
            Parameters=given(A="a", B="b"),
        ),
    ),
    Row(
        "an update of a stack that does not exist is refused",
        lambda s: s.cfn.update_stack(StackName=s.name("missing"), TemplateBody=template()),
        Refused("ValidationError", "does not exist"),
        f"{API}: UpdateStack",
    ),
    Row(
        "a resource that the template has no more is deleted",
        lambda s: s.update_stack(template()),
        Gives([], role_names),
        f"{GUIDE}: Update behaviors of stack resources",
        given=with_role,
    ),
    Row(
        "a resource that is to be retained outlives its place in the template",
        lambda s: s.update_stack(template()),
        Gives(lambda s: [s.name()], role_names),
        f"{GUIDE}: DeletionPolicy attribute",
        given=lambda s: s.stack(template({"Role": {**own_role(s.name()), "DeletionPolicy": "Retain"}})),
    ),
    Row(
        "another type for a resource is refused",
        lambda s: s.update_stack(template({"Role": HANDLE})),
        Refused("ValidationError", "Update of resource type is not permitted."),
        TROUBLE,
        given=with_role,
    ),
    Row(
        "another name takes another role, and the old one is deleted at the end",
        lambda s: s.update_stack(template({"Role": own_role(s.name("new"))})),
        Gives(lambda s: ("UPDATE_COMPLETE", [s.name("new")]), lambda s, stack: (stack["StackStatus"], role_names(s))),
        ROLE_TYPE,
        given=with_role,
    ),
    Row(
        "a replacement says so by its events",
        lambda s: s.update_stack(template({"Role": own_role(s.name("new"))})),
        Gives(
            [
                ("UPDATE_IN_PROGRESS", "Requested update requires"),
                ("UPDATE_IN_PROGRESS", "Resource creation Initiat"),
                ("UPDATE_COMPLETE", ""),
                ("DELETE_IN_PROGRESS", ""),
                ("DELETE_COMPLETE", ""),
            ],
            lambda s, _: [(found, reason[:25]) for found, reason in s.resource_events("Role")[3:]],
        ),
        f"{GUIDE}: Update behaviors of stack resources",
        given=with_role,
    ),
    Row(
        "another path under the same name is a conflict",
        lambda s: s.update_stack(role_template(s, Path="/new/")),
        Gives(
            lambda s: (
                "UPDATE_ROLLBACK_COMPLETE",
                (
                    "CloudFormation cannot update a stack when a custom-named resource requires replacing. Rename"
                    f" {s.name()} and update the stack again."
                ),
            ),
            lambda s, stack: (stack["StackStatus"], reason_of("Role", "UPDATE_FAILED")(s, None)),
        ),
        f"{GUIDE}: Name type",
        given=with_role,
    ),
    Row(
        "a replaced resource may be retained",
        lambda s: s.update_stack(template({"Role": {**own_role(s.name("new")), "UpdateReplacePolicy": "Retain"}})),
        Gives(lambda s: [s.name("new"), s.name()], role_names),
        f"{GUIDE}: UpdateReplacePolicy attribute",
        given=with_role,
    ),
    Row(
        "a wait condition cannot be updated",
        lambda s: s.update_stack(template({"Wait": waiting("2")})),
        Gives("UPDATE_ROLLBACK_COMPLETE", status),
        f"{GUIDE}: AWS::CloudFormation::WaitCondition",
        given=lambda s: s.stack(template({"Wait": waiting("1")})),
    ),
)

ROLLING_BACK = (
    Row(
        "an update that fails is rolled back to what was",
        failed_update,
        Gives(("UPDATE_ROLLBACK_COMPLETE", None), lambda s, stack: (stack["StackStatus"], description(s))),
        STATUSES,
    ),
    Row(
        "an update that fails shows every step of the way back",
        failed_update,
        Gives(
            [
                "UPDATE_IN_PROGRESS",
                "UPDATE_ROLLBACK_IN_PROGRESS",
                "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS",
                "UPDATE_ROLLBACK_COMPLETE",
            ],
            lambda s, _: stack_statuses(s)[2:],
        ),
        STATUSES,
    ),
    Row(
        "an update that succeeds cleans up at its end",
        lambda s: s.update_stack(role_template(s, Description="new")),
        Gives(
            ["UPDATE_IN_PROGRESS", "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", "UPDATE_COMPLETE"],
            lambda s, _: stack_statuses(s)[2:],
        ),
        STATUSES,
        given=with_role,
    ),
    Row(
        "a replacement is taken back when another resource fails",
        lambda s: s.update_stack(
            template({"Role": own_role(s.name("new")), "Bad": {**failing_role(), "DependsOn": "Role"}})
        ),
        Gives(
            lambda s: ("UPDATE_ROLLBACK_COMPLETE", [s.name()], s.name()),
            lambda s, stack: (stack["StackStatus"], role_names(s), physical_id(s, "Role")),
        ),
        f"{GUIDE}: Update behaviors of stack resources",
        given=with_role,
    ),
    Row(
        "a replacement that stays half made is removed",
        lambda s: s.update_stack(template({"Role": own_role(s.name("new"), Policies=[inline(action="bogus")])})),
        Gives(
            lambda s: ("UPDATE_ROLLBACK_COMPLETE", [s.name()], s.name()),
            lambda s, stack: (stack["StackStatus"], role_names(s), physical_id(s, "Role")),
        ),
        f"{GUIDE}: Update behaviors of stack resources",
        given=with_role,
    ),
    Row(
        "what an update adds is removed when it is rolled back",
        lambda s: s.update_stack(
            template(
                {
                    "Role": own_role(s.name()),
                    "Added": own_role(s.name("added")),
                    "Bad": {**failing_role(), "DependsOn": "Added"},
                }
            )
        ),
        Gives(lambda s: ("UPDATE_ROLLBACK_COMPLETE", [s.name()]), lambda s, t: (t["StackStatus"], role_names(s))),
        STATUSES,
        given=with_role,
    ),
    Row(
        "an update that removes a resource removes nothing until all else has succeeded",
        lambda s: s.update_stack(template({"Bad": failing_role()})),
        Gives(lambda s: ("UPDATE_ROLLBACK_COMPLETE", [s.name()]), lambda s, t: (t["StackStatus"], role_names(s))),
        STATUSES,
        given=with_role,
    ),
    Row(
        "a resource that cannot be removed at the end of an update is left behind",
        lambda s: s.update_stack(template()),
        Gives(
            lambda s: (
                "UPDATE_COMPLETE",
                "Update successful. One or more resources could not be deleted.",
                [s.name()],
            ),
            lambda s, stack: (stack["StackStatus"], stack["StackStatusReason"], role_names(s)),
        ),
        TROUBLE,
        given=lambda s: (with_role(s), s.attach(s.aws_policy("ReadOnlyAccess"))),
    ),
    Row(
        "a change that fails midway is undone as far as it came",
        lambda s: s.update_stack(role_template(s, Description="new", Policies=[inline("a"), inline("b", "bogus")])),
        Gives(
            ("UPDATE_ROLLBACK_COMPLETE", "old", ["one"]),
            lambda s, stack: (stack["StackStatus"], description(s), inline_names(s)),
        ),
        STATUSES,
        given=lambda s: with_role(s, Description="old", Policies=[inline("one")]),
    ),
    Row(
        "a template is given, or taken over, not both",
        lambda s: s.update_stack(template(), UsePreviousTemplate=True),
        Refused("ValidationError"),
        f"{API}: UpdateStack",
        given=with_role,
    ),
    Row(
        "an update repeated with its token is one update",
        lambda s: s.update_stack(role_template(s, Description="new"), ClientRequestToken="token"),
        Gives(["CREATE_IN_PROGRESS", "CREATE_COMPLETE", "UPDATE_IN_PROGRESS"], lambda s, _: stack_statuses(s)[:3]),
        f"{API}: UpdateStack",
        given=lambda s: (
            with_role(s),
            s.update_stack(role_template(s, Description="new"), ClientRequestToken="token"),
        ),
    ),
    Row(
        "a stack whose update was rolled back can be updated",
        lambda s: s.update_stack(role_template(s, Description="better")),
        Gives(("UPDATE_COMPLETE", "better"), lambda s, stack: (stack["StackStatus"], description(s))),
        STATUSES,
        given=failed_update,
    ),
    Row(
        "without rollback an update that fails stays as far as it came",
        lambda s: failed_update(s, DisableRollback=True),
        Gives(("UPDATE_FAILED", "changed"), lambda s, stack: (stack["StackStatus"], description(s))),
        f"{GUIDE}: Stack failure options",
    ),
    Row(
        "a failed update can be rolled back later",
        lambda s: (s.cfn.rollback_stack(StackName=s.name("stack")), s.rested())[1],
        Gives(("UPDATE_ROLLBACK_COMPLETE", None), lambda s, stack: (stack["StackStatus"], description(s))),
        f"{API}: RollbackStack",
        given=lambda s: failed_update(s, DisableRollback=True),
    ),
    Row(
        "a failed update can be updated onwards",
        lambda s: s.update_stack(role_template(s, Description="onwards")),
        Gives(("UPDATE_COMPLETE", "onwards"), lambda s, stack: (stack["StackStatus"], description(s))),
        f"{GUIDE}: Stack failure options",
        given=lambda s: failed_update(s, DisableRollback=True),
    ),
    Row(
        "a rollback that fails is stuck",
        stuck_rollback,
        Gives(
            ("UPDATE_ROLLBACK_FAILED", "The following resource(s) failed to update: [Role]. "),
            lambda _, stack: (stack["StackStatus"], stack["StackStatusReason"]),
        ),
        f"{GUIDE}: Continue rolling back an update",
    ),
    Row(
        "a stack whose rollback is stuck cannot be updated",
        lambda s: s.update_stack(role_template(s, Description="other")),
        Refused("ValidationError", "is in UPDATE_ROLLBACK_FAILED state and can not be updated."),
        STATUSES,
        given=stuck_rollback,
    ),
    Row(
        "a rollback goes on once the cause is mended",
        lambda s: (s.role(), continued(s))[1],
        Gives("UPDATE_ROLLBACK_COMPLETE", status),
        f"{GUIDE}: Continue rolling back an update",
        given=stuck_rollback,
    ),
    Row(
        "a rollback goes on past resources that are skipped",
        lambda s: continued(s, ResourcesToSkip=["Role"]),
        Gives("UPDATE_ROLLBACK_COMPLETE", status),
        f"{API}: ContinueUpdateRollback",
        given=stuck_rollback,
    ),
    Row(
        "a rollback can be forced",
        lambda s: continued(s, ForceRollback=True),
        Gives("UPDATE_ROLLBACK_COMPLETE", status),
        f"{API}: ContinueUpdateRollback",
        given=stuck_rollback,
    ),
    Row(
        "a rollback is forced or skips resources, not both",
        lambda s: continued(s, ForceRollback=True, ResourcesToSkip=["Role"]),
        Refused("ValidationError"),
        f"{API}: ContinueUpdateRollback",
        given=stuck_rollback,
    ),
    Row(
        "a resource that has not failed cannot be skipped",
        lambda s: continued(s, ResourcesToSkip=["Other"]),
        Refused("ValidationError"),
        f"{API}: ContinueUpdateRollback",
        given=stuck_rollback,
    ),
    Row(
        "a rollback that is not stuck cannot be continued",
        continued,
        Refused("ValidationError"),
        f"{API}: ContinueUpdateRollback",
        given=with_role,
    ),
    Row(
        "a stack whose rollback is stuck can be deleted",
        lambda s: s.delete_stack(),
        Gives("DELETE_COMPLETE", status),
        STATUSES,
        given=stuck_rollback,
    ),
)

ROWS = (*UPDATING, *ROLLING_BACK)
