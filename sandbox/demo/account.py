"""Mode Account: a connector of the cluster's own account."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from sandbox.demo.narration import NotSeenError
from sandbox.demo.story import Story, role_is_gone


class AccountStory(Story):
    """Apply the manifest, look at all that comes of it, delete it, and look that nothing is left."""

    def tell(self) -> None:
        """Tell it.

        Raises:
            NotSeenError: A step did not come true.
        """
        self.apply()
        role_arn = str(self.become_ready()["connectorRoleArn"])
        self._look_at_role(role_arn)
        self.look_at_pods(role_arn)
        self.use_the_role(role_arn)
        self.show_status()
        self._take_away(role_arn)

    def _look_at_role(self, role_arn: str) -> None:
        iam, name = self.account.client("iam"), role_arn.rpartition("/")[2]
        role: Mapping[str, Any] = iam.get_role(RoleName=name)["Role"]
        trust = role["AssumeRolePolicyDocument"]["Statement"][0]["Condition"]["StringEquals"]
        attached = iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"]
        inline = iam.list_role_policies(RoleName=name)["PolicyNames"]
        if role["Arn"] != role_arn or not inline or not attached:
            raise NotSeenError(f"IAM's role {name} is not as the status says: {role['Arn']}, {inline}, {attached}")
        self.told.tick("IAM has the role")
        self.told.facts(
            {
                "ARN": role["Arn"],
                "unique id": role["RoleId"],
                "boundary": role["PermissionsBoundary"]["PermissionsBoundaryArn"],
                "inline policy": ", ".join(inline),
                "managed policies": ", ".join(policy["PolicyName"] for policy in attached),
                "trusts": " and ".join(f"{key.rpartition(':')[2]} = {value}" for key, value in trust.items()),
            }
        )

    def _take_away(self, role_arn: str) -> None:
        began = time.monotonic()
        self.delete()
        self.told.seen("the role is gone from IAM", lambda: role_is_gone(self.account, role_arn))
        self.told.seen("the children are gone from the cluster", self.children_are_gone)
        self.told.tick(
            "kubectl delete: role, Deployment, pods, ServiceAccount and Secret gone "
            f"after {time.monotonic() - began:.1f} s"
        )
