"""The kinds of change in an organization: asked for, decided by the administrator, and done by hand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from apono_operator.state.resources import Owner
from sandbox.aws import access_denied
from tests.adapters.aws.connection import customer_policy
from tests.sweeps.administering import OTHER_SERVICE_ROLE, put_member_template, put_template
from tests.sweeps.changes import PLAIN, asked, decided, delete_role
from tests.sweeps.operations import (
    ByHand,
    Change,
    Creation,
    Deletion,
    Life,
    Operation,
    Setting,
    Subject,
    Update,
    directions,
)
from tests.sweeps.organization import OrganizationWorld

NAMED_IAM = ["CAPABILITY_NAMED_IAM"]
FULL_ACCESS = asked(permissions="FullAccess")
DENIED = access_denied("CloudFormation is not authorized to do that")
OTHER_TAGS = [{"Key": "template", "Value": "other"}]


@dataclass(frozen=True)
class Steps:
    """By which calls CloudFormation makes, completes, changes and deletes what the stack consists of."""

    make: str
    complete: str
    change: str
    delete: str


OF_ROLE = Steps("CreateRole", "PutRolePolicy", "PutRolePolicy", "DeleteRole")
OF_STACK_SET = Steps("CreateStackSet", "CreateStackInstances", "UpdateStackSet", "DeleteStackSet")


def unit(world: OrganizationWorld) -> Setting:
    """Ask for the other unit."""
    return asked(target=world.target(organizationUnitId=world.administered.units[1].id))


def template(world: OrganizationWorld) -> Setting:
    """Let the administrator put another template in the place of ours."""
    return _entered(templateUrl=put_template(world.aws, world.management, "other", Tags=OTHER_TAGS))


def member_template(world: OrganizationWorld) -> Setting:
    """Let the administrator put another template in the place of that of member accounts."""
    return _entered(memberTemplateUrl=put_member_template(world.aws, world.management, "other-member", Tags=OTHER_TAGS))


def no_member_template(world: OrganizationWorld) -> Setting:
    """Let the administrator take the template of member accounts away."""
    del world
    return _entered(memberTemplateUrl=None)


def boundary(world: OrganizationWorld) -> Setting:
    """Let the administrator put another boundary around the management role."""
    boundaries = {**world.administered.entry["permissionsBoundaries"]}
    return _entered(permissionsBoundaries={**boundaries, "ReadOnly": customer_policy(world.management, "other")})


def service_role(world: OrganizationWorld) -> Setting:
    """Let the administrator give CloudFormation another role."""
    return _entered(cloudFormationRoleArn=f"{world.management.arn_prefix}role/{OTHER_SERVICE_ROLE}")


def everything(world: OrganizationWorld) -> Setting:
    """Ask for, and let the administrator decide, all of it at once."""
    boundaries = {**world.administered.entry["permissionsBoundaries"]}
    other = {**boundaries, "FullAccess": customer_policy(world.management, "other")}
    templates = [one(world).administration["management_account"] for one in (template, member_template)]
    entry = {**templates[0], **templates[1], "permissionsBoundaries": other}
    return Setting({**unit(world).spec, "permissions": "FullAccess"}, {"management_account": entry}, "second")


# --- what somebody may do by hand -------------------------------------------------------------------------------------


def delete_connector_role(world: OrganizationWorld, owner: Owner) -> None:
    clear_change_sets(world, owner)
    delete_role(world, owner)


def clear_change_sets(world: OrganizationWorld, owner: Owner) -> None:
    """Delete what was carried out: one attempt may have left it, and another not."""
    name = world.stack_name(owner)
    for one in world.stacks.list_change_sets(StackName=name)["Summaries"]:
        world.stacks.delete_change_set(StackName=name, ChangeSetName=one["ChangeSetId"])


def delete_stack(world: OrganizationWorld, owner: Owner) -> None:
    world.stacks.delete_stack(StackName=world.stack_name(owner))


def change_parameters(world: OrganizationWorld, owner: Owner) -> None:
    clear_change_sets(world, owner)
    stack = world.stack(owner) or {}
    kept = [one["ParameterKey"] for one in stack["Parameters"] if one["ParameterKey"] != "Permissions"]
    parameters = [{"ParameterKey": key, "UsePreviousValue": True} for key in kept]
    world.stacks.update_stack(
        StackName=stack["StackName"],
        UsePreviousTemplate=True,
        Capabilities=NAMED_IAM,
        Parameters=[*parameters, {"ParameterKey": "Permissions", "ParameterValue": "FullAccess"}],
    )


def retag_stack(world: OrganizationWorld, owner: Owner) -> None:
    clear_change_sets(world, owner)
    stack = world.stack(owner) or {}
    world.stacks.update_stack(
        StackName=stack["StackName"],
        UsePreviousTemplate=True,
        Capabilities=NAMED_IAM,
        Parameters=[{"ParameterKey": one["ParameterKey"], "UsePreviousValue": True} for one in stack["Parameters"]],
        Tags=[*(tag for tag in stack["Tags"] if tag["Key"] != "apono.io/managed-by"), {"Key": "by", "Value": "hand"}],
    )


# --- what CloudFormation does on the way ------------------------------------------------------------------------------


def fail_creation(world: OrganizationWorld, owner: Owner) -> None:
    world.fail_stack(owner, steps_of(world).make, DENIED)


def fail_creation_and_rollback(world: OrganizationWorld, owner: Owner) -> None:
    world.fail_stack(owner, steps_of(world).complete, DENIED)
    fail_deletion(world, owner)


def fail_update(world: OrganizationWorld, owner: Owner) -> None:
    world.fail_stack(owner, steps_of(world).change, DENIED)


def fail_update_and_rollback(world: OrganizationWorld, owner: Owner) -> None:
    world.fail_stack(owner, steps_of(world).change, DENIED, times=2)


def fail_deletion(world: OrganizationWorld, owner: Owner) -> None:
    world.fail_stack(owner, steps_of(world).delete, DENIED)


def steps_of(world: OrganizationWorld) -> Steps:
    """What fails is the role, or the StackSet where the stack has no role."""
    return OF_STACK_SET if world.mode == "ManagementAccount" else OF_ROLE


# --- the operations ---------------------------------------------------------------------------------------------------


def changes_asked_for(world: OrganizationWorld) -> list[Operation]:
    """All kinds of change that may be asked for or decided, in a ring in which each prepares the next."""
    ring = {
        "permissions": FULL_ACCESS,
        "unit": unit(world),
        "template": template(world),
        "boundary": boundary(world),
        "service role": service_role(world),
        "no member accounts": no_member_template(world),
        "back to the first": PLAIN,
    }
    shared: list[Subject] = []
    ends = zip([PLAIN, *ring.values()], ring.items(), strict=False)
    return _settled(world, [Update(world, Change(name, here, there), shared) for here, (name, there) in ends])


def changes_by_hand(world: OrganizationWorld) -> list[Operation]:
    """All that somebody may do by hand, each to a connector of its own."""
    kinds: dict[str, ByHand] = {
        "connector role deleted": delete_connector_role,
        "stack deleted": delete_stack,
        "stack's parameters changed": change_parameters,
        "stack's tags changed": retag_stack,
    }
    changes = [Change(name, PLAIN, PLAIN, by_hand) for name, by_hand in kinds.items()]
    return [operation for change in changes for operation in _settled(world, directions(world, change))]


def change_of_everything(world: OrganizationWorld) -> list[Operation]:
    """All of what may be asked for or decided at once, there and back again."""
    return _settled(world, directions(world, Change("everything", PLAIN, everything(world))))


def creation(world: OrganizationWorld) -> list[Operation]:
    """Create a connector with all that may be asked for."""
    return [Creation(world, "creation", everything(world))]


def life(world: OrganizationWorld) -> list[Operation]:
    """Create and delete a connector."""
    return [Life(world, "creation and deletion", PLAIN)]


def deletion(world: OrganizationWorld) -> list[Operation]:
    """Delete a connector."""
    return [Deletion(world, "deletion", PLAIN)]


def retaining_deletion(world: OrganizationWorld) -> list[Operation]:
    """Delete a connector whose roles and stack are to stay."""
    return [Deletion(world, "deletion that retains", asked(deletionPolicy="Retain"))]


def update(world: OrganizationWorld, befalls: ByHand | None) -> list[Operation]:
    """Ask for other permissions, there and back again; in each direction something befalls the stack."""
    shared: list[Subject] = []
    there = Change("update", PLAIN, FULL_ACCESS, befalls)
    back = Change("update, undone", FULL_ACCESS, PLAIN, befalls)
    return _settled(world, [Update(world, there, shared), Update(world, back, shared)])


STAGED: dict[str, Callable[[OrganizationWorld], list[Operation]]] = {
    "creation": lambda world: [Creation(world, "creation", PLAIN)],
    "creation that fails": lambda world: [Creation(world, "creation", PLAIN, fail_creation)],
    "creation whose rollback fails": lambda world: [Creation(world, "creation", PLAIN, fail_creation_and_rollback)],
    "update": lambda world: update(world, None),
    "update that fails": lambda world: update(world, fail_update),
    "update whose rollback fails": lambda world: update(world, fail_update_and_rollback),
    "deletion": deletion,
    "deletion that fails": lambda world: [Deletion(world, "deletion", PLAIN, fail_deletion)],
}
"""Operations that take the stack through all its statuses, by name."""


def _settled(world: OrganizationWorld, operations: list[Operation]) -> list[Operation]:
    """Do the first once: the first update of a stack differs from those that follow an update."""
    operations[0].begin()
    with world.stack_steps(1.0):
        operations[0].run()
    return operations


def _entered(**entry: object) -> Setting:
    return decided(management_account=entry)
