"""Stack sets, as the management account of an organization without members sees them.

What comes of them in accounts takes more than one account: `tests/aws/cloudformation/stack_sets`.
"""

from __future__ import annotations

from typing import Any

from tests.aws.cloudformation.templates import NAMED, given, own_role, template
from tests.aws.conformance import Gives, Refused, Row, Subject
from tests.aws.rows.organizations import made, moved, root, unit

GUIDE = "CloudFormation user guide"
API = "CloudFormation API reference"
SERVICE_MANAGED = f"{GUIDE}: Create CloudFormation StackSets with service-managed permissions"
TRUSTED = f"{GUIDE}: Activate trusted access for StackSets with AWS Organizations"
TYPE = f"{GUIDE}: AWS::CloudFormation::StackSet"
REGION = "us-east-1"


def ready(subject: Subject) -> Any:
    """Make an organization that StackSets may act in."""
    organization = made(subject)
    subject.cfn.activate_organizations_access()
    return organization


def create(subject: Subject, **more: Any) -> Any:
    own = {
        "StackSetName": subject.name("set"),
        "PermissionModel": "SERVICE_MANAGED",
        "AutoDeployment": {"Enabled": False},
        "TemplateBody": template(),
    }
    return subject.cfn.create_stack_set(**{**own, **more})


def created(subject: Subject, **more: Any) -> Any:
    """Make the row's stack set in an organization; the answer."""
    ready(subject)
    return create(subject, **more)


def described(subject: Subject, _answer: Any = None) -> Any:
    return subject.cfn.describe_stack_set(StackSetName=subject.name("set"))["StackSet"]


def read(name: str) -> Any:
    """Reads a member of the stack set's description."""
    return lambda subject, _answer: described(subject)[name]


def ended(subject: Subject, answer: Any) -> Any:
    """The operation of an answer, as soon as it is over."""
    for _ in range(200):
        found = subject.cfn.describe_stack_set_operation(
            StackSetName=subject.name("set"), OperationId=answer["OperationId"]
        )["StackSetOperation"]
        if found["Status"] not in {"QUEUED", "RUNNING", "STOPPING"}:
            return found
        subject.settle()
    raise AssertionError("the operation does not end")


def status(subject: Subject, answer: Any) -> str:
    return str(ended(subject, answer)["Status"])


def deploy(subject: Subject, unit_id: str | None = None, **more: Any) -> Any:
    targets = {"OrganizationalUnitIds": [unit_id or root(subject)]}
    own = {"StackSetName": subject.name("set"), "DeploymentTargets": targets, "Regions": [REGION]}
    return subject.cfn.create_stack_instances(**{**own, **more})


def undeploy(subject: Subject, **more: Any) -> Any:
    targets = {"OrganizationalUnitIds": [root(subject)]}
    own = {"StackSetName": subject.name("set"), "DeploymentTargets": targets, "Regions": [REGION]}
    return subject.cfn.delete_stack_instances(**{**own, "RetainStacks": False, **more})


def deployed(subject: Subject, **more: Any) -> Any:
    """Make the row's stack set, and deploy it to the whole organization; the operation."""
    created(subject, **more)
    return ended(subject, deploy(subject))


def update(subject: Subject, **more: Any) -> Any:
    return subject.cfn.update_stack_set(StackSetName=subject.name("set"), **more)


def deleted(subject: Subject) -> str:
    """Make the row's stack set and delete it; its id."""
    stack_set_id = str(created(subject)["StackSetId"])
    subject.cfn.delete_stack_set(StackSetName=subject.name("set"))
    return stack_set_id


def gone(subject: Subject) -> Any:
    """Make the row's stack set, delete it, and describe it by its id."""
    return subject.cfn.describe_stack_set(StackSetName=deleted(subject))["StackSet"]


def active(subject: Subject, _answer: Any = None) -> list[str]:
    found = subject.cfn.list_stack_sets(Status="ACTIVE")["Summaries"]
    return [one["StackSetName"] for one in found if one["StackSetName"].startswith(subject.prefix)]


def stack_set_template(subject: Subject, **properties: Any) -> str:
    """A template with a stack set for the whole organization."""
    group = {"DeploymentTargets": {"OrganizationalUnitIds": [root(subject)]}, "Regions": [REGION]}
    own = {
        "StackSetName": subject.name("set"),
        "PermissionModel": "SERVICE_MANAGED",
        "AutoDeployment": {"Enabled": True, "RetainStacksOnAccountRemoval": False},
        "StackInstancesGroup": [group],
        "TemplateBody": template(),
    }
    resource = {"Type": "AWS::CloudFormation::StackSet", "Properties": {**own, **properties}}
    return template({"Set": resource}, Outputs={"Shown": {"Value": {"Ref": "Set"}}})


MAKING = (
    Row(
        "a stack set is made, and is active",
        create,
        Gives(
            lambda s: (s.name("set"), "ACTIVE", "SERVICE_MANAGED", template(), []),
            lambda s, _: tuple(
                described(s)[name]
                for name in ("StackSetName", "Status", "PermissionModel", "TemplateBody", "OrganizationalUnitIds")
            ),
        ),
        f"{API}: CreateStackSet",
        given=ready,
    ),
    Row(
        "a stack set's id is its name with a UUID, and ends its ARN",
        create,
        Gives(
            expected=True,
            read=lambda s, answer: (
                answer["StackSetId"].startswith(f"{s.name('set')}:")
                and described(s)["StackSetARN"].endswith(f"{s.account_id}:stackset/{answer['StackSetId']}")
            ),
        ),
        f"{API}: StackSet",
        given=ready,
    ),
    Row(
        "a stack set tells whether it follows accounts",
        lambda s: create(s, AutoDeployment={"Enabled": True, "RetainStacksOnAccountRemoval": True}),
        Gives({"Enabled": True, "RetainStacksOnAccountRemoval": True}, read("AutoDeployment")),
        f"{API}: AutoDeployment",
        given=ready,
    ),
    Row(
        "a stack set outside an organization is refused",
        create,
        Refused("ValidationError", "You must be the management account or delegated admin account"),
        SERVICE_MANAGED,
    ),
    Row(
        "a stack set is refused until access to the organization is activated",
        create,
        Refused("ValidationError", "You must enable organizations access to operate a service managed stack set"),
        TRUSTED,
        given=made,
    ),
    Row(
        "a stack set with service-managed permissions has to say whether it follows accounts",
        lambda s: s.cfn.create_stack_set(
            StackSetName=s.name("set"), PermissionModel="SERVICE_MANAGED", TemplateBody=template()
        ),
        Refused("ValidationError"),
        f"{API}: CreateStackSet",
        given=ready,
    ),
    Row(
        "a stack set that does not follow accounts cannot say what becomes of those that go",
        lambda s: create(s, AutoDeployment={"Enabled": False, "RetainStacksOnAccountRemoval": True}),
        Refused("ValidationError"),
        f"{API}: AutoDeployment",
        given=ready,
    ),
    Row(
        "the name of a stack set begins with a letter",
        lambda s: create(s, StackSetName="1set"),
        Refused("ValidationError"),
        f"{API}: CreateStackSet",
        given=ready,
    ),
    Row(
        "the name of a stack set is taken once",
        create,
        Refused("NameAlreadyExistsException"),
        f"{API}: CreateStackSet",
        given=created,
    ),
    Row(
        "a stack set that is asked for again with the same token is the same",
        lambda s: create(s, ClientRequestToken="once"),
        Gives(expected=True, read=lambda s, answer: described(s)["StackSetId"] == answer["StackSetId"]),
        f"{API}: CreateStackSet",
        given=lambda s: created(s, ClientRequestToken="once"),
    ),
    Row(
        "a stack set with named roles takes the capability for them",
        lambda s: create(s, TemplateBody=template({"Role": own_role(s.name())}), Capabilities=["CAPABILITY_IAM"]),
        Refused("InsufficientCapabilitiesException", "Requires capabilities : [CAPABILITY_NAMED_IAM]"),
        f"{API}: CreateStackSet",
        given=ready,
    ),
    Row(
        "a stack set takes a template",
        lambda s: s.cfn.create_stack_set(
            StackSetName=s.name("set"), PermissionModel="SERVICE_MANAGED", AutoDeployment={"Enabled": False}
        ),
        Refused("ValidationError"),
        f"{API}: CreateStackSet",
        given=ready,
    ),
    Row(
        "a stack set takes no parameter that its template has not",
        lambda s: create(s, Parameters=given(Other="a")),
        Refused("ValidationError"),
        f"{API}: CreateStackSet",
        given=ready,
    ),
    Row(
        "a stack set shows its parameters, those by default too",
        lambda s: create(s, TemplateBody=template(Parameters={"A": {"Type": "String", "Default": "b"}})),
        Gives(given(A="b"), read("Parameters")),
        f"{API}: StackSet",
        given=ready,
    ),
)

DELETING = (
    Row(
        "a stack set without instances is deleted",
        lambda s: s.cfn.delete_stack_set(StackSetName=s.name("set")),
        Gives([], active),
        f"{API}: DeleteStackSet",
        given=created,
    ),
    Row(
        "a deleted stack set can be read by its id",
        gone,
        Gives("DELETED", lambda _, stack_set: stack_set["Status"]),
        f"{API}: ListStackSets",
    ),
    Row(
        "a deleted stack set cannot be read by its name",
        described,
        Refused("StackSetNotFoundException", "not found"),
        f"{API}: DescribeStackSet",
        given=deleted,
    ),
    Row(
        "a deleted stack set cannot be deployed",
        deploy,
        Refused("StackSetNotFoundException", "not found"),
        f"{API}: CreateStackInstances",
        given=deleted,
    ),
    Row(
        "the name of a deleted stack set is free",
        create,
        Gives(lambda s: [s.name("set")], active),
        f"{API}: DeleteStackSet",
        given=deleted,
    ),
    Row(
        "deleting a stack set that does not exist is no error",
        lambda s: s.cfn.delete_stack_set(StackSetName=s.name("missing")),
        Gives(),
        f"{API}: DeleteStackSet",
        given=ready,
    ),
)

DEPLOYING = (
    Row(
        "deploying to units without accounts succeeds at once",
        lambda s: deploy(s, unit(s)["Id"]),
        Gives("SUCCEEDED", status),
        SERVICE_MANAGED,
        given=created,
    ),
    Row(
        "a stack set remembers the units it was deployed to",
        lambda s: ended(s, deploy(s)),
        Gives(lambda s: [root(s)], read("OrganizationalUnitIds")),
        f"{API}: StackSet",
        given=created,
    ),
    Row(
        "a stack set forgets the units it was taken from",
        lambda s: ended(s, undeploy(s)),
        Gives([], read("OrganizationalUnitIds")),
        f"{API}: StackSet",
        given=deployed,
    ),
    Row(
        "nothing is deployed to the management account, wherever it is",
        lambda s: ended(s, deploy(s)),
        Gives([], lambda s, _: s.cfn.list_stack_instances(StackSetName=s.name("set"))["Summaries"]),
        SERVICE_MANAGED,
        given=lambda s: (created(s), moved(s, unit(s)["Id"])),
    ),
    Row(
        "a stack set with service-managed permissions is deployed to units, not to accounts",
        lambda s: s.cfn.create_stack_instances(StackSetName=s.name("set"), Accounts=[s.account_id], Regions=[REGION]),
        Refused("ValidationError"),
        f"{API}: CreateStackInstances",
        given=created,
    ),
    Row(
        "a stack set is not deployed to a unit that does not exist",
        lambda s: deploy(s, f"ou-{root(s)[2:]}-zzzzzzzz"),
        Refused("ValidationError"),
        f"{API}: CreateStackInstances",
        given=created,
    ),
    Row(
        "a unit's id is held against its pattern",
        lambda s: deploy(s, "Workloads"),
        Refused("ValidationError", "failed to satisfy constraint"),
        f"{API}: DeploymentTargets",
        given=created,
    ),
    Row(
        "a stack set is deployed to fifty units at once, to no more",
        lambda s: deploy(s, DeploymentTargets={"OrganizationalUnitIds": [root(s)] * 51}),
        Refused("ValidationError"),
        f"{API}: CreateStackInstances",
        given=created,
    ),
    Row(
        "a stack set tells which accounts it would follow",
        lambda s: s.cfn.list_stack_set_auto_deployment_targets(StackSetName=s.name("set")),
        Gives(lambda s: [(root(s), [REGION])], lambda _, answer: _targets(answer)),
        f"{API}: ListStackSetAutoDeploymentTargets",
        given=lambda s: deployed(s, AutoDeployment={"Enabled": True}),
    ),
    Row(
        "failures are tolerated by number or by percentage",
        lambda s: deploy(s, OperationPreferences={"FailureToleranceCount": 1, "FailureTolerancePercentage": 1}),
        Refused("ValidationError"),
        f"{API}: StackSetOperationPreferences",
        given=created,
    ),
    Row(
        "accounts are worked on at once by number or by percentage",
        lambda s: deploy(s, OperationPreferences={"MaxConcurrentCount": 1, "MaxConcurrentPercentage": 1}),
        Refused("ValidationError"),
        f"{API}: StackSetOperationPreferences",
        given=created,
    ),
    Row(
        "an operation is called as the caller likes",
        lambda s: deploy(s, OperationId="mine"),
        Gives(("mine", "CREATE", "SUCCEEDED"), lambda s, a: _identity(ended(s, a))),
        f"{API}: CreateStackInstances",
        given=created,
    ),
    Row(
        "an operation that does not exist is not found",
        lambda s: s.cfn.describe_stack_set_operation(StackSetName=s.name("set"), OperationId="missing"),
        Refused("OperationNotFoundException"),
        f"{API}: DescribeStackSetOperation",
        given=created,
    ),
    Row(
        "an instance that does not exist is not found",
        lambda s: s.cfn.describe_stack_instance(
            StackSetName=s.name("set"), StackInstanceAccount=s.account_id, StackInstanceRegion=REGION
        ),
        Refused("StackInstanceNotFoundException"),
        f"{API}: DescribeStackInstance",
        given=deployed,
    ),
)

UPDATING = (
    Row(
        "a stack set's description is changed by an update",
        lambda s: ended(s, update(s, UsePreviousTemplate=True, Description="new")),
        Gives("new", read("Description")),
        f"{API}: UpdateStackSet",
        given=lambda s: created(s, Description="old"),
    ),
    Row(
        "an update is an operation of its own kind",
        lambda s: update(s, TemplateBody=template(Description="new"), OperationId="mine"),
        Gives(("mine", "UPDATE", "SUCCEEDED"), lambda s, a: _identity(ended(s, a))),
        f"{API}: UpdateStackSet",
        given=deployed,
    ),
    Row(
        "an update keeps the template, or brings another",
        lambda s: update(s, UsePreviousTemplate=True, TemplateBody=template()),
        Refused("ValidationError"),
        f"{API}: UpdateStackSet",
        given=created,
    ),
    Row(
        "what follows accounts is not changed for some units alone",
        lambda s: update(
            s,
            UsePreviousTemplate=True,
            AutoDeployment={"Enabled": True},
            DeploymentTargets={"OrganizationalUnitIds": [root(s)]},
            Regions=[REGION],
        ),
        Refused("ValidationError"),
        f"{API}: UpdateStackSet",
        given=deployed,
    ),
    Row(
        "a stack set that does not exist is not updated",
        lambda s: s.cfn.update_stack_set(StackSetName=s.name("missing"), TemplateBody=template()),
        Refused("StackSetNotFoundException", "not found"),
        f"{API}: UpdateStackSet",
        given=ready,
    ),
)

IN_A_STACK = (
    Row(
        "a stack makes a stack set, which its id refers to",
        lambda s: s.stack(stack_set_template(s)),
        Gives(
            expected=True,
            read=lambda s, stack: stack["Outputs"][0]["OutputValue"] == described(s)["StackSetId"],
        ),
        TYPE,
        given=ready,
    ),
    Row(
        "a stack is deleted with its stack set",
        lambda s: s.delete_stack(),
        Gives(("DELETE_COMPLETE", []), lambda s, stack: (stack["StackStatus"], active(s))),
        TYPE,
        given=lambda s: (ready(s), s.stack(stack_set_template(s))),
    ),
    Row(
        "a stack changes its stack set in place",
        lambda s: s.update_stack(stack_set_template(s, Description="new", TemplateBody=template(Description="new"))),
        Gives(("UPDATE_COMPLETE", "new"), lambda s, stack: (stack["StackStatus"], described(s)["Description"])),
        TYPE,
        given=lambda s: (ready(s), s.stack(stack_set_template(s, Description="old"))),
    ),
    Row(
        "a stack that cannot make its stack set is rolled back",
        lambda s: s.stack(stack_set_template(s)),
        Gives("ROLLBACK_COMPLETE", lambda _, stack: stack["StackStatus"]),
        TYPE,
        given=made,
    ),
    Row(
        "a stack that makes a stack set takes no capability of its own for it",
        lambda s: s.stack(
            stack_set_template(s, TemplateBody=template({"Role": own_role(s.name())}), Capabilities=NAMED),
            Capabilities=[],
        ),
        Gives("CREATE_COMPLETE", lambda _, stack: stack["StackStatus"]),
        TYPE,
        given=ready,
    ),
)


def _identity(operation: Any) -> tuple[str, str, str]:
    return operation["OperationId"], operation["Action"], operation["Status"]


def _targets(answer: Any) -> list[tuple[str, list[str]]]:
    return [(one["OrganizationalUnitId"], one["Regions"]) for one in answer["Summaries"]]


ROWS = (*MAKING, *DELETING, *DEPLOYING, *UPDATING, *IN_A_STACK)
