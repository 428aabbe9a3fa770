"""What callers bring along: condition keys, and the policies that they act under.

Source: IAM User Guide, "AWS global condition context keys", section on properties of the principal.
"""

from __future__ import annotations

from typing import Any, Final

from sandbox.aws.errors import AwsError
from sandbox.aws.identity.callers import RoleSession
from sandbox.aws.policy.evaluation import PrincipalPolicies
from sandbox.aws.policy.statements import Policy, policy_of
from sandbox.aws.state import Call
from sandbox.aws.store.backend import AccountBackend, ManagedPolicy, Role

_EVERYTHING: Final = PrincipalPolicies(
    [policy_of('{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}')]
)


def caller_keys(call: Call) -> dict[str, Any]:
    """The condition keys of whoever makes a call."""
    caller = call.signer
    keys = {
        "aws:PrincipalAccount": caller.account_id,
        "aws:PrincipalArn": caller.principal_arn,
        "aws:PrincipalType": "AssumedRole" if caller.session else "User",
        "aws:userid": caller.user_id,
    }
    tags = _role(call, caller.session).tags if caller.session else ()
    own = {f"aws:PrincipalTag/{tag['Key']}": tag["Value"] for tag in tags}
    return {**keys, **own, **call.state.organizations.condition_keys(caller.account_id)}


def caller_policies(call: Call) -> PrincipalPolicies:
    """The policies that whoever makes a call acts under; the administrator of an account may do everything.

    Raises:
        AwsError: `InvalidClientTokenId` for a session whose role has been deleted.
    """
    session = call.signer.session
    if session is None:
        return _EVERYTHING
    role = _role(call, session)
    attached = map(_in_force, role.managed_policies.values())
    boundary = role.permissions_boundary_arn
    return PrincipalPolicies(
        [*map(policy_of, role.policies.values()), *attached],
        _managed(call.account, boundary) if boundary else None,
        _session_policies(call.account, session),
    )


def _role(call: Call, session: RoleSession) -> Role:
    role = call.account.roles.get(session.role_id)
    if role is None:
        raise AwsError("InvalidClientTokenId", "The security token included in the request is invalid.")
    return role


def _session_policies(account: AccountBackend, session: RoleSession) -> list[Policy]:
    inline = [policy_of(session.policy)] if session.policy else []
    return [*inline, *(_managed(account, arn) for arn in session.policy_arns)]


def _managed(account: AccountBackend, arn: str) -> Policy:
    """A managed policy by its default version; one that is gone allows nothing."""
    policy = account.policy(arn)
    return _in_force(policy) if policy is not None else Policy(())


def _in_force(policy: ManagedPolicy) -> Policy:
    return next(policy_of(one.document) for one in policy.versions if one.version_id == policy.default_version_id)
