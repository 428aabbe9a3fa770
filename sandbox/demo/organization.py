"""Mode Organization: a role in the cluster's account, and a stack in the organization's management account."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from botocore.exceptions import ClientError

from sandbox.aws import Account, FrontDoor
from sandbox.aws.identity.callers import AccessKey
from sandbox.bootstrap import ManagedOrganization
from sandbox.demo.members import Members
from sandbox.demo.narration import Narration, NotSeenError
from sandbox.demo.story import Story, role_is_gone


class OrganizationStory(Story):
    """Apply the manifest, watch its stack, let the connector change roles, delete, and look that nothing is left.

    Args:
        narration: Where it is told.
        aws: AWS.
        account: The account of the cluster, a member of the organization.
        managed: The organization.
        members: The accounts below its unit.
        manifest: The AponoConnector, of any organization; it is given the ids of this one.
        source: How the manifest came about.
    """

    def __init__(
        self,
        narration: Narration,
        aws: FrontDoor,
        account: Account,
        managed: ManagedOrganization,
        members: list[Account],
        manifest: dict[str, Any],
        source: str,
    ) -> None:
        super().__init__(narration, account, of_organization(manifest, managed), source)
        self._aws = aws
        self._managed = managed
        self._members = Members(narration, aws, members)
        self._stacks: Any = managed.management.client("cloudformation")

    def tell(self) -> None:
        """Tell it.

        Raises:
            NotSeenError: A step did not come true.
        """
        self._introduce()
        self.apply()
        self._watch_the_stack()
        status = self.become_ready()
        self._look_at_management_role(status)
        self.look_at_pods(status["connectorRoleArn"])
        connector = self._change_roles(status)
        self._members.show(self.told.seen("members are counted", self.counted), connector)
        self._look_at_line(status)
        self._take_away(status)

    def _introduce(self) -> None:
        self.told.facts(
            {
                "organization": self._managed.organization.id,
                "management account": self._managed.management.account_id,
                "cluster's account": f"{self.account.account_id}, in unit {self._managed.unit.id}",
            }
        )

    def _watch_the_stack(self) -> None:
        """Tell each status that the connector shows for its stack."""
        began, told = time.monotonic(), [""]

        def look() -> bool:
            status = str(self.connector().get("status", {}).get("managementStackStatus") or "")
            if status != told[-1]:
                told.append(status)
                self.told.note(f"{time.monotonic() - began:4.1f} s  managementStackStatus {status or '(none)'}")
            return status == "CREATE_COMPLETE"

        self.told.seen("the stack is made", look)
        if "CREATE_IN_PROGRESS" not in told:
            raise NotSeenError(f"the status did not show the stack being made: {told[1:]}")
        self.told.tick("CloudFormation made the stack in the management account")

    def _look_at_management_role(self, status: Mapping[str, Any]) -> None:
        arn = str(status["managementAccountRoleArn"])
        role: Mapping[str, Any] = self._managed.management.client("iam").get_role(RoleName=arn.rpartition("/")[2])[
            "Role"
        ]
        stack = self._stack(status)
        if stack["StackStatus"] != "CREATE_COMPLETE" or role["Arn"] != arn:
            raise NotSeenError(f"the stack is {stack['StackStatus']}, the role {role['Arn']}")
        self.told.tick("IAM of the management account has the role")
        self.told.facts(
            {
                "stack": stack["StackName"],
                "ARN": role["Arn"],
                "boundary": role["PermissionsBoundary"]["PermissionsBoundaryArn"],
                "made by": stack["RoleARN"],
            }
        )

    def _change_roles(self, status: Mapping[str, Any]) -> AccessKey:
        """Become the management role as the connector, and see that nobody else does."""
        arn = str(status["managementAccountRoleArn"])
        connector = self.use_the_role(status["connectorRoleArn"])
        self.told.tick(f"The connector role becomes the management role: {self._assumed(connector, arn)}")
        for whose, stranger in (("cluster's", self.account), ("management", self._managed.management)):
            try:
                self._assumed(stranger.credentials, arn)
            except ClientError as error:
                if error.response["Error"]["Code"] != "AccessDenied":
                    raise
            else:
                raise NotSeenError(f"the administrator of the {whose} account may assume {arn}")
        self.told.tick("Nobody else does, not even the administrators of both accounts")
        return connector

    def _assumed(self, key: AccessKey, role_arn: str) -> str:
        sts = self._aws.client("sts", self.account.region, key)
        arn: str = sts.assume_role(RoleArn=role_arn, RoleSessionName="demo")["AssumedRoleUser"]["Arn"]
        return arn

    def _look_at_line(self, status: Mapping[str, Any]) -> None:
        line = self.show_status()
        missing = [status[arn] for arn in ("connectorRoleArn", "managementAccountRoleArn") if status[arn] not in line]
        if missing:
            raise NotSeenError(f"kubectl does not show {', '.join(missing)}")

    def _take_away(self, status: Mapping[str, Any]) -> None:
        began, management = time.monotonic(), self._managed.management
        self.delete()
        if (left := self._stack(status)["StackStatus"]) != "DELETE_COMPLETE":
            raise NotSeenError(f"the connector is gone, and its stack is {left}")
        self.told.seen(
            "the management role is gone", lambda: role_is_gone(management, status["managementAccountRoleArn"])
        )
        self.told.seen("the member roles are gone", self._members.are_left_alone)
        self.told.seen("the connector role is gone", lambda: role_is_gone(self.account, status["connectorRoleArn"]))
        self.told.seen("the children are gone from the cluster", self.children_are_gone)
        self.told.tick(f"kubectl delete: stack, all roles and children gone after {time.monotonic() - began:.1f} s")

    def _stack(self, status: Mapping[str, Any]) -> Mapping[str, Any]:
        (stack,) = self._stacks.describe_stacks(StackName=status["managementStackId"])["Stacks"]
        found: Mapping[str, Any] = stack
        return found


def of_organization(manifest: dict[str, Any], managed: ManagedOrganization) -> dict[str, Any]:
    """A manifest with the ids of an organization in place of those that it has."""
    ids = {"organizationId": managed.organization.id, "organizationUnitId": managed.unit.id}
    target = manifest["spec"]["target"]
    if target["mode"] == "Organization":
        ids["managementAccountId"] = managed.management.account_id
    own = {name: value for name, value in target.items() if name != "accountId"}
    return {**manifest, "spec": {**manifest["spec"], "target": {**own, **ids}}}
