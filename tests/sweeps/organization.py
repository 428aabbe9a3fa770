"""The world of connectors of mode Organization: their role is in a member account, their stack in the management's."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from apono_operator.reconciler import Reconciler
from apono_operator.state import resources
from apono_operator.state.management_accounts import ManagementAccount
from apono_operator.state.resources import Owner
from apono_operator.templates import management_account
from sandbox.aws import Account, Effect, Fault, FrontDoor
from sandbox.aws.organizations.organization import Organization, Unit
from tests.adapters.aws.connection import customer_policy
from tests.aws.identities import allowing, trusting
from tests.scenarios.cluster import Document
from tests.sweeps import evidence
from tests.sweeps.world import World

EXTERNAL_ID = "0123456789abcdef"
WAY_IN = "connector-operator-management"
SERVICE_ROLE = "connector-operator-cloudformation"
OTHER_SERVICE_ROLE = "connector-operator-other"
PERMISSION_SETS = ("FullAccess", "ReadOnly")


@dataclass(frozen=True)
class Administered:
    """An organization after its administrator's work.

    Attributes:
        management: The management account.
        units: Two, both of which are granted.
        entry: The management account as the operator's settings name it.
    """

    organization: Organization
    management: Account
    units: tuple[Unit, Unit]
    entry: Mapping[str, Any]


@dataclass
class OrganizationWorld(World):
    """What connectors of mode Organization stand on, and what people do there."""

    administered: Administered = field(kw_only=True)

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
        return {"mode": "Organization", **own, **more}

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
        """Let CloudFormation fail at its next calls about the connector's management role."""
        parameters = {"RoleName": self.management_role_name(owner)}
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
        """A change set that compares, and whose maker died, is found again by the next comparison."""
        return self.stack(owner) is not None and bool(self._change_sets(owner))

    def seen(self, owner: Owner, mark: int) -> Document:
        found = super().seen(owner, mark)
        stack, role = self.stack(owner), evidence.role_of(self.management, self.management_role_name(owner))
        status = (self.connector(owner) or {}).get("status", {})
        return {
            **found,
            "stack": _plain(stack) if stack else None,
            "change sets left over": self._change_sets(owner) if stack else None,
            "status names the stack": bool(stack and role) and _names(status, stack or {}, role or {}),
            "management role": {key: role[key] for key in role.keys() - {"RoleId", "Arn"}} if role else None,
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

    @property
    def _cluster(self) -> resources.Cluster:
        return resources.Cluster(self.issuer, self.account.account_id, self.account.partition)

    def _change_sets(self, owner: Owner) -> list[Document]:
        """Those that were not carried out, without what is another each time."""
        found = self.stacks.list_change_sets(StackName=self.stack_name(owner))["Summaries"]
        names = ("ChangeSetName", "Status", "ExecutionStatus")
        return [{name: one[name] for name in names} for one in found if one["ExecutionStatus"] != "EXECUTE_COMPLETE"]

    def _made(self, owner: Owner, mark: int) -> Mapping[str, int]:
        """How often the stack's role was made, the stack was changed, and a stack was deleted."""
        calls = self.aws.calls.since(mark)
        changes = calls.of(operation="ExecuteChangeSet", parameters={"StackName": self.stack_name(owner)})
        deletions = calls.of(operation="DeleteStack", account=self.management)
        return {
            "management role": evidence.roles_made(calls, self.management, self.management_role_name(owner)),
            "stack changed": len({call.parameters["ChangeSetName"] for call in changes if call.applied}),
            "stack deleted": len({call.parameters["StackName"] for call in deletions if call.applied}),
        }

    def _went_first(self, owner: Owner, mark: int) -> bool:
        """Whether the connector's role was deleted while there was one that trusts it."""
        names = {self.role_name(owner): True, self.management_role_name(owner): False}
        deletions = self.aws.calls.since(mark).of(operation="DeleteRole")
        order = [names[name] for call in deletions if call.applied and (name := call.parameters["RoleName"]) in names]
        return any(connector and not then for connector, then in pairwise(order))


def administer(aws: FrontDoor, member: Account) -> Administered:
    """Do in AWS what an administrator does for connectors of *member*, an account that is in no organization yet."""
    management = aws.create_account(member.partition)
    organization = aws.create_organization(management)
    organization.stacksets_access = "ENABLED"
    units = organization.unit("Workloads"), organization.unit("Others")
    organization.join(member, units[0])
    own = trusting({"AWS": f"{member.arn_prefix}root"}, {"StringEquals": {"sts:ExternalId": EXTERNAL_ID}})
    trusts = {WAY_IN: own, **dict.fromkeys((SERVICE_ROLE, OTHER_SERVICE_ROLE), _TRUSTING_CLOUDFORMATION)}
    arns = {name: _role(management, name, trust) for name, trust in trusts.items()}
    return Administered(organization, management, units, _entry(aws, management, units, arns))


def put_template(aws: FrontDoor, management: Account, name: str, **role: Any) -> str:
    """Put a template of connectors' stacks where CloudFormation reads it; return its URL.

    Args:
        aws: AWS.
        management: The management account.
        name: The template's.
        role: Other properties of the management role.
    """
    document = management_account.template()
    document["Resources"]["ManagementRole"]["Properties"] |= role
    url = f"https://apono-templates-{management.account_id}.s3.amazonaws.com/{name}.json"
    aws.templates[url] = json.dumps(document)
    return url


_TRUSTING_CLOUDFORMATION = trusting({"Service": "cloudformation.amazonaws.com"})


def _role(account: Account, name: str, trust: str) -> str:
    iam = account.client("iam")
    arn: str = iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust)["Role"]["Arn"]
    iam.put_role_policy(RoleName=name, PolicyName="all", PolicyDocument=allowing("*"))
    return arn


def _entry(aws: FrontDoor, management: Account, units: tuple[Unit, ...], arns: Mapping[str, str]) -> Document:
    return {
        "accountId": management.account_id,
        "roleArn": arns[WAY_IN],
        "externalId": EXTERNAL_ID,
        "cloudFormationRoleArn": arns[SERVICE_ROLE],
        "region": management.region,
        "templateUrl": put_template(aws, management, "management-account"),
        "permissionsBoundaries": {one: customer_policy(management, f"boundary-{one}") for one in PERMISSION_SETS},
        "allowedUnits": [unit.id for unit in units],
        "namespaces": ["*"],
    }


def _plain(stack: Document) -> Document:
    return {
        "status": stack["StackStatus"],
        "parameters": {one["ParameterKey"]: one["ParameterValue"] for one in stack.get("Parameters", ())},
        "outputs": {one["OutputKey"]: one["OutputValue"] for one in stack.get("Outputs", ())},
        "tags": {one["Key"]: one["Value"] for one in stack.get("Tags", ())},
        "service role": stack.get("RoleARN"),
        "capabilities": stack.get("Capabilities"),
    }


def _names(status: Document, stack: Document, role: Document) -> bool:
    told = status.get("managementStackId"), status.get("managementAccountRoleArn"), status.get("managementStackStatus")
    return told == (stack["StackId"], role["Arn"], stack["StackStatus"])
