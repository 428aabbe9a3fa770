"""Organizations: a management account, units below a root, member accounts in them."""

from __future__ import annotations

import secrets
import string
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Literal

from sandbox.aws.account import Partition
from sandbox.aws.calls import AccountLike, account_id_of
from sandbox.aws.clock import Clock
from sandbox.aws.identity_center.instance import Instance

_LETTERS: Final = string.ascii_lowercase + string.digits
FeatureSet = Literal["ALL", "CONSOLIDATED_BILLING"]
StackSetsAccess = Literal["ENABLED", "DISABLED", "DISABLED_PERMANENTLY"]


@dataclass(frozen=True, slots=True)
class Unit:
    """An organizational unit.

    Attributes:
        id: Such as `ou-1a2b-1a2b3c4d`.
        name: Unique within its parent.
        parent_id: A unit's id, or the root's.
    """

    id: str
    name: str
    parent_id: str


@dataclass(slots=True)
class Member:
    """An account of an organization, the management account too.

    Attributes:
        account_id: Twelve digits.
        parent_id: The unit it is in, or the root.
        joined: When it came.
        method: `INVITED` or `CREATED`.
        status: `ACTIVE` or `SUSPENDED`.
    """

    account_id: str
    parent_id: str
    joined: datetime
    method: str = "INVITED"
    name: str = "account"
    status: str = "ACTIVE"

    @property
    def email(self) -> str:
        """The address of its root user."""
        return f"{self.account_id}@example.com"


@dataclass(frozen=True, slots=True)
class Movement:
    """An account that came, went, or changed places.

    Attributes:
        time: When.
        account_id: Whose.
        before: What held it, from its unit up to the root; empty for one that came.
        after: What holds it now; empty for one that went.
    """

    time: datetime
    account_id: str
    before: tuple[str, ...]
    after: tuple[str, ...]


class Organization:
    """An organization, as a test holds it.

    Args:
        management: The account it belongs to.
        partition: Where it lives.
        clock: Dates what joins.
        feature_set: `ALL` features, or consolidated billing alone.

    Attributes:
        id: Such as `o-1a2b3c4d5e`.
        root_id: Such as `r-1a2b`.
        management_account_id: Twelve digits.
        units: By id.
        members: By account id.
        movements: Every account's coming and going, the oldest first.
        service_access: Service principals with trusted access, and since when.
        stacksets_access: What `cloudformation:DescribeOrganizationsAccess` tells; may be set.
        delegated_administrators: By service principal, the members that administer the service, and since when.
        identity_center: Its instance of IAM Identity Center; may be set.
    """

    def __init__(self, management: str, partition: Partition, clock: Clock, feature_set: FeatureSet = "ALL") -> None:
        self.id = f"o-{_random(10)}"
        self.root_id = f"r-{_random(4)}"
        self.management_account_id = management
        self.partition = partition
        self.feature_set = feature_set
        self.units: dict[str, Unit] = {}
        self.members: dict[str, Member] = {}
        self.movements: list[Movement] = []
        self.service_access: dict[str, datetime] = {}
        self.stacksets_access: StackSetsAccess = "DISABLED"
        self.delegated_administrators: dict[str, dict[str, datetime]] = {}
        self.identity_center: Instance | None = None
        self._clock = clock
        self.join(management)

    def unit(self, name: str, parent: Unit | str | None = None) -> Unit:
        """Make a unit below another one, or below the root."""
        parent_id = self.root_id if parent is None else parent if isinstance(parent, str) else parent.id
        unit = Unit(f"ou-{self.root_id.removeprefix('r-')}-{_random(8)}", name, parent_id)
        self.units[unit.id] = unit
        return unit

    def join(self, account: AccountLike, unit: Unit | None = None) -> None:
        """Take an account in, or move it: below a unit, or below the root."""
        account_id, parent_id = account_id_of(account) or "", unit.id if unit else self.root_id
        if account_id in self.members:
            self.move(account_id, parent_id)
        else:
            self.add(Member(account_id, parent_id, self._clock()))

    def leave(self, account: AccountLike) -> None:
        """Let an account go."""
        account_id = account_id_of(account) or ""
        before = self.ancestors(account_id)
        del self.members[account_id]
        self.movements.append(Movement(self._clock(), account_id, before, ()))

    def suspend(self, account: AccountLike) -> None:
        """Close an account: it stays where it is for some months, and nothing can be done in it."""
        self.members[account_id_of(account) or ""].status = "SUSPENDED"

    def add(self, member: Member) -> None:
        """Take a new member in."""
        self.members[member.account_id] = member
        self.movements.append(Movement(self._clock(), member.account_id, (), self.ancestors(member.account_id)))

    def move(self, account_id: str, parent_id: str) -> None:
        """Move a member below another parent."""
        before = self.ancestors(account_id)
        self.members[account_id].parent_id = parent_id
        self.movements.append(Movement(self._clock(), account_id, before, self.ancestors(account_id)))

    def ancestors(self, account_id: str) -> tuple[str, ...]:
        """What holds a member: its unit, the unit's parent and so on, up to the root."""
        found = [self.members[account_id].parent_id]
        while found[-1] != self.root_id:
            found.append(self.units[found[-1]].parent_id)
        return tuple(found)

    def is_suspended(self, account_id: str) -> bool:
        """Whether an account is a member, and suspended."""
        member = self.members.get(account_id)
        return member is not None and member.status == "SUSPENDED"

    def delegate(self, service: str, account: AccountLike) -> None:
        """Let a member administer a service, named by its principal."""
        self.delegated_administrators.setdefault(service, {})[account_id_of(account) or ""] = self._clock()

    def knows(self, parent_id: str) -> bool:
        """Whether something of this id can hold accounts here."""
        return parent_id == self.root_id or parent_id in self.units

    def path(self, parent_id: str) -> str:
        """The path from the organization down to a parent, with a slash at its end."""
        below: list[str] = []
        while parent_id != self.root_id:
            below.insert(0, f"{parent_id}/")
            parent_id = self.units[parent_id].parent_id
        return f"{self.id}/{self.root_id}/{''.join(below)}"

    def arn(self, resource: str) -> str:
        """The ARN of something in it, such as `ou/<organization>/<unit>`."""
        return f"arn:{self.partition}:organizations::{self.management_account_id}:{resource}"


@dataclass
class Organizations:
    """Every organization behind one front door."""

    _organizations: dict[str, Organization] = field(default_factory=dict)

    def __iter__(self) -> Iterator[Organization]:
        return iter(self._organizations.values())

    def add(self, organization: Organization) -> None:
        """Take in an organization."""
        self._organizations[organization.id] = organization

    def remove(self, organization: Organization) -> None:
        """Forget an organization."""
        del self._organizations[organization.id]

    def of_account(self, account_id: str) -> Organization | None:
        """The organization that an account belongs to."""
        return next((found for found in self if account_id in found.members), None)

    def condition_keys(self, account_id: str) -> Mapping[str, Sequence[str]]:
        """The condition keys that a principal of an account brings along for its organization; none outside."""
        organization = self.of_account(account_id)
        if organization is None:
            return {}
        path = organization.path(organization.members[account_id].parent_id)
        return {"aws:principalorgid": [organization.id], "aws:principalorgpaths": [path]}

    def clear(self) -> None:
        """Forget them all."""
        self._organizations.clear()


def _random(length: int) -> str:
    return "".join(secrets.choice(_LETTERS) for _ in range(length))
