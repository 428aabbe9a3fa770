"""One account's IAM, on moto's models."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from moto.iam.models import (
    IAMBackend,
    InstanceProfile,
    ManagedPolicy,
    OpenIDConnectProvider,
    PolicyVersion,
    Role,
)

from sandbox.aws.store.ids import unique_id
from sandbox.aws.store.managed_policies import published_policies

__all__ = [
    "AccountBackend",
    "InstanceProfile",
    "ManagedPolicy",
    "OpenIDConnectProvider",
    "PolicyVersion",
    "Role",
]


class AccountBackend(IAMBackend):  # type: ignore[misc] # moto is not typed
    """moto's IAM of one account, standing apart from moto's registry of accounts.

    A backend of its own for each account, instead of moto's process-wide ones, lets two front doors live in
    one process. Names and ids are looked up through dictionaries, the rules stand in `sandbox.aws.iam`.

    Args:
        account_id: Twelve digits.
        region: A region of the account's partition; moto tells the partition from it.
    """

    def __init__(self, account_id: str, region: str) -> None:
        super().__init__(region_name=region, account_id=account_id)
        self.roles_by_name: dict[str, Role] = {}

    def _init_aws_policies(self) -> list[ManagedPolicy]:
        """None at first: see `policy`."""
        return []

    def role(self, name: str) -> Role | None:
        """The role of exactly this name."""
        role = self.roles_by_name.get(name.lower())
        return role if role is not None and role.name == name else None

    def role_of_arn(self, arn: str) -> Role | None:
        """The role of exactly this ARN, path included."""
        role = self.role(arn.rpartition("/")[2])
        return role if role is not None and role.arn == arn else None

    def add_role(self, *, name: str, path: str, trust: str, created: datetime) -> Role:
        """Store a new role; its name must be free in any case of letters."""
        role = Role(
            account_id=self.account_id,
            partition=self.partition,
            role_id=unique_id(self.account_id, "AROA"),
            name=name,
            assume_role_policy_document=trust,
            path=path,
            permissions_boundary=None,
            description="",
            tags=[],
            max_session_duration=None,
        )
        role.create_date = created
        self.roles[role.id] = self.roles_by_name[name.lower()] = role
        return role

    def remove_role(self, role: Role) -> None:
        """Forget a role."""
        del self.roles[role.id], self.roles_by_name[role.name.lower()]

    def policy(self, arn: str) -> ManagedPolicy | None:
        """A managed policy: the account's own, or AWS', which is made here when first asked for."""
        if arn not in self.managed_policies:
            published = published_policies().get(arn.removeprefix(f"arn:{self.partition}:iam::aws:policy/"))
            if published is None or not arn.startswith(f"arn:{self.partition}:iam::aws:policy/"):
                return None
            self.managed_policies[arn] = published.for_account(self.account_id, self.region_name, self.partition)
        return self.managed_policies[arn]

    def own_policies(self) -> list[ManagedPolicy]:
        """The policies made in this account."""
        own = f"arn:{self.partition}:iam::{self.account_id}:"
        return [policy for arn, policy in self.managed_policies.items() if arn.startswith(own)]

    def profiles_of(self, role: Role) -> Iterator[InstanceProfile]:
        """The instance profiles that hold a role."""
        return (profile for profile in self.instance_profiles.values() if role in profile.roles)
