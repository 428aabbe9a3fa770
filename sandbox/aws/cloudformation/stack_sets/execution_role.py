"""In whose name stack sets act in the accounts of an organization.

With service-managed permissions, CloudFormation has a role in each account that it deploys to, which may do everything
and which only its service-linked role in the management account may assume. Source: "Activate trusted access for
StackSets with AWS Organizations" in the CloudFormation user guide.
"""

from __future__ import annotations

import json
import uuid
from datetime import timedelta
from typing import Final

from sandbox.aws.identity.callers import AccessKey, Caller, RoleSession
from sandbox.aws.organizations.organization import Organization
from sandbox.aws.state import State
from sandbox.aws.store.backend import AccountBackend, Role

_SESSION_LENGTH: Final = timedelta(hours=12)
_NAMESPACE: Final = uuid.UUID("6f7fb7b8-6c43-4a3e-9b0e-0a8c4ab1a5ab")
_ADMINISTRATOR: Final = (
    "aws-service-role/stacksets.cloudformation.amazonaws.com/AWSServiceRoleForCloudFormationStackSetsOrgAdmin"
)


class NoExecutionRoleError(Exception):
    """An account cannot be acted in; the message says why, as the status of a stack instance does."""


def execution_key(state: State, organization: Organization, account_id: str) -> AccessKey:
    """A session's key for an account, where the role is made if it has never been; what is deleted stays deleted.

    Raises:
        NoExecutionRoleError: The role, or the account, is gone.
    """
    name = f"stacksets-exec-{uuid.uuid5(_NAMESPACE, organization.id).hex}"
    account, prepared = state.accounts.get(account_id), state.stacks.prepared_accounts
    with state.lock:
        if account is not None and account_id not in prepared:
            prepared.add(account_id)
            _make_role(state, organization, account, name)
        role = account.role(name) if account is not None else None
    if role is None:
        raise NoExecutionRoleError(
            f"Account {account_id} should have '{name}' role with trust relationship to Role '{_ADMINISTRATOR}'."
        )
    return _session(state, role)


def _make_role(state: State, organization: Organization, account: AccountBackend, name: str) -> None:
    management = f"arn:{organization.partition}:iam::{organization.management_account_id}:"
    statement = {
        "Effect": "Allow",
        "Principal": {"AWS": f"{management}root"},
        "Action": "sts:AssumeRole",
        "Condition": {"ArnEquals": {"aws:PrincipalArn": f"{management}role/{_ADMINISTRATOR}"}},
    }
    trust = json.dumps({"Version": "2012-10-17", "Statement": [statement]}, separators=(",", ":"))
    role = account.add_role(name=name, path="/", trust=trust, created=state.clock())
    role.max_session_duration = int(_SESSION_LENGTH.total_seconds())
    policy = account.policy(f"arn:{organization.partition}:iam::aws:policy/AdministratorAccess")
    if policy is None:
        raise LookupError("AWS publishes no policy AdministratorAccess")
    policy.attach_to(role)


def _session(state: State, role: Role) -> AccessKey:
    name = str(uuid.uuid4())
    session = RoleSession(role.id, role.arn, name)
    arn = f"arn:{role.partition}:sts::{role.account_id}:assumed-role/{role.name}/{name}"
    caller = Caller(role.account_id, role.partition, arn, f"{role.id}:{name}", session)
    return state.keys.issue(caller, expiration=state.clock() + _SESSION_LENGTH)
