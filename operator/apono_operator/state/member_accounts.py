"""The accounts below a connector's unit: which of them have the role that the StackSet lays there.

Source: CloudFormation API reference, ``StackInstanceSummary`` and ``StackInstanceComprehensiveStatus``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from apono_operator.state.finding import Finding, Next, found
from apono_operator.state.management_accounts import SETTING
from apono_operator.v1alpha1 import ConditionStatus, MemberAccounts, Reason

_FAILED = frozenset({"FAILED", "FAILED_IMPORT", "CANCELLED"})
_SUSPENDED = "SKIPPED_SUSPENDED_ACCOUNT"
_REASON_LIMIT = 400
"""Characters of AWS's words, so that a condition's message has room for the command behind them."""

_NAMED = 10
"""How many accounts are named before the rest is counted."""


@dataclass(frozen=True)
class StackSetPlace:
    """Where the roles of a connector come from.

    Attributes:
        name: The StackSet's, None if the stack has none.
        region: The region of stack and StackSet.
        updated: When the stack was last changed: since then, the accounts may be others.
    """

    name: str | None
    region: str
    updated: str


@dataclass(frozen=True)
class StackInstance:
    """What a StackSet has, or has not yet, in one account.

    Attributes:
        account_id: The account.
        unit_id: The root or organizational unit that the StackSet was deployed to, empty if nobody says; the account
            may be in a unit below it.
        status: ``CURRENT``, ``OUTDATED`` or ``INOPERABLE``.
        detail: How the last operation on it went: ``PENDING``, ``RUNNING``, ``SUCCEEDED``, ``FAILED``, …
        reason: Why it is not current, in AWS's words.
    """

    account_id: str
    unit_id: str = ""
    status: str = "CURRENT"
    detail: str = "SUCCEEDED"
    reason: str = ""

    @property
    def is_suspended(self) -> bool:
        """Whether the account is passed over, because it is suspended."""
        return self.detail == _SUSPENDED

    @property
    def is_failed(self) -> bool:
        """Whether nothing more will happen by itself."""
        return not self.is_suspended and (self.status == "INOPERABLE" or self.detail in _FAILED)

    @property
    def is_current(self) -> bool:
        """Whether the role is there as the StackSet has it."""
        return self.status == "CURRENT" and not self.is_suspended and not self.is_failed


def counted(instances: Iterable[StackInstance]) -> MemberAccounts:
    """Return how many accounts are in which state; each is counted once."""
    counts = Counter(map(_kind, instances))
    return MemberAccounts(
        current=counts["current"], outdated=counts["outdated"], failed=counts["failed"], suspended=counts["suspended"]
    )


def members_finding(stack_set: str, region: str, instances: Collection[StackInstance]) -> Finding:
    """Return how the roles in member accounts are doing.

    Args:
        stack_set: The name of the StackSet, in the management account.
        region: Where it is.
        instances: What it has, in each account.
    """
    counts = counted(instances)
    failed = sorted((one for one in instances if one.is_failed), key=lambda one: one.account_id)
    if failed:
        return _failed(stack_set, region, failed, len(instances))
    if counts.outdated:
        message = f"{counts.current} of {len(instances)} member accounts have the role so far."
        return _told(Reason.MEMBER_ROLES_IN_PROGRESS, message)
    passed_over = f" Suspended, and passed over: {counts.suspended}." if counts.suspended else ""
    return found(Reason.MEMBER_ROLES_CURRENT, f"Member accounts with the role: {counts.current}.{passed_over}")


def no_members_finding() -> Finding:
    """Return what is told where the stack has no StackSet."""
    return _told(
        Reason.MEMBER_ROLES_NOT_MADE,
        "The management-account stack lays no roles in member accounts, so the connector reaches the management "
        "account alone. Ask the administrator of the operator to set memberTemplateUrl in the entry of the account "
        f"({SETTING}).",
    )


def named(account_ids: Collection[str]) -> str:
    """Return accounts in words: the first of them by their ids, the rest as a number."""
    ids = list(account_ids)
    more = len(ids) - _NAMED
    return ", ".join(ids[:_NAMED]) + (f" and {more} more" if more > 0 else "")


def _kind(instance: StackInstance) -> str:
    if instance.is_suspended:
        return "suspended"
    if instance.is_failed:
        return "failed"
    return "current" if instance.is_current else "outdated"


def _failed(stack_set: str, region: str, failed: list[StackInstance], total: int) -> Finding:
    first = failed[0]
    told = first.reason[:_REASON_LIMIT] or "AWS tells no reason"
    message = (
        f"{len(failed)} of {total} member accounts have no role, or not as asked. The first, {first.account_id}: "
        f"{told}. Remove the cause, then try again in the management account: aws "
        f"cloudformation update-stack-instances --stack-set-name {stack_set} --region {region} --regions {region} "
        f"--deployment-targets OrganizationalUnitIds={first.unit_id},Accounts={first.account_id},"
        "AccountFilterType=INTERSECTION"
    )
    return _told(Reason.MEMBER_ACCOUNTS_FAILED, message)


def _told(reason: Reason, message: str) -> Finding:
    """Return a finding that nothing else waits for."""
    return Finding(ConditionStatus.FALSE, reason, message, Next.NOTHING)
