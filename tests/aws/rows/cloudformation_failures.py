"""Stacks that cannot be made, and what is seen of that beforehand."""

from __future__ import annotations

from tests.aws.cloudformation.stacks import (
    already_exists,
    description,
    events,
    failed,
    failures,
    reason_of,
    role_names,
    role_template,
    shown_validation,
    status,
    validated_path,
    with_managed,
    with_role,
)
from tests.aws.cloudformation.templates import failing_role, inline, own_role, template
from tests.aws.conformance import Gives, Refused, Row

GUIDE = "CloudFormation user guide"
API = "CloudFormation API reference"
STATUSES = f"{GUIDE}: Stack status codes"
VALIDATION = f"{GUIDE}: Validate stack deployments"
TROUBLE = f"{GUIDE}: Troubleshooting CloudFormation"
ROLE_TYPE = f"{GUIDE}: AWS::IAM::Role"

FAILING = (
    Row(
        "a stack that cannot be made is rolled back",
        failed,
        Gives(("ROLLBACK_COMPLETE", []), lambda s, stack: (stack["StackStatus"], role_names(s))),
        STATUSES,
    ),
    Row(
        "the event of a resource that cannot be made holds the service's words",
        failed,
        Gives(
            expected=True,
            read=lambda s, a: reason_of("Bad", "CREATE_FAILED")(s, a).startswith(
                'Resource handler returned message: "Invalid principal in policy: "AWS":"arn:aws:iam::999999999999'
            ),
        ),
        TROUBLE,
    ),
    Row(
        "a stack says which of its resources could not be made",
        failed,
        Gives(
            "The following resource(s) failed to create: [Bad]. Rollback requested by user.",
            lambda s, _: next(
                e["ResourceStatusReason"] for e in events(s) if e["ResourceStatus"].startswith("ROLLBACK_I")
            ),
        ),
        TROUBLE,
    ),
    Row(
        "with DO_NOTHING a stack that cannot be made stays as it is",
        lambda s: failed(s, OnFailure="DO_NOTHING"),
        Gives(lambda s: ("CREATE_FAILED", [s.name()]), lambda s, stack: (stack["StackStatus"], role_names(s))),
        f"{API}: CreateStack",
    ),
    Row(
        "with DELETE a stack that cannot be made is gone",
        lambda s: failed(s, OnFailure="DELETE"),
        Gives(("DELETE_COMPLETE", []), lambda s, stack: (stack["StackStatus"], role_names(s))),
        f"{API}: CreateStack",
    ),
    Row(
        "a stack that was rolled back cannot be updated",
        lambda s: s.update_stack(template()),
        Refused("ValidationError", "is in ROLLBACK_COMPLETE state and can not be updated."),
        STATUSES,
        given=failed,
    ),
    Row(
        "a stack that was rolled back can be deleted",
        lambda s: s.delete_stack(),
        Gives("DELETE_COMPLETE", status),
        STATUSES,
        given=failed,
    ),
    Row(
        "a failed creation can be rolled back later",
        lambda s: (s.cfn.rollback_stack(StackName=s.name("stack")), s.rested())[1],
        Gives(("ROLLBACK_COMPLETE", []), lambda s, stack: (stack["StackStatus"], role_names(s))),
        f"{API}: RollbackStack",
        given=lambda s: failed(s, DisableRollback=True),
    ),
    Row(
        "a failed creation can be updated if its rollback was disabled",
        lambda s: s.update_stack(role_template(s)),
        Gives("UPDATE_COMPLETE", status),
        f"{GUIDE}: Stack failure options",
        given=lambda s: failed(s, DisableRollback=True),
    ),
    Row(
        "a failed creation with DO_NOTHING cannot be updated",
        lambda s: s.update_stack(role_template(s)),
        Refused("ValidationError", "This stack cannot be updated from [CREATE_FAILED] state"),
        f"{GUIDE}: Stack failure options",
        given=lambda s: failed(s, OnFailure="DO_NOTHING"),
    ),
    Row(
        "a stack that has not failed cannot be rolled back",
        lambda s: s.cfn.rollback_stack(StackName=s.name("stack")),
        Refused("ValidationError"),
        f"{API}: RollbackStack",
        given=lambda s: s.stack(template()),
    ),
    Row(
        "a resource that is to be retained outlives a rollback",
        lambda s: s.stack(
            template(
                {
                    "Role": {**own_role(s.name()), "DeletionPolicy": "Retain"},
                    "Bad": {**failing_role(), "DependsOn": "Role"},
                }
            )
        ),
        Gives(lambda s: [s.name()], role_names),
        f"{GUIDE}: DeletionPolicy attribute",
    ),
    Row(
        "a resource that is to be retained except on creation does not outlive a rollback",
        lambda s: s.stack(
            template(
                {
                    "Role": {**own_role(s.name()), "DeletionPolicy": "RetainExceptOnCreate"},
                    "Bad": {**failing_role(), "DependsOn": "Role"},
                }
            )
        ),
        Gives([], role_names),
        f"{GUIDE}: DeletionPolicy attribute",
    ),
    Row(
        "a role whose policy is refused is removed by the rollback",
        lambda s: s.stack(template({"Role": own_role(s.name(), Policies=[inline(action="bogus")])})),
        Gives(("ROLLBACK_COMPLETE", []), lambda s, stack: (stack["StackStatus"], role_names(s))),
        ROLE_TYPE,
    ),
)

EARLY = (
    Row(
        "a role's name that is taken fails a stack before anything is made",
        lambda s: s.stack(template({"Other": own_role(s.name("other")), "Role": own_role(s.name())})),
        Gives(lambda s: ("VALIDATION_FAILED", [s.name()]), lambda s, stack: (stack["DetailedStatus"], role_names(s))),
        VALIDATION,
        given=lambda s: s.role(),
    ),
    Row(
        "early validation tells by events what it found",
        lambda s: s.stack(role_template(s)),
        Gives(
            lambda s: ("Role", "NAME_CONFLICT_VALIDATION", "FAIL", already_exists(s)),
            lambda s, stack: shown_validation(failures(s, stack)[0]),
        ),
        VALIDATION,
        given=lambda s: s.role(),
    ),
    Row(
        "a managed policy's name that is taken fails a stack before anything is made",
        lambda s: s.stack(with_managed(s)),
        Gives(("VALIDATION_FAILED", []), lambda s, stack: (stack["DetailedStatus"], role_names(s))),
        VALIDATION,
        given=lambda s: s.policy("managed"),
    ),
    Row(
        "early validation finds a property that does not exist",
        lambda s: s.stack(template({"Role": own_role(RolName="x")})),
        Gives(
            ("PROPERTY_VALIDATION", "/Resources/Role/Properties/RolName"),
            lambda s, stack: validated_path(failures(s, stack)[0]),
        ),
        VALIDATION,
    ),
    Row(
        "early validation can be disabled, and the resource fails itself",
        lambda s: s.stack(role_template(s), DisableValidation=True),
        Gives(
            expected=True,
            read=lambda s, a: already_exists(s) in reason_of("Role", "CREATE_FAILED")(s, a),
        ),
        VALIDATION,
        given=lambda s: s.role(),
    ),
    Row(
        "a role of the name that a stack could not make is left alone by the rollback",
        lambda s: s.stack(role_template(s), DisableValidation=True),
        Gives(lambda s: ("ROLLBACK_COMPLETE", [s.name()]), lambda s, stack: (stack["StackStatus"], role_names(s))),
        VALIDATION,
        given=lambda s: s.role(),
    ),
    Row(
        "an update whose new role's name is taken changes nothing",
        lambda s: s.update_stack(
            template({"Role": own_role(s.name(), Description="new"), "Other": own_role(s.name("other"))})
        ),
        Gives(
            ("UPDATE_ROLLBACK_COMPLETE", "VALIDATION_FAILED", None),
            lambda s, stack: (stack["StackStatus"], stack["DetailedStatus"], description(s)),
        ),
        VALIDATION,
        given=lambda s: (with_role(s), s.role("other")),
    ),
)

ROWS = (*FAILING, *EARLY)
