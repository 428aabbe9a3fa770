"""IAM as far as the plans go: pure, strict, one role.

Sources: IAM API reference; IAM User Guide, "IAM and STS quotas", "Tags for IAM resources".
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from apono_operator.state import plan
from apono_operator.state.permissions import INLINE_POLICY_NAME
from apono_operator.state.resources import IamRole

ATTACHED_LIMIT = 10
TAG_LIMIT = 50


class RefusedError(Exception):
    """IAM does not take the change."""


def states(role: IamRole | None, changes: Iterable[plan.RoleChange]) -> Iterator[IamRole | None]:
    """Yield what is there after each of *changes*, beginning with *role*.

    Raises:
        RefusedError: if IAM would not take one.
    """
    yield role
    for change in changes:
        role = after(role, change)
        yield role


def result(role: IamRole | None, changes: Iterable[plan.RoleChange]) -> IamRole | None:
    """Return what is there after all of *changes*."""
    *_, last = states(role, changes)
    return last


def after(role: IamRole | None, change: plan.RoleChange) -> IamRole | None:
    """Return what is there after *change*."""
    if isinstance(change, plan.CreateRole):
        return _created(role, change.role)
    if role is None or role.name != change.role_name:
        raise RefusedError("NoSuchEntity")
    if isinstance(change, plan.DeleteRole):
        _check_deletable(role)
        return None
    return _set(role, change) or _tagged(role, change) or _hung(role, change)


def _created(role: IamRole | None, wanted: IamRole) -> IamRole:
    if role is not None:
        raise RefusedError("EntityAlreadyExists")
    _check_tags(wanted.tags)
    return replace(wanted, permissions=None, managed_policy_arns=frozenset(), role_id="AROANEW")


def _check_deletable(role: IamRole) -> None:
    hanging = (role.managed_policy_arns, role.permissions, role.other_inline_policies, role.instance_profiles)
    if any(hanging):
        raise RefusedError("DeleteConflict")


def _set(role: IamRole, change: plan.RoleChange) -> IamRole | None:
    match change:
        case plan.PutTrust():
            return replace(role, trust=change.trust)
        case plan.PutBoundary():
            return replace(role, permissions_boundary=change.boundary)
        case plan.DropBoundary():
            return replace(role, permissions_boundary=None)
        case plan.UpdateRole():
            return replace(role, description=change.description, max_session_duration=change.max_session_duration)
        case _:
            return None


def _tagged(role: IamRole, change: plan.RoleChange) -> IamRole | None:
    match change:
        case plan.TagRole():
            return replace(role, tags=_with_tags(role.tags, change.tags))
        case plan.UntagRole():
            return replace(role, tags=_without_tags(role.tags, change.keys))
        case _:
            return None


def _hung(role: IamRole, change: plan.RoleChange) -> IamRole:
    attached = role.managed_policy_arns or frozenset()
    match change:
        case plan.PutInlinePolicy(policy_name=name) if name == INLINE_POLICY_NAME:
            return replace(role, permissions=change.document)
        case plan.DeleteInlinePolicy(policy_name=name) if name == INLINE_POLICY_NAME:  # a missing one is as good
            return replace(role, permissions=None)
        case plan.DeleteInlinePolicy(policy_name=name) if name in role.other_inline_policies:
            return replace(role, other_inline_policies=role.other_inline_policies - {name})
        case plan.AttachPolicy() if len(attached | {change.policy_arn}) <= ATTACHED_LIMIT:
            return replace(role, managed_policy_arns=attached | {change.policy_arn})
        case plan.DetachPolicy() if change.policy_arn in attached:
            return replace(role, managed_policy_arns=attached - {change.policy_arn})
        case plan.RemoveFromInstanceProfile(instance_profile=name) if name in role.instance_profiles:
            return replace(role, instance_profiles=role.instance_profiles - {name})
        case _:
            raise RefusedError(f"NoSuchEntity or LimitExceeded: {change}")


def _with_tags(tags: Mapping[str, str], new: Mapping[str, str]) -> dict[str, str]:
    _check_tags(new)
    result = {**_without_tags(tags, new), **new}
    _check_tags(result)
    return result


def _without_tags(tags: Mapping[str, str], keys: Iterable[str]) -> dict[str, str]:
    gone = {key.lower() for key in keys}
    if any(key.startswith("aws:") for key in gone):
        raise RefusedError("InvalidInput: system tags")
    return {key: value for key, value in tags.items() if key.lower() not in gone}


def _check_tags(tags: Mapping[str, str]) -> None:
    if len({key.lower() for key in tags}) < len(tags):
        raise RefusedError("InvalidInput: tag keys are case insensitive")
    if len(tags) > TAG_LIMIT:
        raise RefusedError("LimitExceeded")
