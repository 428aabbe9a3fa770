"""The world of connectors of an organization: their stack is in its management account, their roles in its members.

In mode Organization the cluster is in a member account, in mode ManagementAccount in the management account itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from apono_operator.reconciler import Reconciler
from apono_operator.state import resources
from apono_operator.state.management_accounts import ManagementAccount
from apono_operator.state.resources import Owner
from sandbox.aws import Account, Effect, Fault
from tests.scenarios.cluster import Document
from tests.scenarios.scenario import condition_of
from tests.sweeps import evidence, members
from tests.sweeps.administering import Administered
from tests.sweeps.world import World


@dataclass
class OrganizationWorld(World):
    """What connectors of an organization stand on, and what people do there."""

    administered: Administered = field(kw_only=True)

    @property
    def mode(self) -> str:
        """The mode that the place of the cluster asks for."""
        return "ManagementAccount" if self.account == self.management else "Organization"

    @property
    def management(self) -> Account:
        """The management account."""
        return self.administered.management

    @property
    def stacks(self) -> Any:
        """The management account's CloudFormation, as its administrator."""
        return self.management.client("cloudformation")

    # --- what people do -------------------------------------------------------------------------------------------

    def start(self, administration: Mapping[str, Any]) -> Reconciler:
        """Start an operator; `management_account` among the decisions has other fields of the entry."""
        rest = dict(administration)
        entry = {**self.administered.entry, **rest.pop("management_account", {})}
        return super().start({**rest, "management_accounts": (ManagementAccount.model_validate(entry),)})

    def apply(self, name: str, spec: Mapping[str, Any]) -> Owner:
        return super().apply(name, {"target": self.target(), **spec})

    def target(self, **more: Any) -> Document:
        """The manifest's target; *more* replaces its fields."""
        administered = self.administered
        own = {"organizationId": administered.organization.id, "organizationUnitId": administered.units[0].id}
        return {"mode": self.mode, **own, **more}

    @contextmanager
    def stack_steps(self, seconds: float) -> Iterator[None]:
        """Let each step of a stack take so long; a pass that waits for one waits as long.

        So there are more passes, and longer pauses: what failed is tried again after minutes.
        """
        before = self.pass_limit, self.longest_pause
        self.aws.stack_step_seconds, self.pass_limit, self.longest_pause = seconds, 40, 300.0
        try:
            yield
        finally:
            self.aws.stack_step_seconds, self.pass_limit, self.longest_pause = 0, *before

    def fail_stack(self, owner: Owner, operation: str, effect: Effect, times: int = 1) -> None:
        """Let CloudFormation fail at its next calls about the connector's management role, or about a StackSet."""
        parameters = {"RoleName": self.management_role_name(owner)} if "Role" in operation else {}
        self.aws.faults.add(
            Fault(effect, operation=operation, account=self.management, parameters=parameters, times=times)
        )

    # --- what people see ------------------------------------------------------------------------------------------

    def stack_name(self, owner: Owner) -> str:
        """The name of the connector's stack, if there is one."""
        return self._cluster.stack_name(owner)

    def management_role_name(self, owner: Owner) -> str:
        """The name of the connector's role in the management account, if there is one."""
        return self._cluster.management_role_name(owner)

    def stack(self, owner: Owner) -> Document | None:
        """The connector's stack, None if there is none (any more). To look is to let due steps of stacks take place."""
        try:
            found: Document = self.stacks.describe_stacks(StackName=self.stack_name(owner))["Stacks"][0]
        except self.stacks.exceptions.ClientError as error:
            if "does not exist" in str(error):
                return None
            raise
        return found

    def awaits_hourly_look(self, owner: Owner) -> bool:
        """A change set that compares, and whose maker died, is found again by the next comparison.

        So are member accounts at which nobody could look.
        """
        in_doubt = condition_of(self.connector(owner) or {}, "MemberAccountsReady").get("status") == "Unknown"
        return in_doubt or (self.stack(owner) is not None and bool(self._change_sets(owner)))

    def seen(self, owner: Owner, mark: int) -> Document:
        found = super().seen(owner, mark)
        stack, role = self.stack(owner), evidence.role_of(self.management, self.management_role_name(owner))
        status = (self.connector(owner) or {}).get("status", {})
        return {
            **found,
            "stack": _plain(stack) if stack else None,
            "change sets left over": self._change_sets(owner) if stack else None,
            "status names the stack": bool(stack) and _names(status, stack or {}, self._role_arn(owner)),
            "management role": {key: role[key] for key in role.keys() - {"RoleId", "Arn"}} if role else None,
            "StackSet": members.stack_set_of(self.management, self.stack_name(owner)),
            **self._in_members(owner),
            "creations": {**found["creations"], **self._made(owner, mark)},
            "connector role went first": self._went_first(owner, mark),
        }

    def stage(self, owner: Owner) -> str:
        """How far the connector's stack has come, in words."""
        stack = self.stack(owner)
        status = stack["StackStatus"] if stack else "no stack"
        change_sets = [one["Status"] for one in self._change_sets(owner)] if stack else []
        role = evidence.role_of(self.management, self.management_role_name(owner))
        return ", ".join([status, *(f"change set {one}" for one in change_sets), "role" if role else "no role"])

    def _role_arn(self, owner: Owner) -> str:
        """The ARN of the role that Apono is told of: in the management account, the connector's own."""
        own = self.mode == "ManagementAccount"
        name = self.role_name(owner) if own else self.management_role_name(owner)
        return f"{self.management.arn_prefix}role/{name}"

    def _in_members(self, owner: Owner) -> Document:
        """What there is in each member account; what is left where it should be gone is told as such."""
        units, name = self.administered.units, self._cluster.member_role_name(owner)
        pairs = zip(units, self.administered.members, strict=True)
        return {f"in {unit.name}": members.in_account(account, name) for unit, account in pairs}

    @property
    def _cluster(self) -> resources.Cluster:
        return resources.Cluster(self.issuer, self.account.account_id, self.account.partition)

    def _change_sets(self, owner: Owner) -> list[Document]:
        """Those that were not carried out, without what is another each time."""
        found = self.stacks.list_change_sets(StackName=self.stack_name(owner))["Summaries"]
        names = ("ChangeSetName", "Status", "ExecutionStatus")
        return [{name: one[name] for name in names} for one in found if one["ExecutionStatus"] != "EXECUTE_COMPLETE"]

    def _made(self, owner: Owner, mark: int) -> Mapping[str, int]:
        """How often the stack's and the members' roles were made, the stack was changed, and a stack was deleted."""
        calls = self.aws.calls.since(mark)
        changes = calls.of(operation="ExecuteChangeSet", parameters={"StackName": self.stack_name(owner)})
        deletions = calls.of(operation="DeleteStack", account=self.management)
        member_role = self._cluster.member_role_name(owner)
        return {
            "management role": evidence.roles_made(calls, self.management, self.management_role_name(owner)),
            "StackSet": members.stack_sets_made(calls, self.management, self.stack_name(owner)),
            "member roles": members.roles_made(calls, self.administered.members, member_role),
            "stack changed": len({call.parameters["ChangeSetName"] for call in changes if call.applied}),
            "stack deleted": len({call.parameters["StackName"] for call in deletions if call.applied}),
        }

    def _went_first(self, owner: Owner, mark: int) -> bool:
        """Whether the connector's role was deleted while there was one that trusts it."""
        trusting = (self.management_role_name(owner), self._cluster.member_role_name(owner))
        names = {self.role_name(owner): True, **dict.fromkeys(trusting, False)}
        deletions = self.aws.calls.since(mark).of(operation="DeleteRole")
        order = [names[name] for call in deletions if call.applied and (name := call.parameters["RoleName"]) in names]
        return any(connector and not then for connector, then in pairwise(order))


def _plain(stack: Document) -> Document:
    return {
        "status": stack["StackStatus"],
        "parameters": {one["ParameterKey"]: one["ParameterValue"] for one in stack.get("Parameters", ())},
        "outputs": {one["OutputKey"]: one["OutputValue"] for one in stack.get("Outputs", ())},
        "tags": {one["Key"]: one["Value"] for one in stack.get("Tags", ())},
        "service role": stack.get("RoleARN"),
        "capabilities": stack.get("Capabilities"),
    }


def _names(status: Document, stack: Document, role_arn: str) -> bool:
    told = status.get("managementStackId"), status.get("managementAccountRoleArn"), status.get("managementStackStatus")
    return told == (stack["StackId"], role_arn, stack["StackStatus"])
