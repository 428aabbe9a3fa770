"""A scenario in an organization: the account of the cluster is a member, the stack is in the management account."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sandbox.aws import Account, Calls, Organization
from sandbox.aws.identity.callers import AccessKey
from sandbox.bootstrap import ManagedOrganization
from sandbox.installation import AUDIENCE
from tests.aws.sessions import session_key
from tests.scenarios.cluster import Document
from tests.scenarios.scenario import NAME, Role, Scenario, condition_of, role_in
from tests.waiting import PATIENCE, until


@dataclass
class OrganizationScenario(Scenario):
    """What a test of mode Organization acts upon and looks at; connectors that it applies are of that mode."""

    managed: ManagedOrganization

    @property
    def management(self) -> Account:
        """The management account."""
        return self.managed.management

    @property
    def organization(self) -> Organization:
        return self.managed.organization

    @property
    def unit(self) -> str:
        """The id of the one unit that is granted."""
        return self.managed.unit.id

    @property
    def stacks(self) -> Any:
        """The management account's CloudFormation, as its administrator."""
        return self.management.client("cloudformation")

    @property
    def entry(self) -> Document:
        """The chart's entry of the management account."""
        assert self.installation.management_account is not None
        return dict(self.installation.management_account)

    @property
    def mode(self) -> str:
        """The mode that the place of the cluster asks for."""
        return "ManagementAccount" if self.account == self.management else "Organization"

    # --- what people do ---------------------------------------------------------------------------------------

    def target(self, **more: Any) -> dict[str, Any]:
        """The manifest's target; *more* replaces its fields."""
        own = {"mode": self.mode, "organizationId": self.organization.id, "organizationUnitId": self.unit}
        return {**own, **more}

    def apply(self, name: str = NAME, **spec: Any) -> Document:
        return super().apply(name, **{"target": self.target(), **spec})

    def look_again(self, when: str = "now") -> None:
        """Ask for a look at everything, as people do; each wish needs another value."""
        self.cluster.patch("AponoConnector", NAME, {"metadata": {"annotations": {"apono.io/reconcile-at": when}}})

    # --- what people see --------------------------------------------------------------------------------------

    def stack(self, name_or_id: str | None = None) -> Mapping[str, Any] | None:
        """A stack of the management account as CloudFormation tells it; the connector's, by its id, if left out.

        To look is also to let due steps of stacks take place.
        """
        name_or_id = name_or_id or self.stack_id()
        found: list[Mapping[str, Any]] = self.stacks.describe_stacks()["Stacks"]
        if name_or_id.startswith("arn:"):
            found = self.stacks.describe_stacks(StackName=name_or_id)["Stacks"]
        return next((one for one in found if name_or_id in (one["StackName"], one["StackId"])), None)

    def stack_id(self) -> str:
        """Wait until the status has the stack's whole id: before CloudFormation tells it, it ends with the name."""

        def look() -> str | None:
            told = str(self.connector().get("status", {}).get("managementStackId", ""))
            return told if len(told.split("/")) == len(("arn:…:stack", "name", "id")) else None

        return until("the stack's id shows", look, PATIENCE, lambda: self._state(NAME))

    def stack_says(self, *parts: str, seconds: float = PATIENCE) -> str:
        """Wait until the message of ManagementStackReady has all of *parts*."""

        def look() -> str | None:
            message = str(condition_of(self.connector(), "ManagementStackReady").get("message"))
            return message if all(part in message for part in parts) else None

        return until(f"the condition says {parts}", look, seconds, lambda: self._state(NAME))

    def connector_stacks(self) -> dict[str, str]:
        """Name and status of all stacks ``apono-*`` of the management account that are not gone."""
        living = self.stacks.describe_stacks()["Stacks"]
        return {one["StackName"]: one["StackStatus"] for one in living if one["StackName"].startswith("apono-")}

    def stack_is(self, status: str, stack_id: str | None = None, seconds: float = PATIENCE) -> Mapping[str, Any]:
        """Wait until the connector's stack, or that of an id, has a status."""

        def look() -> Mapping[str, Any] | None:
            stack = self.stack(stack_id)
            return stack if stack and stack["StackStatus"] == status else None

        return until(f"the stack is {status}", look, seconds, lambda: self._state(NAME))

    def management_role(self, connector: Document | None = None) -> Role | None:
        """The management role as AWS tells it, by the ARN in the status."""
        arn = (connector or self.connector())["status"]["managementAccountRoleArn"]
        return role_in(self.management, arn.rpartition("/")[2])

    def management_roles(self) -> list[str]:
        """Names of all roles ``apono-*`` of the management account."""
        roles = self.management.client("iam").list_roles()["Roles"]
        return [role["RoleName"] for role in roles if role["RoleName"].startswith("apono-")]

    def member_roles(self, account: Account) -> list[str]:
        """Names of the roles ``apono-member-*`` of a member account."""
        self.stacks.list_stack_sets()  # to look is also to let due steps take place
        roles = account.client("iam").list_roles()["Roles"]
        return [role["RoleName"] for role in roles if role["RoleName"].startswith("apono-member-")]

    def member_role_arn(self, account: Account) -> str:
        """The ARN of the one such role of a member account."""
        (name,) = self.member_roles(account)
        return f"arn:aws:iam::{account.account_id}:role/{name}"

    def members_are(self, reason: str, **counts: int) -> Document:
        """Wait until the connector tells that of its member accounts, and counts them so."""
        whole = {"current": 0, "outdated": 0, "failed": 0, "suspended": 0, **counts}

        def look() -> Document | None:
            connector = self.connector()
            conditions = connector.get("status", {}).get("conditions", ())
            told = any(one["type"] == "MemberAccountsReady" and one["reason"] == reason for one in conditions)
            return connector if told and connector["status"].get("memberAccounts") == whole else None

        return until(f"member accounts are {reason} {whole}", look, PATIENCE, lambda: self._state(NAME))

    def as_connector(self, connector: Document | None = None) -> AccessKey:
        """Become the connector's role, as its pods do, by a token of its ServiceAccount."""
        status = (connector or self.connector())["status"]
        plane = self.installation.control_plane
        token = plane.service_account_token(self.cluster.namespace, status["serviceAccountName"], AUDIENCE)
        answer = self.account.client("sts").assume_role_with_web_identity(
            RoleArn=status["connectorRoleArn"], RoleSessionName="pod", WebIdentityToken=token
        )
        return session_key(answer)

    def management_calls(self, mark: int = 0) -> Calls:
        """What the operator asked of AWS in the management account since *mark*."""
        role = str(self.entry["roleArn"]).rpartition("/")[2]
        everything = self.aws.calls.since(mark).of(account=self.management)
        return Calls([call for call in everything if call.caller and f":assumed-role/{role}/" in call.caller])
