"""Stack sets, deployed to the units of an organization, whose time the test drives."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tests.aws.cloudformation.templates import NAMED, own_role, template
from tests.aws.identities import trusting

if TYPE_CHECKING:
    from sandbox.aws import Account, ManualClock, OrganizationBuilder

REGION = "us-east-1"
SET = "apono"
ROLE = "apono-member"
RESOURCE = "Members"
READ_ONLY = "arn:aws:iam::aws:policy/ReadOnlyAccess"
AUTOMATIC = {"Enabled": True, "RetainStacksOnAccountRemoval": False}
BY_HAND = {"Enabled": False}


def member_template(name: Any = ROLE, **properties: Any) -> str:
    """A template that makes a role."""
    return template({"Role": own_role(name, **properties)})


@dataclass
class Deployed:
    """CloudFormation in a management account, and the clock it goes by.

    Attributes:
        company: The organization.
        clock: The sandbox's.
    """

    company: OrganizationBuilder
    clock: ManualClock

    @property
    def cfn(self) -> Any:
        return self.company.management.client("cloudformation")

    def create(self, body: str | None = None, **more: Any) -> str:
        """Make the stack set; its id."""
        given: dict[str, Any] = {
            "StackSetName": SET,
            "PermissionModel": "SERVICE_MANAGED",
            "AutoDeployment": AUTOMATIC,
            "TemplateBody": body or member_template(),
            "Capabilities": NAMED,
        }
        return str(self.cfn.create_stack_set(**{**given, **more})["StackSetId"])

    def targets(self, *paths: str) -> dict[str, Any]:
        """Units by their paths, the root by an empty one."""
        root = self.company.organization.root_id
        return {"OrganizationalUnitIds": [self.company.unit(path).id if path else root for path in paths]}

    def begin(self, operation: str, *paths: str, **more: Any) -> str:
        """Begin `create_stack_instances` or the like for some units; the operation's id."""
        given = {"StackSetName": SET, "DeploymentTargets": self.targets(*paths), "Regions": [REGION]}
        return str(getattr(self.cfn, operation)(**{**given, **more})["OperationId"])

    def deploy(self, *paths: str, **more: Any) -> Any:
        """Make instances in some units, and wait; the operation."""
        return self.finish(self.begin("create_stack_instances", *paths, **more))

    def remove(self, *paths: str, **more: Any) -> Any:
        """Delete the instances of some units, and wait; the operation."""
        return self.finish(self.begin("delete_stack_instances", *paths, **{"RetainStacks": False, **more}))

    def update(self, body: str | None = None, **more: Any) -> Any:
        """Update the stack set with a template, and wait; the operation."""
        given: dict[str, Any] = {"StackSetName": SET, "Capabilities": NAMED}
        given |= {"TemplateBody": body} if body else {"UsePreviousTemplate": True}
        return self.finish(self.cfn.update_stack_set(**{**given, **more})["OperationId"])

    def wait(self) -> None:
        """Let time go by until all is over."""
        self.cfn.list_stack_sets()  # whatever the organization has seen begins by then
        self.clock.advance(2000)
        self.cfn.list_stack_sets()

    def finish(self, operation: str) -> Any:
        """Let time go by until all is over; an operation."""
        self.wait()
        return self.operation(operation)

    def operation(self, operation: str) -> Any:
        found = self.cfn.describe_stack_set_operation(StackSetName=SET, OperationId=operation)
        return found["StackSetOperation"]

    def latest(self) -> Any:
        """The latest operation's summary."""
        return self.cfn.list_stack_set_operations(StackSetName=SET)["Summaries"][0]

    def actions(self) -> list[tuple[str, str]]:
        """What was done, and what became of it, the latest last."""
        found = self.cfn.list_stack_set_operations(StackSetName=SET)["Summaries"]
        return [(one["Action"], one["Status"]) for one in reversed(found)]

    def instances(self) -> dict[str, tuple[str, str]]:
        """Status and detailed status by account."""
        found = self.cfn.list_stack_instances(StackSetName=SET)["Summaries"]
        return {one["Account"]: (one["Status"], one["StackInstanceStatus"]["DetailedStatus"]) for one in found}

    def accounts(self) -> set[str]:
        """The accounts that have instances."""
        return set(self.instances())

    def instance(self, account: Account) -> Any:
        given = {"StackSetName": SET, "StackInstanceAccount": account.account_id, "StackInstanceRegion": REGION}
        return self.cfn.describe_stack_instance(**given)["StackInstance"]

    def results(self, operation: str) -> dict[str, tuple[str, str]]:
        """Status and reason by account."""
        found = self.cfn.list_stack_set_operation_results(StackSetName=SET, OperationId=operation)["Summaries"]
        return {one["Account"]: (one["Status"], one.get("StatusReason", "")) for one in found}


def stack_template(sets: Deployed, *paths: str, body: str | None = None, **properties: Any) -> str:
    """A template with a stack set that is deployed to some units."""
    group = {"DeploymentTargets": sets.targets(*paths), "Regions": [REGION]}
    own = {
        "StackSetName": SET,
        "PermissionModel": "SERVICE_MANAGED",
        "AutoDeployment": AUTOMATIC,
        "Capabilities": NAMED,
        "TemplateBody": body or member_template(),
        "StackInstancesGroup": [group],
    }
    resource = {"Type": "AWS::CloudFormation::StackSet", "Properties": {**own, **properties}}
    return template({RESOURCE: resource}, Outputs={"Id": {"Value": {"Ref": RESOURCE}}})


def obstruct(account: Account, name: str = ROLE) -> None:
    """Take the name of the role that the stack set makes."""
    trust = trusting({"AWS": account.account_id})
    account.client("iam").create_role(RoleName=name, AssumeRolePolicyDocument=trust)


def roles(account: Account) -> list[str]:
    """The names of an account's roles, without that by which StackSets act."""
    names = [role["RoleName"] for role in account.client("iam").list_roles()["Roles"]]
    return [name for name in names if not name.startswith("stacksets-exec-")]


def stacks(account: Account) -> list[tuple[str, str]]:
    """Name and status of an account's stacks, the newest first."""
    found = account.client("cloudformation").list_stacks()["StackSummaries"]
    return [(stack["StackName"], stack["StackStatus"]) for stack in found]


def ids(*accounts: Account) -> set[str]:
    return {account.account_id for account in accounts}


SUCCEEDED = ("CURRENT", "SUCCEEDED")
