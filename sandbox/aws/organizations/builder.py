"""An organization made, and changed, in few words: units are named by their paths."""

from __future__ import annotations

from sandbox.aws.account import Account, Partition
from sandbox.aws.front_door import FrontDoor
from sandbox.aws.organizations.organization import Organization, Unit


class OrganizationBuilder:
    """Makes an organization that StackSets may act in, and what is in it.

    Three lines make an organization with two units and let an account change places:

        builder = OrganizationBuilder(aws)
        account = builder.account("Workloads/Production")
        builder.move(account, "Sandbox")

    Args:
        aws: Where it is made.
        partition: Of the management account, if that is made here.
        management: The management account, in no organization as yet; made if left out.

    Attributes:
        organization: What is made.
        management: Its management account.
    """

    def __init__(self, aws: FrontDoor, partition: Partition = "aws", management: Account | None = None) -> None:
        self._aws = aws
        self.management: Account = management or aws.create_account(partition)
        self.organization: Organization = aws.create_organization(self.management)
        self._units: dict[str, Unit] = {}
        self.management.client("cloudformation").activate_organizations_access()

    def unit(self, path: str) -> Unit:
        """The unit of a path such as `Workloads/Production`, made with those above it if it is not there yet."""
        if path not in self._units:
            above, _, name = path.rpartition("/")
            self._units[path] = self.organization.unit(name, self.unit(above) if above else None)
        return self._units[path]

    def account(self, path: str = "") -> Account:
        """Make an account in the unit of a path, or right below the root."""
        account = self._aws.create_account(self.management.partition)
        self.move(account, path)
        return account

    def accounts(self, path: str, count: int) -> list[Account]:
        """Make some accounts in the unit of a path."""
        return [self.account(path) for _ in range(count)]

    def move(self, account: Account, path: str = "") -> None:
        """Take an account in, or move it: to the unit of a path, or right below the root."""
        self.organization.join(account, self.unit(path) if path else None)

    def remove(self, account: Account) -> None:
        """Let an account leave the organization."""
        self.organization.leave(account)

    def suspend(self, account: Account) -> None:
        """Close an account."""
        self.organization.suspend(account)
