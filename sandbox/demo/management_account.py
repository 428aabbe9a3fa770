"""Mode ManagementAccount: the cluster is in the organization's management account itself."""

from __future__ import annotations

import time
from typing import Any

from sandbox.aws import Account, FrontDoor
from sandbox.bootstrap import ManagedOrganization
from sandbox.demo.members import Members
from sandbox.demo.narration import Narration, NotSeenError
from sandbox.demo.organization import of_organization
from sandbox.demo.story import Story, role_is_gone


class ManagementAccountStory(Story):
    """Apply the manifest, let the connector change into the role of a member, delete, and look that nothing is left.

    Args:
        narration: Where it is told.
        aws: AWS.
        managed: The organization; the cluster is in its management account.
        members: The accounts below its unit.
        manifest: The AponoConnector, of any organization; it is given the ids of this one.
        source: How the manifest came about.
    """

    def __init__(
        self,
        narration: Narration,
        aws: FrontDoor,
        managed: ManagedOrganization,
        members: list[Account],
        manifest: dict[str, Any],
        source: str,
    ) -> None:
        super().__init__(narration, managed.management, of_organization(manifest, managed), source)
        self._members = Members(narration, aws, members)

    def tell(self) -> None:
        """Tell it.

        Raises:
            NotSeenError: A step did not come true.
        """
        self.apply()
        status = self.become_ready()
        if status["managementAccountRoleArn"] != status["connectorRoleArn"]:
            raise NotSeenError(f"the management role is {status['managementAccountRoleArn']}")
        self.told.tick("The connector role is the role in the management account")
        self._members.show(
            self.told.seen("members are counted", self.counted), self.use_the_role(status["connectorRoleArn"])
        )
        self.show_status()
        began = time.monotonic()
        self.delete()
        self.told.seen("the connector role is gone", lambda: role_is_gone(self.account, status["connectorRoleArn"]))
        self.told.seen("the member roles are gone", self._members.are_left_alone)
        self.told.seen("the children are gone from the cluster", self.children_are_gone)
        self.told.tick(f"kubectl delete: all roles and children gone after {time.monotonic() - began:.1f} s")
