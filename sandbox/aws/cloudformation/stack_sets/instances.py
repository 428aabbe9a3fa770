"""Which instances of a stack set an operation is about."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sandbox.aws.cloudformation.stack_sets.stack_set import StackInstance, StackSet
from sandbox.aws.cloudformation.stack_sets.targets import covering_unit, is_included, target_accounts
from sandbox.aws.organizations.organization import Organization


def wanted_instances(
    stack_set: StackSet, organization: Organization, targets: Mapping[str, Any], regions: Sequence[str]
) -> list[StackInstance]:
    """An instance for each target account and region; those that are not there yet are made."""
    accounts = target_accounts(targets, organization)
    found = []
    for region in regions:
        for account_id, unit_id in accounts.items():
            instance = StackInstance(account_id, region, unit_id)
            found.append(stack_set.instances.setdefault(instance.key, instance))
    return found


def present_instances(
    stack_set: StackSet,
    organization: Organization,
    targets: Mapping[str, Any] | None = None,
    regions: Sequence[str] = (),
) -> list[StackInstance]:
    """The instances that are there, of some targets and regions, or all of them.

    An instance whose account has left goes by the unit it was made for.
    """
    return [
        instance
        for instance in list(stack_set.instances.values())
        if (not regions or instance.region in regions)
        and (targets is None or _is_meant(targets, organization, instance))
    ]


def _is_meant(targets: Mapping[str, Any], organization: Organization, instance: StackInstance) -> bool:
    account_id, named = instance.account_id, targets["OrganizationalUnitIds"]
    ancestors = organization.ancestors(account_id) if account_id in organization.members else ()
    held = instance.unit_id in named or covering_unit(named, ancestors) is not None
    return held and is_included(targets, account_id)
