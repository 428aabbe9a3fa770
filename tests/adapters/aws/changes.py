"""Every kind of change that a plan can hold, and what a role is after it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from apono_operator.state import plan
from apono_operator.state.permissions import INLINE_POLICY_NAME
from tests.adapters.aws.connection import READ_ONLY, Connection, allowing, customer_policy, trusting_the_account

LAMBDA_READ_ONLY = "arn:aws:iam::aws:policy/AWSLambda_ReadOnlyAccess"
EXTERNAL_ID = {"StringEquals": {"sts:ExternalId": "1"}}


@dataclass(frozen=True)
class Row:
    """A change to a role as `connection.role_of` describes it.

    Attributes:
        kind: Its type.
        change: The change.
        then: The fields that are others afterwards.
    """

    kind: type[plan.RoleChange]
    change: Callable[[Connection], plan.RoleChange]
    then: Callable[[Connection], Mapping[str, Any]] = lambda _: {}


def name_of(row: Row) -> str:
    """How a test calls a row."""
    return row.kind.__name__


UPDATES = (
    Row(
        plan.PutTrust,
        lambda c: plan.PutTrust(c.name, trusting_the_account(c.account, Condition=EXTERNAL_ID)),
        lambda c: {"trust": trusting_the_account(c.account, Condition=EXTERNAL_ID)},
    ),
    Row(
        plan.PutBoundary,
        lambda c: plan.PutBoundary(c.name, customer_policy(c.account, "narrower")),
        lambda c: {"permissions_boundary": c.arn("policy/narrower")},
    ),
    Row(
        plan.UpdateRole,
        lambda c: plan.UpdateRole(c.name, "Another description.", 43200),
        lambda _: {"description": "Another description.", "max_session_duration": 43200},
    ),
    Row(
        plan.UpdateRole,
        lambda c: plan.UpdateRole(c.name, "", 3600),
        lambda _: {"description": "", "max_session_duration": 3600},
    ),
    Row(
        plan.TagRole,
        lambda c: plan.TagRole(c.name, {"team": "b", "cost centre": "42", "empty": ""}),
        lambda _: {"tags": {"apono.io/name": "test", "team": "b", "cost centre": "42", "empty": ""}},
    ),
    Row(
        plan.UntagRole,
        lambda c: plan.UntagRole(c.name, frozenset({"team"})),
        lambda _: {"tags": {"apono.io/name": "test"}},
    ),
    Row(
        plan.PutInlinePolicy,
        lambda c: plan.PutInlinePolicy(c.name, INLINE_POLICY_NAME, allowing("s3:GetObject")),
        lambda _: {"permissions": allowing("s3:GetObject")},
    ),
    Row(
        plan.AttachPolicy,
        lambda c: plan.AttachPolicy(c.name, LAMBDA_READ_ONLY),
        lambda c: {"managed_policy_arns": frozenset({READ_ONLY, c.arn("policy/extra"), LAMBDA_READ_ONLY})},
    ),
)
"""They need a role that is there."""

REMOVALS = (
    Row(plan.DropBoundary, lambda c: plan.DropBoundary(c.name), lambda _: {"permissions_boundary": None}),
    Row(
        plan.DeleteInlinePolicy,
        lambda c: plan.DeleteInlinePolicy(c.name, INLINE_POLICY_NAME),
        lambda _: {"permissions": None},
    ),
    Row(
        plan.DetachPolicy,
        lambda c: plan.DetachPolicy(c.name, c.arn("policy/extra")),
        lambda _: {"managed_policy_arns": frozenset({READ_ONLY})},
    ),
)

ENDINGS = (
    Row(plan.RemoveFromInstanceProfile, lambda c: plan.RemoveFromInstanceProfile(c.name, c.profile)),
    Row(plan.DeleteRole, lambda c: plan.DeleteRole(c.name)),
)
"""What only a deletion does; where it leads to has a test of its own."""
